using System.Collections.Concurrent;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Reading;
using FastConsumer.Timing;

namespace FastConsumer.Hosting;

/// <summary>
/// Makes the lease table follow the stream's shards: creates the leases they ask for, deletes those that nothing needs any more, and watches
/// that the leases that are not finished hold all hash keys. Used by one caller at a time, but for <see cref="Request"/>.
/// </summary>
internal sealed class ShardSync(WorkerParts parts, ILeaseStore store, LeaseObserver observer)
{
    /// <summary>The counter of a lease's first owner: leases are created with counter 0.</summary>
    private const long FirstToken = 1;

    private static readonly TimeSpan s_holeInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_retryInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longestRetry = TimeSpan.FromSeconds(30);

    /// <summary>A table that throttles answers, and has units again within the second.</summary>
    private static readonly TimeSpan s_throttledRetry = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan s_cleanUpInterval = TimeSpan.FromMinutes(1);

    /// <summary>
    /// A lease that is missing may be one that was deleted: what was listed longer ago than this says nothing of it. Much less than
    /// <see cref="s_deletionDelay"/>, so that whoever has read the stream or the table before a shard's last descendants came is not
    /// creating its lease any more when it is deleted.
    /// </summary>
    private static readonly TimeSpan s_listingLasts = TimeSpan.FromSeconds(20);

    /// <summary>Leases are deleted when they have been seen so long to be of no use.</summary>
    private static readonly TimeSpan s_deletionDelay = TimeSpan.FromSeconds(45);

    /// <summary>A lease that is taken longer after its creation than this starts at the time that it bears.</summary>
    private static readonly TimeSpan s_latestLasts = TimeSpan.FromSeconds(3);

    /// <summary>Deleted in one go.</summary>
    private const int MostDeleted = 25;

    /// <summary>Leases created at a time.</summary>
    private const int CreatedAtOnce = 16;

    private readonly ConcurrentDictionary<string, HashKeyRange> _hashKeyRanges = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _createdHere = new(StringComparer.Ordinal);
    private readonly ShardLister _lister = new(parts, s_listingLasts);
    private readonly Random _random = parts.Random.Create();
    private readonly Backoff _backoff = new(s_retryInterval, s_longestRetry, parts.Random.Create());
    private readonly Dictionary<string, long> _removableSince = new(StringComparer.Ordinal);
    private volatile bool _requested = true;
    private IReadOnlyList<HashKeyRange> _knownHoles = [];
    private long _syncedAt;
    private long _cleanedUpAt = parts.Time.GetTimestamp();
    private IReadOnlyList<HashKeyRange> _suspectedHoles = [];
    private TimeSpan _cleanUpInterval = s_cleanUpInterval;
    private long? _triedAt;
    private readonly ThrottleNotice _throttles = new(parts);
    private TimeSpan _retryWait = s_retryInterval;

    private WorkerSettings Settings => parts.Settings;

    /// <summary>When the stream was created, as far as is known.</summary>
    public DateTimeOffset StreamCreatedAt { get; private set; }

    /// <summary>Told when there is something to follow that a pass has not waited for.</summary>
    public Action ListingOver { set => _lister.Over = value; }

    /// <summary>The stream was created then, as it has just said.</summary>
    public void Described(DateTimeOffset createdAt)
    {
        StreamCreatedAt = createdAt;
        _lister.Described(createdAt);
    }

    /// <summary>Asks again when the stream was created, unless that was asked a moment ago.</summary>
    public async Task DescribeAsync(CancellationToken cancellationToken)
    {
        if (!_lister.HasDescribed)
        {
            StreamDescriptionSummary stream = await parts.Client.DescribeStreamSummaryAsync(Settings.Stream, cancellationToken);
            Described(stream.StreamCreationTimestamp);
        }
    }

    /// <summary>Asks for a sync with the next list: a shard has ended. Thread-safe.</summary>
    public void Request() => _requested = true;

    /// <summary>The shard's hash keys as listed. Thread-safe.</summary>
    public HashKeyRange? HashKeyRangeOf(string shardId) => _hashKeyRanges.GetValueOrDefault(shardId);

