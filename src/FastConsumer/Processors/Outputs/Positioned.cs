using FastConsumer.Processors;

namespace FastConsumer;

/// <summary>A value on its way to a sink, and the record that it was made of.</summary>
/// <typeparam name="T">The value's type.</typeparam>
public readonly struct Positioned<T>
{
    private readonly ShardContext _shard;
    private readonly string _output;

    internal Positioned(ShardContext shard, string output, CheckpointPosition position, int number, T value, OutputBatch? batch)
    {
        _shard = shard;
        _output = output;
        Position = position;
        Number = number;
        Value = value;
        Batch = batch;
    }

    /// <summary>The shard's id.</summary>
    public string ShardId => _shard.ShardId;

    /// <summary>The record's position in its shard.</summary>
    public CheckpointPosition Position { get; }

    /// <summary>The value's number among those that the record's call has added to this output, from 0.</summary>
    public int Number { get; }

    /// <summary>The value.</summary>
    public T Value { get; }

    /// <summary>The batch that the record was handled in; null where it was handled alone.</summary>
    internal OutputBatch? Batch { get; }

    /// <summary>
    /// The value's id: the same whenever the record is handled again, and another for each value. A sink that may be given a value twice
    /// tells it by this one.
    /// </summary>
    /// <remarks>
    /// It is made of the names of stream, application, processor and output, the stream's creation, the shard, the record's position and
    /// the number.
    /// </remarks>
    public Guid Id => OutputIds.Of(
        $"{_shard.OutputScope}/{_shard.ApplicationName}/{_shard.ProcessorName}/{_output}", Position, Number);
}
