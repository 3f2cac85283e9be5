namespace FastConsumer.Leases;

/// <summary>
/// Paces a worker's writes to the lease table, in write units (one per row: a lease's row is below 1 KB). Where a budget for the
/// table is given, the worker keeps to its share of it (leases held / all). A throttle halves the pace that was reached, and the pace comes
/// back while writes succeed: the table's limit may be shared with others or change at any time.
/// </summary>
internal sealed class WriteBudget
{
    private static readonly TimeSpan s_window = TimeSpan.FromSeconds(1);
    private const double SlowestPace = 1;
    private const double GrowthPerSecond = 1.05;
    private const double LateGrowthPerSecond = 1.25;
    private const double SecondsOfSlowGrowth = 10;

    /// <summary>A pace so many times what is written bounds nothing: what a throttle taught long ago is forgotten.</summary>
    private const double Unbinding = 8;

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private double? _tableUnits;
    private double _share = 1;
    private double _least = SlowestPace;
    private double? _learnt;
    private double _peak;
    private long _windowStarted;
    private double _inWindow;
    private long _lastGrowth;
    private long _cutAt;
    private double _spent;
    private long _spentAt;

    /// <param name="tableUnits">Write units a second that the application may use on the table; null to find out by throttles.</param>
    /// <param name="time">The clock.</param>
    public WriteBudget(double? tableUnits, TimeProvider time)
    {
        _tableUnits = tableUnits;
        _time = time;
        _windowStarted = _lastGrowth = _spentAt = time.GetTimestamp();
    }

    /// <summary>Units a second this worker may write now; null for as many as it has.</summary>
    public double? Pace
    {
        get
        {
            lock (_lock)
            {
                return CurrentPace();
            }
        }
    }

    /// <summary>
    /// This worker holds <paramref name="held"/> of <paramref name="all"/> leases, and loses some of them where it writes less than
    /// <paramref name="least"/> units a second: no throttle slows it down to below that.
    /// </summary>
    public void SetShare(int held, int all, double least = SlowestPace)
    {
        lock (_lock)
        {
            _least = Math.Max(SlowestPace, least);
            _share = all == 0 ? 1 : Math.Max(1, held) / (double)Math.Max(all, held);
        }
    }

    /// <summary>The time until the next write may be sent, at the pace of now.</summary>
    public TimeSpan UntilNext
    {
        get
        {
            lock (_lock)
            {
                if (CurrentPace() is not double pace)
                {
                    return TimeSpan.Zero;
                }

                // unused time is not saved up: a burst after a pause would be throttled
                TimeSpan left = TimeSpan.FromSeconds(_spent / pace) - _time.GetElapsedTime(_spentAt);
                return left > TimeSpan.Zero ? left : TimeSpan.Zero;
            }
        }
    }

    /// <summary>Units that may be written at once: what one second bears.</summary>
    public int MostAtOnce
    {
        get
        {
            lock (_lock)
            {
                return CurrentPace() is double pace && pace < int.MaxValue ? (int)Math.Ceiling(pace) : int.MaxValue;
            }
        }
    }

    /// <summary>So many units are written now.</summary>
    public void Spend(int units)
    {
        lock (_lock)
        {
            _spent = units;
            _spentAt = _time.GetTimestamp();
        }
    }

    /// <summary>What the table bears, as far as it is known; null where it is not.</summary>
    public void SetTableUnits(double? units)
    {
        lock (_lock)
        {
            _tableUnits = units;
        }
    }

    /// <summary>So many writes took effect, and so many were throttled.</summary>
    public void Answered(int written, int throttled)
    {
        lock (_lock)
        {
            long now = _time.GetTimestamp();
            _inWindow += written;
            TimeSpan elapsed = _time.GetElapsedTime(_windowStarted, now);
            if (elapsed >= s_window)
            {
                // after a pause, what was written now was written at once
                _peak = elapsed < 2 * s_window ? _inWindow / elapsed.TotalSeconds : written;
                _inWindow = 0;
                _windowStarted = now;
            }

            if (throttled > 0 && _learnt is not null && _time.GetElapsedTime(_cutAt, now) < s_window)
            {
                // requests that were sent at the pace of before; what took effect meanwhile the table does bear
                _learnt = Math.Max(_learnt.Value, _inWindow / 2);
                _lastGrowth = now;
            }
            else if (throttled > 0)
            {
                _cutAt = now;
                // not what was allowed: that may be far more than what was written, and half of it no less
                double measured = Math.Max(_peak, _inWindow);
                double reached = CurrentPace() is not double pace ? measured : measured > 0 ? Math.Min(pace, measured) : pace;
                _learnt = Math.Max(SlowestPace, reached / 2);
                _lastGrowth = now;
            }
            else if (_learnt is double learnt)
            {
                double grown = learnt * Growth(_time.GetElapsedTime(_cutAt, _lastGrowth).TotalSeconds, _time.GetElapsedTime(_cutAt, now).TotalSeconds);
                _learnt = grown < Unbinding * Math.Max(_least, Math.Max(_peak, _inWindow)) ? grown : null;
                _lastGrowth = now;
            }
        }
    }

    /// <summary>Slow at first, since the limit is near where it was met; then fast, since it seems to be somewhere else.</summary>
    private static double Growth(double from, double to) =>
        Math.Pow(GrowthPerSecond, Math.Min(to, SecondsOfSlowGrowth) - Math.Min(from, SecondsOfSlowGrowth))
        * Math.Pow(LateGrowthPerSecond, Math.Max(to, SecondsOfSlowGrowth) - Math.Max(from, SecondsOfSlowGrowth));

    private double? CurrentPace()
    {
        double? given = _tableUnits * _share;
        double? learnt = _learnt is double pace ? Math.Max(pace, _least) : null;
        return given is double g && learnt is double l ? Math.Min(g, l) : given ?? learnt;
    }
}
