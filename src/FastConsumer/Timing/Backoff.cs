namespace FastConsumer.Timing;

/// <summary>
/// Jittered exponential back-off: each delay lies between half the current bound and the bound, which doubles. <see cref="After"/> may be
/// called by any number of threads.
/// </summary>
internal sealed class Backoff
{
    private readonly TimeSpan _initial;
    private readonly TimeSpan _maximum;
    private readonly Lock _lock = new();
    private readonly Random _random;
    private TimeSpan _bound;

    public Backoff(TimeSpan initial, TimeSpan maximum, Random random)
    {
        _initial = initial;
        _maximum = maximum;
        _random = random;
        _bound = initial;
    }

    /// <summary>The next delay.</summary>
    public TimeSpan Next()
    {
        TimeSpan delay = Jitter(_bound);
        _bound = _bound * 2 < _maximum ? _bound * 2 : _maximum;
        return delay;
    }

    /// <summary>The delay after so many failures, of this back-off's chance but with other bounds and a count of the caller's.</summary>
    public TimeSpan After(int failures, TimeSpan? initial = null, TimeSpan? maximum = null)
    {
        double most = Math.Max((maximum ?? _maximum).Ticks, (initial ?? TimeSpan.Zero).Ticks);
        double bound = Math.Min(most, (initial ?? _initial).Ticks * Math.Pow(2, failures - 1));
        return Jitter(TimeSpan.FromTicks((long)bound));
    }

    /// <summary>After a success the next delay is short again.</summary>
    public void Reset() => _bound = _initial;

    private TimeSpan Jitter(TimeSpan bound)
    {
        lock (_lock)
        {
            return bound * (0.5 + (_random.NextDouble() / 2));
        }
    }
}
