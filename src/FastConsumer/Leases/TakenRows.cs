namespace FastConsumer.Leases;

/// <summary>
/// Tells whether a take that was found written is a new one. Where an earlier take of the same row was not answered, or too late, or its
/// lease has been lost since, a list that lags behind may show the row as it was before; the store then finds the earlier take written, of
/// which nobody knows how much of the lease is left. Used by one caller at a time.
/// </summary>
internal sealed class TakenRows
{
    private readonly Dictionary<string, long> _taken = new(StringComparer.Ordinal);

    /// <summary>True where the take was written, and by no earlier one for certain.</summary>
    /// <param name="observed">The row that it was to change.</param>
    /// <param name="result">What became of it.</param>
    public bool IsNew(Lease observed, LeaseWriteResult result)
    {
        bool isKnown = _taken.TryGetValue(observed.LeaseKey, out long counter) && counter == observed.LeaseCounter;
        bool isWritten = result.Outcome == LeaseWriteOutcome.Written;
        // what was throttled did nothing
        if (isWritten || (result.Outcome == LeaseWriteOutcome.Failed && result.Error is not LeaseStoreException { IsThrottled: true }))
        {
            _taken[observed.LeaseKey] = observed.LeaseCounter;
        }

        return isWritten && !isKnown;
    }
}
