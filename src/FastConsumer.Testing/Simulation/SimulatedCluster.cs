using System.Globalization;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Testing.Engine;

namespace FastConsumer.Testing.Simulation;

/// <summary>
/// A whole cluster in one thread and in virtual time, from one seed: a stream, a lease table, workers that come and go, and the
/// book that is kept of them. <see cref="Run"/> runs a script on it.
/// </summary>
internal sealed class SimulatedCluster
{
    public const string Stream = "orders";

    private readonly List<SimulatedWorker> _workers = [];
    private readonly KinesisEngine _engine;
    private readonly SimulatedProcess _world;
    private readonly ForeignRecords _foreign;
    private int _named;

    /// <param name="seed">Chooses everything.</param>
    /// <param name="shards">With how many shards the stream begins.</param>
    /// <param name="service">How the service behaves; its clock is the world's.</param>
    /// <param name="rules">Makes the ledger's rules, given the world.</param>
    /// <param name="mostTasks">A run of more tasks goes round in circles.</param>
    public SimulatedCluster(
        int seed, int shards, EngineSettings service, Func<SimulatedCluster, LedgerRules> rules, long mostTasks = 1_000_000)
    {
        Random = new Random(seed);
        Loop = new SimulationLoop(Random.Next(), mostTasks, longest: TimeSpan.FromHours(2));
        _world = new SimulatedProcess(Loop, "world");
        _engine = new KinesisEngine(service with { Clock = _world.Clock, Seed = Random.Next() });
        _engine.CreateStream(new CreateStreamRequest(Stream, shards));
        Table = new SimulatedLeaseTable(Loop, new Random(Random.Next()));
        LedgerRules ledgerRules = rules(this);
        _foreign = ledgerRules.ForeignRecords;
        Ledger = new DeliveryLedger(Loop, ledgerRules) { ParentsOf = ParentsOf };
        Table.Written = Ledger.Written;
        Table.Name = Ledger.Name;
    }

    public Random Random { get; }

    public SimulationLoop Loop { get; }

    public SimulatedLeaseTable Table { get; }

    public DeliveryLedger Ledger { get; }

    /// <summary>What is wrong with the service's control plane, for all workers: shards cannot be listed.</summary>
    public LinkState ControlPlane { get; set; }

    /// <summary>The right time.</summary>
    public TimeProvider Clock => _world.Clock;

    public DateTimeOffset Now => _world.Clock.GetUtcNow();

    /// <summary>Those that have neither crashed nor stopped.</summary>
    public IReadOnlyList<SimulatedWorker> Live => [.. _workers.Where(static worker => worker.IsLive)];

    public SimulatedWorker Worker(string name) => _workers.First(worker => worker.Name == name);

    /// <summary>Runs a script to its end, on this thread.</summary>
    public void Run(Func<Task> script) => Loop.Run(_world.Start(script));

    /// <summary>Runs beside the script.</summary>
    public Task Beside(Func<Task> work) => _world.Start(work);

    public Task DelayAsync(TimeSpan time) => Task.Delay(time, _world.Clock);

    public SimulatedWorker StartWorker(
        SimulatedWorkerOptions options, double clockRate, TimeSpan clockOffset, Action<SimulatedWorker>? prepare = null)
    {
        var process = new SimulatedProcess(Loop, $"w{++_named}", clockRate, clockOffset);
        var worker = new SimulatedWorker(
            Loop, process, _engine, Table, options with
            {
                IteratorGiven = Ledger.IteratorGiven,
                ControlPlane = () => ControlPlane,
                ExcusesLoss = Ledger.ExcusesLoss,
            },
            new Random(Random.Next()));
        _workers.Add(worker);
        Ledger.Add(worker);
        prepare?.Invoke(worker);
        worker.Note("starts");
        return worker;
    }

    public void Crash(SimulatedWorker worker)
    {
        Ledger.Crashing(worker);
        worker.Crash();
    }

    /// <summary>Puts records that are no aggregates; what the service's quota refuses is not put.</summary>
    public void Put(IReadOnlyList<(string Key, byte[] Data)> records) =>
        Put([.. records.Select(static record => new SimulatedPut(record.Key, record.Data))]);

