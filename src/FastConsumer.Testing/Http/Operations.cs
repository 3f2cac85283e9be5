using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Http.Codecs;

namespace FastConsumer.Testing.Http;

/// <summary>
/// The operations by name: each reads its request from the decoded map, calls the engine, and returns the answer to
/// write (null for an empty one).
/// </summary>
internal static class Operations
{
    public static IReadOnlyDictionary<string, Func<KinesisEngine, RequestMap, Answer?>> ByName { get; } =
        new Dictionary<string, Func<KinesisEngine, RequestMap, Answer?>>(SettingOperations.All, StringComparer.Ordinal)
        {
            ["CreateStream"] = CreateStream,
            ["DeleteStream"] = DeleteStream,
            ["DescribeStream"] = DescribeStream,
            ["DescribeStreamSummary"] = DescribeStreamSummary,
            ["ListStreams"] = ListStreams,
            ["ListShards"] = ListShards,
            ["SplitShard"] = SplitShard,
            ["MergeShards"] = MergeShards,
            ["GetShardIterator"] = GetShardIterator,
            ["GetRecords"] = GetRecords,
            ["PutRecord"] = PutRecord,
            ["PutRecords"] = PutRecords,
            ["RegisterStreamConsumer"] = RegisterStreamConsumer,
            ["DescribeStreamConsumer"] = DescribeStreamConsumer,
            ["ListStreamConsumers"] = ListStreamConsumers,
            ["DeregisterStreamConsumer"] = DeregisterStreamConsumer,
        };

    /// <summary>What the service has and this server has not, and why.</summary>
    public static IReadOnlyDictionary<string, string> Refused { get; } =
        new[] { "CreateChannel", "DeleteChannel", "DescribeChannel", "ListChannels", "UpdateChannel" }.ToDictionary(
            static name => name,
            static name => $"{name} is not an operation of EmbeddedKinesis: channels deliver to Amazon S3, which it does not have.",
            StringComparer.Ordinal);

    public static StreamReference Stream(RequestMap request) => new(request.Text("StreamName"), request.Text("StreamARN"));

    private static Answer? CreateStream(KinesisEngine engine, RequestMap request)
    {
        engine.CreateStream(new CreateStreamRequest(
            request.Text("StreamName")!,
            request.Integer("ShardCount"),
            request.Map("StreamModeDetails")?.Text("StreamMode"))
        {
            Tags = request.TextMap("Tags"),
            MaxRecordSizeInKiB = request.Integer("MaxRecordSizeInKiB"),
            WarmThroughputMiBps = request.Integer("WarmThroughputMiBps"),
            RecordDistributionStrategy = request.Text("RecordDistributionStrategy"),
        });
        return null;
    }

    private static Answer? DeleteStream(KinesisEngine engine, RequestMap request)
    {
        engine.DeleteStream(new DeleteStreamRequest(Stream(request), request.Flag("EnforceConsumerDeletion") ?? false));
        return null;
    }

    private static Answer DescribeStream(KinesisEngine engine, RequestMap request)
    {
        DescribeStreamResult result = engine.DescribeStream(new DescribeStreamRequest(
            Stream(request),
            request.Integer("Limit"),
            request.Text("ExclusiveStartShardId")));
        return new Answer(writer => StreamAnswers.DescribeStream(writer, result));
    }

    private static Answer DescribeStreamSummary(KinesisEngine engine, RequestMap request)
    {
        StreamView stream = engine.DescribeStreamSummary(Stream(request));
        return new Answer(writer => StreamAnswers.DescribeStreamSummary(writer, stream));
    }

    private static Answer ListStreams(KinesisEngine engine, RequestMap request)
    {
        ListStreamsResult result = engine.ListStreams(new ListStreamsRequest(
            request.Integer("Limit"),
            request.Text("ExclusiveStartStreamName"),
            request.Text("NextToken")));
        return new Answer(writer => StreamAnswers.ListStreams(writer, result));
    }

    private static Answer ListShards(KinesisEngine engine, RequestMap request)
    {
        RequestMap? filter = request.Map("ShardFilter");
        ListShardsResult result = engine.ListShards(new ListShardsRequest(
            Stream(request),
            request.Text("NextToken"),
            request.Text("ExclusiveStartShardId"),
            request.Integer("MaxResults"),
            request.Timestamp("StreamCreationTimestamp"),
            filter is null ? null : new ShardFilter(filter.Text("Type") ?? "", filter.Text("ShardId"), filter.Timestamp("Timestamp"))));
        return new Answer(writer => Answers.ListShards(writer, result));
    }

