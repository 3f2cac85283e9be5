using System.Diagnostics.Metrics;
using System.Globalization;
using FastConsumer.Buffers;
using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Testing.Leases;
using FastConsumer.Tests.Hosting;
using FastConsumer.Tests.Reading;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Tests.Leases.Fleet;

/// <summary>
/// Real workers in virtual time on one table. They read nothing: of each shard it is noted when its new owner asks for the first iterator,
/// which is when its records would come.
/// </summary>
internal class VirtualFleet : IDisposable
{
    private readonly ServiceProvider _services;
    private readonly ConsumerMetrics _metrics;
    private readonly RandomSource _random;
    private readonly List<Shard> _shards;
    private readonly LogRecorder _log = new();

    public VirtualFleet(int shards, TimeSpan leaseDuration, int seed = 1)
        : this(leaseDuration, seed, new ServiceCollection().AddSingleton<Journal>().AddScoped<EventProcessor>())
    {
        UInt128 size = UInt128.MaxValue / (UInt128)shards;
        _shards = [.. Enumerable.Range(0, shards).Select(i => new Shard
        {
            ShardId = $"shardId-{i:D12}",
            HashKeyRange = new HashKeyRange((UInt128)i * size, i == shards - 1 ? UInt128.MaxValue : ((UInt128)(i + 1) * size) - 1),
            StartingSequenceNumber = SequenceNumber.Parse("1"),
        })];
    }

    protected VirtualFleet(TimeSpan leaseDuration, int seed, IServiceCollection services)
    {
        LeaseDuration = leaseDuration;
        _random = new RandomSource(seed);
        _services = services.AddMetrics().BuildServiceProvider();
        _metrics = new ConsumerMetrics(_services.GetRequiredService<IMeterFactory>());
        _shards = [];
    }

    public TimeSpan LeaseDuration { get; }

    public VirtualTime Time { get; } = new();

    public LeaseCosts Costs { get; } = new();

    public InMemoryLeaseDatabase Database { get; } = new();

    public IList<Shard> Shards => _shards;

    /// <summary>Write units that the options give to the application.</summary>
    public double? WriteUnits { get; init; }

    public TimeSpan? CheckpointInterval { get; init; }

    public LeaseBalancing Balancing { get; init; }

    public StartPosition StartPosition { get; init; } = StartPosition.TrimHorizon;

    /// <summary>When the stream was created.</summary>
    public DateTimeOffset CreatedAt { get; set; } = DateTimeOffset.UnixEpoch;

    /// <summary>Called before each listing of the shards; may throw or wait.</summary>
    public Func<CancellationToken, Task> BeforeListing { get; set; } = static _ => Task.CompletedTask;

    public Journal Journal => _services.GetRequiredService<Journal>();

    public IReadOnlyList<Lease> Rows => Database.Snapshot("fleet");

    public Findings Findings { get; } = new(TimeProvider.System);

    public string Log => _log.ToString();

    public LogRecorder Logged => _log;

    /// <summary>Who began to read which shard, and when.</summary>
    public List<(TimeSpan At, string Worker, string ShardId)> Reads { get; } = [];

    /// <summary>What was asked of which shard, in order.</summary>
    public List<(string ShardId, StartingPosition Position)> Positions { get; } = [];

    private int _processes;

    public VirtualWorker Start(string name)
    {
        ProcessorRegistration processor = CreateProcessor();
        var options = new FastConsumerOptions
        {
            ApplicationName = "fleet",
            LeaseDuration = LeaseDuration,
            LeaseTableWriteUnits = WriteUnits,
            LeaseBalancing = Balancing,
            CheckpointInterval = CheckpointInterval,
            StartPosition = StartPosition,
            StopTimeout = TimeSpan.FromSeconds(20),
        };
        WorkerSettings settings = WorkerSettings.Resolve(processor, options, new ProcessorOptions(), name);
        var parts = new WorkerParts(
            settings, processor, _services, CreateClient(name), new ByteBudget(1 << 30), Time.Clock, _random, _metrics, Findings,
            _log.CreateLogger(name), DeadLetters: null)
        {
            Session = $"process {++_processes}",
            Scheduler = Time,
        };
        var store = new MeteredLeases(Database, Time.Clock, Costs);
        var worker = new VirtualWorker(name, new StreamWorker(parts, store), store);
        worker.Worker.Start();
        return worker;
    }

