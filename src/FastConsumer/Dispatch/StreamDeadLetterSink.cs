using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Dispatch;

/// <summary>
/// Puts a dead record into another stream as it was: payload, partition key and, of aggregated records, explicit hash key. An envelope would not
/// do: a record of the largest size would not fit into it.
/// </summary>
/// <remarks>
/// Aggregates may hold user records whose partition keys are no keys of Kinesis, which takes 1 to 256 characters (API reference of PutRecord).
/// </remarks>
internal sealed class StreamDeadLetterSink(IKinesisClient client, StreamIdentifier stream, ILogger log) : IDeadLetterSink, IDisposable
{
    private const int LongestKey = 256;

    public async ValueTask WriteAsync(DeadLetter letter, CancellationToken cancellationToken)
    {
        KinesisRecord record = letter.Record;
        try
        {
            await client.PutRecordAsync(stream, new PutRecordsRequestEntry(record.Data, KeyOf(letter), record.ExplicitHashKey), cancellationToken);
        }
        catch (KinesisException e) when (IsRefused(e))
        {
            throw new DeadLetterRefusedException(
                $"Stream '{stream}' does not take the record of {record.Data.Length} bytes: {e.Message} Its largest record may be smaller than that of "
                    + $"'{letter.Shard.StreamName}'.",
                e);
        }
    }

    public void Dispose() => client.Dispose();

    /// <summary>
    /// True where the service refuses what the request says, as it would each time. All of it comes of the record: the key is in order, and a
    /// stream that is not there is another error.
    /// </summary>
    private static bool IsRefused(KinesisException error) =>
        error.Kind == KinesisErrorKind.Client
        && (error.ErrorCode is "ValidationException" or "InvalidArgumentException" || error.StatusCode == 413);

    private string KeyOf(DeadLetter letter)
    {
        string key = letter.Record.PartitionKey;
        if (key.Length is > 0 and <= LongestKey)
        {
            return key;
        }

        string complaint = key.Length == 0 ? "is empty" : $"has {key.Length} characters";
        ConsumerLog.DeadLetterKeyReplaced(log, letter.Position, letter.Shard.ShardId, complaint, stream.ToString());
        return letter.Shard.ShardId;
    }
}
