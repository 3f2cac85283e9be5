using FastConsumer.Processors;

namespace FastConsumer.Checkpoints;

/// <summary>The sink of some of a shard's outputs, while this worker has the shard. One caller at a time.</summary>
internal abstract class OutputTarget
{
    /// <summary>The sink, for messages.</summary>
    public abstract string Description { get; }

    /// <summary>How many transactions the sink has of the shard; null where it does not count.</summary>
    public virtual long? Number => null;

    /// <summary>The most values of one cut.</summary>
    public virtual int MostValues => int.MaxValue;

    /// <summary>Makes the sink this owner's, and says which records' outputs it has. May be repeated where it has failed.</summary>
    public virtual Task<(CheckpointPosition? Written, DoneRuns Runs)> TakeAsync(OutputOwner owner, CancellationToken cancellationToken) =>
        Task.FromResult<(CheckpointPosition?, DoneRuns)>((null, DoneRuns.None));

    /// <summary>Writes what was cut off. Repeated, with the same cut or without values that were refused, until it returns.</summary>
    /// <exception cref="RejectedOutputException">
    /// The sink refuses a value for good, and nothing of the cut is there. The index counts the values of all outputs, in their order.
    /// </exception>
    public abstract Task WriteAsync(OutputCut cut, CancellationToken cancellationToken);
}

/// <summary>Who has a shard, as its sinks are told.</summary>
/// <param name="Key">The shard.</param>
/// <param name="Epoch">The fencing token.</param>
/// <param name="Lineage">The life of its lease.</param>
/// <param name="LeastNumber">The sink's number when the snapshot was taken that the run begins with; null for none.</param>
internal sealed record OutputOwner(PositionKey Key, long Epoch, string Lineage, long? LeastNumber);

/// <summary>Outputs that were cut off at one moment.</summary>
/// <param name="Values">The values of each output of the sink.</param>
/// <param name="Position">All records up to it are done, and their outputs are among these or were written before.</param>
/// <param name="Runs">The same of records behind it. No other record has an output among these.</param>
internal sealed record OutputCut(IReadOnlyList<PositionedValues> Values, CheckpointPosition Position, DoneRuns Runs)
{
    public int Count => Values.Sum(static values => values.Count);

    /// <summary>True where the same records are done by both.</summary>
    public bool IsOfSameRecords(OutputCut other) => Position == other.Position && Runs == other.Runs;
}
