using System.Globalization;
using FastConsumer.Kinesis;
using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Http.Codecs;

namespace FastConsumer.Testing.Http;

/// <summary>The shapes of the answers, member by member as the service model names them.</summary>
internal static class Answers
{
    public static void Error(WireWriter writer, string errorCode, string message)
    {
        writer.StartMap(2);
        writer.Pair("__type"u8, errorCode);
        writer.Pair("message"u8, message);
        writer.EndMap();
    }

    public static void ListShards(WireWriter writer, ListShardsResult result)
    {
        writer.StartMap(result.NextToken is null ? 1 : 2);
        writer.Name("Shards"u8);
        Shards(writer, result.Shards);
        NextToken(writer, result.NextToken);
        writer.EndMap();
    }

    public static void GetShardIterator(WireWriter writer, string iterator)
    {
        writer.StartMap(1);
        writer.Pair("ShardIterator"u8, iterator);
        writer.EndMap();
    }

    public static void GetRecordsHead(WireWriter writer, GetRecordsResult result)
    {
        writer.StartMap(2 + (result.NextShardIterator is null ? 0 : 1) + (result.ChildShards.Count == 0 ? 0 : 1));
        writer.Name("Records"u8);
        writer.StartArray(result.Records.Length);
    }

    public static void Record(WireWriter writer, StoredRecord record)
    {
        bool hasKey = record.PartitionKey.Length > 0;
        writer.StartMap(3 + (hasKey ? 1 : 0) + (record.IsEncrypted ? 1 : 0));
        writer.Name("SequenceNumber"u8);
        writer.Text(record.SequenceNumber);
        writer.PairTimestamp("ApproximateArrivalTimestamp"u8, record.ArrivalMs);
        writer.Name("Data"u8);
        writer.Blob(record.Data);
        if (hasKey)
        {
            writer.Name("PartitionKey"u8);
            writer.Text(record.PartitionKey);
        }

        Encryption(writer, record.IsEncrypted);
        writer.EndMap();
    }

    public static void GetRecordsTail(WireWriter writer, GetRecordsResult result)
    {
        writer.EndArray();
        if (result.NextShardIterator is { } next)
        {
            writer.Pair("NextShardIterator"u8, next);
        }

        writer.Pair("MillisBehindLatest"u8, result.MillisBehindLatest);
        Children(writer, result.ChildShards);
        writer.EndMap();
    }

    public static void SubscribeToShardEventHead(WireWriter writer, SubscriptionEvent next)
    {
        writer.StartMap(2 + (next.ContinuationSequenceNumber is null ? 0 : 1) + (next.ChildShards.Count == 0 ? 0 : 1));
        writer.Name("Records"u8);
        writer.StartArray(next.Records.Length);
    }

    public static void SubscribeToShardEventTail(WireWriter writer, SubscriptionEvent next)
    {
        writer.EndArray();
        if (next.ContinuationSequenceNumber is { } continuation)
        {
            writer.Pair("ContinuationSequenceNumber"u8, continuation);
        }

        writer.Pair("MillisBehindLatest"u8, next.MillisBehindLatest);
        Children(writer, next.ChildShards);
        writer.EndMap();
    }

    public static void PutRecord(WireWriter writer, PutResult result)
    {
        writer.StartMap(result.IsEncrypted ? 3 : 2);
        Placed(writer, result);
        Encryption(writer, result.IsEncrypted);
        writer.EndMap();
    }

    public static void PutRecords(WireWriter writer, IReadOnlyList<PutResult> results)
    {
        bool isEncrypted = results.Any(static result => result.IsEncrypted);
        writer.StartMap(isEncrypted ? 3 : 2);
        writer.Pair("FailedRecordCount"u8, results.Count(static result => result.ErrorCode is not null));
        writer.Name("Records"u8);
        writer.StartArray(results.Count);
        foreach (PutResult result in results)
        {
            writer.StartMap(2);
            if (result.ErrorCode is null)
            {
                Placed(writer, result);
            }
            else
            {
                writer.Pair("ErrorCode"u8, result.ErrorCode);
                writer.Pair("ErrorMessage"u8, result.ErrorMessage ?? "");
            }

            writer.EndMap();
        }

        writer.EndArray();
        Encryption(writer, isEncrypted);
        writer.EndMap();
    }

