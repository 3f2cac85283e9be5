namespace FastConsumer.Hosting;

/// <summary>
/// The order of a graceful stop in time: no new record starts; then running handlers are cancelled; then those that ignore
/// it are given up; then the last checkpoints end. What is left of the stop time is kept for releasing leases.
/// </summary>
internal sealed class StopPhases(TimeProvider time) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _cancelHandlers = new(Timeout.InfiniteTimeSpan, time);
    private readonly CancellationTokenSource _giveUp = new(Timeout.InfiniteTimeSpan, time);
    private readonly CancellationTokenSource _endFlush = new(Timeout.InfiniteTimeSpan, time);
    private readonly CancellationTokenSource _endRelease = new(Timeout.InfiniteTimeSpan, time);

    /// <summary>No further record starts.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>Running handlers are cancelled.</summary>
    public CancellationToken CancelHandlers => _cancelHandlers.Token;

    /// <summary>Handlers that ignore their cancellation are no longer waited for.</summary>
    public CancellationToken GiveUp => _giveUp.Token;

    /// <summary>No further try at a last checkpoint.</summary>
    public CancellationToken EndFlush => _endFlush.Token;

    /// <summary>No further try at a release.</summary>
    public CancellationToken EndRelease => _endRelease.Token;

    /// <summary>How long handlers have before they are cancelled.</summary>
    public static TimeSpan DrainTime(TimeSpan stopTimeout) => 0.8 * (stopTimeout - FastConsumerOptions.ReleaseTime);

    /// <summary>Starts the stop; a second call does nothing.</summary>
    public void Begin(TimeSpan stopTimeout)
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        TimeSpan beforeRelease = stopTimeout - FastConsumerOptions.ReleaseTime;
        _cancelHandlers.CancelAfter(DrainTime(stopTimeout));
        _giveUp.CancelAfter(0.9 * beforeRelease);
        _endFlush.CancelAfter(beforeRelease);
        _endRelease.CancelAfter(stopTimeout);
        _stop.Cancel();
    }

    /// <summary>Cancels everything at once, and leaves a moment to end and to release leases: the host is disposed without a stop.</summary>
    public void Abort()
    {
        _endFlush.CancelAfter(FastConsumerOptions.ReleaseTime / 2);
        _endRelease.CancelAfter(FastConsumerOptions.ReleaseTime);
        _stop.Cancel();
        _cancelHandlers.Cancel();
        _giveUp.CancelAfter(FastConsumerOptions.ReleaseTime / 4);
    }

    public void Dispose()
    {
        _stop.Dispose();
        _cancelHandlers.Dispose();
        _giveUp.Dispose();
        _endFlush.Dispose();
        _endRelease.Dispose();
    }
}