    /// <summary>
    /// True once where this worker created the lease just now and is its first owner, so that LATEST is now: another worker may have taken it,
    /// and read, between its creation and this take.
    /// </summary>
    public bool TakeFirstStart(Lease taken) =>
        _createdHere.TryRemove(taken.LeaseKey, out long created) && taken.LeaseCounter == FirstToken && parts.Time.GetElapsedTime(created) < s_latestLasts;

    /// <summary>Taken later, or by another worker in between, LATEST is no longer now.</summary>
    public void ForgetFirstStarts() => _createdHere.Clear();

    /// <summary>
    /// Creates what is missing where it is time to; the leases after that. Where there are leases, a failure is said and tried again, and the
    /// leases that are there stay what they are: they move whether or not the stream can be listed.
    /// </summary>
    public async Task<IReadOnlyList<Lease>> SyncAsync(IReadOnlyList<Lease> leases, CancellationToken cancellationToken)
    {
        try
        {
            if (!_lister.IsUnderWay)
            {
                if (!IsDue(leases))
                {
                    return leases;
                }

                _requested = false;
                _triedAt = parts.Time.GetTimestamp();
                _lister.Begin(leases, listing => LeasePlan.Missing(listing.Nodes, leases, Settings.Start, StartedAt(listing)).Count > 0, cancellationToken);
            }

            return await _lister.TakeAsync(isUrgent: leases.Count == 0, cancellationToken) is { } listing
                ? await FollowAsync(listing, leases, cancellationToken)
                : leases;
        }
        catch (Exception e) when (leases.Count > 0 && !cancellationToken.IsCancellationRequested)
        {
            TryAgain(e);
            return leases;
        }
        catch
        {
            _requested = true;
            throw;
        }
    }

    /// <summary>Waits for what is under way when the worker has stopped.</summary>
    public Task EndAsync() => _lister.EndAsync();

    private async Task<IReadOnlyList<Lease>> FollowAsync(StreamListing listing, IReadOnlyList<Lease> leases, CancellationToken cancellationToken)
    {
        IReadOnlyList<Shard> shards = listing.Shards.Shards;
        IReadOnlyList<HashKeyRange> unlisted = listing.Shards.Holes;
        if (unlisted.Count > 0)
        {
            // caught in the middle of a reshard: what follows from it would be wrong
            ConsumerLog.ListingHasHoles(parts.Log, Settings.Stream.Name, Text(unlisted));
            parts.Health.Report(ListingPlace, ConditionSeverity.Degraded, $"The listing of {Settings.Stream.Name} has no open shard for the hash keys {Text(unlisted)}. {Settings.ProcessorName} tries again, and takes up no new shard until it is whole.");
            _requested = true;
            return leases;
        }

        parts.Health.Clear(ListingPlace);
        foreach (Shard shard in shards)
        {
            _hashKeyRanges[shard.ShardId] = shard.HashKeyRange;
        }

        if (listing.CreatedAt is { } createdAt)
        {
            StreamCreatedAt = createdAt;
        }

        // before the leases are read again: what they say of shards that came after the listing would mislead
        IReadOnlyList<Lease> removable = Removable(listing.Nodes, listing.LeasesBefore);
        bool isLate = !ReferenceEquals(leases, listing.LeasesBefore);
        if (Missing(leases).Count > 0)
        {
            // created is only what is missing beyond doubt
            leases = await store.ListAsync(ReadConsistency.Strong, cancellationToken);
            bool isFirstStart = !leases.Any(static lease => lease.StartedAt is not null);
            IReadOnlyList<Lease> missing = Missing(leases);
            for (int left = int.MaxValue; missing.Count > 0 && missing.Count < left;)
            {
                if (!IsFresh(listing) || !IsSameStream(listing, leases))
                {
                    _requested = true;
                    return leases;
                }

                left = missing.Count;
                await CreateAsync(missing, isFirstStart, listing, cancellationToken);
                leases = await store.ListAsync(ReadConsistency.Strong, cancellationToken);
                HashSet<string> there = [.. leases.Select(static lease => lease.LeaseKey)];
                missing = [.. missing.Where(lease => !there.Contains(lease.LeaseKey))];
            }
        }

        _syncedAt = parts.Time.GetTimestamp();
        _retryWait = s_retryInterval;
        _backoff.Reset();
        parts.Health.Clear(SyncPlace);
        TellHoles(listing.Nodes, leases, isLate);
        await CleanUpAsync(removable, leases, cancellationToken);
        return leases;

        IReadOnlyList<Lease> Missing(IReadOnlyList<Lease> there) => LeasePlan.Missing(listing.Nodes, there, Settings.Start, StartedAt(listing));
    }

