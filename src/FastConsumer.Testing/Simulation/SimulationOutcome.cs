namespace FastConsumer.Testing.Simulation;

/// <summary>What came of a simulation in which every record was checkpointed.</summary>
public sealed class SimulationOutcome
{
    internal SimulationOutcome(int seed, IReadOnlyList<SimulatedRecord> records, TimeSpan virtualTime, int workers, ulong hash)
    {
        Seed = seed;
        Records = records;
        VirtualTime = virtualTime;
        Workers = workers;
        Hash = hash;
    }

    /// <summary>The seed that everything came from.</summary>
    public int Seed { get; }

    /// <summary>All records that were put, in the order in which they were put. Each of them was handled, at least once.</summary>
    public IReadOnlyList<SimulatedRecord> Records { get; }

    /// <summary>How long the cluster lived, by its own time.</summary>
    public TimeSpan VirtualTime { get; }

    /// <summary>How many workers there were, one after the other.</summary>
    public int Workers { get; }

    /// <summary>Of all that happened: runs with the same hash were the same.</summary>
    internal ulong Hash { get; }
}
