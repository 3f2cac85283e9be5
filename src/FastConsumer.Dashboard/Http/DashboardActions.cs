using System.Text;
using System.Text.Json;
using FastConsumer.Dashboard.Feed;
using FastConsumer.Dashboard.Model;
using FastConsumer.Hosting;
using FastConsumer.Leases;
using FastConsumer.Operators;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Dashboard.Http;

/// <summary>What the dashboard does where it may: all of it by the consumer's control.</summary>
internal sealed class DashboardActions(DashboardHub hub, FastConsumerDashboardOptions options, IServiceProvider services)
{
    private const int LongestRequest = 16 * 1024;
    private const int LongestBy = 64;
    private const int LongestReason = 128;
    private const int LongestTarget = 300;

    private readonly ILogger _log = services.GetRequiredService<ILoggerFactory>().CreateLogger("FastConsumer.Dashboard");

    /// <summary>Who looks, as JSON.</summary>
    public byte[] Session(HttpContext context) => JsonSerializer.SerializeToUtf8Bytes(
        new SessionState(options.AllowActions, UserOf(context), LongestBy, LongestReason), DashboardJson.Default.SessionState);

    /// <summary>Does what is asked for, and answers what became of it.</summary>
    public async Task ActAsync(HttpContext context)
    {
        if (AccessGuard.ActionRefusal(context.Request) is { } refusal)
        {
            await DashboardEndpoints.SayAsync(context, StatusCodes.Status403Forbidden, refusal).ConfigureAwait(false);
            return;
        }

        if (options.ActionsAuthorizationPolicy is null && AccessGuard.HasPolicies(context, 1))
        {
            await DashboardEndpoints.SayAsync(
                context,
                StatusCodes.Status403Forbidden,
                "Who may see the dashboard is said by a policy, and nobody has said who may act: set ActionsAuthorizationPolicy.")
                .ConfigureAwait(false);
            return;
        }

        (int status, ActionAnswer answer) = await AnswerAsync(context).ConfigureAwait(false);
        context.Response.StatusCode = status;
        await DashboardEndpoints.JsonAsync(context, JsonSerializer.SerializeToUtf8Bytes(answer, DashboardJson.Default.ActionAnswer))
            .ConfigureAwait(false);
    }

    private async Task<(int Status, ActionAnswer Answer)> AnswerAsync(HttpContext context)
    {
        try
        {
            ActionRequest request = await ReadAsync(context.Request).ConfigureAwait(false);
            string by = Required(UserOf(context) ?? request.By, "Your name", LongestBy);
            string reason = Required(request.Reason, "The reason", LongestReason);
            DashboardConsumer consumer = hub.Consumers.FirstOrDefault(known => known.Name == (request.Consumer ?? ""))
                ?? throw new ArgumentException($"There is no consumer '{request.Consumer}'.");
            string action = Required(request.Action, "The action", LongestBy);
            DashboardLog.Asked(_log, by, action, TargetOf(request), reason);
            return (StatusCodes.Status200OK, await ActAsync(
                consumer, request with { Action = action, By = by, Reason = reason }, context.RequestAborted).ConfigureAwait(false));
        }
        catch (Exception e) when (StatusOf(e) is { } status)
        {
            return (status, new ActionAnswer(false, e.Message));
        }
    }

    private static int? StatusOf(Exception error) => error switch
    {
        ArgumentException or JsonException => StatusCodes.Status400BadRequest,
        BadHttpRequestException bad => bad.StatusCode,
        // it has not started, or it stops
        InvalidOperationException => StatusCodes.Status409Conflict,
        LeaseStoreException => StatusCodes.Status502BadGateway,
        TimeoutException => StatusCodes.Status504GatewayTimeout,
        _ => null,
    };

    private Task<ActionAnswer> ActAsync(DashboardConsumer consumer, ActionRequest request, CancellationToken left)
    {
        IFastConsumerControl control = consumer.Service;
        return request.Action switch
        {
            "retry" => DecideAsync(control, request, RecordDecision.Retry, left),
            "skip" => DecideAsync(control, request, RecordDecision.Skip, left),
            "dead-letter" => DecideAsync(control, request, RecordDecision.DeadLetter, left),
            "pause" => PauseAsync(control, request, left),
            "resume" => ResumeAsync(control, request, left),
            "acknowledge" => Task.FromResult(Acknowledge(control, request)),
            "drain" => DrainAsync(control, left),
            "end-drain" => Task.FromResult(EndDrain(control)),
            var other => throw new ArgumentException($"There is no action '{other}'."),
        };
    }

