using System.Globalization;

namespace FastConsumer.State;

/// <summary>A snapshot cannot be restored: the shard stops, and an operator has to decide.</summary>
internal class StateRestoreException(string message) : Exception(message);

/// <summary>Two shards that were merged have both written a key, and nothing says how the two values are united.</summary>
internal sealed class StateMergeException(string state, UInt128 hashKey) : StateRestoreException(string.Create(
    CultureInfo.InvariantCulture,
    $"State '{state}' was written in both of the shards that were merged, for the partition key with hash key {hashKey}. That happens "
        + $"where producers set explicit hash keys. Add a method with [StateMerge(\"{state}\")] to the processor, which unites "
        + $"the two values."))
{
    public string State { get; } = state;

    public UInt128 HashKey { get; } = hashKey;
}
