using FastConsumer.Diagnostics;

namespace FastConsumer.Supervision;

/// <summary>
/// Tells when the runtime's thread pool is starved: it queues an item each second, and one that has not run a second later is told, once
/// and then with a count, and in health until one runs again. Driven by a thread that is not the pool's.
/// </summary>
/// <param name="findings">Told while it lasts.</param>
/// <param name="scope">Where findings name it.</param>
/// <param name="time">The clock.</param>
/// <param name="queue">Queues an item to the pool; for tests another.</param>
internal sealed class PoolWatch(Findings findings, string scope, TimeProvider time, Action<Action>? queue = null)
{
    /// <summary>How often an item is queued, and how long it may wait.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan s_toldEach = TimeSpan.FromMinutes(1);

    private readonly Action<Action> _queue = queue ?? (static item => ThreadPool.UnsafeQueueUserWorkItem(static run => run(), item,
        preferLocal: false));
    private long? _queuedAt;
    private bool _isSeen;
    private bool _isStarved;
    private long? _toldAt;
    private int _hasRun;

    /// <summary>How often the pool was found starved.</summary>
    public long Count { get; private set; }

    /// <summary>Looks; called some times a second, by one caller at a time.</summary>
    /// <param name="tell">Called where the log is to be told: how long the item has waited, or null where the pool runs items
    /// again.</param>
    public void Look(Action<TimeSpan?> tell)
    {
        if (_queuedAt is not { } queuedAt)
        {
            Queue();
            return;
        }

        TimeSpan waited = time.GetElapsedTime(queuedAt);
        if (Volatile.Read(ref _hasRun) != 0)
        {
            if (_isStarved)
            {
                _isStarved = false;
                findings.Clear(FindingRules.ProcessStarved, scope);
                tell(null);
            }

            if (waited >= Interval)
            {
                Queue();
            }
        }
        else if (waited >= Interval)
        {
            Starved(waited, tell);
        }
    }

    private void Starved(TimeSpan waited, Action<TimeSpan?> tell)
    {
        _isStarved = true;
        if (!_isSeen)
        {
            _isSeen = true;
            Count++;
        }

        findings.Raise(
            FindingRules.ProcessStarved,
            scope,
            $"The runtime's thread pool is starved: an item has waited for {waited:hh\\:mm\\:ss}. Something in this process blocks the "
                + "pool's threads; "
            + "renewals of leases may come too late. Look for Task.Result, Task.Wait and Thread.Sleep.");
        if (_toldAt is not { } toldAt || time.GetElapsedTime(toldAt) >= s_toldEach)
        {
            _toldAt = time.GetTimestamp();
            tell(waited);
        }
    }

    private void Queue()
    {
        _hasRun = 0;
        _isSeen = false;
        _queuedAt = time.GetTimestamp();
        _queue(() => Volatile.Write(ref _hasRun, 1));
    }
}
