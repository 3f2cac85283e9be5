namespace FastConsumer.Reading;

/// <summary>
/// Paces the calls on one shard below the service's limits: 5 calls and 2 MiB a second, shared by all polling consumers
/// of the shard, and 5 s of silence after an answer of 10 MiB (which 2 MiB a second already is).
/// </summary>
/// <remarks>
/// Calls are spread evenly instead of bursting at the start of a second, so the pace holds whichever way the service counts
/// its seconds. A throttle means that others read the shard too: the pace slows down, and comes back while calls succeed.
/// Used by one reader at a time.
/// </remarks>
internal sealed class ReadQuota
{
    /// <summary>5 calls a second (Kinesis limits).</summary>
    internal static readonly TimeSpan MinimumInterval = TimeSpan.FromMilliseconds(200);

    /// <summary>2 MiB a second (Kinesis limits).</summary>
    internal const long BytesPerSecond = 2 * 1024 * 1024;

    private static readonly TimeSpan s_firstBackoff = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_maximumBackoff = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_maximumInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_recovery = TimeSpan.FromMilliseconds(10);

    private readonly TimeProvider _time;
    private readonly Random _random;
    private TimeSpan _interval = MinimumInterval;
    private TimeSpan _backoff = s_firstBackoff;
    private long? _callStarted;
    private TimeSpan _wait;

    public ReadQuota(TimeProvider time, Random random)
    {
        _time = time;
        _random = random;
    }

    /// <summary>The time until the next call is due.</summary>
    public TimeSpan UntilNext
    {
        get
        {
            TimeSpan rest = _wait - (_callStarted is long started ? _time.GetElapsedTime(started) : TimeSpan.MaxValue);
            return rest > TimeSpan.Zero ? rest : TimeSpan.Zero;
        }
    }

    /// <summary>Waits until a call is due.</summary>
    public async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        TimeSpan rest = UntilNext;
        if (rest > TimeSpan.Zero)
        {
            await Task.Delay(rest, _time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>A call starts now.</summary>
    public void Start()
    {
        _callStarted = _time.GetTimestamp();
        _wait = _interval;
    }

    /// <summary>The next call is due no earlier than this after the former one.</summary>
    public void SlowTo(TimeSpan interval) => _wait = Max(_wait, interval);

    /// <summary>An answer of so many payload bytes came: what it took from the second's bytes is waited out.</summary>
    public void Succeeded(long payloadBytes)
    {
        _backoff = s_firstBackoff;
        _interval = Max(MinimumInterval, _interval - s_recovery);
        _wait = Max(_interval, TimeSpan.FromSeconds((double)payloadBytes / BytesPerSecond));
    }

    /// <summary>The call was refused for throughput: waits a second or more, with jitter, and slows down.</summary>
    public TimeSpan Throttled()
    {
        TimeSpan wait = _backoff * (1 + (_random.NextDouble() / 2));
        _backoff = Min(s_maximumBackoff, _backoff * 2);
        _interval = Min(s_maximumInterval, _interval * 2);
        _callStarted = _time.GetTimestamp();
        _wait = wait;
        return wait;
    }

    private static TimeSpan Max(TimeSpan left, TimeSpan right) => left > right ? left : right;

    private static TimeSpan Min(TimeSpan left, TimeSpan right) => left < right ? left : right;
}
