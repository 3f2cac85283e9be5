namespace FastConsumer.Leases;

/// <summary>Counts what a store asks of its table: requests, and the units they cost. Thread-safe.</summary>
internal sealed class LeaseTableMeter
{
    private long _requests;
    private long _writeUnits;
    private long _halfReadUnits;
    private long _throttled;

    public LeaseTableUse Use => new(
        Interlocked.Read(ref _requests), Interlocked.Read(ref _writeUnits), Interlocked.Read(ref _halfReadUnits) / 2.0,
            Interlocked.Read(ref _throttled));

    /// <summary>A request that wrote: what the server says it cost, else one unit for each of its writes.</summary>
    public void Wrote(double? units, int writes = 1)
    {
        Interlocked.Increment(ref _requests);
        Interlocked.Add(ref _writeUnits, Whole(units) ?? writes);
    }

    /// <summary>
    /// A request that read: what the server says it cost, else one unit for each row, or half of one. Eventually consistent reads come in
    /// halves.
    /// </summary>
    public void Read(double? units, int rows, bool consistent = true)
    {
        Interlocked.Increment(ref _requests);
        Interlocked.Add(ref _halfReadUnits, Whole(2 * units) ?? (Math.Max(1, rows) * (consistent ? 2 : 1)));
    }

    /// <summary>A request that came to nothing.</summary>
    public void Failed(LeaseStoreException fault)
    {
        Interlocked.Increment(ref _requests);
        Throttled(fault);
    }

    /// <summary>A part of a request that came to nothing.</summary>
    public void Throttled(LeaseStoreException fault)
    {
        if (fault.IsThrottled)
        {
            Interlocked.Increment(ref _throttled);
        }
    }

    private static long? Whole(double? units) => units is { } known ? (long)Math.Ceiling(known) : null;
}
