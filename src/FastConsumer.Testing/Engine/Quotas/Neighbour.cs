namespace FastConsumer.Testing.Engine.Quotas;

/// <summary>
/// Another application that polls the shard evenly and never slows down. Its calls are made up when somebody looks:
/// there are no timers.
/// </summary>
internal sealed class Neighbour
{
    // what nobody looked at for longer can no longer be felt
    private const long LongestGapMs = 60_000;

    private readonly double _intervalMs;
    private double _dueMs;

    public Neighbour(double callsPerSecond, long bytesPerSecond, long startMs)
    {
        _intervalMs = 1000 / callsPerSecond;
        BytesPerCall = (long)(bytesPerSecond / callsPerSecond);
        _dueMs = startMs;
    }

    public long BytesPerCall { get; }

    public long DueMs => (long)Math.Ceiling(_dueMs);

    /// <summary>Takes the call that is due, and gives its time.</summary>
    public long Take(long nowMs)
    {
        if (nowMs - DueMs > LongestGapMs)
        {
            _dueMs += Math.Floor((nowMs - LongestGapMs - _dueMs) / _intervalMs) * _intervalMs;
        }

        long timeMs = DueMs;
        _dueMs += _intervalMs;
        return timeMs;
    }
}
