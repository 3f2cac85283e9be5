using FastConsumer.Kinesis;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests.Planted;

/// <summary>The listing hides which shard came from which, so that children do not wait for their parents.</summary>
internal sealed class ForgetsParents : PlantedBug
{
    public override IKinesisClient Client(SimulatedCluster cluster, SimulatedWorker worker, IKinesisClient client) => new BugClient(client)
    {
        Listed = static shard => shard with { ParentShardId = null, AdjacentParentShardId = null },
    };
}

/// <summary>Goes on one record too far where it goes on from a checkpoint.</summary>
internal sealed class ResumesOneTooFar : PlantedBug
{
    public override IKinesisClient Client(SimulatedCluster cluster, SimulatedWorker worker, IKinesisClient client) => new BugClient(client)
    {
        Placed = (shardId, position) => position.Type is ShardIteratorType.AtSequenceNumber or ShardIteratorType.AfterSequenceNumber
            && cluster.Ledger.NumberAfter(shardId, position.SequenceNumber) is { } next
                ? StartingPosition.After(next)
                : position,
    };
}

/// <summary>A start at LATEST asks for what is the latest whenever it asks, and not for its first start.</summary>
internal sealed class AsksForLatestAgain : PlantedBug
{
    public override IKinesisClient Client(SimulatedCluster cluster, SimulatedWorker worker, IKinesisClient client) => new BugClient(client)
    {
        Placed = static (_, position) => position.Type == ShardIteratorType.AtTimestamp ? StartingPosition.Latest : position,
    };
}

/// <summary>A client before the right one, which changes what it is told.</summary>
internal sealed class BugClient(IKinesisClient right) : IKinesisClient
{
    public Func<Shard, Shard> Listed { get; init; } = static shard => shard;

    public Func<string, StartingPosition, StartingPosition> Placed { get; init; } = static (_, position) => position;

    /// <summary>Changes each answer of GetRecords that has come.</summary>
    public Func<GetRecordsResponse, GetRecordsResponse> Answered { get; init; } = static answer => answer;

    /// <summary>Told of each GetRecords, with the limit that was asked for and the answer; null for one that was throttled.</summary>
    public Action<int?, GetRecordsResponse?>? Read { get; init; }

    public string EndpointDescription => right.EndpointDescription;

    public async Task<ListShardsResponse> ListShardsAsync(
        StreamIdentifier stream, string? nextToken = null, CancellationToken cancellationToken = default)
    {
        ListShardsResponse page = await right.ListShardsAsync(stream, nextToken, cancellationToken);
        return page with { Shards = [.. page.Shards.Select(Listed)] };
    }

    public Task<StreamDescriptionSummary> DescribeStreamSummaryAsync(
        StreamIdentifier stream,
        CancellationToken cancellationToken = default) => right.DescribeStreamSummaryAsync(stream, cancellationToken);

    public Task<string> GetShardIteratorAsync(
        StreamIdentifier stream, string shardId, StartingPosition position, CancellationToken cancellationToken = default) =>
        right.GetShardIteratorAsync(stream, shardId, Placed(shardId, position), cancellationToken);

    public async Task<GetRecordsResponse> GetRecordsAsync(
        StreamIdentifier stream, string shardIterator, int? limit = null, CancellationToken cancellationToken = default)
    {
        try
        {
            GetRecordsResponse answer = await right.GetRecordsAsync(stream, shardIterator, limit, cancellationToken);
            Read?.Invoke(limit, answer);
            return Answered(answer);
        }
        catch (KinesisException e) when (e.Kind == KinesisErrorKind.Throttled)
        {
            Read?.Invoke(limit, null);
            throw;
        }
    }

    public Task<PutRecordResponse> PutRecordAsync(
        StreamIdentifier stream, PutRecordsRequestEntry record, CancellationToken cancellationToken = default) =>
        right.PutRecordAsync(stream, record, cancellationToken);

    public Task<PutRecordsResponse> PutRecordsAsync(
        StreamIdentifier stream, IReadOnlyList<PutRecordsRequestEntry> records, CancellationToken cancellationToken = default) =>
        right.PutRecordsAsync(stream, records, cancellationToken);

    public Task CreateStreamAsync(string streamName, int? shardCount, CancellationToken cancellationToken = default) =>
        right.CreateStreamAsync(streamName, shardCount, cancellationToken);

    public Task DeleteStreamAsync(
        StreamIdentifier stream, bool enforceConsumerDeletion = false, CancellationToken cancellationToken = default) =>
        right.DeleteStreamAsync(stream, enforceConsumerDeletion, cancellationToken);

    public Task SplitShardAsync(
        StreamIdentifier stream, string shardToSplit, UInt128 newStartingHashKey, CancellationToken cancellationToken = default) =>
        right.SplitShardAsync(stream, shardToSplit, newStartingHashKey, cancellationToken);

    public Task MergeShardsAsync(
        StreamIdentifier stream, string shardToMerge, string adjacentShardToMerge, CancellationToken cancellationToken = default) =>
        right.MergeShardsAsync(stream, shardToMerge, adjacentShardToMerge, cancellationToken);

    public Task<Consumer> RegisterStreamConsumerAsync(
        string streamARN, string consumerName, CancellationToken cancellationToken = default) =>
        right.RegisterStreamConsumerAsync(streamARN, consumerName, cancellationToken);

    public Task<Consumer> DescribeStreamConsumerAsync(
        string streamARN, string consumerName, CancellationToken cancellationToken = default) =>
        right.DescribeStreamConsumerAsync(streamARN, consumerName, cancellationToken);

    public Task<ListStreamConsumersResponse> ListStreamConsumersAsync(
        string streamARN, string? nextToken = null, CancellationToken cancellationToken = default) =>
        right.ListStreamConsumersAsync(streamARN, nextToken, cancellationToken);

    public Task DeregisterStreamConsumerAsync(string streamARN, string consumerName, CancellationToken cancellationToken = default) =>
        right.DeregisterStreamConsumerAsync(streamARN, consumerName, cancellationToken);

    public Task<IShardSubscription> SubscribeToShardAsync(
        string consumerARN, string shardId, StartingPosition startingPosition, CancellationToken cancellationToken = default) =>
        right.SubscribeToShardAsync(consumerARN, shardId, Placed(shardId, startingPosition), cancellationToken);

    public void Dispose() => right.Dispose();
}