    /// <summary>
    /// Nothing is created for a stream that is not known to be the one of the leases: the caller refuses those of another, and what was not asked
    /// for comes with the next listing.
    /// </summary>
    private bool IsSameStream(StreamListing listing, IReadOnlyList<Lease> leases) =>
        listing.CreatedAt is { } createdAt && StreamIdentity.FirstForeign(leases, Settings.Stream.Name, createdAt) is null;

    private void TryAgain(Exception error)
    {
        _requested = true;
        _retryWait = error is LeaseStoreException { IsThrottled: true } ? s_throttledRetry : _backoff.Next();
        parts.Health.Report(SyncPlace, ConditionSeverity.Degraded, $"{Settings.ProcessorName} cannot follow the shards of {Settings.Stream.Name}; those that have a lease are read and passed on, and none that a split or merge makes is taken up: {error.Message}");
        if (!_throttles.Tells(error, _retryWait))
        {
            ConsumerLog.SyncFailed(parts.Log, Settings.Stream.Name, _retryWait, error);
        }
    }

    private DateTimeOffset StartedAt(StreamListing listing) =>
        Settings.StartPosition == StartPosition.AtTimestamp ? Settings.StartTimestamp!.Value : ShardListing.Before(listing.Shards.AnsweredAt, parts.Time);

    private string SyncPlace => $"{Settings.ApplicationName}/{Settings.Stream.Name}/shards";

    private string ListingPlace => $"{Settings.ApplicationName}/{Settings.Stream.Name}/listing";

    private bool IsDue(IReadOnlyList<Lease> leases)
    {
        TimeSpan sinceTry = _triedAt is { } triedAt ? parts.Time.GetElapsedTime(triedAt) : TimeSpan.MaxValue;
        return leases.Count == 0
            || (sinceTry >= _retryWait
                && (_requested
                    || parts.Time.GetElapsedTime(_syncedAt) >= Settings.ShardSyncInterval
                    || (sinceTry >= s_holeInterval && !HolesOf(leases, []).SequenceEqual(_knownHoles))));
    }

    /// <summary>The hash keys of no unfinished lease and of no shard that waits for one; none where a lease's range is not known.</summary>
    private IReadOnlyList<HashKeyRange> HolesOf(IReadOnlyList<Lease> leases, IReadOnlyList<ShardNode> nodes)
    {
        HashKeyRange?[] ranges = [.. leases.Where(static lease => !lease.IsFinished).Select(lease => HashKeyRangeOf(lease.LeaseKey) ?? lease.HashKeyRange)];
        return ranges.Contains(null) ? [] : HashKeyRanges.Holes(ranges.OfType<HashKeyRange>().Concat(LeasePlan.Waiting(nodes, leases).Select(static shard => shard.HashKeyRange)));
    }

    private void TellHoles(IReadOnlyList<ShardNode> nodes, IReadOnlyList<Lease> leases, bool isLate)
    {
        // what is a hole for now only, because a shard's other parent is not done, asks for no further listing
        _knownHoles = HolesOf(leases, []);
        string place = $"{Settings.ApplicationName}/{Settings.Stream.Name}/hash keys";
        IReadOnlyList<HashKeyRange> holes = HolesOf(leases, nodes);
        if (holes.Count == 0)
        {
            _suspectedHoles = [];
            parts.Health.Clear(place);
            return;
        }

        if (isLate && !holes.SequenceEqual(_suspectedHoles))
        {
            // leases that were read after the listing may be ahead of it
            _suspectedHoles = holes;
            _requested = true;
            return;
        }

        ConsumerLog.LeasesHaveHoles(parts.Log, Settings.Stream.Name, Text(holes));
        parts.Health.Report(place, ConditionSeverity.Unhealthy, $"{Settings.ProcessorName} reads no shard of {Settings.Stream.Name} for the hash keys {Text(holes)}: their leases were finished or deleted while their shards go on. Records with these keys are not processed.");
    }

