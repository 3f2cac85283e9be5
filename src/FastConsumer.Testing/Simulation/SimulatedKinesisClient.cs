using FastConsumer.Buffers;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;
using FastConsumer.Testing.Engine;

namespace FastConsumer.Testing.Simulation;

/// <summary>The service as one worker reaches it: the engine behind a link. It repeats nothing by itself.</summary>
internal sealed class SimulatedKinesisClient(
    SimulationLoop loop, SimulatedProcess process, SimulatedLink link, KinesisEngine engine, Random random) : IKinesisClient
{
    private static readonly TimeSpan s_controlPatience = TimeSpan.FromSeconds(90);

    public string EndpointDescription => "the simulated Kinesis";

    /// <summary>What is wrong with the control plane; records are read all the same.</summary>
    public Func<LinkState> ControlPlane { get; set; } = static () => LinkState.Up;

    /// <summary>Told which shard was given a first place to read from.</summary>
    public Action<string, StartingPosition>? IteratorGiven { get; set; }

    public async Task<ListShardsResponse> ListShardsAsync(
        StreamIdentifier stream, string? nextToken = null, CancellationToken cancellationToken = default)
    {
        await ControlAsync(KinesisOperation.ListShards, cancellationToken);
        return await ServeListShardsAsync(stream, nextToken, cancellationToken);
    }

    /// <summary>As a Date header says it.</summary>
    private DateTimeOffset Date => DateTimeOffset.FromUnixTimeSeconds(engine.Settings.Clock.GetUtcNow().ToUnixTimeSeconds());

    private Task<ListShardsResponse> ServeListShardsAsync(
        StreamIdentifier stream, string? nextToken, CancellationToken cancellationToken) => CallAsync(
            KinesisOperation.ListShards,
            () =>
            {
                ListShardsResult result = engine.ListShards(
                    nextToken is null ? new ListShardsRequest(Of(stream)) : new ListShardsRequest(default, nextToken));
                return new ListShardsResponse(result.Shards, result.NextToken)
                {
                    AnsweredAt = Date,
                };
            },
            cancellationToken);

    public Task<StreamDescriptionSummary> DescribeStreamSummaryAsync(
        StreamIdentifier stream, CancellationToken cancellationToken = default) => CallAsync(
            KinesisOperation.DescribeStreamSummary,
            () =>
            {
                StreamView view = engine.DescribeStreamSummary(Of(stream));
                return new StreamDescriptionSummary
                {
                    StreamName = view.Name,
                    StreamARN = view.Arn,
                    StreamStatus = view.Status,
                    RetentionPeriodHours = view.RetentionHours,
                    StreamCreationTimestamp = DateTimeOffset.FromUnixTimeMilliseconds(view.CreatedMs),
                    OpenShardCount = view.OpenShardCount,
                    ConsumerCount = view.ConsumerCount,
                    AnsweredAt = Date,
                };
            },
            cancellationToken);

    public Task<string> GetShardIteratorAsync(
        StreamIdentifier stream, string shardId, StartingPosition position, CancellationToken cancellationToken = default) => CallAsync(
            KinesisOperation.GetShardIterator,
            () =>
            {
                string iterator = engine.GetShardIterator(IteratorRequest(Of(stream), shardId, position));
                IteratorGiven?.Invoke(shardId, position);
                return iterator;
            },
            cancellationToken);

    public async Task<GetRecordsResponse> GetRecordsAsync(
        StreamIdentifier stream, string shardIterator, int? limit = null, CancellationToken cancellationToken = default)
    {
        GetRecordsResult result = await CallAsync(
            KinesisOperation.GetRecords, () => engine.GetRecords(new GetRecordsRequest(shardIterator, limit)), cancellationToken);
        return SimulatedAnswer.Of(result.Records, result.MillisBehindLatest, result.ChildShards, result.NextShardIterator, null);
    }

    public Task<Consumer> RegisterStreamConsumerAsync(
        string streamARN, string consumerName, CancellationToken cancellationToken = default) => CallAsync(
            KinesisOperation.RegisterStreamConsumer,
            () => Of(engine.RegisterStreamConsumer(new RegisterStreamConsumerRequest(streamARN, consumerName))),
            cancellationToken);

    public Task<Consumer> DescribeStreamConsumerAsync(
        string streamARN, string consumerName, CancellationToken cancellationToken = default) => CallAsync(
            KinesisOperation.DescribeStreamConsumer,
            () => Of(engine.DescribeStreamConsumer(new ConsumerReference(streamARN, consumerName, null))),
            cancellationToken);

    public async Task<IShardSubscription> SubscribeToShardAsync(
        string consumerARN, string shardId, StartingPosition startingPosition, CancellationToken cancellationToken = default)
    {
        var subscription = new SimulatedSubscription(loop, process, link, engine, random);
        try
        {
            await CallAsync(
                KinesisOperation.SubscribeToShard,
                () =>
                {
                    subscription.Open(engine.SubscribeToShard(
                        new SubscribeToShardRequest(
                            consumerARN, shardId, TypeOf(startingPosition), NumberOf(startingPosition), TimeOf(startingPosition)),
                        subscription.Wake));
                    IteratorGiven?.Invoke(shardId, startingPosition);
                    return true;
                },
                cancellationToken);
            return subscription;
        }
        catch
        {
            await subscription.DisposeAsync();
            throw;
        }
    }

    public void Dispose()
    {
        // the link belongs to the process
    }

    public Task<PutRecordResponse> PutRecordAsync(
        StreamIdentifier stream, PutRecordsRequestEntry record, CancellationToken cancellationToken = default) => throw NotSimulated();

    public Task<PutRecordsResponse> PutRecordsAsync(
        StreamIdentifier stream, IReadOnlyList<PutRecordsRequestEntry> records, CancellationToken cancellationToken = default) =>
        throw NotSimulated();

    public Task CreateStreamAsync(string streamName, int? shardCount, CancellationToken cancellationToken = default) =>
        throw NotSimulated();

    public Task DeleteStreamAsync(
        StreamIdentifier stream, bool enforceConsumerDeletion = false, CancellationToken cancellationToken = default) =>
        throw NotSimulated();

    public Task SplitShardAsync(
        StreamIdentifier stream, string shardToSplit, UInt128 newStartingHashKey, CancellationToken cancellationToken = default) =>
        throw NotSimulated();

    public Task MergeShardsAsync(
        StreamIdentifier stream, string shardToMerge, string adjacentShardToMerge, CancellationToken cancellationToken = default) =>
        throw NotSimulated();

    public Task<ListStreamConsumersResponse> ListStreamConsumersAsync(
        string streamARN, string? nextToken = null, CancellationToken cancellationToken = default) => throw NotSimulated();

    public Task DeregisterStreamConsumerAsync(string streamARN, string consumerName, CancellationToken cancellationToken = default) =>
        throw NotSimulated();

    internal static GetShardIteratorRequest IteratorRequest(StreamReference stream, string shardId, StartingPosition position) =>
        new(stream, shardId, TypeOf(position), NumberOf(position), TimeOf(position));

    /// <summary>What the service's refusal is to a client.</summary>
    internal static KinesisException Refused(KinesisOperation operation, EngineException refusal) =>
        new(
            $"{operation.Name}: {refusal.Message}",
            ErrorCatalog.Classify(operation, refusal.Status, refusal.ErrorCode),
            refusal.ErrorCode,
            refusal)
        {
            StatusCode = refusal.Status
        };

    private async Task ControlAsync(KinesisOperation operation, CancellationToken cancellationToken)
    {
        switch (ControlPlane())
        {
            case LinkState.Refused:
                throw new KinesisException($"{operation.Name} is denied.", KinesisErrorKind.Denied);
            case LinkState.Silent:
                // longer than a link's patience, as with a client that tries again
                await Task.Delay(s_controlPatience, process.Clock, cancellationToken);
                throw new KinesisException($"{operation.Name} was not answered.", KinesisErrorKind.Unavailable);
        }
    }

    private async Task<T> CallAsync<T>(KinesisOperation operation, Func<T> serve, CancellationToken cancellationToken)
    {
        try
        {
            return await link.CallAsync(operation.Name, serve, cancellationToken);
        }
        catch (NoAnswerException e)
        {
            throw new KinesisException(e.Message, KinesisErrorKind.Unavailable, innerException: e);
        }
        catch (EngineException e)
        {
            throw Refused(operation, e);
        }
    }

    private static NotSupportedException NotSimulated() => new("A worker does not change streams.");

    private static StreamReference Of(StreamIdentifier stream) => new(stream.Name, stream.Arn);

    private static Consumer Of(ConsumerView view) => new()
    {
        ConsumerName = view.Name,
        ConsumerARN = view.Arn,
        ConsumerStatus = view.Status,
        ConsumerCreationTimestamp = DateTimeOffset.FromUnixTimeMilliseconds(view.CreatedMs),
        StreamARN = view.StreamArn,
    };

    private static string TypeOf(StartingPosition position) => position.Type switch
    {
        ShardIteratorType.TrimHorizon => "TRIM_HORIZON",
        ShardIteratorType.Latest => "LATEST",
        ShardIteratorType.AtSequenceNumber => "AT_SEQUENCE_NUMBER",
        ShardIteratorType.AfterSequenceNumber => "AFTER_SEQUENCE_NUMBER",
        _ => "AT_TIMESTAMP",
    };

    private static string? NumberOf(StartingPosition position) =>
        position.Type is ShardIteratorType.AtSequenceNumber or ShardIteratorType.AfterSequenceNumber
        ? position.SequenceNumber.ToString()
        : null;

    private static long? TimeOf(StartingPosition position) =>
        position.Type == ShardIteratorType.AtTimestamp ? position.Timestamp.ToUnixTimeMilliseconds() : null;
}

