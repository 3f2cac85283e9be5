namespace FastConsumer.Leases;

/// <summary>
/// When this worker lists the lease table, and when it glances at single rows between two lists. A list is paced by what it costs,
/// so a small table is listed often and a large one seldom; glances make up for it.
/// </summary>
/// <param name="leaseDuration">The lease duration.</param>
/// <param name="time">The clock.</param>
/// <param name="random">Spreads the lists of several workers.</param>
internal sealed class TableLooks(TimeSpan leaseDuration, TimeProvider time, Random random)
{
    /// <summary>How often a worker listens at its bell.</summary>
    public static readonly TimeSpan GlanceInterval = TimeSpan.FromMilliseconds(750);

    /// <summary>What regular lists may cost a worker, in read units a second.</summary>
    private const double UnitsPerSecond = 2.5;

    /// <summary>What lists asked for by others may cost for a moment.</summary>
    private const double UrgentUnitsPerSecond = 100;

    private const double BytesPerLease = 512;
    private const double BytesPerUnit = 2 * 4096;

    private static readonly TimeSpan s_shortestGap = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_longestInterval = TimeSpan.FromSeconds(30);

    private int _requested = 1;
    private double _units;
    private TimeSpan _wait;
    private long? _listedAt;
    private long _glancedAt;

    /// <summary>The time between two regular lists, before jitter.</summary>
    public TimeSpan ListInterval
    {
        get
        {
            TimeSpan shortest = leaseDuration / 5 < TimeSpan.FromSeconds(5) ? leaseDuration / 5 : TimeSpan.FromSeconds(5);
            TimeSpan longest = 2 * leaseDuration < s_longestInterval ? 2 * leaseDuration : s_longestInterval;
            TimeSpan affordable = TimeSpan.FromSeconds(_units / UnitsPerSecond);
            return affordable < shortest ? shortest : affordable > longest ? longest : affordable;
        }
    }

    /// <summary>True where regular lists come too seldom to tell in time that a worker is dead: then its bell is watched.</summary>
    public bool WatchesBells => ListInterval > leaseDuration / 4;

    /// <summary>The timestamp of the last list; null before the first.</summary>
    public long? ListedAt => _listedAt;

    /// <summary>The time until the next list is due; zero where it is.</summary>
    public TimeSpan UntilList
    {
        get
        {
            if (_listedAt is not { } listedAt)
            {
                return TimeSpan.Zero;
            }

            TimeSpan gap = TimeSpan.FromSeconds(_units / UrgentUnitsPerSecond);
            gap = gap < s_shortestGap ? s_shortestGap : gap > GlanceInterval ? GlanceInterval : gap;
            return Left(Volatile.Read(ref _requested) == 1 ? gap : _wait, listedAt);
        }
    }

    /// <summary>The time until the next glance is due; zero where it is.</summary>
    public TimeSpan UntilGlance => Left(GlanceInterval, _glancedAt);

    /// <summary>Asks for a list soon. Thread-safe.</summary>
    public void RequestList() => Volatile.Write(ref _requested, 1);

    /// <summary>A list begins, which answers all that asked for one.</summary>
    public void ListBegins() => Volatile.Write(ref _requested, 0);

    /// <summary>It is over, and held so many leases.</summary>
    public void Listed(int leases)
    {
        _listedAt = time.GetTimestamp();
        _units = leases * BytesPerLease / BytesPerUnit;
        _wait = ListInterval * (0.9 + (random.NextDouble() / 5));
    }

    /// <summary>A glance begins.</summary>
    public void Glanced() => _glancedAt = time.GetTimestamp();

    private TimeSpan Left(TimeSpan wait, long since)
    {
        TimeSpan left = wait - time.GetElapsedTime(since);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
