namespace FastConsumer.Testing.Simulation;

/// <summary>
/// Something of the simulated code ran, or was to run, on a thread that the simulation does not know: the run would not replay.
/// </summary>
internal sealed class SimulationEscapedException(string message) : Exception(message);

/// <summary>The run does not come to its end.</summary>
internal sealed class SimulationStuckException(string message) : Exception(message);

/// <summary>What must always hold did not.</summary>
internal sealed class InvariantViolatedException(string invariant, string message, string? shardId) : Exception($"{invariant}: {message}")
{
    public string Invariant { get; } = invariant;

    public string? ShardId { get; } = shardId;
}
