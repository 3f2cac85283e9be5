namespace FastConsumer.Reading;

/// <summary>
/// Spreads the first calls of readers that start together, as at a worker's start, so that hundreds of them do not call within the same
/// millisecond. A few that start together hardly wait: a hand-over is not made slower.
/// </summary>
internal sealed class StartSpread(TimeProvider time)
{
    /// <summary>So many fill an interval.</summary>
    private const int Slots = 512;

    private readonly Lock _lock = new();
    private long _since = time.GetTimestamp();
    private int _started;

    /// <summary>How long the next reader waits before its first call, less than <paramref name="interval"/>.</summary>
    public TimeSpan Next(TimeSpan interval)
    {
        lock (_lock)
        {
            if (time.GetElapsedTime(_since) >= interval)
            {
                _since = time.GetTimestamp();
                _started = 0;
            }

            return interval * ((double)(_started++ % Slots) / Slots);
        }
    }

    /// <summary>Waits for the reader's turn.</summary>
    public async ValueTask WaitAsync(TimeSpan interval, CancellationToken cancellationToken)
    {
        TimeSpan wait = Next(interval);
        if (wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, time, cancellationToken);
        }
    }
}
