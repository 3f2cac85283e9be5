using FastConsumer.Kinesis;

namespace FastConsumer.Reading;

/// <summary>The whole of a stream's shards, from as many pages as it takes.</summary>
/// <param name="Shards">All shards.</param>
/// <param name="AnsweredAt">When the service gave the first page, by its own clock; null where it does not say.</param>
internal sealed record ShardListing(IReadOnlyList<Shard> Shards, DateTimeOffset? AnsweredAt)
{
    private const int Restarts = 3;

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
