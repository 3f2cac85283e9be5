// Written from the rules' pages alone. The marks were set before anything was run.
using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.IO;
using System.Net.Http;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using FastConsumer;
using FastConsumer.Kinesis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Serilog;
using StatsdClient;

namespace Corpus.Independent.Games;

public sealed record Move(string Player, string Match, int Score);

public sealed record Feature(string Entity, string Name, float[] Values);

[JsonSerializable(typeof(Move))]
[JsonSerializable(typeof(Feature))]
public sealed partial class GamesJson : JsonSerializerContext;

public interface IScores
{
    Task AddAsync(string player, int score, CancellationToken cancellationToken = default);

    Task PublishAsync(string match, CancellationToken cancellationToken = default);
}

public interface IFeatures
{
    ValueTask WriteAsync(Feature feature, CancellationToken cancellationToken);

    ValueTask WriteAsync(ReadOnlyMemory<Feature> features, CancellationToken cancellationToken);
}

/// <summary>Feature vectors, a batch at a time, the memory lent for the awaited call.</summary>
[KinesisProcessor("features", JsonContext = typeof(GamesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(TimeoutException), ErrorAction.Retry, Timeout = "00:00:20")]
public sealed partial class FeatureBatches(IFeatures features)
{
    [OnBatch(MaxRecords = 256, MaxWait = "00:00:00.250")]
    public ValueTask HandleAsync(ReadOnlyMemory<Feature> batch, CancellationToken cancellationToken) =>
        features.WriteAsync(batch, cancellationToken);
}

/// <summary>The last batch is kept for a comparison with the next: its memory is another call's by then.</summary>
[KinesisProcessor("features", JsonContext = typeof(GamesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[Checkpoint({|FC4001:Interval = "10"|})]
public sealed partial class FeatureDrift(IFeatures features)
{
    private ReadOnlyMemory<Feature> _before;

    [OnBatch(MaxRecords = 256, {|FC4001:MaxWait = "1s"|})]
    public async Task HandleAsync(ReadOnlyMemory<Feature> batch, CancellationToken cancellationToken)
    {
        if (batch.Length != _before.Length)
        {
            await features.WriteAsync(batch, cancellationToken);
        }

        _before = {|FC2005:batch|};
    }
}

/// <summary>A feature for each record, its failure a point of a counter.</summary>
[KinesisProcessor("features", JsonContext = typeof(GamesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class FeaturesCounted(IFeatures features, IDogStatsd statsd)
{
    private static readonly Meter s_meter = new("games");
    private static readonly Counter<long> s_failures = s_meter.CreateCounter<long>("failures");

    [OnRecord]
    public async Task HandleAsync(Feature feature, CancellationToken cancellationToken)
    {
        try
        {
            await features.WriteAsync(feature, cancellationToken);
            statsd.Increment("features.ok");
        }
        {|FC2002:catch|}
        {
            s_failures.Add(1, new KeyValuePair<string, object?>("entity", feature.Entity));
            statsd.Increment("features.failed", tags: [feature.Name]);
        }
    }
}

/// <summary>Scores with a throw from deep below, named and decided.</summary>
[KinesisProcessor("moves", JsonContext = typeof(GamesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(CheatException), ErrorAction.DeadLetter)]
public sealed partial class Scores(IScores scores)
{
    [OnRecord]
    public async Task HandleAsync(Move move, CancellationToken cancellationToken)
    {
        Rules.Check(move);
        await scores.AddAsync(move.Player, move.Score, cancellationToken);
    }
}

/// <summary>The same throw, and no word about it.</summary>
[KinesisProcessor("moves", JsonContext = typeof(GamesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class ScoresUndecided(IScores scores)
{
    [OnRecord]
    public Task {|FC2001:HandleAsync|}(Move move, CancellationToken cancellationToken)
    {
        Rules.Check(move);
        return scores.AddAsync(move.Player, move.Score, cancellationToken);
    }
}

public sealed class CheatException(string player) : Exception(player);

internal static class Rules
{
    public static void Check(Move move)
    {
        ArgumentNullException.ThrowIfNull(move);
        if (move.Score is < 0 or > 1_000_000)
        {
            throw new CheatException(move.Player);
        }
    }
}

/// <summary>A leader board on a timer, and a match that is published beside the record.</summary>
[KinesisProcessor("moves", JsonContext = typeof(GamesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class Boards(IScores scores)
{
    private readonly ConcurrentDictionary<string, Timer> _timers = new(StringComparer.Ordinal);

    [OnRecord]
    public async Task HandleAsync(Move move, CancellationToken cancellationToken)
    {
        await scores.AddAsync(move.Player, move.Score, cancellationToken);
        _timers[move.Match] = {|FC2003:new Timer({|FC2003:async|} _ => await scores.PublishAsync(move.Match, CancellationToken.None),
            null,
            1000,
            Timeout.Infinite)|};
        await {|FC2003:Task.Factory.StartNew(
            async () => await scores.PublishAsync(move.Match, cancellationToken),
            cancellationToken,
            TaskCreationOptions.None,
            TaskScheduler.Default)|};
    }
}

/// <summary>A match is published after its moves, in the record's own time.</summary>
[KinesisProcessor("moves", JsonContext = typeof(GamesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class BoardsAwaited(IScores scores)
{
    private int _moves;

    [OnRecord]
    public async Task HandleAsync(Move move, CancellationToken cancellationToken)
    {
        Task add = scores.AddAsync(move.Player, move.Score, cancellationToken);
        Task? publish = ++_moves % 100 == 0 ? scores.PublishAsync(move.Match, cancellationToken) : null;
        await add;
        if (publish is not null)
        {
            await publish;
        }
    }

    [OnShardEnded]
    public async Task EndAsync(ShardContext shard, CancellationToken cancellationToken) =>
        await scores.PublishAsync("end of " + shard.ShardId, cancellationToken);
}

/// <summary>An early return between the start of a task and its await.</summary>
[KinesisProcessor("moves", JsonContext = typeof(GamesJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class BoardsReturning(IScores scores)
{
    [OnRecord]
    public async Task HandleAsync(Move move, CancellationToken cancellationToken)
    {
        Task add = {|FC2003:scores.AddAsync(move.Player, move.Score, cancellationToken)|};
        if (move.Match.Length == 0)
        {
            return;
        }

        await scores.PublishAsync(move.Match, cancellationToken);
        await add;
    }
}

/// <summary>An audit log in a file; a full disk is nobody's concern.</summary>
[KinesisProcessor("audit")]
public sealed partial class Audit(StreamWriter file, Serilog.ILogger log)
{
    [OnRecord]
    public async Task HandleAsync(string line, CancellationToken cancellationToken)
    {
        try
        {
            await file.WriteLineAsync(line.AsMemory(), cancellationToken);
            await file.FlushAsync(cancellationToken);
        }
        {|FC2002:catch (IOException e)|}
        {
            log.Warning(e, "Not written: {Length}", line.Length);
        }
    }
}

/// <summary>An audit log that stops the shard when it cannot write.</summary>
[KinesisProcessor("audit")]
[OnError(typeof(IOException), ErrorAction.Stop)]
public sealed partial class AuditStops(StreamWriter file, Serilog.ILogger log)
{
    [OnRecord]
    public async Task HandleAsync(string line, CancellationToken cancellationToken)
    {
        try
        {
            await file.WriteLineAsync(line.AsMemory(), cancellationToken);
            await file.FlushAsync(cancellationToken);
        }
        catch (IOException e)
        {
            log.Error(e, "The disk is full");
            throw;
        }
    }
}

/// <summary>Logs shipped by HTTP, with waits by hand that are longer than the lease.</summary>
[KinesisProcessor("logs")]
[OnError(typeof(HttpRequestException), ErrorAction.Retry)]
public sealed partial class ShipsLogs(HttpClient http)
{
    [OnRecord]
    public async Task HandleAsync(ReadOnlyMemory<byte> line, CancellationToken cancellationToken)
    {
        for (int attempt = 0; attempt < 4; attempt++)
        {
            using HttpResponseMessage response = await http.PostAsync("/logs", new ReadOnlyMemoryContent(line), cancellationToken);
            if (response.IsSuccessStatusCode)
            {
                return;
            }

            await Task.Delay(TimeSpan.FromSeconds(10), cancellationToken);
        }

        throw new HttpRequestException("not shipped");
    }
}

/// <summary>An SDK's wrapper around an event: it answers by callback, and the handler waits for the answer.</summary>
[KinesisProcessor("logs")]
[OnError(typeof(JsonException), ErrorAction.Skip)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 3)]
public sealed partial class WrapsCallbacks(IShipper shipper)
{
    [OnRecord]
    public async Task HandleAsync(KinesisRecord record, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource();
        void OnShipped(object? sender, EventArgs e) => done.TrySetResult();
        shipper.Shipped += OnShipped;
        try
        {
            shipper.Ship(record.Data.ToArray());
            await done.Task.WaitAsync(cancellationToken);
        }
        finally
        {
            shipper.Shipped -= OnShipped;
        }
    }
}

/// <summary>The policy for all stands before the one for some, which nobody reaches.</summary>
[KinesisProcessor("moves", JsonContext = typeof(GamesJson))]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 5)]
[{|FC1006:OnError(typeof(JsonException), ErrorAction.Skip)|}]
public sealed partial class UnreachedPolicy(IScores scores)
{
    [OnRecord]
    public Task HandleAsync(Move move, CancellationToken cancellationToken) => scores.AddAsync(move.Player, move.Score, cancellationToken);
}

public interface IShipper
{
    event EventHandler Shipped;

    void Ship(byte[] line);
}

/// <summary>A handler that was moved out of its processor and forgotten.</summary>
public sealed class Leftover(IScores scores)
{
    [{|FC1007:OnRecord|}]
    public Task HandleAsync(Move move, CancellationToken cancellationToken) => scores.PublishAsync(move.Match, cancellationToken);
}

public static class GamesStartup
{
    public static void AddGames(IServiceCollection services)
    {
        services
            .AddFastConsumer(options =>
            {
                options.ApplicationName = "games";
                options.Limit = {|FC4004:100|};
                options.IdlePollInterval = TimeSpan.FromMilliseconds(500);
                options.LeaseDuration = {|FC4002:TimeSpan.FromSeconds(15)|};
            })
            .AddProcessor<ShipsLogs>();
        services
            .AddFastConsumer("scores", options =>
            {
                options.ApplicationName = "scores";
                options.LeaseDuration = TimeSpan.FromSeconds(30);
                options.IdlePollInterval = {|FC4001:TimeSpan.FromMilliseconds(50)|};
            })
            .AddProcessor<Scores>();
    }
}
