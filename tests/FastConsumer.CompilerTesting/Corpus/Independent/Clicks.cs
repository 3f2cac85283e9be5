// Written from the rules' pages alone. The marks were set before anything was run.
using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Threading.Channels;
using FastConsumer;
using FastConsumer.Kinesis;
using Microsoft.Extensions.Logging;

namespace Corpus.Independent.Clicks;

public sealed record Click(string User, string Page, DateTimeOffset At);

public sealed record Usage(string Tenant, string Meter, long Units);

[JsonSerializable(typeof(Click))]
[JsonSerializable(typeof(Usage))]
public sealed partial class ClicksJson : JsonSerializerContext;

public interface ISessions
{
    Task AppendAsync(string user, IReadOnlyList<Click> clicks, CancellationToken cancellationToken);
}

public interface IMeters
{
    Task AddAsync(string tenant, long units, CancellationToken cancellationToken);
}

public sealed class UsageRejectedException(string message) : Exception(message);

/// <summary>Clicks of a batch by user: what is grouped lives as long as the call.</summary>
[KinesisProcessor("clicks", JsonContext = typeof(ClicksJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class Sessions(ISessions sessions)
{
    [OnBatch(MaxRecords = 1000)]
    public async Task HandleAsync(ReadOnlyMemory<Click> clicks, CancellationToken cancellationToken)
    {
        var byUser = new Dictionary<string, List<Click>>(StringComparer.Ordinal);
        for (int i = 0; i < clicks.Length; i++)
        {
            Click click = clicks.Span[i];
            if (!byUser.TryGetValue(click.User, out List<Click>? list))
            {
                byUser.Add(click.User, list = []);
            }

            list.Add(click);
        }

        await Parallel.ForEachAsync(
            byUser, cancellationToken, async (entry, token) => await sessions.AppendAsync(entry.Key, entry.Value, token));
    }
}

/// <summary>A writer of its own behind a channel: a record is done when it lies in the queue.</summary>
[KinesisProcessor("clicks", JsonContext = typeof(ClicksJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class BehindAChannel(ISessions sessions, ILogger<BehindAChannel> logger)
{
    private readonly Channel<Click> _clicks = Channel.CreateBounded<Click>(1000);
    private Task _writer = Task.CompletedTask;

    [OnShardStarted]
    public void Start() => _writer = Task.Run(WriteAsync);

    [OnRecord]
    public async ValueTask HandleAsync(Click click, CancellationToken cancellationToken) =>
        await {|FC2006:_clicks.Writer.WriteAsync(click, cancellationToken)|};

    [OnStopping]
    public async Task StopAsync()
    {
        _clicks.Writer.Complete();
        await _writer;
    }

    private async Task WriteAsync()
    {
        await foreach (Click click in _clicks.Reader.ReadAllAsync())
        {
            try
            {
                await sessions.AppendAsync(click.User, [click], CancellationToken.None);
            }
            catch (Exception e)
            {
                logger.LogError(e, "Click lost");
            }
        }
    }
}

/// <summary>A channel whose reader says when an item is done, and the handler waits for it.</summary>
[KinesisProcessor("clicks", JsonContext = typeof(ClicksJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 10, Then = ErrorAction.DeadLetter)]
[Concurrency(32, Order = RecordOrder.None)]
public sealed partial class ChannelWithAnswer(ISessions sessions)
{
    private readonly Channel<(Click Click, TaskCompletionSource Done)> _clicks = Channel.CreateUnbounded<(Click, TaskCompletionSource)>();

    [OnShardStarted]
    public void Start(ShardContext shard) => Task.Run(WriteAsync);

    [OnRecord]
    public async Task HandleAsync(Click click, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await _clicks.Writer.WriteAsync((click, done), cancellationToken);
        await done.Task.WaitAsync(cancellationToken);
    }

    [OnStopping]
    public void Stop() => _clicks.Writer.Complete();

    private async Task WriteAsync()
    {
        await foreach ((Click click, TaskCompletionSource done) in _clicks.Reader.ReadAllAsync())
        {
            try
            {
                await sessions.AppendAsync(click.User, [click], CancellationToken.None);
                done.SetResult();
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        }
    }
}

/// <summary>A window of ids against repetition, and one of times for a rate: what they drop is not needed.</summary>
[KinesisProcessor("clicks", JsonContext = typeof(ClicksJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class Windowed(ISessions sessions, ILogger<Windowed> logger)
{
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly Queue<DateTimeOffset> _times = new();

    [OnRecord]
    public async Task HandleAsync(Click click, CancellationToken cancellationToken)
    {
        if (!_seen.Add(click.User + click.At.Ticks.ToString(CultureInfo.InvariantCulture)))
        {
            return;
        }

        _times.Enqueue(click.At);
        while (_times.Count > 0 && click.At - _times.Peek() > TimeSpan.FromMinutes(1))
        {
            _times.Dequeue();
        }

        if (_times.Count > 10_000)
        {
            logger.LogWarning("{Count} clicks a minute", _times.Count);
        }

        await sessions.AppendAsync(click.User, [click], cancellationToken);
    }
}

/// <summary>Lanes that add to one number.</summary>
[KinesisProcessor("usage", JsonContext = typeof(ClicksJson))]
[Concurrency(8)]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class MeterInLanes(IMeters meters)
{
    private readonly Dictionary<string, long> _byTenant = new(StringComparer.Ordinal);
    private long _units;

    [OnRecord]
    public async Task HandleAsync(Usage usage, CancellationToken cancellationToken)
    {
        await meters.AddAsync(usage.Tenant, usage.Units, cancellationToken);
        {|FC3003:_units|} += usage.Units;
        if ({|FC3003:_byTenant|}.TryAdd(usage.Tenant, usage.Units))
        {
            return;
        }

        {|FC3003:_byTenant|}[usage.Tenant] += usage.Units;
    }
}

/// <summary>Lanes that know of each other.</summary>
[KinesisProcessor("usage", JsonContext = typeof(ClicksJson))]
[Concurrency(8)]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class MeterInLanesSafely(IMeters meters)
{
    private readonly ConcurrentDictionary<string, long> _byTenant = new(StringComparer.Ordinal);
    private long _units;

    [OnRecord]
    public async Task HandleAsync(Usage usage, CancellationToken cancellationToken)
    {
        await meters.AddAsync(usage.Tenant, usage.Units, cancellationToken);
        Interlocked.Add(ref _units, usage.Units);
        _byTenant.AddOrUpdate(usage.Tenant, usage.Units, (_, before) => before + usage.Units);
    }
}

/// <summary>Units as text: what is no number is an exception with a name and a rule.</summary>
[KinesisProcessor("usage-text")]
[OnError(typeof(UsageRejectedException), ErrorAction.DeadLetter)]
public sealed partial class MeterOfText(IMeters meters)
{
    [OnRecord]
    public async ValueTask HandleAsync(string line, CancellationToken cancellationToken)
    {
        if (line.Split('\t') is not [string tenant, string text]
            || !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long units))
        {
            throw new UsageRejectedException("No usage: " + line.Length);
        }

        await meters.AddAsync(tenant, units, cancellationToken);
    }
}

/// <summary>Ten at a time, and the last ones of a batch are nobody's.</summary>
[KinesisProcessor("usage", JsonContext = typeof(ClicksJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class TenAtATime(IMeters meters)
{
    [OnBatch]
    public async Task HandleAsync(ReadOnlyMemory<Usage> usages, CancellationToken cancellationToken)
    {
        var running = new List<Task>();
        foreach (Usage usage in usages.ToArray())
        {
            running.Add({|FC2003:meters.AddAsync(usage.Tenant, usage.Units, cancellationToken)|});
            if (running.Count == 10)
            {
                await Task.WhenAll(running);
                running.Clear();
            }
        }
    }
}

/// <summary>Ten at a time, and the rest at the end.</summary>
[KinesisProcessor("usage", JsonContext = typeof(ClicksJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class ChunksOfTen(IMeters meters)
{
    [OnBatch]
    public async Task HandleAsync(ReadOnlyMemory<Usage> usages, BatchContext context, CancellationToken cancellationToken)
    {
        int from = 0;
        foreach (Usage[] chunk in usages.ToArray().Chunk(10))
        {
            Task[] running = [.. chunk.Select(usage => meters.AddAsync(usage.Tenant, usage.Units, cancellationToken))];
            try
            {
                await Task.WhenAll(running);
            }
            catch (Exception) when (!cancellationToken.IsCancellationRequested)
            {
                for (int i = 0; i < running.Length; i++)
                {
                    if (running[i].Exception is { } failure)
                    {
                        context.Fail(from + i, failure);
                    }
                }
            }

            from += chunk.Length;
        }
    }
}

/// <summary>Bills by HTTP without the token, in an inner lambda, with the result taken by force.</summary>
[KinesisProcessor("usage", JsonContext = typeof(ClicksJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(HttpRequestException), ErrorAction.Retry, MaxAttempts = 10, Then = ErrorAction.Stop)]
public sealed partial class BillsOverHttp(HttpClient http)
{
    [OnRecord]
    public async Task HandleAsync(Usage usage, CancellationToken cancellationToken)
    {
        string plan = {|FC3001:http.GetStringAsync("/plans/" + usage.Tenant, cancellationToken).Result|};
        using HttpResponseMessage response = await {|FC3002:http.PostAsJsonAsync("/bills/" + plan, usage)|};
        response.EnsureSuccessStatusCode();
    }
}
