using System.Buffers.Binary;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Testing;

namespace FastConsumer.LoadTest.Failover;

/// <summary>
/// Worker processes on an EmbeddedKinesis and dynoxide, while records are put all the time: they are killed, paused beyond their leases,
/// stopped gracefully and replaced. Counts what was lost or repeated, and how long shards stood still.
/// </summary>
internal sealed class FailoverCommand : IAsyncDisposable
{
    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    // what a checkpoint waits for company, its write, and a paused worker's last steps before it hears that it lost
    private static readonly TimeSpan s_beyondInterval = TimeSpan.FromSeconds(2.5);

    private readonly FailoverSettings _settings;
    private readonly EmbeddedKinesis _kinesis;
    private readonly FailoverServers _servers;
    private readonly FailoverLedger _ledger = new();
    private readonly List<FailoverWorker> _workers = [];
    private readonly TimeProvider _time = TimeProvider.System;
    private readonly List<double> _failovers = [];
    private readonly List<double> _handovers = [];
    private readonly HashSet<string> _left = new(StringComparer.Ordinal);
    private readonly HashSet<string> _struck = new(StringComparer.Ordinal);
    private long _duplicateBound;
    private int _failedStops;
    private int _started;

    private FailoverCommand(FailoverSettings settings, EmbeddedKinesis kinesis, FailoverServers servers)
    {
        _settings = settings;
        _kinesis = kinesis;
        _servers = servers;
    }

