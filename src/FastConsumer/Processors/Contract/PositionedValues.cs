using FastConsumer.State;

namespace FastConsumer.Processors;

/// <summary>Records that were handled together: their outputs are in the sink together, or none of them.</summary>
/// <param name="last">The last of them.</param>
internal sealed class OutputBatch(CheckpointPosition last)
{
    public CheckpointPosition Last => last;
}

/// <summary>Where an output's value comes from.</summary>
/// <param name="Position">The record.</param>
/// <param name="Number">Its number among the record's.</param>
/// <param name="Batch">The batch that the record was handled in; null where it was handled alone.</param>
internal readonly record struct OutputPlace(CheckpointPosition Position, int Number, OutputBatch? Batch);

/// <summary>Values of one output that were cut off together, and where each comes from.</summary>
internal abstract class PositionedValues : OutputValues
{
    public abstract OutputPlace PlaceOf(int index);

    /// <summary>Some of the values, in this order.</summary>
    public abstract PositionedValues Only(IReadOnlyList<int> indexes);
}

/// <inheritdoc/>
internal sealed class OutputValues<T> : PositionedValues
{
    private readonly List<List<Positioned<T>>> _parts = [];
    private Positioned<T>[]? _all;

    public override int Count => _all?.Length ?? _parts.Sum(static part => part.Count);

    public override IEnumerable<object> Boxed => All.ToArray().Cast<object>();

    public override OutputPlace PlaceOf(int index)
    {
        Positioned<T> value = All.Span[index];
        return new OutputPlace(value.Position, value.Number, value.Batch);
    }

    public override PositionedValues Only(IReadOnlyList<int> indexes)
    {
        var some = new OutputValues<T>();
        some.Add([.. indexes.Select(index => All.Span[index])]);
        return some;
    }

    /// <summary>The values.</summary>
    public ReadOnlyMemory<Positioned<T>> All => _all ??= [.. _parts.SelectMany(static part => part)];

    public void Add(List<Positioned<T>> part) => _parts.Add(part);
}
