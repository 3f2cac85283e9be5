using FastConsumer.Operators;

namespace FastConsumer.Testing.Simulation;

/// <summary>What one process of an operator is for: the ledger allows its writes that, and nothing else.</summary>
/// <param name="Deed">What.</param>
/// <param name="ShardId">To which shard; null for all, or for those that fail.</param>
/// <param name="Target">Where a reset sets the checkpoint.</param>
internal sealed record OperatorIntent(OperatorDeed Deed, string? ShardId, ResetTarget? Target = null)
{
    /// <inheritdoc/>
    public override string ToString() => Target is { } target ? $"{Deed} to {target} (time {target.Time:O})" : Deed.ToString();
}
