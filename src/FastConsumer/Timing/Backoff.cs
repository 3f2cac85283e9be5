namespace FastConsumer.Timing;

/// <summary>Jittered exponential back-off: each delay lies between half the current bound and the bound, which doubles.</summary>
internal sealed class Backoff
{
    private readonly TimeSpan _initial;
    private readonly TimeSpan _maximum;
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
        TimeSpan delay = _bound * (0.5 + (_random.NextDouble() / 2));
        _bound = _bound * 2 < _maximum ? _bound * 2 : _maximum;
        return delay;
    }

    /// <summary>After a success the next delay is short again.</summary>
    public void Reset() => _bound = _initial;
}
