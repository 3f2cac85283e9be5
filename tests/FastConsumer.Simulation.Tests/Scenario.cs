using FastConsumer.Checkpoints;
using FastConsumer.Hosting;
using FastConsumer.Kinesis;
using FastConsumer.Simulation.Tests.Sink;
using FastConsumer.Simulation.Tests.State;
using FastConsumer.Testing;
using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests;

/// <summary>Everything that a seed decides before its run begins. Each seed leaves out some faults, so that others can show.</summary>
internal sealed record Scenario
{
    public required int Seed { get; init; }

    public required ProcessorKind Processor { get; init; }

    public required ReadMode ReadMode { get; init; }

    public required StartPosition Start { get; init; }

    public required SimulatedFaults Faults { get; init; }

    public required int Shards { get; init; }

    public required int Workers { get; init; }

    public required int Keys { get; init; }

    public required double RecordsPerSecond { get; init; }

    /// <summary>How long faults happen.</summary>
    public required TimeSpan Troubles { get; init; }

    /// <summary>How long it is from one to the next on average.</summary>
    public required TimeSpan BetweenFaults { get; init; }

    public required TimeSpan LeaseDuration { get; init; }

    public required TimeSpan CheckpointInterval { get; init; }

    public required int CheckpointRecords { get; init; }

    public required TimeSpan StopTimeout { get; init; }

    public required double? TableUnits { get; init; }

    public required double ClockDrift { get; init; }

    public required TimeSpan ClockOffset { get; init; }

    public required double LostRequests { get; init; }

    public required double LostAnswers { get; init; }

    public required int Limit { get; init; }

    public required long PrefetchBytes { get; init; }

    public required EngineSettings Service { get; init; }

    public required HandlerHabits Habits { get; init; }

    /// <summary>True where producers put aggregates too.</summary>
    public bool Aggregates { get; init; }

    public ForeignRecords ForeignRecords { get; init; }

    /// <summary>Operators at the cluster, and records that no handler can do; null for none.</summary>
    public OperatorSettings? Operators { get; init; }

    /// <summary>What goes wrong with the sink that keeps the positions; null where none does.</summary>
    public SinkSettings? Sink { get; init; }

    /// <summary>What goes wrong with the place of the state; null where none is kept.</summary>
    public StateSettings? State { get; init; }

    /// <summary>What goes wrong with the sink of outputs beside the state; null where there are none.</summary>
    public SinkSettings? Outputs { get; init; }

    /// <summary>True where savepoints are made.</summary>
    public bool HasSavepoints { get; init; }

    /// <summary>How checkpoints of state are taken.</summary>
    public CheckpointingSettings Checkpointing { get; init; } = new();

    /// <summary>How long it is from one sweep of the state's objects to the next.</summary>
    public TimeSpan SweepInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The records that no handler can do; null for none.</summary>
    public Poison? Poison { get; init; }

    public WorkerSettings Settings => new()
    {
        ProcessorName = Processor.ToString(),
        ApplicationName = "simulation",
        Stream = StreamIdentifier.Parse(Testing.Simulation.SimulatedCluster.Stream),
        Protocol = KinesisProtocol.Cbor,
        StartPosition = Start,
        StartTimestamp = Start == StartPosition.AtTimestamp ? s_timestamp : null,
        ReadMode = ReadMode,
        ConsumerName = "simulation",
        FanOutFallback = false,
        Limit = Limit,
        ForeignRecords = ForeignRecords,
        IdlePollInterval = TimeSpan.FromMilliseconds(1000),
        CheckpointInterval = CheckpointInterval,
        CheckpointRecords = CheckpointRecords,
        Checkpointing = Checkpointing,
        LeaseDuration = LeaseDuration,
        ShardSyncInterval = TimeSpan.FromSeconds(10),
        LeaseTableWriteUnits = TableUnits,
        RetryInitialBackoff = TimeSpan.FromMilliseconds(100),
        RetryMaxBackoff = TimeSpan.FromSeconds(2),
        StopTimeout = StopTimeout,
        WorkerId = "",
    };

