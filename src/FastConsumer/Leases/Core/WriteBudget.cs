namespace FastConsumer.Leases.Core;

/// <summary>
/// Paces a worker's writes to the lease table, in write units (one per row: a lease's row is below 1 KB). Where a budget for the
/// table is given, the worker keeps to its share of it (leases held / all). A throttle halves the pace that was reached, and the pace comes
/// back while writes succeed: the table's limit may be shared with others or change at any time. A value: each change makes another one.
/// </summary>
internal sealed record WriteBudget
{
    private const double SlowestPace = 1;
    private const double GrowthPerSecond = 1.05;
    private const double LateGrowthPerSecond = 1.25;
    private const double SecondsOfSlowGrowth = 10;

    /// <summary>A pace so many times what is written bounds nothing: what a throttle taught long ago is forgotten.</summary>
    private const double Unbinding = 8;

    private static readonly TimeSpan s_window = TimeSpan.FromSeconds(1);

    private WriteBudget()
    {
    }

    /// <summary>What the table bears, in units a second, as far as it is known; null where it is not.</summary>
    public double? TableUnits { get; private init; }

    /// <summary>When the table last throttled a write; null where it never did.</summary>
    public TimeSpan? ThrottledAt { get; private init; }

    /// <summary>Units a second this worker may write now; null for as many as it has.</summary>
    public double? Pace
    {
        get
        {
            double? given = TableUnits * Share;
            double? learnt = Learnt is double pace ? Math.Max(pace, Least) : null;
            return given is double g && learnt is double l ? Math.Min(g, l) : given ?? learnt;
        }
    }

    /// <summary>Units that may be written at once: what one second bears.</summary>
    public int MostAtOnce => Pace is double pace && pace < int.MaxValue ? (int)Math.Ceiling(pace) : int.MaxValue;

    /// <summary>
    /// When the next write may be sent, at the pace of now. Unused time is not saved up: a burst after a pause would be throttled.
    /// </summary>
    public TimeSpan NextAt => Pace is double pace ? SpentAt + TimeSpan.FromSeconds(Spent / pace) : TimeSpan.MinValue;

    private double Share { get; init; } = 1;

    private double Least { get; init; } = SlowestPace;

    private double? Learnt { get; init; }

    private double Peak { get; init; }

    private TimeSpan WindowStarted { get; init; }

    private double InWindow { get; init; }

    private TimeSpan GrownAt { get; init; }

    private TimeSpan CutAt { get; init; }

    private double Spent { get; init; }

    private TimeSpan SpentAt { get; init; }

    /// <summary>The budget of a worker that has written nothing yet.</summary>
    /// <param name="tableUnits">Write units a second that the application may use on the table; null to find out by throttles.</param>
    /// <param name="now">The time.</param>
    public static WriteBudget Create(double? tableUnits, TimeSpan now) =>
        new() { TableUnits = tableUnits, WindowStarted = now, GrownAt = now, SpentAt = now };

    /// <summary>What the table bears, as far as it is known; null where it is not.</summary>
    public WriteBudget WithTableUnits(double? units) => this with { TableUnits = units };

    /// <summary>
    /// This worker holds <paramref name="held"/> of <paramref name="all"/> leases, and loses some of them where it writes less than
    /// <paramref name="least"/> units a second: no throttle slows it down to below that.
    /// </summary>
    public WriteBudget WithShare(int held, int all, double least)
    {
        double share = all == 0 ? 1 : Math.Max(1, held) / (double)Math.Max(all, held);
        double atLeast = Math.Max(SlowestPace, least);
        return share.Equals(Share) && atLeast.Equals(Least) ? this : this with { Least = atLeast, Share = share };
    }

    /// <summary>So many units are written now.</summary>
    public WriteBudget Spend(int units, TimeSpan now) => this with { Spent = units, SpentAt = now };

    /// <summary>
    /// So many writes took effect, and so many were throttled. Those have cost the table nothing: they count half, so that a table that
    /// throttles all is asked twice as often at most.
    /// </summary>
    public WriteBudget Answered(int written, int throttled, TimeSpan now)
    {
        WriteBudget next = this with
        {
            InWindow = InWindow + written,
            ThrottledAt = throttled > 0 ? now : ThrottledAt,
            Spent = Math.Max(0, Spent - (throttled / 2.0)),
        };
        TimeSpan elapsed = now - WindowStarted;
        if (elapsed >= s_window)
        {
            // after a pause, what was written now was written at once
            next = next with
            {
                Peak = elapsed < 2 * s_window ? next.InWindow / elapsed.TotalSeconds
                : written,
                InWindow = 0,
                WindowStarted = now
            };
        }

        if (throttled > 0 && next.Learnt is { } pace && now - CutAt < s_window)
        {
            // requests that were sent at the pace of before; what took effect meanwhile the table does bear
            return next with { Learnt = Math.Max(pace, next.InWindow / 2), GrownAt = now };
        }

        if (throttled > 0)
        {
            // not what was allowed: that may be far more than what was written, and half of it no less
            double measured = Math.Max(next.Peak, next.InWindow);
            double reached = next.Pace is not double allowed ? measured : measured > 0 ? Math.Min(allowed, measured) : allowed;
            return next with { CutAt = now, Learnt = Math.Max(SlowestPace, reached / 2), GrownAt = now };
        }

        if (next.Learnt is double learnt)
        {
            double grown = learnt * Growth((GrownAt - CutAt).TotalSeconds, (now - CutAt).TotalSeconds);
            bool binds = grown < Unbinding * Math.Max(Least, Math.Max(next.Peak, next.InWindow));
            return next with { Learnt = binds ? grown : null, GrownAt = now };
        }

        return next;
    }

    /// <summary>Slow at first, since the limit is near where it was met; then fast, since it seems to be somewhere else.</summary>
    private static double Growth(double from, double to) =>
        Math.Pow(GrowthPerSecond, Math.Min(to, SecondsOfSlowGrowth) - Math.Min(from, SecondsOfSlowGrowth))
        * Math.Pow(LateGrowthPerSecond, Math.Max(to, SecondsOfSlowGrowth) - Math.Max(from, SecondsOfSlowGrowth));
}
