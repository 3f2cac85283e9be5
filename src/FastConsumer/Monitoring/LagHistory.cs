namespace FastConsumer.Monitoring;

/// <summary>
/// One shard's lag of the last hour, a sample each ten seconds, and what follows from it. No verdict is made from a single sample.
/// </summary>
internal sealed class LagHistory
{
    /// <summary>The time between two samples.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private const int Samples = 361;
    private const int TwoMinutes = 12;
    private const int TenMinutes = 60;

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

    /// <summary>A minute more within two minutes, at nearly one second per second, in most of the last minute's samples.</summary>
    public bool IsSudden => Length >= TimeSpan.FromMinutes(1)
        && Last - Lowest(TimeSpan.FromMinutes(2)) >= 60
        && Slope(TimeSpan.FromMinutes(1)) >= 0.8
        && RisesOfMinute >= 4;

    /// <summary>A quarter of an hour without a fall, at two seconds in a hundred at least.</summary>
    public bool IsGradual
    {
        get
        {
            if (Length < TimeSpan.FromMinutes(15))
            {
                return false;
            }

            // by the lowest of each minute: a poll that comes late is no rise, and one that comes early no fall
            Span<double> lowest = stackalloc double[15];
            double before = double.MinValue;
            for (int minute = 0; minute < lowest.Length; minute++)
            {
                lowest[minute] = LowestOfMinute(lowest.Length - 1 - minute);
                if (lowest[minute] < before - Noise)
                {
                    return false;
                }

                before = Math.Max(before, lowest[minute]);
            }

            // a single step, as when a handler begins to collect its records, is no growth: both halves must have their part
            const double sevenMinutes = 7 * 60;
            double first = (lowest[7] - lowest[0]) / sevenMinutes;
            double second = (lowest[14] - lowest[7]) / sevenMinutes;
            return (first + second) / 2 >= 0.02 && Math.Min(first, second) >= 0.01;
        }
    }

    /// <summary>
    /// The lag falls: when it is gone at this pace; null where it does not fall, or there is none. It has fallen within ten minutes, or
    /// since it is known, by more than samples differ, and has not grown again within the last two.
    /// </summary>
    public TimeSpan? CaughtUpIn
    {
        get
        {
            if (_count < 4)
            {
                return null;
            }

            int back = Math.Min(TenMinutes, _count - 1) - 2;
            double now = Middle(0);
            double slope = (Middle(back) - now) / (back * Interval.TotalSeconds);
            bool falls = slope > 0.01 && Middle(back) - now > Noise && now <= Middle(Math.Min(back, TwoMinutes));
            return falls && Last > 0
                ? TimeSpan.FromSeconds(Math.Min(Last / slope, TimeSpan.FromDays(365).TotalSeconds))
                : null;
        }
    }

    /// <summary>How many of the last minute's samples were clearly above the one before.</summary>
    private int RisesOfMinute
    {
        get
        {
            int rises = 0;
            for (int i = 0; i < Math.Min(6, _count - 1); i++)
            {
                rises += Back(i) - Back(i + 1) > Noise ? 1 : 0;
            }

            return rises;
        }
    }

    /// <summary>The middle one of three samples, the last of them taken so many samples ago: a single odd one never is.</summary>
    private double Middle(int ago)
    {
        (double a, double b, double c) = (Back(ago), Back(ago + 1), Back(ago + 2));
        return Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c));
    }

    /// <summary>The lowest of a minute's six samples, so many minutes ago.</summary>
    private double LowestOfMinute(int ago)
    {
        double lowest = double.MaxValue;
        for (int i = 0; i < 6; i++)
        {
            lowest = Math.Min(lowest, Back((6 * ago) + i));
        }

        return lowest;
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
