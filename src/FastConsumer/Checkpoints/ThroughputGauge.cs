namespace FastConsumer.Checkpoints;

/// <summary>
/// What a shard yields, in KB of payload a second, smoothed; and whether that is news: only a marked change is published, so that other
/// workers do not weigh to and fro by noise. Used by one caller at a time.
/// </summary>
/// <param name="published">What stands on the lease; null where nothing does.</param>
/// <param name="time">The clock.</param>
internal sealed class ThroughputGauge(double? published, TimeProvider time)
{
    /// <summary>The shortest time that tells something.</summary>
    private static readonly TimeSpan s_window = TimeSpan.FromSeconds(10);

    private const double MarkedChange = 0.25;
    private const double LeastChange = 5;

    private double? _published = published;
    private double? _smoothed;
    private long _measuredAt = time.GetTimestamp();
    private long _bytes;

    /// <summary>What is to be published now, so many bytes being done; null where that is no news.</summary>
    public double? Measure(long bytesDone)
    {
        TimeSpan elapsed = time.GetElapsedTime(_measuredAt);
        if (elapsed >= s_window)
        {
            double now = (bytesDone - _bytes) / 1024.0 / elapsed.TotalSeconds;
            _smoothed = _smoothed is { } before ? (before + now) / 2 : now;
            _measuredAt = time.GetTimestamp();
            _bytes = bytesDone;
        }

        return _smoothed is { } measured && (_published is not { } known || Math.Abs(measured - known) > Math.Max(LeastChange, MarkedChange * known))
            ? Math.Round(measured, 1)
            : null;
    }

    /// <summary>It stands on the lease now.</summary>
    public void Published(double throughput) => _published = throughput;
}
