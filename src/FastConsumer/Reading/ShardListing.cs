using FastConsumer.Kinesis;

namespace FastConsumer.Reading;

/// <summary>The whole of a stream's shards, from as many pages as it takes.</summary>
internal static class ShardListing
{
    private const int Restarts = 3;

    /// <summary>Lists all shards. A token that expired under way restarts the listing.</summary>
    public static async Task<List<Shard>> ListAllAsync(IKinesisClient client, StreamIdentifier stream, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                List<Shard> shards = [];
                string? token = null;
                do
                {
                    ListShardsResponse page = await client.ListShardsAsync(stream, token, cancellationToken);
                    shards.AddRange(page.Shards);
                    token = page.NextToken;
                }
                while (token is not null);
                return shards;
            }
            catch (KinesisException e) when (e.ErrorCode == "ExpiredNextTokenException" && attempt < Restarts)
            {
                // the token lives 300 s: the pages took longer than that
            }
        }
    }

    /// <summary>The shards it was made from.</summary>
    public static IReadOnlyList<string> ParentIds(this Shard shard) => (shard.ParentShardId, shard.AdjacentParentShardId) switch
    {
        (null, null) => [],
        (string one, null) => [one],
        (null, string one) => [one],
        (string one, string two) => [one, two],
    };
}
