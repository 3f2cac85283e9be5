using System.Diagnostics.Metrics;
using System.Globalization;
using FastConsumer.Buffers;
using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Reading;
using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Leases;
using FastConsumer.Testing.Simulation;
using FastConsumer.Tests.Leases.Fleet;
using FastConsumer.Tests.Reading;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Tests.Monitoring;

/// <summary>
/// Real workers in virtual time, on one stream and one lease table. Each is a process of its own, with findings, a meter and a log of its
/// own: what they find is kept.
/// </summary>
internal sealed class WatchedFleet : IDisposable
{
    public const string Application = "watched";
    public const string Stream = "events";

    private static readonly StreamReference s_stream = new(Stream, null);
    private static readonly TimeSpan s_lookInterval = TimeSpan.FromSeconds(5);

    private readonly KinesisEngine _engine;
    private readonly RandomSource _random;
    private readonly InMemoryLeaseDatabase _database = new();
    private readonly List<WatchedWorker> _workers = [];

    public WatchedFleet(int shards, int seed = 1, EngineSettings? service = null)
    {
        _random = new RandomSource(seed);
        _engine = new KinesisEngine((service ?? new EngineSettings()) with { Clock = Time.Clock, Seed = seed });
        _engine.CreateStream(new CreateStreamRequest(Stream, shards));
    }

    public VirtualTime Time { get; } = new();

    public LeaseCosts Costs { get; } = new();

    /// <summary>What the processor does with a record.</summary>
    public Func<RecordContext, CancellationToken, ValueTask> Handler { get; set; } = static (_, _) => default;

    public Dictionary<string, FindingOptions> Options { get; } = [];

    public int Limit { get; init; } = ConsumerSettings.DefaultLimit;

    public long PrefetchBytes { get; init; } = FastConsumerOptions.DefaultPrefetchBytes;

    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The part of the retention from which the loss is near.</summary>
    public double UnhealthyAt { get; init; } = LagOptions.DefaultUnhealthyAt;

    /// <summary>True where the fleet asks for fan-out, and nobody may have it.</summary>
    public bool IsDeniedFanOut { get; init; }

    public IDeadLetterSink? DeadLetters { get; init; }

    /// <summary>What the stream says of its retention; the service does not heed it.</summary>
    public int RetentionHours { get; set; } = 24;

    /// <summary>Called before each description of the stream; may wait.</summary>
    public Func<CancellationToken, Task> BeforeDescribing { get; set; } = static _ => Task.CompletedTask;

    /// <summary>How many records were put.</summary>
    public int Count { get; private set; }

    /// <summary>All workers that have not been stopped.</summary>
    public IReadOnlyList<WatchedWorker> Workers => _workers;

    /// <summary>Every finding that was there at any of the looks, five seconds apart, or was logged as raised.</summary>
    public SortedSet<string> Seen { get; } = new(StringComparer.Ordinal);

    /// <summary>What was logged as a warning or worse.</summary>
    public List<string> Warnings { get; } = [];

    public IReadOnlyList<Lease> Rows => _database.Snapshot("fleet");

    /// <summary>The shards that are open, in the order of their hash keys.</summary>
    public IReadOnlyList<Shard> OpenShards => [.. _engine.ListShards(new ListShardsRequest(s_stream)).Shards
        .Where(static shard => shard.EndingSequenceNumber is null)
        .OrderBy(static shard => shard.HashKeyRange.StartingHashKey)];

    public WatchedWorker Start(string name)
    {
        ServiceProvider services = new ServiceCollection().AddMetrics().AddSingleton(this).AddScoped<WatchedProcessor>()
            .BuildServiceProvider();
        var processor = new ProcessorRegistration<WatchedProcessor>();
        var options = new FastConsumerOptions
        {
            ApplicationName = Application,
            LeaseDuration = LeaseDuration,
            Limit = Limit,
            StartPosition = StartPosition.TrimHorizon,
            StopTimeout = TimeSpan.FromSeconds(20),
        };
        options.Lag.UnhealthyAt = UnhealthyAt;
        WorkerSettings settings = WorkerSettings.Resolve(processor, options, new ProcessorOptions(), name);
        var findings = new Findings(Time.Clock, Options);
        var client = new EngineKinesis(this);
        var log = new WorkerLog(this, name);
        var parts = new WorkerParts(
            settings, processor, services, client, new ByteBudget(PrefetchBytes), Time.Clock, _random,
            new ConsumerMetrics(services.GetRequiredService<IMeterFactory>()), findings, log, DeadLetters)
        {
            Session = $"process {name}",
            Scheduler = Time,
            FanOut = IsDeniedFanOut
                ? new FanOutConsumer(
                    client, settings.Stream, settings.ConsumerName, mayFallBack: true, Time.Clock, _random.Create(), log)
                : null,
        };
        var worker = new WatchedWorker(
            name, new StreamWorker(parts, new MeteredLeases(_database, Time.Clock, Costs)), findings, services);
        _workers.Add(worker);
        worker.Worker.Start();
        On(() => LookAsync(worker));
        return worker;
    }

