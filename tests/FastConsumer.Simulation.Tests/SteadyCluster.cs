using System.Text;
using FastConsumer.Hosting;
using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests;

/// <summary>
/// A cluster in which nothing goes wrong, with one worker whose handlers take no time: for what is to be seen in virtual time only.
/// </summary>
internal sealed class SteadyCluster
{
    private readonly Scenario _scenario;

    public SteadyCluster(int shards, EngineSettings service, ReadMode mode = ReadMode.Polling)
    {
        _scenario = Scenario.Of(1) with
        {
            Processor = ProcessorKind.Records,
            ReadMode = mode,
            Start = StartPosition.TrimHorizon,
            LeaseDuration = TimeSpan.FromSeconds(10),
            CheckpointInterval = TimeSpan.FromSeconds(5),
            CheckpointRecords = 10_000,
            TableUnits = null,
            Limit = ConsumerSettings.DefaultLimit,
            Habits = new HandlerHabits(),
        };
        Cluster = new SimulatedCluster(_scenario.Seed, shards, service, _scenario.Rules);
    }

    public SimulatedCluster Cluster { get; }

    /// <summary>Something before the worker's client.</summary>
    public Func<SimulatedWorker, Kinesis.IKinesisClient, Kinesis.IKinesisClient>? Client { get; init; }

    /// <summary>What the worker has logged with this id.</summary>
    public IEnumerable<string> Logged(int id) => Cluster.Loop.Trace.Events.Select(static one => one.Text)
        .Where(text => text.StartsWith($"[{id}]", StringComparison.Ordinal));

    public SimulatedWorker StartWorker() => Cluster.StartWorker(
        new SimulatedWorkerOptions
        {
            Settings = _scenario.Settings,
            Processor = WorkerServices.RegistrationOf(_scenario.Processor),
            Services = worker => new WorkerServices(new SimulatedHandler(worker, Cluster.Ledger, _scenario.Habits, new Random(1))),
            PrefetchBytes = FastConsumerOptions.DefaultPrefetchBytes,
            Client = Client,
        },
        clockRate: 1,
        clockOffset: default);

    /// <summary>A key for each shard that is open.</summary>
    public string[] KeyOfEachShard()
    {
        UInt128[] starts = [.. Cluster.Shards().Select(static shard => shard.HashKeyRange.StartingHashKey).Order()];
        string?[] keys = new string?[starts.Length];
        for (int i = 0; keys.Contains(null); i++)
        {
            string key = $"key-{i}";
            keys[Array.FindLastIndex(starts, start => start <= HashKeys.Of(Encoding.UTF8.GetBytes(key)))] ??= key;
        }

        return keys!;
    }
}
