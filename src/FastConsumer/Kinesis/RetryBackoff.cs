namespace FastConsumer.Kinesis;

/// <summary>Jittered exponential delays between attempts.</summary>
internal sealed class RetryBackoff(int seed)
{
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_transientBase = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_throttleBase = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Random _random = new(seed);

    /// <summary>The delay after <paramref name="attempt"/> attempts, counted from 1.</summary>
    public TimeSpan Delay(KinesisErrorKind kind, int attempt)
    {
        double chance;
        lock (_lock)
        {
            chance = _random.NextDouble();
        }

        double factor = Math.Pow(2, Math.Min(attempt - 1, 16));
        // A throttle's quota is refilled each second, so that less than one is wasted; a transient failure may be over at once.
        return kind == KinesisErrorKind.Throttled
            ? Shorter(s_throttleBase * factor, s_longest) * (1 + (chance / 2))
            : Shorter(s_transientBase * factor, s_longest) * chance;
    }

    private static TimeSpan Shorter(TimeSpan left, TimeSpan right) => left < right ? left : right;
}
