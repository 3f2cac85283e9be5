using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Reading;
using FastConsumer.Timing;

namespace FastConsumer.Hosting;

/// <summary>The stream as it was listed.</summary>
/// <param name="Shards">Its shards.</param>
/// <param name="LeasesBefore">The leases as they were read before.</param>
/// <param name="BegunAt">The timestamp before the listing.</param>
/// <param name="CreatedAt">When the stream was created; null where nobody asked for it of late.</param>
internal sealed record StreamListing(ShardListing Shards, IReadOnlyList<Lease> LeasesBefore, long BegunAt, DateTimeOffset? CreatedAt)
{
    public List<ShardNode> Nodes { get; } =
        [.. Shards.Shards.Select(static shard => new ShardNode(shard.ShardId, shard.ParentIds(), shard.EndingSequenceNumber is not null, shard.HashKeyRange))];
}

/// <summary>
/// Lists the stream's shards beside the loop that coordinates, so that leases go on moving while the service is slow or answers nothing. What
/// comes of it is taken over by the pass that finds it there. Used by one caller at a time, and one listing at a time.
/// </summary>
internal sealed class ShardLister(WorkerParts parts, TimeSpan listingLasts)
{
    /// <summary>A listing that comes at once need not wait for another pass.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, SequenceNumber> _beginnings = new(StringComparer.Ordinal);
    private Task<StreamListing>? _underWay;
    private volatile Description? _described;
    private bool _mayHaveChanged;

    /// <summary>Told when a listing is over that a pass has not waited for.</summary>
    public Action Over { get; set; } = static () => { };

    /// <summary>True from the begin of a listing until it is taken over.</summary>
    public bool IsUnderWay => _underWay is not null;

    /// <summary>True where the stream has said of late when it was created.</summary>
    public bool HasDescribed => _described is { } described && parts.Time.GetElapsedTime(described.At) < listingLasts;

    /// <summary>The stream was created then, as it has just said.</summary>
    public void Described(DateTimeOffset createdAt) => _described = new Description(createdAt, parts.Time.GetTimestamp());

    /// <summary>Begins a listing.</summary>
    /// <param name="leases">The leases as they were read last.</param>
    /// <param name="asksForMore">Whether leases are to be created by it: then it is asked, too, which stream it is.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public void Begin(IReadOnlyList<Lease> leases, Func<StreamListing, bool> asksForMore, CancellationToken cancellationToken)
    {
        _underWay = ListAsync(leases, asksForMore, cancellationToken);
    }

    /// <summary>The listing that was begun, or why it failed; null where it takes longer than a pass can wait.</summary>
    public async Task<StreamListing?> TakeAsync(bool isUrgent, CancellationToken cancellationToken)
    {
        Task<StreamListing> listing = _underWay!;
        if (!isUrgent && !listing.IsCompleted)
        {
            await ApartTask.WaitAsync(listing, s_patience, parts.Time, cancellationToken);
            if (!listing.IsCompleted)
            {
                _ = TellAsync(listing);
                return null;
            }
        }

        try
        {
            return await listing;
        }
        finally
        {
            _underWay = null;
        }
    }

    /// <summary>Waits for what is under way, which is cancelled.</summary>
    public async Task EndAsync()
    {
        if (_underWay is { } listing)
        {
            await ((Task)listing).ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<StreamListing> ListAsync(IReadOnlyList<Lease> leases, Func<StreamListing, bool> asksForMore, CancellationToken cancellationToken)
    {
        // a listing that takes longer says nothing any more, and is to be told of as one that fails
        using var late = new CancellationTokenSource(listingLasts, parts.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            long begunAt = parts.Time.GetTimestamp();
            ShardListing shards = await ShardListing.ListAllAsync(parts.Client, parts.Settings.Stream, either.Token);
            _mayHaveChanged |= IsAnother(shards);
            var listing = new StreamListing(shards, leases, begunAt, null);
            if (_mayHaveChanged || (!HasDescribed && asksForMore(listing)))
            {
                Described((await parts.Client.DescribeStreamSummaryAsync(parts.Settings.Stream, either.Token)).StreamCreationTimestamp);
                _mayHaveChanged = false;
            }

            if (shards.Holes.Count == 0)
            {
                // shards that the stream has no longer; a listing with holes may leave out others
                foreach (string gone in _beginnings.Keys.Except(shards.Shards.Select(static shard => shard.ShardId)).ToList())
                {
                    _beginnings.Remove(gone);
                }
            }

            foreach (Shard shard in shards.Shards)
            {
                _beginnings[shard.ShardId] = shard.StartingSequenceNumber;
            }

            return HasDescribed ? listing with { CreatedAt = _described!.CreatedAt } : listing;
        }
        catch (KinesisException e) when (e.Kind == KinesisErrorKind.NotFound)
        {
            _mayHaveChanged = true;
            throw;
        }
        catch (OperationCanceledException e) when (late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new KinesisException($"The shards of {parts.Settings.Stream} were not listed within {listingLasts}.", KinesisErrorKind.Unavailable, innerException: e);
        }
    }

    private async Task TellAsync(Task listing)
    {
        await listing.ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        Over();
    }

    /// <summary>A stream that was deleted and created again has shards of the same ids, which begin elsewhere.</summary>
    private bool IsAnother(ShardListing listing) =>
        listing.Shards.Any(shard => _beginnings.TryGetValue(shard.ShardId, out SequenceNumber begun) && begun != shard.StartingSequenceNumber);

    private sealed record Description(DateTimeOffset CreatedAt, long At);
}