    private bool IsFresh(StreamListing listing) => parts.Time.GetElapsedTime(listing.BegunAt) < s_listingLasts;

    /// <summary>The leases that have long been of no use.</summary>
    private IReadOnlyList<Lease> Removable(IReadOnlyList<ShardNode> nodes, IReadOnlyList<Lease> leases)
    {
        IReadOnlyList<Lease> removable = LeasePlan.Removable(nodes, leases);
        foreach (string key in _removableSince.Keys.Except(removable.Select(static lease => lease.LeaseKey)).ToList())
        {
            _removableSince.Remove(key);
        }

        foreach (Lease lease in removable)
        {
            _removableSince.TryAdd(lease.LeaseKey, parts.Time.GetTimestamp());
        }

        return [.. removable.Where(lease => parts.Time.GetElapsedTime(_removableSince[lease.LeaseKey]) >= s_deletionDelay)];
    }

    /// <summary>One worker is enough: the one whose lease comes first.</summary>
    private async Task CleanUpAsync(IReadOnlyList<Lease> removable, IReadOnlyList<Lease> leases, CancellationToken cancellationToken)
    {
        if (parts.Time.GetElapsedTime(_cleanedUpAt) < _cleanUpInterval)
        {
            return;
        }

        _cleanedUpAt = parts.Time.GetTimestamp();
        _cleanUpInterval = s_cleanUpInterval * (0.75 + (_random.NextDouble() / 2));
        Lease? first = leases.Where(static lease => !lease.IsFinished && lease.Owner is not null).MinBy(static lease => lease.LeaseKey, StringComparer.Ordinal);
        if (first?.Owner != Settings.WorkerId)
        {
            return;
        }

        try
        {
            // KCL leaves the owner where it is, and so does a worker that dies before its release
            foreach (Lease lease in removable.Where(observer.IsFree).Take(MostDeleted))
            {
                if (await store.TryDeleteAsync(lease, cancellationToken))
                {
                    ConsumerLog.LeaseDeleted(parts.Log, lease.LeaseKey);
                }
            }
        }
        catch (LeaseStoreException e)
        {
            // what is left over does no harm
            ConsumerLog.CleanUpFailed(parts.Log, e);
        }
    }

    private static string Text(IEnumerable<HashKeyRange> ranges) => string.Join(", ", ranges.Select(static range => $"{range.StartingHashKey} to {range.EndingHashKey}"));

    /// <summary>
    /// Creates leases, several at a time and each worker in an order of its own, so that those that start together do not all write the same
    /// ones; comes back early where others are quicker. A child's lease says that the application was through with its parents, so it is
    /// created when theirs are there.
    /// </summary>
    private async Task CreateAsync(IReadOnlyList<Lease> missing, bool isFirstStart, StreamListing listing, CancellationToken cancellationToken)
    {
        HashSet<string> keys = [.. missing.Select(static lease => lease.LeaseKey)];
        Lease[] next = [.. missing.Where(lease => !lease.ParentShardIds.Any(keys.Contains))];
        _random.Shuffle(next);
        foreach (Lease[] some in next.Chunk(CreatedAtOnce).TakeWhile(_ => IsFresh(listing)))
        {
            bool[] created = await Task.WhenAll(some.Select(lease => CreateAsync(lease, isFirstStart, cancellationToken)));
            if (created.Count(static isMine => !isMine) > CreatedAtOnce / 4)
            {
                return;
            }
        }
    }

    private async Task<bool> CreateAsync(Lease lease, bool isFirstStart, CancellationToken cancellationToken)
    {
        long begun = parts.Time.GetTimestamp();
        if (!await store.TryCreateAsync(lease with { StreamCreatedAt = StreamCreatedAt, StreamName = Settings.Stream.Name }, cancellationToken))
        {
            return false;
        }

        if (isFirstStart)
        {
            _createdHere[lease.LeaseKey] = begun;
        }

        ConsumerLog.LeaseCreated(parts.Log, lease.LeaseKey, lease.Checkpoint);
        return true;
    }
}