    /// <summary>What the row of the shard says counts, and not what the page says of the record: the page names it only.</summary>
    private async Task<ActionAnswer> DecideAsync(
        IFastConsumerControl control, ActionRequest request, RecordDecision decision, CancellationToken left)
    {
        StreamWorker worker = hub.Find(request.Consumer ?? "", request.Processor ?? "")
            ?? throw new ArgumentException($"There is no processor '{request.Processor}'.");
        ShardView? shard = WorkerView.Of(worker, hub.Time.GetUtcNow()).Shards
            .FirstOrDefault(known => known.Row.ShardId == request.Shard);
        if (shard?.Row.Failing is not { } failing
            || failing.Position != request.Position
            || FormattableString.Invariant($"{failing.Epoch}") != request.Token)
        {
            return new ActionAnswer(false, $"Shard {request.Shard} no longer fails on record {request.Position}.");
        }

        DecidedRecord decided = await control.DecideAsync(
            new FailingRecord
            {
                ProcessorName = worker.ProcessorName,
                ShardId = shard.Row.ShardId,
                Position = failing.Position,
                FencingToken = failing.Epoch,
                Error = failing.Error,
                Attempts = failing.Attempts,
                IsStopped = failing.IsStopped,
                Owner = shard.Owner,
            },
            decision,
            request.By!,
            request.Reason,
            left).ConfigureAwait(false);
        return decided.Refusal is { } refusal
            ? new ActionAnswer(false, $"Refused: {refusal}")
            : new ActionAnswer(true, $"{decision} of record {failing.Position} of {shard.Row.ShardId} is carried out.");
    }

    private static async Task<ActionAnswer> PauseAsync(IFastConsumerControl control, ActionRequest request, CancellationToken left)
    {
        IReadOnlyList<string> paused =
            await control.PauseAsync(request.Shard, request.By!, request.Reason, request.Until, left).ConfigureAwait(false);
        return new ActionAnswer(true, $"{paused.Count} shards are paused.");
    }

    private static async Task<ActionAnswer> ResumeAsync(IFastConsumerControl control, ActionRequest request, CancellationToken left)
    {
        IReadOnlyList<string> resumed = await control.ResumeAsync(request.Shard, request.By!, left).ConfigureAwait(false);
        return new ActionAnswer(resumed.Count > 0, resumed.Count > 0 ? $"{resumed.Count} shards go on." : "No such shard was paused.");
    }

    private static ActionAnswer Acknowledge(IFastConsumerControl control, ActionRequest request) =>
        control.Acknowledge(request.Finding ?? "", request.Scope ?? "")
            ? new ActionAnswer(true, $"{request.Finding} is acknowledged.")
            : new ActionAnswer(false, $"{request.Finding} does not hold any more.");

    private static async Task<ActionAnswer> DrainAsync(IFastConsumerControl control, CancellationToken left)
    {
        await control.DrainAsync(left).ConfigureAwait(false);
        return new ActionAnswer(true, "This process holds no lease any more, and takes none until the drain is ended.");
    }

    private static ActionAnswer EndDrain(IFastConsumerControl control)
    {
        control.EndDrain();
        return new ActionAnswer(true, "This process takes its share of leases again.");
    }

    private static async Task<ActionRequest> ReadAsync(HttpRequest request)
    {
        if (!request.HasJsonContentType())
        {
            throw new BadHttpRequestException(
                "An action is JSON (Content-Type: application/json).", StatusCodes.Status415UnsupportedMediaType);
        }

        using var text = new MemoryStream();
        byte[] part = new byte[4096];
        while (await request.Body.ReadAsync(part, request.HttpContext.RequestAborted).ConfigureAwait(false) is > 0 and var read)
        {
            if (text.Length + read > LongestRequest)
            {
                throw new BadHttpRequestException(
                    $"An action has at most {LongestRequest} bytes.", StatusCodes.Status413PayloadTooLarge);
            }

            text.Write(part, 0, read);
        }

        return JsonSerializer.Deserialize(text.ToArray(), DashboardJson.Default.ActionRequest)
            ?? throw new ArgumentException("An action is a JSON object.");
    }

    private static string Required(string? text, string name, int most)
    {
        string trimmed = text?.Trim() ?? "";
        return trimmed.Length == 0 ? throw new ArgumentException($"{name} is missing.")
            : Encoding.UTF8.GetByteCount(trimmed) > most ? throw new ArgumentException($"{name} is longer than {most} bytes of UTF-8.")
            // a line break would make two lines of the log's one
            : trimmed.Any(char.IsControl) ? throw new ArgumentException($"{name} has a control character in it.")
            : trimmed;
    }

    /// <summary>What the log says of it: control characters stay out.</summary>
    private static string TargetOf(ActionRequest request)
    {
        string target = request.Finding is { } finding ? $"{finding} ({request.Scope})"
            : request.Position is { } position ? $"record {position} of shard {request.Shard}"
            : request.Shard is { } shard ? $"shard {shard}"
            : "all shards";
        return string.Concat(target.Take(LongestTarget).Where(static letter => !char.IsControl(letter)));
    }

    /// <summary>The signed-in user's name, as far as a row has room for it; null where nobody has signed in.</summary>
    private static string? UserOf(HttpContext context)
    {
        if (context.User.Identity is not { IsAuthenticated: true } identity)
        {
            return null;
        }

        string name = string.Concat((identity.Name ?? "a signed-in user").Where(static letter => !char.IsControl(letter)));
        while (Encoding.UTF8.GetByteCount(name) > LongestBy)
        {
            name = name[..^1];
        }

        return name;
    }
}
