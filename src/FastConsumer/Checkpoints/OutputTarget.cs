using FastConsumer.Processors;

namespace FastConsumer.Checkpoints;

/// <summary>The sink of some of a shard's outputs, while this worker has the shard. One caller at a time.</summary>
/// <param name="outputs">The names of its outputs.</param>
internal abstract class OutputTarget(IReadOnlyList<string> outputs)
{
    /// <summary>The names of its outputs, in the order of <see cref="OutputCut.Values"/>.</summary>
    public IReadOnlyList<string> Outputs => outputs;

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
    /// <exception cref="NotCheckpointedException">
    /// The sink refuses a value that it was not given, or will never take the cut's row.
    /// </exception>
    public abstract Task WriteAsync(OutputCut cut, CancellationToken cancellationToken);

    /// <summary>Calls what writes the values of one output, whose refusals count these alone.</summary>
    /// <param name="cut">What is written.</param>
    /// <param name="output">The output's place.</param>
    /// <param name="write">The call.</param>
    /// <exception cref="RejectedOutputException">The index counts the values of all outputs.</exception>
    /// <exception cref="NotCheckpointedException">The index is not one of a value.</exception>
    protected async Task WriteAsync(OutputCut cut, int output, Func<PositionedValues, Task> write)
    {
        PositionedValues values = cut.Values[output];
        if (values.Count == 0)
        {
            return;
        }

        try
        {
            await write(values);
        }
        catch (RejectedOutputException e) when (e.Index is { } index && (index < 0 || index >= values.Count))
        {
            throw OfNoValue(e, $"{values.Count} values of the output '{outputs[output]}'");
        }
        catch (RejectedOutputException e) when (e.Index is not null && output > 0)
        {
            throw new RejectedOutputException(e.Index + cut.Values.Take(output).Sum(static before => before.Count), e.Message, e);
        }
    }

    /// <summary>The sink's code has a mistake: without a value, no rule can be asked, and no try would be better.</summary>
    public NotCheckpointedException OfNoValue(RejectedOutputException rejected, string given) => new(
        $"{Description} refuses value {rejected.Index}, and was given {given}: the index of a RejectedOutputException counts the values of "
            + $"the call from 0. Correct the sink, or the writer. It says: {rejected.Message}",
        rejected);
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
