using FastConsumer.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Testing.Simulation;

/// <summary>What a <see cref="ClusterSimulation"/> is told once, at its start. Made anew for each seed.</summary>
public sealed class ClusterSimulationOptions
{
    /// <summary>The default of <see cref="FaultsFor"/>: 1 minute.</summary>
    public static readonly TimeSpan DefaultFaultsFor = TimeSpan.FromMinutes(1);

    /// <summary>The default of <see cref="BetweenFaults"/>: 5 seconds.</summary>
    public static readonly TimeSpan DefaultBetweenFaults = TimeSpan.FromSeconds(5);

    /// <summary>The default of <see cref="BlockedAfter"/>: 1 minute.</summary>
    public static readonly TimeSpan DefaultBlockedAfter = TimeSpan.FromMinutes(1);

    private const int Most = 100;

    /// <summary>
    /// The services that the processor needs. Called for each worker, and once before the first one, for a trial: what it registers is a
    /// worker's own and is gone with it, as memory is; an object from outside that it registers is shared by all of them and outlives
    /// them, as a database does. The worker's clock is there as <see cref="TimeProvider"/>; dead letters go to the
    /// <see cref="IDeadLetterSink"/> that is registered here. Null for none.
    /// </summary>
    public Action<IServiceCollection>? Services { get; init; }

    /// <summary>
    /// Checks what came of it, when all records are done and all workers have stopped; what it throws fails the seed. Null for no check
    /// beyond that every record was done.
    /// </summary>
    public Action<SimulationOutcome>? Verify { get; init; }

    /// <summary>Makes a record, given how many were put before it. By default the keys are <c>key-0</c> to <c>key-9</c>, and the payload
    /// is that number as text.</summary>
    public Func<int, SimulatedRecord> Record { get; init; } = static n => new SimulatedRecord($"key-{n % 10}", $"{n}");

    /// <summary>How many records are put a second, on average, while faults happen; 10 by default, 100 at most.</summary>
    public double RecordsPerSecond { get; init; } = 10;

    /// <summary>With how many workers the cluster begins, 1 to 100; 3 by default.</summary>
    public int Workers { get; init; } = 3;

    /// <summary>With how many shards the stream begins, 1 to 100; 2 by default.</summary>
    public int Shards { get; init; } = 2;

    /// <summary>What may go wrong; everything by default.</summary>
    public SimulatedFaults Faults { get; init; } = SimulatedFaults.All;

    /// <summary>How long faults happen and records are put, by the cluster's time; 1 minute by default, 10 minutes at most.</summary>
    public TimeSpan FaultsFor { get; init; } = DefaultFaultsFor;

    /// <summary>How long it is from one fault to the next, on average, by the cluster's time; 5 seconds by default.</summary>
    public TimeSpan BetweenFaults { get; init; } = DefaultBetweenFaults;

    /// <summary>How the shards are read; by polling by default.</summary>
    public ReadMode ReadMode { get; init; }

    /// <summary>How long a lease lasts without a renewal, by the cluster's time; 10 seconds by default, 1 second to 5 minutes.</summary>
    public TimeSpan LeaseDuration { get; init; } = ConsumerSettings.DefaultLeaseDuration;

    /// <summary>
    /// The time between two checkpoints of a shard, by the cluster's time; null, the default, for what <see cref="CheckpointAttribute"/>
    /// says.
    /// </summary>
    public TimeSpan? CheckpointInterval { get; init; }

    /// <summary>
    /// How long, by the machine's clock, a handler may hold the run's only thread before the run fails; 1 minute by default, at least 1 ms.
    /// Nothing is judged while a debugger is attached.
    /// </summary>
    public TimeSpan BlockedAfter { get; init; } = DefaultBlockedAfter;

    internal void Validate()
    {
        ArgumentNullException.ThrowIfNull(Record);
        Within(RecordsPerSecond, double.Epsilon, Most, nameof(RecordsPerSecond));
        Within(Workers, 1, Most, nameof(Workers));
        Within(Shards, 1, Most, nameof(Shards));
        Within(FaultsFor, TimeSpan.Zero, TimeSpan.FromMinutes(10), nameof(FaultsFor));
        Within(BetweenFaults, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(30), nameof(BetweenFaults));
        Within(LeaseDuration, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5), nameof(LeaseDuration));
        if (CheckpointInterval is { } interval)
        {
            Within(interval, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(5), nameof(CheckpointInterval));
        }

        Within(BlockedAfter, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1), nameof(BlockedAfter));
        if ((Faults & ~SimulatedFaults.All) != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(Faults), Faults, "There is no such fault.");
        }

        if (!Enum.IsDefined(ReadMode))
        {
            throw new ArgumentOutOfRangeException(nameof(ReadMode), ReadMode, "There is no such way to read.");
        }
    }

    private static void Within<T>(T value, T least, T most, string name)
        where T : IComparable<T>
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, least, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, most, name);
    }
}
