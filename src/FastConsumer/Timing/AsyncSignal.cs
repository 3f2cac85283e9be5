namespace FastConsumer.Timing;

/// <summary>Wakes one waiting loop before its time. A signal that comes while nobody waits is kept, once.</summary>
internal sealed class AsyncSignal
{
    private readonly Lock _lock = new();
    private TaskCompletionSource? _waiting;
    private bool _set;

    /// <summary>Wakes the loop.</summary>
    public void Set()
    {
        lock (_lock)
        {
            if (_waiting is null)
            {
                _set = true;
                return;
            }

            _waiting.TrySetResult();
            _waiting = null;
        }
    }

    /// <summary>Waits for a signal or the time-out, whichever comes first.</summary>
    public async Task WaitAsync(TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        TaskCompletionSource waiting;
        lock (_lock)
        {
            if (_set)
            {
                _set = false;
                return;
            }

            waiting = _waiting = ApartTask.Completion();
        }

        await ApartTask.WaitAsync(waiting.Task, timeout, time, cancellationToken);
        lock (_lock)
        {
            if (ReferenceEquals(_waiting, waiting))
            {
                _waiting = null;
            }
        }

        cancellationToken.ThrowIfCancellationRequested();
    }
}
