namespace FastConsumer.Leases;

/// <summary>
/// Tells which leases have expired, by this worker's own clock: a lease expires when its counter has stood still for the
/// lease duration since this worker first saw it so. No two clocks are ever compared.
/// </summary>
internal sealed class LeaseObserver(TimeSpan leaseDuration, TimeProvider time)
{
    private readonly Dictionary<string, (long Counter, string? Owner, long Since)> _seen = new(StringComparer.Ordinal);

    /// <summary>Takes in what the table holds now.</summary>
    public void Observe(IReadOnlyList<Lease> leases)
    {
        long now = time.GetTimestamp();
        foreach (string gone in _seen.Keys.Except(leases.Select(static lease => lease.LeaseKey)).ToList())
        {
            _seen.Remove(gone);
        }

        foreach (Lease lease in leases)
        {
            if (!_seen.TryGetValue(lease.LeaseKey, out (long Counter, string? Owner, long Since) seen)
                || seen.Counter != lease.LeaseCounter
                || seen.Owner != lease.Owner)
            {
                _seen[lease.LeaseKey] = (lease.LeaseCounter, lease.Owner, now);
            }
        }
    }

    /// <summary>True where nobody owns it, or its owner has shown no sign of life for the lease duration.</summary>
    public bool IsFree(Lease lease) =>
        lease.Owner is null
        || (_seen.TryGetValue(lease.LeaseKey, out (long Counter, string? Owner, long Since) seen)
            && seen.Counter == lease.LeaseCounter
            && time.GetElapsedTime(seen.Since) >= leaseDuration);
}
