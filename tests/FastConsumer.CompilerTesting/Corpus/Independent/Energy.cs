// Written from the rules' pages alone. The marks were set before anything was run.
using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using FastConsumer;
using FastConsumer.Kinesis;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Corpus.Independent.Energy;

public sealed record Load(string Meter, int Phase, double Kilowatts);

[JsonSerializable(typeof(Load))]
public sealed partial class EnergyJson : JsonSerializerContext;

public interface IGrid
{
    Task ShedAsync(string meter, CancellationToken cancellationToken = default);

    IAsyncEnumerable<string> MetersAsync(CancellationToken cancellationToken = default);
}

/// <summary>The list came with the constructor, and lanes add to it.</summary>
[KinesisProcessor("loads", JsonContext = typeof(EnergyJson))]
[Concurrency(16, Order = RecordOrder.None)]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class LanesAndAList(IGrid grid, List<string> shed)
{
    [OnRecord]
    public async Task HandleAsync(Load load, CancellationToken cancellationToken)
    {
        await grid.ShedAsync(load.Meter, cancellationToken);
        {|FC3003:shed|}.Add(load.Meter);
    }
}

/// <summary>Lanes, and what they share is made for it.</summary>
[KinesisProcessor("loads", JsonContext = typeof(EnergyJson))]
[Concurrency(16, Order = RecordOrder.None)]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class LanesAndABag(IGrid grid, ConcurrentBag<string> shed)
{
    private double _most;

    [OnRecord]
    public async Task HandleAsync(Load load, CancellationToken cancellationToken)
    {
        await grid.ShedAsync(load.Meter, cancellationToken);
        shed.Add(load.Meter);
        double seen = Volatile.Read(ref _most);
        while (load.Kilowatts > seen)
        {
            double before = Interlocked.CompareExchange(ref _most, load.Kilowatts, seen);
            if (before == seen)
            {
                break;
            }

            seen = before;
        }
    }
}

