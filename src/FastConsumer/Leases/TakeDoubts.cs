namespace FastConsumer.Leases;

/// <summary>
/// When a take began that has taken effect. Where an earlier take of the same row was not answered, or too late, a later one may find
/// that one written, after a list that lags behind: others count from the earlier, so this worker must too, or it would go on with a
/// lease that has expired. Used by one caller at a time.
/// </summary>
internal sealed class TakeDoubts
{
    private readonly Dictionary<string, (long Counter, long Started)> _doubts = new(StringComparer.Ordinal);

    /// <summary>A take of this row that may have taken effect is not made use of.</summary>
    /// <param name="observed">The row that it was to change.</param>
    /// <param name="started">The timestamp before it.</param>
    public void Add(Lease observed, long started) => _doubts[observed.LeaseKey] = (observed.LeaseCounter, started);

    /// <summary>The timestamp before the first take of this row whose fate is not known, this one included.</summary>
    /// <param name="observed">The row that was to be changed.</param>
    /// <param name="started">The timestamp before this take.</param>
    public long Since(Lease observed, long started) =>
        _doubts.Remove(observed.LeaseKey, out (long Counter, long Started) doubt) && doubt.Counter == observed.LeaseCounter ? doubt.Started : started;
}