    public static Command Create()
    {
        var workers = new Option<int>("--workers") { Description = "Worker processes.", DefaultValueFactory = static _ => 3 };
        var shards = new Option<int>("--shards") { Description = "The stream's shards.", DefaultValueFactory = static _ => 8 };
        var kills = new Option<int>("--kills")
        {
            Description = "Rounds: SIGKILL and SIGSTOP in turn, then a SIGTERM.",
            DefaultValueFactory = static _ => 5
        };
        var lease = new Option<double>("--lease") { Description = "The lease duration in seconds.", DefaultValueFactory = static _ => 10 };
        var rate = new Option<double>("--rate") { Description = "Records per shard and second.", DefaultValueFactory = static _ => 20 };
        var json = new Option<bool>("--json") { Description = "One line of JSON." };
        var command =
            new Command("failover", "Kills, pauses and stops workers while records are put.") { workers, shards, kills, lease, rate, json };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var settings = new FailoverSettings(
                arguments.GetValue(workers),
                arguments.GetValue(shards),
                arguments.GetValue(kills),
                TimeSpan.FromSeconds(arguments.GetValue(lease)),
                arguments.GetValue(rate));
            if (settings.Workers < 2)
            {
                throw new ArgumentException(
                    $"--workers {settings.Workers}: nobody takes over what one worker alone leaves; say 2 or more.");
            }

            FailoverFigures figures = await RunAsync(settings, cancellationToken);
            Console.WriteLine(arguments.GetValue(json)
                ? JsonSerializer.Serialize(figures, FailoverJson.Default.FailoverFigures)
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"{figures.Produced} records: {figures.Lost} lost, {figures.Duplicates} repeated (at "
                        + $"most {figures.DuplicateBound} by the checkpoint interval), {figures.OutOfOrder} out of order; fail-over median "
                        + $"{figures.FailoverSeconds.Median:F1} s, max {figures.FailoverSeconds.Max:F1} s; graceful stop to new owner "
                        + $"median {figures.HandoverSeconds.Median:F2} s, max {figures.HandoverSeconds.Max:F2} s; to a new worker median "
                        + $"{figures.RequestedHandoverSeconds.Median:F2} s, max {figures.RequestedHandoverSeconds.Max:F2} s"));
            return figures is { Lost: 0, OutOfOrder: 0, FailedStops: 0 } && figures.Duplicates <= figures.DuplicateBound ? 0 : 1;
        });
        return command;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (FailoverWorker worker in _workers)
        {
            await worker.DisposeAsync();
        }
    }

    private static async Task<FailoverFigures> RunAsync(FailoverSettings settings, CancellationToken cancellationToken)
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: cancellationToken);
        kinesis.CreateStream(FailoverProcessor.StreamName, settings.Shards);
        await using DynoxideServer dynoxide = await DynoxideServer.StartAsync(cancellationToken);
        await using var run = new FailoverCommand(settings, kinesis, new FailoverServers(kinesis.ServiceUrl, dynoxide.ServiceUrl));
        using var producing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task producer = run.ProduceAsync(producing.Token);
        for (int i = 0; i < settings.Workers; i++)
        {
            run.StartWorker();
        }

        await run.BalancedAsync(cancellationToken);
        for (int round = 0; round < settings.Kills; round++)
        {
            await (round % 2 == 0 ? run.KillAsync(round, cancellationToken) : run.PauseAsync(round, cancellationToken));
            await run.BalancedAsync(cancellationToken);
            await run.StopOneAsync(round, cancellationToken);
            await run.BalancedAsync(cancellationToken);
        }

        await producing.CancelAsync();
        await producer.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return await run.FiguresAsync(cancellationToken);
    }

    private void StartWorker() => _workers.Add(
        FailoverWorker.Start(string.Create(CultureInfo.InvariantCulture, $"worker-{++_started}"), _servers, _settings, _ledger));

    /// <summary>Puts records on all shards at an even pace.</summary>
    private async Task ProduceAsync(CancellationToken cancellationToken)
    {
        (string Id, UInt128 HashKey)[] shards = [.. _kinesis.ListShards(FailoverProcessor.StreamName)
            .Select(static shard => (shard.ShardId, shard.HashKeyRange.StartingHashKey))];
        long started = _time.GetTimestamp();
        byte[] data = new byte[64];
        for (long done = 0; ; await Task.Delay(s_step, _time, cancellationToken))
        {
            for (long due = (long)(_time.GetElapsedTime(started).TotalSeconds * _settings.Rate); done < due; done++)
            {
                foreach ((string id, UInt128 hashKey) in shards)
                {
                    BinaryPrimitives.WriteInt64LittleEndian(data, _ledger.Put(id));
                    _kinesis.Put(FailoverProcessor.StreamName, "key", data, hashKey);
                }
            }
        }
    }

    private Task BalancedAsync(CancellationToken cancellationToken)
    {
        int least = _settings.Shards / _settings.Workers;
        return Waiting.UntilAsync(
            () => _workers.TrueForAll(worker => _ledger.ShardsOf(worker.Name).Count >= least),
            () => "the shards are not shared evenly: "
                + $"{string.Join(", ", _workers.Select(worker => $"{worker.Name} has {_ledger.ShardsOf(worker.Name).Count}"))}",
            s_patience,
            cancellationToken);
    }

    private async Task KillAsync(int round, CancellationToken cancellationToken)
    {
        FailoverWorker victim = _workers[round % _workers.Count];
        await StrikeAsync(victim, Signal.Kill, cancellationToken);
        _workers.Remove(victim);
        await victim.DisposeAsync();
        StartWorker();
    }

    private async Task PauseAsync(int round, CancellationToken cancellationToken)
    {
        FailoverWorker victim = _workers[round % _workers.Count];
        await StrikeAsync(victim, Signal.Stop, cancellationToken);
        // its leases have expired, and others have them: what it does now it does as a zombie
        victim.Send(Signal.Continue);
    }

    private async Task StrikeAsync(FailoverWorker victim, Signal signal, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> shards = _ledger.ShardsOf(victim.Name);
        long since = _time.GetTimestamp();
        victim.Send(signal);
        _left.Add(victim.Name);
        _struck.UnionWith(shards);
        _duplicateBound += (long)(shards.Count * _settings.Rate * (_settings.CheckpointInterval + s_beyondInterval).TotalSeconds);
        await TakenOverAsync(shards, victim, since, _failovers, cancellationToken);
        IEnumerable<string> times = _failovers.TakeLast(shards.Count)
            .Select(static seconds => seconds.ToString("F1", CultureInfo.InvariantCulture));
        Console.Error.WriteLine(
            $"{signal} of {victim.Name} with {shards.Count} shards: taken over after {string.Join(" ", times)} s");
    }

    private async Task StopOneAsync(int round, CancellationToken cancellationToken)
    {
        FailoverWorker leaver = _workers[(round + 1) % _workers.Count];
        IReadOnlyList<string> shards = _ledger.ShardsOf(leaver.Name);
        long since = _time.GetTimestamp();
        leaver.Send(Signal.Terminate);
        _left.Add(leaver.Name);
        await TakenOverAsync(shards, leaver, since, _handovers, cancellationToken);
        _failedStops += await leaver.ExitedAsync(cancellationToken) == 0 ? 0 : 1;
        IEnumerable<string> times = _handovers.TakeLast(shards.Count)
            .Select(static seconds => seconds.ToString("F2", CultureInfo.InvariantCulture));
        Console.Error.WriteLine(
            $"Terminate of {leaver.Name} with {shards.Count} shards: taken over after {string.Join(" ", times)} s");
        _workers.Remove(leaver);
        await leaver.DisposeAsync();
        StartWorker();
    }

    private async Task TakenOverAsync(
        IReadOnlyList<string> shards, FailoverWorker from, long since, List<double> seconds, CancellationToken cancellationToken)
    {
        await Waiting.UntilAsync(
            () => shards.All(shard => _ledger.TakenOver(shard, from.Name, since) is not null),
            () => "nobody took over "
                + $"{string.Join(", ", shards.Where(shard => _ledger.TakenOver(shard, from.Name, since) is null))} from {from.Name}",
            s_patience,
            cancellationToken);
        seconds.AddRange(
            shards.Select(shard => _time.GetElapsedTime(since, _ledger.TakenOver(shard, from.Name, since)!.Value).TotalSeconds));
    }

    private async Task<FailoverFigures> FiguresAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Waiting.UntilAsync(
                () => _ledger.Lost == 0, () => $"{_ledger.Lost} records were not handled", s_patience, cancellationToken);
        }
        catch (TimeoutException e)
        {
            // the figure says so too
            Console.Error.WriteLine(e.Message);
        }

        foreach (FailoverWorker worker in _workers)
        {
            worker.Send(Signal.Terminate);
        }

        foreach (FailoverWorker worker in _workers)
        {
            _failedStops += await worker.ExitedAsync(cancellationToken) == 0 ? 0 : 1;
        }

        return new FailoverFigures
        {
            Workers = _settings.Workers,
            Shards = _settings.Shards,
            LeaseSeconds = _settings.Lease.TotalSeconds,
            Kills = (_settings.Kills + 1) / 2,
            Pauses = _settings.Kills / 2,
            GracefulStops = _settings.Kills + _workers.Count,
            Produced = _ledger.Produced,
            Lost = _ledger.Lost,
            Duplicates = _ledger.Duplicates,
            DuplicateBound = _duplicateBound,
            DuplicatesOfHandovers = _ledger.DuplicatesOf(shard => !_struck.Contains(shard)),
            OutOfOrder = _ledger.OutOfOrder,
            FailoverSeconds = Spread.Of(_failovers),
            HandoverSeconds = Spread.Of(_handovers),
            RequestedHandoverSeconds = Spread.Of(_ledger.Changes().Where(change => !_left.Contains(change.From))
                .Select(change => _time.GetElapsedTime(change.LastBefore, change.FirstAfter).TotalSeconds)),
            FailedStops = _failedStops,
        };
    }
}