    public static void RegisterStreamConsumer(WireWriter writer, ConsumerView consumer)
    {
        writer.StartMap(1);
        writer.Name("Consumer"u8);
        Consumer(writer, consumer, withStream: false);
        writer.EndMap();
    }

    public static void DescribeStreamConsumer(WireWriter writer, ConsumerView consumer)
    {
        writer.StartMap(1);
        writer.Name("ConsumerDescription"u8);
        Consumer(writer, consumer, withStream: true);
        writer.EndMap();
    }

    public static void ListStreamConsumers(WireWriter writer, ListStreamConsumersResult result)
    {
        writer.StartMap(result.NextToken is null ? 1 : 2);
        writer.Name("Consumers"u8);
        writer.StartArray(result.Consumers.Count);
        foreach (ConsumerView consumer in result.Consumers)
        {
            Consumer(writer, consumer, withStream: false);
        }

        writer.EndArray();
        NextToken(writer, result.NextToken);
        writer.EndMap();
    }

    public static void Shards(WireWriter writer, IReadOnlyList<Shard> shards)
    {
        writer.StartArray(shards.Count);
        foreach (Shard shard in shards)
        {
            writer.StartMap(3 + (shard.ParentShardId is null ? 0 : 1) + (shard.AdjacentParentShardId is null ? 0 : 1));
            writer.Pair("ShardId"u8, shard.ShardId);
            if (shard.ParentShardId is { } parent)
            {
                writer.Pair("ParentShardId"u8, parent);
            }

            if (shard.AdjacentParentShardId is { } adjacent)
            {
                writer.Pair("AdjacentParentShardId"u8, adjacent);
            }

            Range(writer, shard.HashKeyRange);
            writer.Name("SequenceNumberRange"u8);
            writer.StartMap(shard.EndingSequenceNumber is null ? 1 : 2);
            writer.Pair("StartingSequenceNumber"u8, shard.StartingSequenceNumber.ToString());
            if (shard.EndingSequenceNumber is { } ending)
            {
                writer.Pair("EndingSequenceNumber"u8, ending.ToString());
            }

            writer.EndMap();
            writer.EndMap();
        }

        writer.EndArray();
    }

    private static void Range(WireWriter writer, HashKeyRange range)
    {
        writer.Name("HashKeyRange"u8);
        writer.StartMap(2);
        writer.Pair("StartingHashKey"u8, range.StartingHashKey.ToString(CultureInfo.InvariantCulture));
        writer.Pair("EndingHashKey"u8, range.EndingHashKey.ToString(CultureInfo.InvariantCulture));
        writer.EndMap();
    }

    /// <summary>Records that are not encrypted do not say so.</summary>
    private static void Encryption(WireWriter writer, bool isEncrypted)
    {
        if (isEncrypted)
        {
            writer.Pair("EncryptionType"u8, "KMS");
        }
    }

    private static void Placed(WireWriter writer, PutResult result)
    {
        writer.Pair("ShardId"u8, result.ShardId!);
        writer.Name("SequenceNumber"u8);
        writer.Text(result.SequenceNumber);
    }

    private static void Consumer(WireWriter writer, ConsumerView consumer, bool withStream)
    {
        writer.StartMap(withStream ? 5 : 4);
        writer.Pair("ConsumerName"u8, consumer.Name);
        writer.Pair("ConsumerARN"u8, consumer.Arn);
        writer.Pair("ConsumerStatus"u8, consumer.Status);
        writer.PairTimestamp("ConsumerCreationTimestamp"u8, consumer.CreatedMs);
        if (withStream)
        {
            writer.Pair("StreamARN"u8, consumer.StreamArn);
        }

        writer.EndMap();
    }

    private static void Children(WireWriter writer, IReadOnlyList<ChildShard> children)
    {
        if (children.Count == 0)
        {
            return;
        }

        writer.Name("ChildShards"u8);
        writer.StartArray(children.Count);
        foreach (ChildShard child in children)
        {
            writer.StartMap(3);
            writer.Pair("ShardId"u8, child.ShardId);
            writer.Name("ParentShards"u8);
            writer.StartArray(child.ParentShards.Count);
            foreach (string parent in child.ParentShards)
            {
                writer.Text(parent);
            }

            writer.EndArray();
            Range(writer, child.HashKeyRange);
            writer.EndMap();
        }

        writer.EndArray();
    }

    public static void NextToken(WireWriter writer, string? token)
    {
        if (token is not null)
        {
            writer.Pair("NextToken"u8, token);
        }
    }
}
