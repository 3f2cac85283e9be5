using FastConsumer.Dashboard.Feed;
using FastConsumer.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FastConsumer.Dashboard.Http;

/// <summary>The dashboard's addresses.</summary>
internal static class DashboardEndpoints
{
    private const string JsonType = "application/json";
    private const string ContentPolicy =
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; object-src 'none'";

    /// <summary>Maps them.</summary>
    /// <param name="endpoints">Where.</param>
    /// <param name="path">Below which path.</param>
    /// <param name="options">Who may do what.</param>
    /// <param name="services">The services of the host that the consumers run in.</param>
    public static IEndpointConventionBuilder Map(
        IEndpointRouteBuilder endpoints, string path, FastConsumerDashboardOptions options, IServiceProvider services)
    {
        FastConsumerBuilder[] consumers = [.. services.GetServices<FastConsumerBuilder>()];
        if (consumers.Length == 0)
        {
            throw new InvalidOperationException("The dashboard has no consumer to show: add one with AddFastConsumer(...).");
        }

        if (options is { AllowActions: true, AuthorizationPolicy: { } viewers, ActionsAuthorizationPolicy: null })
        {
            throw new InvalidOperationException(
                $"The dashboard may act (AllowActions), and who may see it is said by the policy '{viewers}': say by "
                    + "ActionsAuthorizationPolicy who may act. It may be the same policy.");
        }

        var hub = new DashboardHub(consumers, options, services);
        hub.Follow(endpoints.ServiceProvider.GetRequiredService<IHostApplicationLifetime>());
        var actions = new DashboardActions(hub, options, services);

        RouteGroupBuilder group = endpoints.MapGroup(path);
        group.MapGet("/", Guarded(IndexAsync));
        group.MapGet("/assets/{name}", Guarded(static context =>
            SendAsync(context, Assets.Find(context.Request.RouteValues["name"] as string))));
        group.MapGet("/api/session", Api(context => JsonAsync(context, actions.Session(context))));
        group.MapGet("/api/state", Api(context => JsonAsync(context, hub.State())));
        group.MapGet("/api/live", Api(context => LiveAsync(context, hub)));
        group.MapGet("/api/settings", Api(context => JsonAsync(context, SettingsBuilder.Settings(hub.Consumers, options))));
        group.MapGet("/api/history", Api(context => HistoryAsync(context, hub)));
        if (options.AllowActions)
        {
            IEndpointConventionBuilder act = group.MapPost("/api/actions", Guarded(
                actions.ActAsync, policies: options.ActionsAuthorizationPolicy is null ? 1 : 2));
            if (options.ActionsAuthorizationPolicy is { } policy)
            {
                act.RequireAuthorization(policy);
            }
        }

        if (options.AuthorizationPolicy is { } all)
        {
            group.RequireAuthorization(all);
        }

        return group;
    }

    /// <summary>Answers with a sentence.</summary>
    public static Task SayAsync(HttpContext context, int status, string sentence)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(sentence, context.RequestAborted);
    }

    /// <summary>Answers with JSON.</summary>
    public static Task JsonAsync(HttpContext context, byte[] json)
    {
        context.Response.ContentType = JsonType;
        context.Response.ContentLength = json.Length;
        return context.Response.Body.WriteAsync(json, context.RequestAborted).AsTask();
    }

    private static RequestDelegate Api(RequestDelegate answer) => Guarded(context =>
        AccessGuard.CrossSiteRefusal(context.Request) is { } refusal
            ? SayAsync(context, StatusCodes.Status403Forbidden, refusal)
            : answer(context));

    private static RequestDelegate Guarded(RequestDelegate answer, int policies = 1) => context =>
    {
        IHeaderDictionary headers = context.Response.Headers;
        headers.ContentSecurityPolicy = ContentPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers.CacheControl = "no-store";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        return AccessGuard.Refusal(context, policies) is { } refusal
            ? SayAsync(context, StatusCodes.Status403Forbidden, refusal)
            : answer(context);
    };

    private static Task IndexAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        if (request.Path.Value is { } path && !path.EndsWith('/'))
        {
            // the page names its files below itself
            context.Response.Redirect($"{request.PathBase}{request.Path}/");
            return Task.CompletedTask;
        }

        return SendAsync(context, Assets.Index);
    }

    private static Task SendAsync(HttpContext context, Asset? asset)
    {
        if (asset is null)
        {
            return SayAsync(context, StatusCodes.Status404NotFound, "The dashboard has no such file.");
        }

        context.Response.ContentType = asset.ContentType;
        context.Response.ContentLength = asset.Content.Length;
        return context.Response.Body.WriteAsync(asset.Content, context.RequestAborted).AsTask();
    }

    private static Task HistoryAsync(HttpContext context, DashboardHub hub)
    {
        IQueryCollection query = context.Request.Query;
        string shard = query["shard"].ToString();
        byte[]? history = hub.History(
            query["consumer"].ToString(), query["processor"].ToString(), shard.Length == 0 ? null : shard);
        return history is { } json
            ? JsonAsync(context, json)
            : SayAsync(context, StatusCodes.Status404NotFound, "There is no such processor.");
    }

    private static async Task LiveAsync(HttpContext context, DashboardHub hub)
    {
        if (!hub.TryEnter())
        {
            context.Response.Headers.RetryAfter = "10";
            await SayAsync(
                context,
                StatusCodes.Status503ServiceUnavailable,
                $"{DashboardHub.MostViewers} pages are updated live already, which is the most. Close one of them.").ConfigureAwait(false);
            return;
        }

        try
        {
            await TypedResults.ServerSentEvents(hub.StatesAsync(context.Abort, context.RequestAborted))
                .ExecuteAsync(context).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // the viewer has left
        }
        finally
        {
            hub.Leave();
        }
    }
}
