namespace FastConsumer.Leases;

/// <summary>
/// Tells which leases have expired, by this worker's own clock: a lease expires when its counter has stood still for the
/// lease duration since this worker first saw it so. No two clocks are ever compared. Used by one caller at a time.
/// </summary>
/// <remarks>
/// Where the table is listed seldom, a worker is told dead by its bell alone, which is looked at often: once the bell has expired,
/// and none of the worker's leases has moved between two looks a quarter of the duration apart, all of them are free. This only
/// decides when a take is tried: every take is conditional on the counter.
/// </remarks>
internal sealed class LeaseObserver(TimeSpan leaseDuration, TimeProvider time)
{
    /// <summary>A live worker lets no lease stand still for so much of the duration.</summary>
    public const double Suspicious = 0.7;

    private readonly Dictionary<string, Sight> _seen = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _silentSince = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _tookAt = new(StringComparer.Ordinal);
    private HashSet<string> _dead = new(StringComparer.Ordinal);

    /// <summary>Takes in all that the table holds.</summary>
    /// <param name="leases">Its rows.</param>
    /// <param name="begun">The timestamp before they were read: an answer may be taken in much later, by a worker that has stood
    /// still.</param>
    public void Observe(IReadOnlyList<Lease> leases, long begun)
    {
        foreach (string gone in _seen.Keys.Except(leases.Select(static lease => lease.LeaseKey)).ToList())
        {
            _seen.Remove(gone);
        }

        Glance(leases, begun);
        foreach (string gone in _silentSince.Keys.Union(_tookAt.Keys).Except(leases.Select(static lease => lease.Owner).OfType<string>()).ToList())
        {
            _silentSince.Remove(gone);
            _tookAt.Remove(gone);
        }

        TimeSpan Still(Lease lease) => time.GetElapsedTime(_seen[lease.LeaseKey].Since);
        _dead = [.. Doorbell.BellsOf(leases)
            .Where(pair => SilentFor(pair.Value) >= leaseDuration)
            .Select(static pair => pair.Key)
            .Where(owner => leases.Where(lease => lease.Owner == owner && !lease.IsFinished).All(lease => Still(lease) >= leaseDuration / 4))];
    }

    /// <summary>Takes in some rows, between two lists.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="begun">The timestamp before they were read.</param>
    public void Glance(IReadOnlyList<Lease> rows, long begun)
    {
        long now = time.GetTimestamp();
        List<string> alive = [];
        foreach (Lease lease in rows)
        {
            if (!_seen.TryGetValue(lease.LeaseKey, out Sight? seen) || lease.LeaseCounter > seen.Counter)
            {
                Changed(seen, lease, alive);
                _seen[lease.LeaseKey] = new Sight(lease.LeaseCounter, lease.Owner, now, begun, HasMoved: seen is not null && seen.Owner == lease.Owner, IsTaken: !lease.IsPassedOn);
            }
            else if ((seen.Counter != lease.LeaseCounter || seen.Owner != lease.Owner) && time.GetElapsedTime(seen.Since) >= leaseDuration)
            {
                // not merely read with delay: another row under the same key, or written by hand
                _seen[lease.LeaseKey] = new Sight(lease.LeaseCounter, lease.Owner, now, begun, HasMoved: false, IsTaken: !lease.IsPassedOn);
            }
            else if (seen.Counter == lease.LeaseCounter)
            {
                _seen[lease.LeaseKey] = seen with { SeenAt = begun };
            }
        }

        // last, since the same look may show a bell that was taken and a lease that its worker took later
        alive.ForEach(owner => _silentSince.Remove(owner));
    }

    /// <summary>True where nobody owns it, or its owner has shown no sign of life for the lease duration.</summary>
    public bool IsFree(Lease lease) =>
        lease.Owner is null
        || (IsAsSeen(lease, out Sight seen) && (time.GetElapsedTime(seen.Since) >= leaseDuration || _dead.Contains(lease.Owner)));

    /// <summary>True where its owner was seen to write it.</summary>
    public bool HasMoved(Lease lease) => _seen.TryGetValue(lease.LeaseKey, out Sight? seen) && seen.Owner == lease.Owner && seen.HasMoved;

    /// <summary>True where its owner was seen to write it within the lease duration.</summary>
    public bool IsLive(Lease lease) => HasMoved(lease) && time.GetElapsedTime(_seen[lease.LeaseKey].Since) < leaseDuration;

    /// <summary>How long it has stood still; null where it was never seen.</summary>
    public TimeSpan? StillFor(string leaseKey) => _seen.TryGetValue(leaseKey, out Sight? seen) ? time.GetElapsedTime(seen.Since) : null;

    /// <summary>
    /// How long a worker has shown no sign of life, told by its bell and by bells that were taken from it when they had stood still.
    /// </summary>
    public TimeSpan? SilentFor(Lease bell)
    {
        TimeSpan? still = StillFor(bell.LeaseKey);
        TimeSpan? silent = bell.Owner is { } owner && _silentSince.TryGetValue(owner, out long since) ? time.GetElapsedTime(since) : null;
        return silent is null || still > silent ? still : silent;
    }

    /// <summary>Whoever finds a worker dead first takes its bell: to the others the silence until then still tells the same.</summary>
    private void Changed(Sight? before, Lease lease, List<string> alive)
    {
        // a lease that was passed on to a worker tells nothing of that worker before it takes it
        if (lease.Owner is { } owner && (before?.Owner == owner || lease.TakenBy is null || lease.TakenBy == owner))
        {
            alive.Add(owner);
            if (before?.Owner != owner)
            {
                _tookAt[owner] = time.GetTimestamp();
            }
        }

        if (before is { Owner: { } former, IsTaken: true } && former != lease.Owner && (lease.Owner is null || lease.TakenBy == former))
        {
            // its own release
            alive.Add(former);
        }
        else if (before is { Owner: { } robbed, IsTaken: true } && robbed != lease.Owner && time.GetElapsedTime(before.Since, before.SeenAt) >= Suspicious * leaseDuration)
        {
            // the row may have been read with delay: its owner may have been seen to take another since
            long silent = Math.Max(before.Since, _tookAt.GetValueOrDefault(robbed, long.MinValue));
            _silentSince[robbed] = _silentSince.TryGetValue(robbed, out long since) ? Math.Min(since, silent) : silent;
        }
    }

    // a row read with delay may be older than one seen before
    private bool IsAsSeen(Lease lease, out Sight seen) =>
        _seen.TryGetValue(lease.LeaseKey, out seen!) && seen.Owner == lease.Owner && seen.Counter == lease.LeaseCounter;

    private sealed record Sight(long Counter, string? Owner, long Since, long SeenAt, bool HasMoved, bool IsTaken);
}
