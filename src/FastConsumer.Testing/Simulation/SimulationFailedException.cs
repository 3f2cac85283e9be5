namespace FastConsumer.Testing.Simulation;

/// <summary>
/// A simulation has failed: what was checked at its end does not hold, or not every record was done. The message says the seed, what
/// failed, how to run it again, and what happened last. The inner exception is what failed.
/// </summary>
public sealed class SimulationFailedException : Exception
{
    internal SimulationFailedException(int seed, string message, Exception reason)
        : base(message, reason) => Seed = seed;

    /// <summary>The seed: with it, the same happens again.</summary>
    public int Seed { get; }
}
