using FastConsumer.Kinesis;

namespace FastConsumer.Tests.Reading;

/// <summary>A client that answers as a test says; only what a reader calls.</summary>
internal class FakeKinesis : IKinesisClient
{
    /// <summary>The positions that iterators were asked for; the iterator is the position's text.</summary>
    public List<StartingPosition> Iterators { get; } = [];

    public Func<StartingPosition, string> Iterator { get; set; } = static position => position.ToString();

    public Func<string, GetRecordsResponse> Records { get; set; } = static _ => throw new InvalidOperationException(
        "No records were scripted.");

    public Func<IReadOnlyList<Shard>> Shards { get; set; } = static () => [];

    /// <summary>When the listing was given, by the service's clock.</summary>
    public DateTimeOffset? AnsweredAt { get; set; }

    public string EndpointDescription => "nowhere";

    public virtual Task<ListShardsResponse> ListShardsAsync(
        StreamIdentifier stream, string? nextToken = null, CancellationToken cancellationToken = default) =>
        Task.FromResult(new ListShardsResponse(Shards(), null) { AnsweredAt = AnsweredAt });

    public virtual Task<string> GetShardIteratorAsync(
        StreamIdentifier stream, string shardId, StartingPosition position, CancellationToken cancellationToken = default)
    {
        Iterators.Add(position);
        return Task.FromResult(Iterator(position));
    }

    public Task<GetRecordsResponse> GetRecordsAsync(
        StreamIdentifier stream, string shardIterator, int? limit = null, CancellationToken cancellationToken = default) =>
        Task.FromResult(Records(shardIterator));

    public virtual Task<StreamDescriptionSummary> DescribeStreamSummaryAsync(
        StreamIdentifier stream, CancellationToken cancellationToken = default) => throw NotScripted();

    public Task<PutRecordResponse> PutRecordAsync(
        StreamIdentifier stream, PutRecordsRequestEntry record, CancellationToken cancellationToken = default) => throw NotScripted();

    public Task<PutRecordsResponse> PutRecordsAsync(
        StreamIdentifier stream, IReadOnlyList<PutRecordsRequestEntry> records, CancellationToken cancellationToken = default) =>
        throw NotScripted();

    public Task CreateStreamAsync(string streamName, int? shardCount, CancellationToken cancellationToken = default) => throw NotScripted();

    public Task DeleteStreamAsync(
        StreamIdentifier stream, bool enforceConsumerDeletion = false, CancellationToken cancellationToken = default) =>
        throw NotScripted();

    public Task SplitShardAsync(
        StreamIdentifier stream, string shardToSplit, UInt128 newStartingHashKey, CancellationToken cancellationToken = default) =>
        throw NotScripted();

    public Task MergeShardsAsync(
        StreamIdentifier stream, string shardToMerge, string adjacentShardToMerge, CancellationToken cancellationToken = default) =>
        throw NotScripted();

    public Task<Consumer> RegisterStreamConsumerAsync(
        string streamARN, string consumerName, CancellationToken cancellationToken = default) => throw NotScripted();

    public Task<Consumer> DescribeStreamConsumerAsync(
        string streamARN, string consumerName, CancellationToken cancellationToken = default) => throw NotScripted();

    public Task<ListStreamConsumersResponse> ListStreamConsumersAsync(
        string streamARN, string? nextToken = null, CancellationToken cancellationToken = default) => throw NotScripted();

    public Task DeregisterStreamConsumerAsync(string streamARN, string consumerName, CancellationToken cancellationToken = default) =>
        throw NotScripted();

    public Task<IShardSubscription> SubscribeToShardAsync(
        string consumerARN, string shardId, StartingPosition startingPosition, CancellationToken cancellationToken = default) =>
        throw NotScripted();

    public void Dispose() => GC.SuppressFinalize(this);

    private static NotSupportedException NotScripted() => new("A reader does not call this.");
}
