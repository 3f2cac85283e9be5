namespace FastConsumer.Timing;

/// <summary>
/// One holder at a time, first come, first served. Unlike a semaphore of the framework's it keeps its waiters on their own
/// scheduler: see <see cref="ApartTask"/>.
/// </summary>
internal sealed class AsyncLock
{
    private readonly Lock _lock = new();
    private readonly LinkedList<TaskCompletionSource> _waiting = [];
    private bool _isHeld;

    /// <summary>True while somebody holds it.</summary>
    public bool IsHeld
    {
        get
        {
            lock (_lock)
            {
                return _isHeld;
            }
        }
    }

    /// <summary>Waits for the turn; whoever gets it calls <see cref="Exit"/> once.</summary>
    public async ValueTask EnterAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        LinkedListNode<TaskCompletionSource> turn;
        lock (_lock)
        {
            if (!_isHeld)
            {
                _isHeld = true;
                return;
            }

            turn = _waiting.AddLast(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        await using (cancellationToken.UnsafeRegister(_ => Leave(turn, cancellationToken), null))
        {
            await turn.Value.Task;
        }
    }

    /// <summary>Gives the turn to the next one.</summary>
    public void Exit()
    {
        TaskCompletionSource next;
        lock (_lock)
        {
            if (_waiting.First is not { } first)
            {
                _isHeld = false;
                return;
            }

            _waiting.RemoveFirst();
            next = first.Value;
        }

        next.SetResult();
    }

    private void Leave(LinkedListNode<TaskCompletionSource> turn, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (turn.List is null)
            {
                // its turn has come
                return;
            }

            _waiting.Remove(turn);
        }

        turn.Value.SetCanceled(cancellationToken);
    }
}
