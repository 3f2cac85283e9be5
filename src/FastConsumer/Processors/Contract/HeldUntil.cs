using FastConsumer.Timing;

namespace FastConsumer.Processors;

/// <summary>
/// Until when a lease is this worker's for certain: no call of a handler starts later, whatever else of the process stood still meanwhile.
/// Lanes ask it before they start something; the owner of the lease moves it with each write that took effect. Thread-safe.
/// </summary>
/// <param name="time">The worker's clock.</param>
internal sealed class HeldUntil(TimeProvider time)
{
    private readonly bool _isCoarse = ReferenceEquals(time, TimeProvider.System);
    private readonly Lock _lock = new();
    private long _until = long.MaxValue;
    private TaskCompletionSource? _moved;

    /// <summary>True where nothing may start any more, unless it is moved.</summary>
    public bool IsOver => Volatile.Read(ref _until) is var until && until != long.MaxValue && Milliseconds() >= until;

    /// <summary>Moves it to a time of the worker's clock, as <see cref="TimeProvider.GetElapsedTime(long)"/> of 0 says it.</summary>
    public void MoveTo(TimeSpan until)
    {
        TaskCompletionSource? moved;
        lock (_lock)
        {
            TimeSpan left = until - time.GetElapsedTime(0);
            Volatile.Write(ref _until, Milliseconds() + (long)left.TotalMilliseconds);
            moved = _moved;
            _moved = null;
        }

        moved?.TrySetResult();
    }

    /// <summary>Waits until something may start again. A stop ends the wait, without an exception.</summary>
    public async ValueTask WaitAsync(CancellationToken stop)
    {
        while (IsOver && !stop.IsCancellationRequested)
        {
            Task moved;
            lock (_lock)
            {
                if (!IsOver)
                {
                    return;
                }

                moved = (_moved ??= ApartTask.Completion()).Task;
            }

            await moved.WaitAsync(stop)
                .ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // The system's clock is asked for the milliseconds that it keeps in any case: some nanoseconds instead of some twenty.
#pragma warning disable RS0030
    private long Milliseconds() => _isCoarse ? Environment.TickCount64 : (long)time.GetElapsedTime(0).TotalMilliseconds;
#pragma warning restore RS0030
}
