using System.Text;

namespace FastConsumer.Kinesis;

/// <summary>
/// The operations of Amazon Kinesis Data Streams that a consumer and its tests need, under the names of the API
/// (version 2013-12-02).
/// </summary>
/// <remarks>
/// Every call throws <see cref="KinesisException"/> where the service or the network refuses it. Calls that change
/// nothing, and puts, are retried with jittered back-off as far as the error allows; throttles of GetRecords are not: its
/// caller owns the shard's quota.
/// </remarks>
public interface IKinesisClient : IDisposable
{
    /// <summary>Where the client sends its requests, for messages.</summary>
    string EndpointDescription { get; }

    /// <summary>Lists one page of shards; give either a token or the stream's first page.</summary>
    Task<ListShardsResponse> ListShardsAsync(
        StreamIdentifier stream, string? nextToken = null, CancellationToken cancellationToken = default);

    /// <summary>Describes a stream without its shards.</summary>
    Task<StreamDescriptionSummary> DescribeStreamSummaryAsync(StreamIdentifier stream, CancellationToken cancellationToken = default);

    /// <summary>An iterator, valid for five minutes.</summary>
    Task<string> GetShardIteratorAsync(
        StreamIdentifier stream, string shardId, StartingPosition position, CancellationToken cancellationToken = default);

    /// <summary>Reads records. The caller owns the answer and disposes it once, when its last record is done.</summary>
    /// <param name="stream">The stream of the iterator.</param>
    /// <param name="shardIterator">An iterator or the former answer's <see cref="GetRecordsResponse.NextShardIterator"/>.</param>
    /// <param name="limit">1 to 10,000 records; null for the service's default.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    Task<GetRecordsResponse> GetRecordsAsync(
        StreamIdentifier stream, string shardIterator, int? limit = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Reads records, as the overload with a string does, for callers that keep the iterator as UTF-8 and so need no string for each call.
    /// </summary>
    /// <param name="stream">The stream of the iterator.</param>
    /// <param name="shardIteratorUtf8">The iterator; it must not change before the call is over.</param>
    /// <param name="limit">1 to 10,000 records; null for the service's default.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    Task<GetRecordsResponse> GetRecordsAsync(
        StreamIdentifier stream,
        ReadOnlyMemory<byte> shardIteratorUtf8,
        int? limit = null,
        CancellationToken cancellationToken = default) =>
        GetRecordsAsync(stream, Encoding.UTF8.GetString(shardIteratorUtf8.Span), limit, cancellationToken);

    /// <summary>Puts one record.</summary>
    Task<PutRecordResponse> PutRecordAsync(
        StreamIdentifier stream, PutRecordsRequestEntry record, CancellationToken cancellationToken = default);

    /// <summary>Puts up to 500 records; each may fail on its own.</summary>
    Task<PutRecordsResponse> PutRecordsAsync(
        StreamIdentifier stream, IReadOnlyList<PutRecordsRequestEntry> records, CancellationToken cancellationToken = default);

    /// <summary>Creates a stream; null for an on-demand one.</summary>
    Task CreateStreamAsync(string streamName, int? shardCount, CancellationToken cancellationToken = default);

    /// <summary>Deletes a stream.</summary>
    Task DeleteStreamAsync(StreamIdentifier stream, bool enforceConsumerDeletion = false, CancellationToken cancellationToken = default);

    /// <summary>Splits a shard at <paramref name="newStartingHashKey"/>.</summary>
    Task SplitShardAsync(
        StreamIdentifier stream, string shardToSplit, UInt128 newStartingHashKey, CancellationToken cancellationToken = default);

    /// <summary>Merges two adjacent shards.</summary>
    Task MergeShardsAsync(
        StreamIdentifier stream, string shardToMerge, string adjacentShardToMerge, CancellationToken cancellationToken = default);

    /// <summary>Registers a fan-out consumer.</summary>
    Task<Consumer> RegisterStreamConsumerAsync(string streamARN, string consumerName, CancellationToken cancellationToken = default);

    /// <summary>Describes a fan-out consumer.</summary>
    Task<Consumer> DescribeStreamConsumerAsync(string streamARN, string consumerName, CancellationToken cancellationToken = default);

    /// <summary>Lists one page of fan-out consumers.</summary>
    Task<ListStreamConsumersResponse> ListStreamConsumersAsync(
        string streamARN, string? nextToken = null, CancellationToken cancellationToken = default);

    /// <summary>Deregisters a fan-out consumer.</summary>
    Task DeregisterStreamConsumerAsync(string streamARN, string consumerName, CancellationToken cancellationToken = default);

    /// <summary>
    /// Subscribes a fan-out consumer to a shard, over HTTP/2. The service allows one call a second per consumer and shard; it
    /// refuses a second one within five seconds (ResourceInUse), and later lets it take over. The pace is the caller's: what the service
    /// refuses is not repeated here.
    /// </summary>
    /// <param name="consumerARN">The ARN of a consumer that is ACTIVE.</param>
    /// <param name="shardId">The shard.</param>
    /// <param name="startingPosition">Where to start.</param>
    /// <param name="cancellationToken">Ends the call, not the subscription.</param>
    /// <returns>The subscription; the caller disposes it.</returns>
    Task<IShardSubscription> SubscribeToShardAsync(
        string consumerARN, string shardId, StartingPosition startingPosition, CancellationToken cancellationToken = default);
}