    private static Answer? SplitShard(KinesisEngine engine, RequestMap request)
    {
        engine.SplitShard(new SplitShardRequest(Stream(request), request.Text("ShardToSplit")!, request.Text("NewStartingHashKey")!));
        return null;
    }

    private static Answer? MergeShards(KinesisEngine engine, RequestMap request)
    {
        engine.MergeShards(new MergeShardsRequest(Stream(request), request.Text("ShardToMerge")!, request.Text("AdjacentShardToMerge")!));
        return null;
    }

    private static Answer GetShardIterator(KinesisEngine engine, RequestMap request)
    {
        string iterator = engine.GetShardIterator(new GetShardIteratorRequest(
            Stream(request),
            request.Text("ShardId")!,
            request.Text("ShardIteratorType")!,
            request.Text("StartingSequenceNumber"),
            request.Timestamp("Timestamp"),
            IsDryRun(request)));
        return new Answer(writer => Answers.GetShardIterator(writer, iterator));
    }

    private static Answer GetRecords(KinesisEngine engine, RequestMap request)
    {
        GetRecordsResult result = engine.GetRecords(new GetRecordsRequest(
            request.Text("ShardIterator")!,
            request.Integer("Limit"),
            request.Text("StreamARN"),
            IsDryRun(request)));
        return new Answer(
            writer => Answers.GetRecordsHead(writer, result),
            result.Records.Length,
            (writer, index) => Answers.Record(writer, result.Records[index]),
            writer => Answers.GetRecordsTail(writer, result));
    }

    private static Answer PutRecord(KinesisEngine engine, RequestMap request)
    {
        PutResult result = engine.PutRecord(
            new PutRecordRequest(Stream(request), Entry(request), request.Text("SequenceNumberForOrdering"), IsDryRun(request)));
        return new Answer(writer => Answers.PutRecord(writer, result));
    }

    private static Answer PutRecords(KinesisEngine engine, RequestMap request)
    {
        IReadOnlyList<PutResult> results = engine.PutRecords(new PutRecordsRequest(
            Stream(request),
            [.. (request.Maps("Records") ?? []).Select(Entry)],
            IsDryRun(request)));
        return new Answer(writer => Answers.PutRecords(writer, results));
    }

    private static Answer RegisterStreamConsumer(KinesisEngine engine, RequestMap request)
    {
        ConsumerView consumer = engine.RegisterStreamConsumer(new RegisterStreamConsumerRequest(
            request.Text("StreamARN")!,
            request.Text("ConsumerName")!,
            request.TextMap("Tags")));
        return new Answer(writer => Answers.RegisterStreamConsumer(writer, consumer));
    }

    private static Answer DescribeStreamConsumer(KinesisEngine engine, RequestMap request)
    {
        ConsumerView consumer = engine.DescribeStreamConsumer(Consumer(request));
        return new Answer(writer => Answers.DescribeStreamConsumer(writer, consumer));
    }

    private static Answer ListStreamConsumers(KinesisEngine engine, RequestMap request)
    {
        ListStreamConsumersResult result = engine.ListStreamConsumers(new ListStreamConsumersRequest(
            request.Text("StreamARN")!,
            request.Integer("MaxResults"),
            request.Text("NextToken"),
            request.Timestamp("StreamCreationTimestamp")));
        return new Answer(writer => Answers.ListStreamConsumers(writer, result));
    }

    private static Answer? DeregisterStreamConsumer(KinesisEngine engine, RequestMap request)
    {
        engine.DeregisterStreamConsumer(Consumer(request));
        return null;
    }

    public static bool IsDryRun(RequestMap request) => request.Flag("DryRun") ?? false;

    private static ConsumerReference Consumer(RequestMap request) =>
        new(request.Text("StreamARN"), request.Text("ConsumerName"), request.Text("ConsumerARN"));

    // The engine refuses absent members; its own types do not carry the null.
    private static PutEntry Entry(RequestMap request) =>
        new(request.Blob("Data")!, request.Text("PartitionKey"), request.Text("ExplicitHashKey"));
}
