using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Amazon.Runtime;
using FastConsumer.Hosting;
using FastConsumer.Testing;
using FastConsumer.Testing.Leases;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Dashboard.Tests.Hosting;

/// <summary>A web application with a consumer and its dashboard, on Kestrel on a free loopback port.</summary>
internal sealed class DashboardHost : IAsyncDisposable
{
    public const string Path = "/fastconsumer";
    public const string Stream = "events";
    public const string Application = "dashboard-tests";
    public const string Key = "AKIASECRETSECRETSECR";
    public const string Secret = "the-secret-of-the-tests";

    private readonly WebApplication _app;

    private DashboardHost(WebApplication app, Done done)
    {
        _app = app;
        Done = done;
        Url = new Uri($"{app.Urls.Single()}{Path}/");
        Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = Url };
    }

    public Done Done { get; }

    public Uri Url { get; }

    public HttpClient Client { get; }

    public IServiceProvider Services => _app.Services;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<DashboardHost> StartAsync(
        EmbeddedKinesis kinesis,
        InMemoryLeaseDatabase leases,
        Action<FastConsumerDashboardOptions>? dashboard = null,
        Action<FastConsumerOptions>? options = null,
        Action<IServiceCollection>? services = null,
        Action<WebApplication>? pipeline = null,
        Action<IEndpointConventionBuilder>? conventions = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddRoutingCore();
        var done = new Done();
        builder.Services.AddSingleton(done);
        builder.Services.AddFastConsumer(settings =>
            {
                Defaults(settings, kinesis, Application);
                options?.Invoke(settings);
            })
            .AddProcessor<TextProcessor>()
            .UseInMemoryLeases(leases);
        services?.Invoke(builder.Services);
        WebApplication app = builder.Build();
        pipeline?.Invoke(app);
        app.UseRouting();
        if (services is not null && app.Services.GetService<Microsoft.AspNetCore.Authorization.IAuthorizationService>() is not null)
        {
            app.UseAuthentication();
            app.UseAuthorization();
        }

        IEndpointConventionBuilder mapped = app.MapFastConsumerDashboard(Path, dashboard);
        conventions?.Invoke(mapped);
        await app.StartAsync(Cancellation);
        return new DashboardHost(app, done);
    }

    public static void Defaults(FastConsumerOptions settings, EmbeddedKinesis kinesis, string application)
    {
        settings.ApplicationName = application;
        settings.WorkerId = "worker-1";
        settings.ServiceUrl = kinesis.ServiceUrl;
        settings.Region = kinesis.Region;
        settings.Credentials = new BasicAWSCredentials(Key, Secret);
        settings.IdlePollInterval = TimeSpan.FromMilliseconds(200);
        settings.CheckpointInterval = TimeSpan.FromMilliseconds(200);
        settings.ShardSyncInterval = TimeSpan.FromSeconds(1);
        settings.RetryInitialBackoff = TimeSpan.FromMilliseconds(20);
        settings.RetryMaxBackoff = TimeSpan.FromMilliseconds(100);
        settings.StopTimeout = TimeSpan.FromSeconds(15);
    }

    public async Task<JsonElement> GetAsync(string path) =>
        JsonDocument.Parse(await Client.GetByteArrayAsync(new Uri(path, UriKind.Relative), Cancellation)).RootElement;

    /// <summary>The only worker's state, once it says so.</summary>
    public async Task<JsonElement> WorkerAsync(Func<JsonElement, bool> isSo)
    {
        JsonElement state = default;
        JsonDocument found = await Eventually.FoundAsync(
            async () =>
            {
                state = await GetAsync("api/state");
                JsonElement workers = state.GetProperty("consumers")[0].GetProperty("workers");
                return workers.GetArrayLength() == 1 && isSo(workers[0]) ? JsonDocument.Parse(workers[0].GetRawText()) : null;
            },
            () => $"{state}");
        return found.RootElement;
    }

    /// <summary>The row of a shard.</summary>
    public static JsonElement Shard(JsonElement worker, string id) => worker.GetProperty("shards").EnumerateArray()
        .FirstOrDefault(shard => shard.GetProperty("id").GetString() == id);

    /// <summary>An action as the dashboard's own page sends it.</summary>
    public async Task<(HttpStatusCode Status, string Answer)> ActAsync(object action, Action<HttpRequestMessage>? change = null)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, new Uri("api/actions", UriKind.Relative));
        request.Content = JsonContent.Create(action);
        request.Headers.Add("X-FastConsumer-Action", "1");
        request.Headers.Add("Origin", Url.GetLeftPart(UriPartial.Authority));
        request.Headers.Add("Sec-Fetch-Site", "same-origin");
        change?.Invoke(request);
        using HttpResponseMessage answer = await Client.SendAsync(request, Cancellation);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancellation));
    }

    public Task StopAsync() => _app.StopAsync(Cancellation);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }
}
