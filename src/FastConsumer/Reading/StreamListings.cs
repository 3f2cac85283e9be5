using FastConsumer.Kinesis;
using FastConsumer.Timing;

namespace FastConsumer.Reading;

/// <summary>One listing of the stream for all shards of a worker that ask for one at the same time.</summary>
internal sealed class StreamListings(IKinesisClient client, StreamIdentifier stream, TimeProvider time)
{
    private readonly AsyncLock _one = new();
    private Outcome? _last;

    /// <summary>
    /// A listing that was begun at <paramref name="notBefore"/>, a timestamp of the clock, or later: the last one, or a new one.
    /// </summary>
    /// <exception cref="KinesisException">It failed; for all that waited for it.</exception>
    public async ValueTask<(ShardListing Listing, long BegunAt)> SinceAsync(long notBefore, CancellationToken cancellationToken)
    {
        await _one.EnterAsync(cancellationToken);
        try
        {
            if (_last is not { } last || last.BegunAt < notBefore)
            {
                _last = last = await ListAsync(cancellationToken);
            }

            return (last.Listing ?? throw last.Failure!, last.BegunAt);
        }
        finally
        {
            _one.Exit();
        }
    }

    private async Task<Outcome> ListAsync(CancellationToken cancellationToken)
    {
        long begunAt = time.GetTimestamp();
        try
        {
            return new Outcome(begunAt, await ShardListing.ListAllAsync(client, stream, cancellationToken), null);
        }
        catch (KinesisException e)
        {
            return new Outcome(begunAt, null, e);
        }
    }

    private sealed record Outcome(long BegunAt, ShardListing? Listing, KinesisException? Failure);
}