    /// <summary>
    /// Puts records; what the service's quota refuses is not put. Returns the shard of each, null for one that was refused.
    /// </summary>
    public IReadOnlyList<Shard?> Put(IReadOnlyList<SimulatedPut> records)
    {
        IReadOnlyList<PutResult> results = _engine.PutRecords(new PutRecordsRequest(
            new StreamReference(Stream, null),
            [.. records.Select(static record =>
                new PutEntry(record.Data, record.Key, record.ExplicitHashKey?.ToString(CultureInfo.InvariantCulture)))]));
        Dictionary<string, Shard> shards = Shards().ToDictionary(static shard => shard.ShardId, StringComparer.Ordinal);
        List<Shard?> put = [];
        for (int i = 0; i < results.Count; i++)
        {
            Shard? shard = results[i].SequenceNumber is null ? null : shards[results[i].ShardId!];
            put.Add(shard);
            if (shard is not null)
            {
                SimulatedPut record = records[i];
                bool mayLeaveOut = _foreign == ForeignRecords.LeaveOut || (_foreign == ForeignRecords.Auto && record.IsOfKpl);
                Ledger.RecordPut(
                    shard.ShardId,
                    SequenceNumber.Parse(results[i].SequenceNumber!),
                    record.Aggregated is null
                        ? [new PutUserRecord(record.Key, record.Data, IsLeftOut: false)]
                        : [.. record.Aggregated.Select(user =>
                            new PutUserRecord(user.Key, user.Data, mayLeaveOut && !shard.HashKeyRange.Contains(user.HashKey)))]);
            }
        }

        return put;
    }

    public IReadOnlyList<Shard> Shards() => _engine.ListShards(new ListShardsRequest(new StreamReference(Stream, null))).Shards;

    /// <summary>Splits an open shard, or merges two, as chance will; nothing where the stream is still changing.</summary>
    public void Reshard(int mostShards)
    {
        try
        {
            List<Shard> open = [.. Shards().Where(static shard => shard.EndingSequenceNumber is null)
                .OrderBy(static shard => shard.HashKeyRange.StartingHashKey)];
            int chosen = Random.Next(open.Count);
            if (open.Count < mostShards && (open.Count == 1 || Random.Next(2) == 0))
            {
                Loop.Trace.Add("", null, $"splits {open[chosen].ShardId}");
                _engine.SplitAnyMode(Stream, open[chosen].ShardId, null);
            }
            else if (open.Count > 1)
            {
                int first = Math.Min(chosen, open.Count - 2);
                Loop.Trace.Add("", null, $"merges {open[first].ShardId} and {open[first + 1].ShardId}");
                _engine.MergeAnyMode(Stream, open[first].ShardId, open[first + 1].ShardId);
            }
        }
        catch (EngineException e) when (e.ErrorCode is "ResourceInUseException" or "InvalidArgumentException")
        {
            Loop.Trace.Add("", null, $"the stream does not change: {e.Message}");
        }
    }

    /// <summary>True where every shard has a lease, and nothing is left to be listed.</summary>
    public bool IsLeased => Shards().All(shard => Table.Get(shard.ShardId) is not null);

    public bool IsClosed(string shardId) => Shards().Any(shard => shard.ShardId == shardId && shard.EndingSequenceNumber is not null);

    /// <summary>
    /// A shard that is not done with and whose lease no live worker has written for longer than it lasts; null where there is none.
    /// </summary>
    public string? Unowned(TimeSpan leaseDuration)
    {
        HashSet<string> live = [.. Live.Select(static worker => worker.Name)];
        foreach (Shard shard in Shards())
        {
            Lease? row = Table.Get(shard.ShardId);
            bool isOwned = row is not null && (row.IsFinished
                || (row.Owner is { } owner && live.Contains(owner) && Ledger.SinceWritten(shard.ShardId) <= leaseDuration));
            if (!isOwned && (row is not null || shard.EndingSequenceNumber is null))
            {
                return $"{shard.ShardId} belongs to {row?.Owner ?? "nobody"}";
            }
        }

        return null;
    }

    /// <summary>The shards that a shard was made from.</summary>
    public IReadOnlyList<string> ParentsOf(string shardId) => Shards().First(shard => shard.ShardId == shardId) is { } found
        ? [.. new[] { found.ParentShardId, found.AdjacentParentShardId }.OfType<string>()]
        : [];
}