    /// <summary>How the cluster lives.</summary>
    public LifeSettings Life => new()
    {
        Workers = Workers,
        Faults = Faults,
        Troubles = Troubles,
        BetweenFaults = BetweenFaults,
        LeaseDuration = LeaseDuration,
        StopTimeout = StopTimeout,
        ClockDrift = ClockDrift,
        ClockOffset = ClockOffset,
        LostRequests = LostRequests,
        LostAnswers = LostAnswers,
    };

    /// <summary>Some seconds after the world's beginning.</summary>
    private static readonly DateTimeOffset s_timestamp = new(2026, 1, 1, 0, 0, 5, TimeSpan.Zero);

    /// <summary>What its ledger has to know.</summary>
    public LedgerRules Rules(SimulatedCluster cluster) => new()
    {
        LeaseDuration = LeaseDuration,
        StopTimeout = StopTimeout,
        KeepsShardOrder = Processor is not (ProcessorKind.Lanes or ProcessorKind.StateLanes or ProcessorKind.OutputLanes),
        OneByOne = Processor == ProcessorKind.Records,
        SeesHandlers = Sink is null && State is null,
        CheckpointsInTime = TableUnits is null && Processor == ProcessorKind.Records,
        ForeignRecords = ForeignRecords,
        IsClosed = cluster.IsClosed,
        StreamClock = () => cluster.Now,
        Rows = () => cluster.Table.Rows,
    };

    /// <summary>The same with operators: what else the seed decides stays as it is.</summary>
    public Scenario WithOperators()
    {
        var random = new Random(unchecked((Seed * 486187739) + 1));
        OperatorDeed[] deeds = [.. Enum.GetValues<OperatorDeed>().Where(deed => deed is OperatorDeed.Resume or OperatorDeed.Decide
            || random.Next(3) != 0)];
        return this with
        {
            Operators = new OperatorSettings
            {
                Seed = random.Next(),
                Deeds = deeds,
                BetweenDeeds = TimeSpan.FromSeconds(1 + (random.NextDouble() * 10)),
                Killed = random.Next(2) == 0 ? 0 : random.NextDouble() * 0.4,
                Cancelled = random.Next(2) == 0 ? 0 : random.NextDouble() * 0.3,
                LostRequests = random.Next(2) == 0 ? 0 : random.NextDouble() * 0.1,
                LostAnswers = random.Next(2) == 0 ? 0 : random.NextDouble() * 0.2,
                HasDeadLetters = random.Next(3) != 0,
            },
            Poison = random.Next(4) == 0 ? null : PoisonOf(random),
        };
    }

    /// <summary>The same with a sink that keeps the positions.</summary>
    public Scenario WithSink()
    {
        var random = new Random(unchecked((Seed * 16777619) + 3));
        return this with
        {
            Processor = random.Next(2) == 0 ? ProcessorKind.SinkRecords : ProcessorKind.SinkBatches,
            // what is before the start is nobody's to do, and the sink could not tell
            Start = StartPosition.TrimHorizon,
            Sink = SinkOf(random),
        };
    }

    /// <summary>The same with state, and half of the seeds with outputs.</summary>
    public Scenario WithState() =>
        new Random(unchecked((Seed * 16777619) + 17)).Next(2) == 0 ? WithStateOnly() : WithOutputs();

    /// <summary>The same with state, of which savepoints are made.</summary>
    public Scenario WithSavepoints() => WithState() with { HasSavepoints = true };

    /// <summary>The same with state and outputs.</summary>
    public Scenario WithOutputs() => WithOutputs(WithStateOnly());

    /// <summary>The same in batches.</summary>
    public Scenario WithOutputBatches() => WithOutputs(WithStateOnly() with { Processor = ProcessorKind.StateBatches });

