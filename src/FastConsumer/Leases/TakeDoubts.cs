namespace FastConsumer.Leases;

/// <summary>
/// When a take began that has taken effect. Where the answer to an earlier take of the same row was lost, that one may be what a later
/// one finds written: others count from the earlier, so this worker must too, or it would go on with a lease that has expired. Used by one
/// caller at a time.
/// </summary>
internal sealed class TakeDoubts
{
    private readonly Dictionary<string, (long Counter, long Started)> _doubts = new(StringComparer.Ordinal);

    /// <summary>Notes how a take ended.</summary>
    /// <param name="observed">The row that it was to change.</param>
    /// <param name="outcome">What became of it.</param>
    /// <param name="started">The timestamp before it.</param>
    /// <returns>The timestamp before the first take of this row whose fate was not known.</returns>
    public long Since(Lease observed, LeaseWriteOutcome outcome, long started)
    {
        if (_doubts.Remove(observed.LeaseKey, out (long Counter, long Started) doubt) && doubt.Counter == observed.LeaseCounter)
        {
            started = doubt.Started;
        }

        if (outcome == LeaseWriteOutcome.Failed)
        {
            _doubts[observed.LeaseKey] = (observed.LeaseCounter, started);
        }

        return started;
    }
}