    /// <summary>Stops a worker gracefully.</summary>
    public void Stop(WatchedWorker worker)
    {
        Task stop = On(() => worker.Worker.StopAsync(CancellationToken.None));
        Run(60, () => stop.IsCompleted);
        Assert.True(stop.IsCompletedSuccessfully, Describe());
        _workers.Remove(worker);
        worker.Dispose();
    }

    /// <summary>A worker ends as by a crash.</summary>
    public void Crash(WatchedWorker worker)
    {
        worker.Worker.Abandon();
        _workers.Remove(worker);
    }

    /// <summary>What an operator does from a process without a worker.</summary>
    public OperatorTable Operator() =>
        new(new InMemoryLeaseStore(_database, "fleet"), nameof(WatchedProcessor), Time.Clock, _random.Create());

    /// <summary>Runs for some seconds, or until something is so.</summary>
    public void Run(double seconds, Func<bool>? isSo = null) => Time.Run(Time.Now + TimeSpan.FromSeconds(seconds), isSo);

    /// <summary>Runs until something is so, and returns the seconds that it took; fails where it does not come to be so in time.</summary>
    public double RunUntil(Func<bool> isSo, double most)
    {
        TimeSpan since = Time.Now;
        bool was = false;
        Run(most, () => was = isSo());
        Assert.True(was, $"Not so after {most} s.\n{Describe()}");
        return (Time.Now - since).TotalSeconds;
    }

    /// <summary>Starts workers, and runs until each has its share.</summary>
    public void Settle(int workers)
    {
        for (int i = 0; i < workers; i++)
        {
            Start($"worker-{i}");
        }

        RunUntil(() => IsEven(workers), 60);
    }

    public bool IsEven(int workers)
    {
        int[] held = [.. Rows.Where(static row => row.IsHeldByFastConsumer).GroupBy(static row => row.LeaseOwner)
            .Select(static owned => owned.Count())];
        return held.Length == workers && held.Sum() >= OpenShards.Count && held.Max() - held.Min() <= 1;
    }

    /// <summary>The hash key in a shard's middle.</summary>
    public static string MiddleOf(Shard shard)
    {
        HashKeyRange range = shard.HashKeyRange;
        return (range.StartingHashKey + ((range.EndingHashKey - range.StartingHashKey) / 2)).ToString(CultureInfo.InvariantCulture);
    }

    public void Put(Shard shard, int bytes = 100, int records = 1) => Put(MiddleOf(shard), bytes, records);

    /// <summary>Puts records with this hash key, whichever shard has it now. They share their bytes.</summary>
    public void Put(string hashKey, int bytes = 100, int records = 1)
    {
        byte[] data = records > 0 ? new byte[bytes] : [];
        for (int i = 0; i < records; i++)
        {
            _engine.PutRecord(new PutRecordRequest(s_stream, new PutEntry(data, "key", hashKey)));
        }

        Count += records;
    }

    /// <summary>Does something again and again, beside the workers.</summary>
    public void Each(TimeSpan interval, Action what) => On(async () =>
    {
        while (true)
        {
            what();
            await Task.Delay(interval, Time.Clock);
        }
    });

    public void Split(Shard shard) => _engine.SplitAnyMode(Stream, shard.ShardId, null);

    public void Merge(Shard left, Shard right) => _engine.MergeAnyMode(Stream, left.ShardId, right.ShardId);

    /// <summary>A handler's wait.</summary>
    public async ValueTask WaitAsync(TimeSpan time, CancellationToken cancellationToken) =>
        await Task.Delay(time, Time.Clock, cancellationToken);

    public string Describe() => string.Join('\n',
        [$"{Time.Now}", .. Seen, .. Warnings.TakeLast(40), .. Rows.GroupBy(static row => row.LeaseOwner)
            .Select(static owned => $"{owned.Key}: {owned.Count()}")]);

    public void Dispose() => _workers.ForEach(static worker => worker.Dispose());

    /// <summary>Begins work beside the workers.</summary>
    public Task<T> On<T>(Func<Task<T>> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.None, Time).Unwrap();

    public Task On(Func<Task> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.None, Time).Unwrap();

    private async Task LookAsync(WatchedWorker worker)
    {
        while (_workers.Contains(worker))
        {
            foreach (Finding finding in worker.Findings.Current)
            {
                Seen.Add($"{finding.Id} ({finding.Severity}, {finding.Scope})");
            }

            await Task.Delay(s_lookInterval, Time.Clock);
        }
    }

