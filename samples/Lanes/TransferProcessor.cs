using FastConsumer;

namespace Lanes;

/// <summary>One record after the other, as without the attribute.</summary>
[KinesisProcessor("transfers")]
public sealed partial class OneLaneProcessor(Ledger ledger)
{
    [OnRecord]
    private Task HandleAsync(KinesisRecord record, CancellationToken cancellationToken) =>
        ledger.BookAsync(record.PartitionKey, record.SequenceNumber, cancellationToken);
}

/// <summary>
/// Eight records of the shard at a time, and never two of one partition key: an account's transfers are booked in the order in which
/// they were put. Members are called in parallel, so the ledger must be safe for that.
/// </summary>
[KinesisProcessor("transfers")]
[Concurrency(8, Order = RecordOrder.PartitionKey)]
public sealed partial class EightLanesProcessor(Ledger ledger)
{
    [OnRecord]
    private Task HandleAsync(KinesisRecord record, CancellationToken cancellationToken) =>
        ledger.BookAsync(record.PartitionKey, record.SequenceNumber, cancellationToken);
}
