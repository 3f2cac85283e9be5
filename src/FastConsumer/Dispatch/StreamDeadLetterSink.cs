using FastConsumer.Kinesis;

namespace FastConsumer.Dispatch;

/// <summary>
/// Puts a dead record into another stream as it was: payload, partition key and, of aggregated records, explicit hash key. An
/// envelope would not do: a record of the largest size would not fit into it.
/// </summary>
internal sealed class StreamDeadLetterSink(IKinesisClient client, StreamIdentifier stream) : IDeadLetterSink, IDisposable
{
    public async ValueTask WriteAsync(DeadLetter letter, CancellationToken cancellationToken)
    {
        KinesisRecord record = letter.Record;
        await client.PutRecordAsync(stream, new PutRecordsRequestEntry(record.Data, record.PartitionKey, record.ExplicitHashKey), cancellationToken);
    }

    public void Dispose() => client.Dispose();
}