    private sealed class WorkerLog(WatchedFleet fleet, string worker) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Id is 2600 or 2604)
            {
                fleet.Seen.Add(formatter(state, exception));
            }

            if (logLevel >= LogLevel.Warning)
            {
                fleet.Warnings.Add($"{fleet.Time.Now} {worker} {eventId.Id}: {formatter(state, exception)} {exception?.Message}");
            }
        }
    }

    private sealed class EngineKinesis : FakeKinesis, IKinesisClient
    {
        private readonly WatchedFleet _fleet;

        public EngineKinesis(WatchedFleet fleet)
        {
            _fleet = fleet;
            Shards = () => fleet._engine.ListShards(new ListShardsRequest(s_stream)).Shards;
        }

        public override async Task<StreamDescriptionSummary> DescribeStreamSummaryAsync(
            StreamIdentifier stream, CancellationToken cancellationToken = default)
        {
            await _fleet.BeforeDescribing(cancellationToken);
            StreamView view = _fleet._engine.DescribeStreamSummary(s_stream);
            return new StreamDescriptionSummary
            {
                StreamName = view.Name,
                StreamARN = view.Arn,
                StreamStatus = view.Status,
                OpenShardCount = view.OpenShardCount,
                RetentionPeriodHours = _fleet.RetentionHours,
                StreamCreationTimestamp = DateTimeOffset.FromUnixTimeMilliseconds(view.CreatedMs),
            };
        }

        public override Task<string> GetShardIteratorAsync(
            StreamIdentifier stream, string shardId, StartingPosition position, CancellationToken cancellationToken = default) => Serve(
            KinesisOperation.GetShardIterator,
            () => _fleet._engine.GetShardIterator(SimulatedKinesisClient.IteratorRequest(s_stream, shardId, position)));

        Task<GetRecordsResponse> IKinesisClient.GetRecordsAsync(
            StreamIdentifier stream, string shardIterator, int? limit, CancellationToken cancellationToken) => Serve(
            KinesisOperation.GetRecords,
            () =>
            {
                GetRecordsResult result = _fleet._engine.GetRecords(new GetRecordsRequest(shardIterator, limit));
                return SimulatedAnswer.Of(
                    result.Records, result.MillisBehindLatest, result.ChildShards, result.NextShardIterator, null);
            });

        Task<Consumer> IKinesisClient.DescribeStreamConsumerAsync(
            string streamARN, string consumerName, CancellationToken cancellationToken) =>
            throw new KinesisException("kinesis:DescribeStreamConsumer is not allowed.", KinesisErrorKind.Denied, "AccessDeniedException");

        private static Task<T> Serve<T>(KinesisOperation operation, Func<T> serve)
        {
            try
            {
                return Task.FromResult(serve());
            }
            catch (EngineException e)
            {
                throw SimulatedKinesisClient.Refused(operation, e);
            }
        }
    }
}

/// <summary>One process of a fleet.</summary>
internal sealed class WatchedWorker : IDisposable
{
    private readonly ServiceProvider _services;
    private readonly MeterListener _listener = new();
    private readonly List<(string ShardId, double Seconds)> _lags = [];

    public WatchedWorker(string name, StreamWorker worker, Findings findings, ServiceProvider services)
    {
        Name = name;
        Worker = worker;
        Findings = findings;
        _services = services;
        IMeterFactory meters = services.GetRequiredService<IMeterFactory>();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            // of this process only
            if (instrument.Name == "fastconsumer.lag" && ReferenceEquals(instrument.Meter.Scope, meters))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<double>((_, value, tags, _) =>
        {
            foreach (KeyValuePair<string, object?> tag in tags)
            {
                if (tag.Key == ShardTelemetry.ShardTag)
                {
                    _lags.Add(((string)tag.Value!, value));
                }
            }
        });
        _listener.Start();
    }

    public string Name { get; }

    public StreamWorker Worker { get; }

    public Findings Findings { get; }

    /// <summary>The lags that its meter tells now, in seconds.</summary>
    public IReadOnlyList<(string ShardId, double Seconds)> Lags
    {
        get
        {
            _lags.Clear();
            _listener.RecordObservableInstruments();
            return [.. _lags];
        }
    }

    /// <summary>The lag of the only shard.</summary>
    public double Lag => Assert.Single(Lags).Seconds;

    /// <summary>The finding of this id, null where there is none now.</summary>
    public Finding? Find(string id) => Findings.Current.SingleOrDefault(finding => finding.Id == id);

    public void Dispose()
    {
        _listener.Dispose();
        _services.Dispose();
    }
}

[KinesisProcessor("events")]
internal sealed partial class WatchedProcessor(WatchedFleet fleet)
{
    [OnRecord]
    private ValueTask HandleAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken) =>
        fleet.Handler(context, cancellationToken);
}