    /// <summary>Starts workers and runs until each has its share and all is quiet.</summary>
    public VirtualWorker[] Settle(int workers)
    {
        VirtualWorker[] started = [.. Enumerable.Range(0, workers).Select(i => Start($"worker-{i:D2}"))];
        Run(60, () => IsEven(workers));
        Assert.True(IsEven(workers), Describe());
        Run(2.5 * LeaseDuration.TotalSeconds);
        return started;
    }

    public bool IsEven(int workers)
    {
        int[] held = [.. Rows.Where(static row => row.IsHeldByFastConsumer).GroupBy(static row => row.LeaseOwner)
            .Select(static owned => owned.Count())];
        return held.Sum() == _shards.Count && held.Length == Math.Min(workers, _shards.Count) && held.Max() - held.Min() <= 1;
    }

    /// <summary>Runs for some seconds, or until something is so.</summary>
    public void Run(double seconds, Func<bool>? isSo = null) => Time.Run(Time.Now + TimeSpan.FromSeconds(seconds), isSo);

    /// <summary>How long after <paramref name="since"/> each of these shards was read by another.</summary>
    public double[] SecondsUntilRead(IEnumerable<string> shards, TimeSpan since) => [.. shards
        .Select(shard => Reads.Where(read => read.ShardId == shard && read.At > since).Select(read => (read.At - since).TotalSeconds)
            .DefaultIfEmpty(double.PositiveInfinity).Min())
        .Order()];

    public string[] HeldBy(string worker) =>
        [.. Rows.Where(row => row.LeaseOwner == worker && row.IsHeldByFastConsumer).Select(static row => row.LeaseKey)];

    public string Describe()
    {
        IEnumerable<string> owners = Rows.GroupBy(static row => $"{row.LeaseOwner}{(row.IsHeldByFastConsumer ? "" : "?")}")
            .Select(static owned => $"{owned.Key} {owned.Count()}");
        string log = string.Join('\n', Log.Split('\n').TakeLast(60));
        return string.Create(CultureInfo.InvariantCulture, $"{Time.Now}: {string.Join(", ", owners)}\n{log}");
    }

    public void Dispose()
    {
        _services.Dispose();
        _log.Dispose();
    }

    protected virtual ProcessorRegistration CreateProcessor() => new ProcessorRegistration<EventProcessor>();

    protected virtual IKinesisClient CreateClient(string worker) => new StillKinesis(this, worker);

    private sealed class StillKinesis(VirtualFleet fleet, string worker) : FakeKinesis
    {
        public override Task<StreamDescriptionSummary> DescribeStreamSummaryAsync(
            StreamIdentifier stream, CancellationToken cancellationToken = default)
        {
            Shards = () => [.. fleet.Shards];
            return Task.FromResult(new StreamDescriptionSummary
            {
                StreamName = "events",
                StreamARN = "arn:aws:kinesis:us-east-1:000000000000:stream/events",
                StreamStatus = "ACTIVE",
                OpenShardCount = fleet.Shards.Count,
                RetentionPeriodHours = 24,
                StreamCreationTimestamp = fleet.CreatedAt
            });
        }

        public override async Task<ListShardsResponse> ListShardsAsync(
            StreamIdentifier stream, string? nextToken = null, CancellationToken cancellationToken = default)
        {
            await fleet.BeforeListing(cancellationToken);
            return await base.ListShardsAsync(stream, nextToken, cancellationToken);
        }

        public override async Task<string> GetShardIteratorAsync(
            StreamIdentifier stream, string shardId, StartingPosition position, CancellationToken cancellationToken = default)
        {
            if (!fleet.Shards.Any(shard => shard.ShardId == shardId))
            {
                throw new KinesisException($"Shard {shardId} does not exist.", KinesisErrorKind.NotFound);
            }

            fleet.Reads.Add((fleet.Time.Now, worker, shardId));
            fleet.Positions.Add((shardId, position));
            await Task.Delay(Timeout.InfiniteTimeSpan, fleet.Time.Clock, cancellationToken);
            return shardId;
        }
    }
}

/// <summary>One worker of a fleet.</summary>
internal sealed record VirtualWorker(string Name, StreamWorker Worker, MeteredLeases Store)
{
    /// <summary>The process is gone: nothing it sends arrives any more.</summary>
    public void Kill() => Store.IsDead = true;

    /// <summary>Begins a graceful stop, on the fleet's own thread.</summary>
    public Task BeginStop(VirtualFleet fleet) =>
        Task.Factory.StartNew(() => Worker.StopAsync(CancellationToken.None), CancellationToken.None, TaskCreationOptions.None, fleet.Time)
            .Unwrap();
}
