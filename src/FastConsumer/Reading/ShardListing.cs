using FastConsumer.Kinesis;

namespace FastConsumer.Reading;

/// <summary>The whole of a stream's shards, from as many pages as it takes.</summary>
/// <param name="Shards">All shards.</param>
/// <param name="AnsweredAt">When the service gave the first page, by its own clock; null where it does not say.</param>
internal sealed record ShardListing(IReadOnlyList<Shard> Shards, DateTimeOffset? AnsweredAt)
{
    private const int Restarts = 3;

    private static readonly TimeSpan s_clockTolerance = TimeSpan.FromSeconds(1);

    /// <summary>The hash keys that no open shard of the listing holds: some where it was caught in the middle of a reshard.</summary>
    public IReadOnlyList<HashKeyRange> Holes => HashKeyRanges.Holes(
        Shards.Where(static shard => shard.EndingSequenceNumber is null).Select(static shard => shard.HashKeyRange));

    /// <summary>
    /// A moment before the listing was given, by the clock that stamps the records, for this machine's may be wrong. The service says its
    /// time in whole seconds, and its machines may differ a little: as a start position, a moment too early repeats nothing that was done,
    /// one too late would leave records out.
    /// </summary>
    /// <param name="answeredAt">When the service gave it; null where it does not say.</param>
    /// <param name="time">This machine's clock.</param>
    public static DateTimeOffset Before(DateTimeOffset? answeredAt, TimeProvider time) =>
        answeredAt is { } there ? there - s_clockTolerance : time.GetUtcNow();

    /// <summary>Lists all shards. A token that expired under way restarts the listing.</summary>
    public static async Task<ShardListing> ListAllAsync(IKinesisClient client, StreamIdentifier stream, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                ListShardsResponse page = await client.ListShardsAsync(stream, nextToken: null, cancellationToken);
                DateTimeOffset? answeredAt = page.AnsweredAt;
                List<Shard> shards = [.. page.Shards];
                while (page.NextToken is { } token)
                {
                    page = await client.ListShardsAsync(stream, token, cancellationToken);
                    shards.AddRange(page.Shards);
                }

                return new ShardListing(shards, answeredAt);
            }
            catch (KinesisException e) when (e.ErrorCode == "ExpiredNextTokenException" && attempt < Restarts)
            {
                // the token lives 300 s: the pages took longer than that
            }
        }
    }
}

/// <summary>What a listed shard says of others.</summary>
internal static class ShardLineage
{
    /// <summary>The shards it was made from.</summary>
    public static IReadOnlyList<string> ParentIds(this Shard shard) => (shard.ParentShardId, shard.AdjacentParentShardId) switch
    {
        (null, null) => [],
        (string one, null) => [one],
        (null, string one) => [one],
        (string one, string two) => [one, two],
    };
}