/// <summary>A sum that a parallel loop adds to, and one that it makes by itself.</summary>
[KinesisProcessor("loads", JsonContext = typeof(EnergyJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class SumsInParallel(IGrid grid, ILogger<SumsInParallel> logger)
{
    [OnBatch]
    public async Task HandleAsync(ReadOnlyMemory<Load> loads, CancellationToken cancellationToken)
    {
        Load[] all = loads.ToArray();
        double sum = 0;
        long count = 0;
        Parallel.ForEach(all, load =>
        {
            {|FC3003:sum|} += load.Kilowatts;
            Interlocked.Increment(ref count);
        });
        var high = new ConcurrentBag<Load>();
        await Parallel.ForEachAsync(all, cancellationToken, async (load, token) =>
        {
            if (load.Kilowatts > 100)
            {
                await grid.ShedAsync(load.Meter, token);
                high.Add(load);
            }
        });
        logger.LogInformation("{Sum} {Count} {High} {Linq}", sum, count, high.Count, all.AsParallel().Sum(load => load.Kilowatts));
    }
}

/// <summary>Static things of every kind: made once, counted by ref, counted in an array, and one for each thread.</summary>
[KinesisProcessor("loads", JsonContext = typeof(EnergyJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class Statics
{
    private static readonly long[] s_byPhase = new long[3];
    private static Regex? s_meter;
    private static Dictionary<string, double>? s_last;
    private static long s_all;

    [ThreadStatic]
    private static char[]? t_buffer;

    [OnRecord]
    public void Handle(Load load)
    {
        s_meter ??= new Regex("^[A-Z]{2}");
        if (!s_meter.IsMatch(load.Meter))
        {
            return;
        }

        {|FC3003:s_last|} ??= [];
        {|FC3003:s_last|}[load.Meter] = load.Kilowatts;
        Add(ref {|FC3003:s_all|}, 1);
        {|FC3003:s_byPhase|}[load.Phase % 3]++;
        t_buffer ??= new char[16];
        t_buffer[0] = load.Meter[0];
    }

    private static void Add(ref long to, long what) => to += what;
}

/// <summary>A counter of another class, one for the process, and one that belongs to the processor.</summary>
public sealed class Tally
{
    private int _count;

    public void Add() => _count++;

    public int Count => _count;
}

[KinesisProcessor("loads", JsonContext = typeof(EnergyJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class Tallies(ILogger<Tallies> logger)
{
    private readonly Tally _own = new();
    private int _seen;

    [OnShardStarted]
    public void Start() => _seen = 0;

    [OnRecord]
    public void Handle(Load load)
    {
        _seen++;
        _own.Add();
        var local = new Tally();
        local.Add();
        if (_own.Count % 1000 == 0)
        {
            logger.LogInformation("{Count} of {Seen}, {Local}, {Load}", _own.Count, _seen, local.Count, load.Meter);
        }
    }
}

/// <summary>Waits of all kinds that nobody can stop.</summary>
[KinesisProcessor("loads", JsonContext = typeof(EnergyJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class CannotStop(IGrid grid)
{
    private readonly SemaphoreSlim _gate = new(4);

    [OnRecord]
    public async Task HandleAsync(Load load, CancellationToken cancellationToken)
    {
        await {|FC3002:_gate.WaitAsync()|};
        try
        {
            await {|FC3002:Task.Delay(100)|};
            await foreach (string meter in {|FC3002:grid.MetersAsync()|})
            {
                await grid.ShedAsync(meter, cancellationToken);
            }
        }
        finally
        {
            _gate.Release();
        }
    }
}

/// <summary>The same, and each can be stopped; what must not be stopped says so.</summary>
[KinesisProcessor("loads", JsonContext = typeof(EnergyJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class CanStop(IGrid grid)
{
    private readonly SemaphoreSlim _gate = new(4);

    [OnRecord]
    public async Task HandleAsync(Load load, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            await Task.Delay(100, cancellationToken);
            await foreach (string meter in grid.MetersAsync().WithCancellation(cancellationToken))
            {
                await grid.ShedAsync(meter, CancellationToken.None);
            }
        }
        finally
        {
            _gate.Release();
        }
    }
}

/// <summary>A token of the loop, and not used in it.</summary>
[KinesisProcessor("loads", JsonContext = typeof(EnergyJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class LoopToken(IGrid grid)
{
    [OnBatch]
    public Task HandleAsync(ReadOnlyMemory<Load> loads, CancellationToken cancellationToken)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = cancellationToken };
        return Parallel.ForEachAsync(loads.ToArray(), options, async (load, token) => await {|FC3002:grid.ShedAsync(load.Meter)|});
    }
}

/// <summary>Holds its thread in five ways.</summary>
[KinesisProcessor("loads", JsonContext = typeof(EnergyJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class Holds(IGrid grid)
{
    private readonly ManualResetEventSlim _open = new();

    [OnRecord]
    public void Handle(Load load, CancellationToken cancellationToken)
    {
        {|FC3001:Thread.Sleep(5)|};
        {|FC3001:_open.Wait(cancellationToken)|};
        Task one = grid.ShedAsync(load.Meter, cancellationToken);
        Task two = grid.ShedAsync(load.Meter + "'", cancellationToken);
        {|FC3001:Task.WaitAll(one, two)|};
        {|FC3001:grid.ShedAsync(load.Meter, cancellationToken).Wait(cancellationToken)|};
    }
}

/// <summary>Results of what is done already hold nobody; nor does a lock around a few instructions.</summary>
[KinesisProcessor("loads", JsonContext = typeof(EnergyJson))]
[Concurrency(2)]
[OnError(typeof(JsonException), ErrorAction.Skip)]
public sealed partial class HoldsNobody(IForecast forecast, IGrid grid)
{
    private readonly Lock _lock = new();
    private double _sum;

    [OnRecord]
    public async Task HandleAsync(Load load, CancellationToken cancellationToken)
    {
        Task<double> now = forecast.NowAsync(load.Meter, cancellationToken);
        Task<double> later = forecast.LaterAsync(load.Meter, cancellationToken);
        await Task.WhenAll(now, later);
        lock (_lock)
        {
            _sum += now.Result + later.Result;
        }

        ValueTask<double> last = forecast.LastAsync(load.Meter, cancellationToken);
        double value = last.IsCompletedSuccessfully ? last.Result : await last;
        if (value > 100)
        {
            await grid.ShedAsync(load.Meter, cancellationToken);
        }
    }
}

public interface IForecast
{
    Task<double> NowAsync(string meter, CancellationToken cancellationToken);

    Task<double> LaterAsync(string meter, CancellationToken cancellationToken);

    ValueTask<double> LastAsync(string meter, CancellationToken cancellationToken);
}

/// <summary>A route's own policy comes before the class's, and retries a payload that cannot be read.</summary>
[KinesisProcessor("loads", JsonContext = typeof(EnergyJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class OwnPolicyFirst(IGrid grid)
{
    [OnRecord]
    [{|FC4003:OnError(typeof(Exception), ErrorAction.Retry, InitialBackoff = "00:00:01")|}]
    public Task HandleAsync(Load load, CancellationToken cancellationToken) => grid.ShedAsync(load.Meter, cancellationToken);
}

/// <summary>No bound is 0, too.</summary>
[KinesisProcessor("ticks")]
[{|FC4003:OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 0)|}]
public sealed partial class Ticks(IGrid grid)
{
    [OnRecord]
    public Task HandleAsync(Timestamp tick, CancellationToken cancellationToken) => grid.ShedAsync(tick.ToString(), cancellationToken);
}

/// <summary>Only what may succeed later is retried for ever.</summary>
[KinesisProcessor("ticks")]
[OnError(typeof(Google.Protobuf.InvalidProtocolBufferException), ErrorAction.Skip)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxBackoff = "00:05:00")]
public sealed partial class TicksWell(IGrid grid)
{
    [OnRecord]
    public Task HandleAsync(Timestamp tick, CancellationToken cancellationToken) => grid.ShedAsync(tick.ToString(), cancellationToken);
}

public static class EnergyStartup
{
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(20);

    public static void AddEnergy(IServiceCollection services) => services
        .AddFastConsumer("energy", options =>
        {
            options.ApplicationName = "energy";
            options.LeaseDuration = s_lease;
            options.IdlePollInterval = {|FC4004:TimeSpan.FromSeconds(3)|};
            options.Limit = 2_000;
        })
        .AddProcessor<CanStop>()
        .AddProcessor<HoldsNobody>(options => options.Limit = {|FC4001:50_000|});
}
