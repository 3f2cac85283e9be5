namespace FastConsumer.Timing;

/// <summary>
/// Work apart from its caller's own, on the scheduler that the worker was started on: the thread pool, or in a simulation the one
/// that runs everything in an order given by a seed. For the same reason nothing that a worker runs says ConfigureAwait(false).
/// </summary>
internal static class ApartTask
{
    public static Task Start(Func<Task> work) => StartOn(TaskScheduler.Current, work);

    public static Task<T> Start<T>(Func<Task<T>> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskScheduler.Current).Unwrap();

    public static Task StartOn(TaskScheduler scheduler, Func<Task> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, scheduler).Unwrap();

    /// <summary>
    /// A completion whose waiters go on apart from whoever completes it. On a scheduler of its own they are queued there in any case;
    /// asked to run asynchronously, what is waited for together with others or a token would go by way of the thread pool.
    /// </summary>
    public static TaskCompletionSource Completion() => new(TaskScheduler.Current == TaskScheduler.Default
        ? TaskCreationOptions.RunContinuationsAsynchronously
        : TaskCreationOptions.None);

    /// <summary>
    /// A delay to be waited for together with others: it ends with its time or its token, without an exception. The framework's own,
    /// with a clock that is not the system's, ends by way of the thread pool there, and it rounds down to whole milliseconds: whoever waits for
    /// the rest of a time would do so again and again.
    /// </summary>
    public static async Task DelayAsync(TimeSpan delay, TimeProvider time, CancellationToken cancellationToken) =>
        await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(delay.TotalMilliseconds)), time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);

    /// <summary>Waits for a task, a time or a token, whichever comes first, and throws for none of them; the task goes on.</summary>
    public static async ValueTask WaitAsync(Task coming, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(coming, DelayAsync(limit, time, ended.Token));
        await ended.CancelApartAsync();
    }

    /// <summary>
    /// Cancels at once, with what was registered for it apart from the caller; on a scheduler of its own within the call, since
    /// <see cref="CancellationTokenSource.CancelAsync"/> knows only the thread pool.
    /// </summary>
    public static Task CancelApartAsync(this CancellationTokenSource source)
    {
        if (TaskScheduler.Current == TaskScheduler.Default)
        {
            return source.CancelAsync();
        }

        source.Cancel();
        return Task.CompletedTask;
    }
}
