using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Http.Codecs;

namespace FastConsumer.Testing.Http;

/// <summary>The shapes of the answers that describe streams.</summary>
internal static class StreamAnswers
{
    public static void DescribeStream(WireWriter writer, DescribeStreamResult result)
    {
        StreamView stream = result.Stream;
        writer.StartMap(1);
        writer.Name("StreamDescription"u8);
        writer.StartMap(stream.KeyId is null ? 10 : 11);
        Head(writer, stream);
        writer.Name("Shards"u8);
        Answers.Shards(writer, result.Shards);
        writer.Pair("HasMoreShards"u8, result.HasMoreShards);
        Tail(writer, stream);
        writer.EndMap();
        writer.EndMap();
    }

    public static void DescribeStreamSummary(WireWriter writer, StreamView stream)
    {
        int optional = (stream.KeyId is null ? 0 : 1) + (stream.WarmThroughput is null ? 0 : 1) + (stream.Distribution is null ? 0 : 1);
        writer.StartMap(1);
        writer.Name("StreamDescriptionSummary"u8);
        writer.StartMap(11 + optional);
        Head(writer, stream);
        Tail(writer, stream);
        writer.Pair("OpenShardCount"u8, stream.OpenShardCount);
        writer.Pair("ConsumerCount"u8, stream.ConsumerCount);
        writer.Pair("MaxRecordSizeInKiB"u8, stream.MaxRecordKiB);
        if (stream.WarmThroughput is { } warm)
        {
            SettingAnswers.WarmThroughput(writer, warm);
        }

        if (stream.Distribution is { } distribution)
        {
            writer.Pair("RecordDistributionStrategy"u8, distribution);
        }

        writer.EndMap();
        writer.EndMap();
    }

    public static void ListStreams(WireWriter writer, ListStreamsResult result)
    {
        writer.StartMap(result.NextToken is null ? 3 : 4);
        writer.Name("StreamNames"u8);
        writer.StartArray(result.Streams.Count);
        foreach (StreamView stream in result.Streams)
        {
            writer.Text(stream.Name);
        }

        writer.EndArray();
        writer.Pair("HasMoreStreams"u8, result.HasMoreStreams);
        writer.Name("StreamSummaries"u8);
        writer.StartArray(result.Streams.Count);
        foreach (StreamView stream in result.Streams)
        {
            writer.StartMap(5);
            Head(writer, stream);
            writer.PairTimestamp("StreamCreationTimestamp"u8, stream.CreatedMs);
            writer.EndMap();
        }

        writer.EndArray();
        Answers.NextToken(writer, result.NextToken);
        writer.EndMap();
    }

    private static void Head(WireWriter writer, StreamView stream)
    {
        writer.Pair("StreamName"u8, stream.Name);
        writer.Pair("StreamARN"u8, stream.Arn);
        writer.Pair("StreamStatus"u8, stream.Status);
        writer.Name("StreamModeDetails"u8);
        writer.StartMap(1);
        writer.Pair("StreamMode"u8, stream.Mode);
        writer.EndMap();
    }

    private static void Tail(WireWriter writer, StreamView stream)
    {
        writer.Pair("RetentionPeriodHours"u8, stream.RetentionHours);
        writer.PairTimestamp("StreamCreationTimestamp"u8, stream.CreatedMs);
        writer.Name("EnhancedMonitoring"u8);
        writer.StartArray(1);
        writer.StartMap(1);
        SettingAnswers.Texts(writer, "ShardLevelMetrics"u8, stream.ShardLevelMetrics);
        writer.EndMap();
        writer.EndArray();
        writer.Pair("EncryptionType"u8, stream.KeyId is null ? "NONE" : "KMS");
        if (stream.KeyId is { } key)
        {
            writer.Pair("KeyId"u8, key);
        }
    }
}
