namespace FastConsumer.Monitoring;

/// <summary>
/// One shard's lag of the last hour, a sample each ten seconds, and what follows from it. No verdict is made from a single sample.
/// </summary>
internal sealed class LagHistory
{
    /// <summary>The time between two samples.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private const int Samples = 361;

    /// <summary>A lag is known to so much: answers tell milliseconds, but come some times a second.</summary>
    private const double Noise = 2;

    private readonly float[] _seconds = new float[Samples];
    private int _count;
    private int _next;

    /// <summary>The last sample in seconds; 0 where there is none.</summary>
    public double Last => _count == 0 ? 0 : Back(0);

    /// <summary>How long samples have been taken.</summary>
    public TimeSpan Length => Interval * Math.Max(0, _count - 1);

    public void Add(TimeSpan lag)
    {
        _seconds[_next] = (float)lag.TotalSeconds;
        _next = (_next + 1) % Samples;
        _count = Math.Min(_count + 1, Samples);
    }

    /// <summary>
    /// How much the lag has grown per second within the time, or within all that is known where that is less: 1 where nothing is done at
    /// all, below 0 where the shard catches up. Null where there are no two samples.
    /// </summary>
    public double? Slope(TimeSpan time)
    {
        int back = Math.Min((int)(time / Interval), _count - 1);
        return back < 1 ? null : (Back(0) - Back(back)) / (back * Interval.TotalSeconds);
    }

    /// <summary>
    /// The slope that a forecast is made of: the highest of those of 1, 10 and 60 minutes that still goes on, so that what began a moment
    /// ago counts, and what is over does not.
    /// </summary>
    public double? Trend
    {
        get
        {
            if (Slope(TimeSpan.FromMinutes(1)) is not { } now)
            {
                return null;
            }

            return now <= 0
                ? now
                : Math.Min(1, Math.Max(now, Math.Max(Slope(TimeSpan.FromMinutes(10)) ?? now, Slope(TimeSpan.FromMinutes(60)) ?? now)));
        }
    }

    /// <summary>A minute more within two minutes, at nearly one second per second.</summary>
    public bool IsSudden => Length >= TimeSpan.FromMinutes(1)
        && Last - Lowest(TimeSpan.FromMinutes(2)) >= 60
        && Slope(TimeSpan.FromMinutes(1)) >= 0.8;

    /// <summary>A quarter of an hour without a fall, at two seconds in a hundred at least.</summary>
    public bool IsGradual
    {
        get
        {
            TimeSpan window = TimeSpan.FromMinutes(15);
            if (Length < window || Slope(window) < 0.02)
            {
                return false;
            }

            // by the lowest of each minute: a poll that comes late is no rise, and one that comes early no fall
            double before = double.MinValue;
            for (int minute = 14; minute >= 0; minute--)
            {
                double lowest = double.MaxValue;
                for (int i = 0; i < 6; i++)
                {
                    lowest = Math.Min(lowest, Back((6 * minute) + i));
                }

                if (lowest < before - Noise)
                {
                    return false;
                }

                before = Math.Max(before, lowest);
            }

            return true;
        }
    }

    /// <summary>The lag falls: when it is gone at this pace; null where it does not fall, or there is none.</summary>
    public TimeSpan? CaughtUpIn
    {
        get
        {
            double slope = Math.Min(Slope(TimeSpan.FromMinutes(1)) ?? 0, Slope(TimeSpan.FromMinutes(10)) ?? 0);
            return slope < -0.01 && Last > 0 ? TimeSpan.FromSeconds(Math.Min(Last / -slope, TimeSpan.FromDays(365).TotalSeconds)) : null;
        }
    }

    private double Lowest(TimeSpan time)
    {
        double lowest = Back(0);
        for (int i = Math.Min((int)(time / Interval), _count - 1); i > 0; i--)
        {
            lowest = Math.Min(lowest, Back(i));
        }

        return lowest;
    }

    private double Back(int samples) => _seconds[(_next - 1 - samples + (2 * Samples)) % Samples];
}