/// <summary>Records as an answer holds them, in memory that belongs to no pool: a view of it after its return always throws.</summary>
internal static class SimulatedAnswer
{
    public static GetRecordsResponse Of(
        StoredRecord[] records, long? millisBehindLatest, IReadOnlyList<ChildShard> children, string? nextIterator, string? continuation)
    {
        byte[] bytes = new byte[Math.Max(1, records.Sum(static record => record.Bytes + record.SequenceNumber.Length))];
        var entries = new RecordEntry[Math.Max(1, records.Length)];
        int at = 0;
        for (int i = 0; i < records.Length; i++)
        {
            StoredRecord record = records[i];
            entries[i] = new RecordEntry
            {
                DataOffset = Put(record.Data),
                DataLength = record.Data.Length,
                PartitionKeyOffset = Put(record.PartitionKey),
                PartitionKeyLength = record.PartitionKey.Length,
                SequenceNumberOffset = Put(record.SequenceNumber),
                SequenceNumberLength = record.SequenceNumber.Length,
                SubSequenceNumber = RecordEntry.NotAggregated,
                ArrivalMilliseconds = record.ArrivalMs,
            };
        }

        return new GetRecordsResponse(ResponseBuffer.Wrap(bytes), entries, records.Length, entriesArePooled: false)
        {
            NextShardIterator = nextIterator,
            ContinuationSequenceNumber = continuation is null ? null : SequenceNumber.Parse(continuation),
            MillisBehindLatest = millisBehindLatest,
            ChildShards = children,
            PayloadBytes = records.Sum(static record => (long)record.Bytes),
            MayHoldAggregates = records.Any(static record => AggregatedRecordReader.HasMagic(record.Data)),
        };

        int Put(byte[] part)
        {
            part.CopyTo(bytes, at);
            at += part.Length;
            return at - part.Length;
        }
    }
}
