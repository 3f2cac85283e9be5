namespace FastConsumer.Hosting;

/// <summary>
/// The order of a graceful stop in time: no new record starts; then running handlers are cancelled; then those that ignore
/// it are given up; then the last checkpoints end. What is left of the stop time is kept for releasing leases.
/// </summary>
internal sealed class StopPhases : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _cancelHandlers;
    private readonly CancellationTokenSource _giveUp;
    private readonly CancellationTokenSource _endFlush;
    private readonly CancellationTokenSource _endRelease;
    private readonly List<CancellationTokenRegistration> _inherited = [];

    public StopPhases(TimeProvider time)
    {
        _cancelHandlers = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _giveUp = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _endFlush = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _endRelease = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
    }

    /// <summary>The phases of one shard, which may be stopped by itself and is stopped with all others at the latest.</summary>
    public StopPhases(TimeProvider time, StopPhases all)
        : this(time)
    {
        Inherit(_endRelease, all.EndRelease);
        Inherit(_endFlush, all.EndFlush);
        Inherit(_giveUp, all.GiveUp);
        Inherit(_cancelHandlers, all.CancelHandlers);
        Inherit(_stop, all.Stop);
    }

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
    public static TimeSpan DrainTime(TimeSpan stopTimeout) => DrainTime(stopTimeout, FastConsumerOptions.ReleaseTime);

    /// <summary>Starts the stop; a second call does nothing.</summary>
    public void Begin(TimeSpan stopTimeout) => Begin(stopTimeout, FastConsumerOptions.ReleaseTime);

    /// <summary>Starts the stop with another time kept for the release.</summary>
    public void Begin(TimeSpan stopTimeout, TimeSpan releaseTime)
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        TimeSpan beforeRelease = stopTimeout - releaseTime;
        _cancelHandlers.CancelAfter(DrainTime(stopTimeout, releaseTime));
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

    /// <summary>
    /// The shard is over: the worker's phases are none of its business any more. Its own are not disposed, for somebody may begin them
    /// at the same moment.
    /// </summary>
    public void Detach() => _inherited.ForEach(static inherited => inherited.Dispose());

    public void Dispose()
    {
        _stop.Dispose();
        _cancelHandlers.Dispose();
        _giveUp.Dispose();
        _endFlush.Dispose();
        _endRelease.Dispose();
    }

    private static TimeSpan DrainTime(TimeSpan stopTimeout, TimeSpan releaseTime) => 0.8 * (stopTimeout - releaseTime);

    private void Inherit(CancellationTokenSource source, CancellationToken from) =>
        _inherited.Add(from.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), source));
}
