namespace FastConsumer.Processors;

/// <summary>
/// The position in the sink is not what its owner left, or does not fit the lease: no record may be handled before that is settled. It is
/// no failure of a record. Only who still has the lease may report it.
/// </summary>
internal sealed class SinkPositionException(string message) : Exception(message)
{
    /// <summary>True where an operator has to decide which position holds; false where a new start settles it.</summary>
    public bool NeedsOperator { get; init; } = true;
}
