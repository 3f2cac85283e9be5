namespace FastConsumer.Dashboard.Feed;

/// <summary>One shard's lag and rate of the last hour, a sample each ten seconds. What was not sampled is a gap (NaN).</summary>
internal sealed class SampleRing
{
    /// <summary>The time between two samples.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    /// <summary>An hour, both ends included.</summary>
    public const int Length = 361;

    private readonly float[] _lag = new float[Length];
    private readonly float[] _records = new float[Length];
    private long _last = -1;

    /// <summary>The number of the newest sample; -1 before the first.</summary>
    public long Last => _last;

    /// <summary>Takes a sample. Numbers only grow; those that were left out are gaps.</summary>
    /// <param name="tick">The sample's number.</param>
    /// <param name="lag">Seconds; NaN where it is not known.</param>
    /// <param name="records">Records done in a second; NaN where that is not known.</param>
    public void Set(long tick, double lag, double records)
    {
        long first = Math.Max(_last + 1, tick - Length + 1);
        for (long gap = first; gap < tick; gap++)
        {
            _lag[gap % Length] = _records[gap % Length] = float.NaN;
        }

        _lag[tick % Length] = (float)lag;
        _records[tick % Length] = (float)records;
        _last = tick;
    }

    /// <summary>The lag in seconds of one sample; NaN for a gap.</summary>
    public float Lag(long tick) => IsKept(tick) ? _lag[tick % Length] : float.NaN;

    /// <summary>The rate of one sample; NaN for a gap.</summary>
    public float Records(long tick) => IsKept(tick) ? _records[tick % Length] : float.NaN;

    private bool IsKept(long tick) => tick >= 0 && tick <= _last && tick > _last - Length;
}
