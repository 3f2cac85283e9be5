using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Reading;

/// <summary>
/// Judges whether a shard has ended. An answer that ends it without naming its children is not believed until it has come
/// several times and ListShards says that the shard is closed.
/// </summary>
internal sealed class ShardEnding(StreamListings listings, string shardId, TimeProvider time, ILogger log)
{
    private const int InvalidAnswersInARow = 3;

    /// <summary>The end of a shard is written for good: a listing that left it out by mistake must not be the only witness.</summary>
    private static readonly TimeSpan s_secondLook = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan s_moment = TimeSpan.FromSeconds(2);

    private int _invalidAnswers;

    /// <summary>True after an answer that ended the shard although the listing says that it is open.</summary>
    public bool IsRefuted { get; private set; }

    /// <summary>An answer goes on with the shard.</summary>
    public void GoesOn() => _invalidAnswers = 0;

    /// <summary>The shard's children where an answer ends it; null where it is not to be believed yet.</summary>
    public async ValueTask<IReadOnlyList<ChildShard>?> JudgeAsync(IReadOnlyList<ChildShard> children, CancellationToken cancellationToken)
    {
        IsRefuted = false;
        if (children.Count > 0 && children.All(static child => child.ParentShards.Count > 0))
        {
            return children;
        }

        if (++_invalidAnswers <= InvalidAnswersInARow)
        {
            return null;
        }

        IReadOnlyList<Shard> listing = (await listings.SinceAsync(time.GetTimestamp(), cancellationToken)).Listing.Shards;
        Shard? self = listing.FirstOrDefault(shard => shard.ShardId == shardId);
        if (self is null or { EndingSequenceNumber: not null })
        {
            return ChildrenIn(listing);
        }

        ConsumerLog.IteratorWithoutEnd(log, shardId);
        _invalidAnswers = 0;
        IsRefuted = true;
        return null;
    }

    /// <summary>
    /// The shard's children where the stream is there and the shard no longer is (it was closed, and all of it is older than the
    /// retention), in two listings that are whole; else null.
    /// </summary>
    public async ValueTask<IReadOnlyList<ChildShard>?> FindTrimmedAsync(CancellationToken cancellationToken)
    {
        try
        {
            // One of a moment ago will do: a shard that is gone stays gone, and one that it still has is looked for again later.
            (ShardListing listing, long begunAt) = await listings.SinceAsync(time.GetTimestamp() - Ticks(s_moment), cancellationToken);
            if (!IsTrimmedIn(listing))
            {
                return null;
            }

            await Task.Delay(s_secondLook, time, cancellationToken);
            (listing, _) = await listings.SinceAsync(begunAt + Ticks(s_secondLook), cancellationToken);
            return IsTrimmedIn(listing) ? ChildrenIn(listing.Shards) : null;
        }
        catch (KinesisException)
        {
            // the first error says what is wrong; this one says the same of the stream
            return null;
        }
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);

    private bool IsTrimmedIn(ShardListing listing) => listing.Holes.Count == 0 && listing.Shards.All(shard => shard.ShardId != shardId);

    private List<ChildShard> ChildrenIn(IReadOnlyList<Shard> listing) => [.. listing
        .Where(shard => shard.ParentShardId == shardId || shard.AdjacentParentShardId == shardId)
        .Select(shard => new ChildShard(shard.ShardId, shard.ParentIds(), shard.HashKeyRange))];
}
