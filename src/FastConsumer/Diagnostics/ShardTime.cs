namespace FastConsumer.Diagnostics;

/// <summary>What a shard's reader does or waits for: the cause of its lag.</summary>
public enum ShardState
{
    /// <summary>Nothing is left to read.</summary>
    Idle,

    /// <summary>It waits for an answer of the service.</summary>
    Reading,

    /// <summary>It waits until the read quota allows another call, with data left to read.</summary>
    Quota,

    /// <summary>It waits since the service refused or failed.</summary>
    Refused,

    /// <summary>It waits for room in the byte budget (PrefetchBytes).</summary>
    Budget,

    /// <summary>It waits for the handler, which has not taken what was read before.</summary>
    Handling,

    /// <summary>It waits for the handler, which waits to try a record again.</summary>
    Retrying,

    /// <summary>The shard has stopped in front of a record.</summary>
    Stopped,

    /// <summary>An operator has paused the shard.</summary>
    Paused,
}

/// <summary>
/// How long a shard's reader was in each state. The states exclude each other and sum up to the time since the start. Thread-safe.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="isOff">For load tests: no state is entered.</param>
internal sealed class ShardTime(TimeProvider time, bool isOff = false)
{
    public const int States = (int)ShardState.Paused + 1;

    private readonly Lock _lock = new();
    private readonly long[] _ticks = new long[States];
    private long _since = time.GetTimestamp();
    private ShardState _state;
    private int _retries;

    /// <summary>What it does now.</summary>
    public ShardState State
    {
        get
        {
            lock (_lock)
            {
                return Effective;
            }
        }
    }

    private ShardState Effective => _state == ShardState.Handling && _retries > 0 ? ShardState.Retrying : _state;

    /// <summary>The reader enters a state. One that has stopped stays so.</summary>
    public void Enter(ShardState state)
    {
        if (isOff)
        {
            return;
        }

        lock (_lock)
        {
            if (_state is not ShardState.Stopped && _state != state)
            {
                Settle();
                _state = state;
            }
        }
    }

    /// <summary>A lane begins to wait for a retry.</summary>
    public void RetryBegins()
    {
        lock (_lock)
        {
            Settle();
            _retries++;
        }
    }

    /// <summary>A lane waits for a retry no more.</summary>
    public void RetryEnds()
    {
        lock (_lock)
        {
            Settle();
            _retries--;
        }
    }

    /// <summary>Adds the seconds of each state, as far as they are over, to <paramref name="seconds"/>.</summary>
    public void AddTo(Span<double> seconds)
    {
        lock (_lock)
        {
            Settle();
            for (int state = 0; state < States; state++)
            {
                seconds[state] += time.GetElapsedTime(0, _ticks[state]).TotalSeconds;
            }
        }
    }

    /// <summary>Under the lock.</summary>
    private void Settle()
    {
        long now = time.GetTimestamp();
        _ticks[(int)Effective] += now - _since;
        _since = now;
    }
}