    private Scenario WithOutputs(Scenario state)
    {
        var down = new Random(unchecked((Seed * 16777619) + 23));
        var limit = new Random(unchecked((Seed * 16777619) + 29));
        // a batch has at most seven records, each with a value, and each of its calls may have one more
        int mostOfBatch = state.Processor == ProcessorKind.StateBatches ? 13 : 0;
        return state with
        {
            Processor = state.Processor switch
            {
                ProcessorKind.StateRecords => ProcessorKind.OutputRecords,
                ProcessorKind.StateBatches => ProcessorKind.OutputBatches,
                _ => ProcessorKind.OutputLanes,
            },
            Outputs = SinkOf(new Random(unchecked((Seed * 16777619) + 19))) with
            {
                DownEvery = down.Next(2) == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(20 + (down.NextDouble() * 40)),
                DownFor = TimeSpan.FromSeconds(down.NextDouble() * 12),
                MaxOutputs = limit.Next(2) == 0 ? int.MaxValue : mostOfBatch + limit.Next(1, 9),
            },
        };
    }

    private static SinkSettings SinkOf(Random random) => new()
    {
        Seed = random.Next(),
        LostRequests = random.Next(2) == 0 ? 0 : random.NextDouble() * 0.1,
        LostAnswers = random.Next(2) == 0 ? 0 : random.NextDouble() * 0.2,
        HeldUp = random.Next(2) == 0 ? 0 : random.NextDouble() * 0.2,
    };

    /// <summary>The same with state and without outputs.</summary>
    public Scenario WithStateOnly()
    {
        var random = new Random(unchecked((Seed * 16777619) + 5));
        return this with
        {
            Processor = new Random(unchecked((Seed * 16777619) + 7)).Next(5) switch
            {
                0 => ProcessorKind.StateRecords,
                1 => ProcessorKind.StateBatches,
                _ => ProcessorKind.StateLanes,
            },
            // the fold begins with a shard's first record, and a key belongs to one shard unless it is a stray
            Start = StartPosition.TrimHorizon,
            Aggregates = false,
            Checkpointing = CheckpointingOf(new Random(unchecked((Seed * 16777619) + 11))),
            SweepInterval = TimeSpan.FromSeconds(5 + (new Random(unchecked((Seed * 16777619) + 13)).NextDouble() * 35)),
            State = new StateSettings
            {
                Seed = random.Next(),
                LostRequests = random.Next(2) == 0 ? 0 : random.NextDouble() * 0.1,
                LostAnswers = random.Next(2) == 0 ? 0 : random.NextDouble() * 0.2,
                HeldUp = random.Next(2) == 0 ? 0 : random.NextDouble() * 0.2,
                Refused = random.Next(3) == 0 ? random.NextDouble() * 0.3 : 0,
                Strays = random.Next(2) == 0 ? 0 : random.NextDouble() * 0.3,
            },
        };
    }

    /// <summary>
    /// Half of the seeds wait for their lanes before a checkpoint, for a while or to the end of it. Most write what has changed only.
    /// </summary>
    private static CheckpointingSettings CheckpointingOf(Random random) => new()
    {
        AlignedTimeout = random.Next(4) switch
        {
            0 => TimeSpan.FromSeconds(random.NextDouble() * 3),
            1 => Timeout.InfiniteTimeSpan,
            _ => TimeSpan.Zero,
        },
        Timeout = TimeSpan.FromSeconds(random.Next(5, 60)),
        MinPause = random.Next(3) == 0 ? TimeSpan.FromSeconds(random.NextDouble() * 2) : TimeSpan.Zero,
        TolerableFailures = random.Next(4) == 0 ? random.Next(3) : null,
        Incremental = random.Next(5) > 0,
        // the states of the simulation are small
        WholeBelow = random.Next(5) == 0 ? 2000 : 0,
    };

