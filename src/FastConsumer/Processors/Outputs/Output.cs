using FastConsumer.Processors;

namespace FastConsumer;

/// <summary>
/// What handlers write to a sink. What a call adds goes there once the call has succeeded, and nothing of it otherwise. See
/// <see cref="OutputAttribute"/>.
/// </summary>
/// <remarks>
/// Values of one partition key come to the sink in the order of their records. Whether the sink has each of them once, or may have some
/// twice after a crash, depends on the sink.
/// </remarks>
/// <typeparam name="T">The values' type: a struct without mutable references, or an immutable class.</typeparam>
public sealed class Output<T>
{
    private readonly ProcessorState _owner;
    private readonly int _number;

    internal Output(ProcessorState owner, int number)
    {
        _owner = owner;
        _number = number;
    }

    /// <summary>Adds a value for a record.</summary>
    /// <param name="context">The context of the call.</param>
    /// <param name="value">The value; it must not be changed any more.</param>
    /// <exception cref="InvalidOperationException">
    /// The call is over, or the record adds more than the sink takes in one transaction.
    /// </exception>
    public void Add(RecordContext context, T value) => _owner.AddOutput(context, _number, value);

    /// <summary>Adds a value for one record of a batch.</summary>
    /// <param name="context">The context of the call.</param>
    /// <param name="index">The record's index in this call's batch.</param>
    /// <param name="value">The value; it must not be changed any more.</param>
    /// <exception cref="InvalidOperationException">
    /// The call is over, <see cref="BatchContext.Fail"/> has named the record, or the batch adds more than the sink takes in one
    /// transaction.
    /// </exception>
    public void Add(BatchContext context, int index, T value) => _owner.AddOutput(context, index, _number, value);
}
