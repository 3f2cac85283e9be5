namespace FastConsumer.Checkpoints;

/// <summary>
/// What a shard yields, in KB of payload a second, smoothed over about a minute; and whether that is news: only a marked or a lasting
/// change is published, so that neither noise nor bursts move leases to and fro. A new owner goes on from what the former published: what
/// it finds first is what came in during the move. Used by one caller at a time.
/// </summary>
/// <param name="published">What stands on the lease; null where nothing does.</param>
/// <param name="time">The clock.</param>
internal sealed class ThroughputGauge(double? published, TimeProvider time)
{
    /// <summary>The shortest time that tells something.</summary>
    private static readonly TimeSpan s_window = TimeSpan.FromSeconds(10);

    /// <summary>What was longer ago counts little.</summary>
    private static readonly TimeSpan s_memory = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan s_lasting = TimeSpan.FromMinutes(2);

    private const double MarkedChange = 0.25;
    private const double LastingChange = 0.1;
    private const double LeastChange = 5;

    private double? _published = published;
    private double? _smoothed = published;
    private TimeSpan _measured = published is null ? TimeSpan.Zero : s_memory;
    private long _measuredAt = time.GetTimestamp();
    private long _bytes;
    private int _side;
    private long _sideSince;

    /// <summary>What is to be published now, so many bytes being done; null where that is no news.</summary>
    public double? Measure(long bytesDone)
    {
        TimeSpan elapsed = time.GetElapsedTime(_measuredAt);
        if (elapsed >= s_window)
        {
            double now = (bytesDone - _bytes) / 1024.0 / elapsed.TotalSeconds;
            // the plain mean until there is as much as is remembered
            _measured += elapsed;
            double part = Math.Max(elapsed / _measured, 1 - Math.Exp(-elapsed / s_memory));
            _smoothed = _smoothed is { } before ? before + (part * (now - before)) : now;
            _measuredAt = time.GetTimestamp();
            _bytes = bytesDone;
            int side = Differs(LastingChange) ? Math.Sign(_smoothed.Value - _published!.Value) : 0;
            if (side != _side)
            {
                _side = side;
                _sideSince = _measuredAt;
            }
        }

        return _smoothed is { } measured
            && (_published is null || Differs(MarkedChange) || (_side != 0 && time.GetElapsedTime(_sideSince) >= s_lasting))
            ? Math.Round(measured, 1)
            : null;
    }

    /// <summary>It stands on the lease now.</summary>
    public void Published(double throughput)
    {
        _published = throughput;
        _side = 0;
    }

    private bool Differs(double part) =>
        _smoothed is { } measured && _published is { } known && Math.Abs(measured - known) > Math.Max(LeastChange, part * known);
}