    private Poison PoisonOf(Random random)
    {
        // so many records are put about, and those of aggregates beside
        int put = (int)(RecordsPerSecond * Troubles.TotalSeconds);
        return new Poison([.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => random.Next(put))], random.Next(3) != 0);
    }

    public static Scenario Of(int seed)
    {
        var random = new Random(seed);
        var faults = (SimulatedFaults)(random.Next(2048) & (random.Next(3) == 0 ? 2047 : random.Next(2048)));
        var start = random.Next(10) switch
        {
            0 => StartPosition.AtTimestamp,
            1 or 2 => StartPosition.Latest,
            _ => StartPosition.TrimHorizon,
        };
        var processor = (ProcessorKind)random.Next(3);
        var scenario = new Scenario
        {
            Seed = seed,
            Processor = processor,
            ReadMode = random.Next(4) == 0 ? ReadMode.FanOut : ReadMode.Polling,
            Start = start,
            Faults = faults,
            Shards = random.Next(1, 5),
            Workers = random.Next(1, 5),
            Keys = random.Next(1, 16),
            RecordsPerSecond = 2 + (random.NextDouble() * 15),
            Troubles = TimeSpan.FromSeconds(random.Next(30, 120)),
            BetweenFaults = TimeSpan.FromSeconds(2 + (random.NextDouble() * 15)),
            LeaseDuration = TimeSpan.FromSeconds(random.Next(3, 12)),
            CheckpointInterval = TimeSpan.FromSeconds(0.3 + (random.NextDouble() * 5)),
            CheckpointRecords = random.Next(3) switch { 0 => 0, 1 => 10, _ => 10_000 },
            StopTimeout = TimeSpan.FromSeconds(random.Next(5, 20)),
            TableUnits = random.Next(4) == 0 ? random.Next(10, 40) : null,
            ClockDrift = random.NextDouble() * (random.Next(3) == 0 ? 0 : 0.02),
            ClockOffset = TimeSpan.FromSeconds(random.NextDouble() * 600),
            LostRequests = random.Next(2) == 0 ? 0 : random.NextDouble() * 0.03,
            LostAnswers = (faults & SimulatedFaults.LostAnswers) == 0 ? 0 : random.NextDouble() * 0.08,
            Limit = random.Next(3) == 0 ? random.Next(3, 20) : 1000,
            PrefetchBytes = random.Next(3) == 0 ? 2000 : 1 << 20,
            Service = new EngineSettings
            {
                UpdateDelay = TimeSpan.FromSeconds(random.NextDouble() * 4),
                IteratorLifetime = TimeSpan.FromSeconds(random.Next(3) == 0 ? 2 : 300),
                ReadQuota = (ReadQuotaModel)random.Next(4),
            },
            Habits = new HandlerHabits
            {
                Waits = random.NextDouble() * 0.8,
                Throws = random.Next(2) == 0 ? 0 : random.NextDouble() * 0.1,
                TakesLong = random.Next(2) == 0 ? 0 : random.NextDouble() * 0.02,
                IgnoresToken = random.Next(2) == 0 ? 0 : random.NextDouble(),
                Checkpoints = random.Next(2) == 0 ? 0 : random.NextDouble() * 0.1,
                FailsSingly = random.Next(2) == 0 ? 0 : random.NextDouble() * 0.1,
                ShortWait = TimeSpan.FromMilliseconds(random.Next(1, 150)),
                LongWait = TimeSpan.FromSeconds(random.Next(1, 15)),
            },
        };
        scenario = random.Next(3) == 0 ? scenario with { Faults = scenario.Faults | SimulatedFaults.ControlPlane } : scenario;
        return scenario with
        {
            Aggregates = random.Next(3) == 0,
            ForeignRecords = random.Next(6) switch
            {
                0 => ForeignRecords.Deliver,
                1 => ForeignRecords.LeaveOut,
                _ => ForeignRecords.Auto,
            },
        };
    }
}
