namespace FastConsumer.Timing;

/// <summary>
/// Work apart from its caller's own, on the scheduler that the caller runs on: the thread pool, the threads of the handlers, or in a
/// simulation the one that runs everything in an order given by a seed, one task at a time. For the same reason nothing that a worker runs
/// says ConfigureAwait(false).
/// </summary>
internal static class ApartTask
{
    public static Task Start(Func<Task> work) => StartOn(TaskScheduler.Current, work);

    public static Task<T> Start<T>(Func<Task<T>> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskScheduler.Current).Unwrap();

    public static Task StartOn(TaskScheduler scheduler, Func<Task> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, scheduler).Unwrap();

    public static Task<T> StartOn<T>(TaskScheduler scheduler, Func<Task<T>> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, scheduler).Unwrap();

    public static Task StartOn(TaskScheduler scheduler, Action work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, scheduler);

    /// <summary>
    /// A call that goes through many small steps (of a connection) runs these on the thread pool, and its caller goes on where it was. In a
    /// simulation all stays on its scheduler.
    /// </summary>
    public static Task<T> OnPool<T>(Func<Task<T>> call) =>
        TaskScheduler.Current == TaskScheduler.Default || IsOneAtATime ? call() : Task.Run(call);

    /// <summary>
    /// A completion whose waiters go on apart from whoever completes it. On a scheduler that runs one task at a time they are queued there
    /// in any case; asked to run asynchronously, what is waited for together with others or a token would go by way of the thread pool.
    /// </summary>
    public static TaskCompletionSource Completion() => new(IsOneAtATime
        ? TaskCreationOptions.None
        : TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>
    /// A delay to be waited for together with others: it ends with its time or its token, without an exception. The framework's own,
    /// with a clock that is not the system's, ends by way of the thread pool there, and it rounds down to whole milliseconds: whoever waits
    /// for the rest of a time would do so again and again.
    /// </summary>
    public static async Task DelayAsync(TimeSpan delay, TimeProvider time, CancellationToken cancellationToken) =>
        await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(delay.TotalMilliseconds)), time, cancellationToken)
            .ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);

    /// <summary>Waits for a task, a time or a token, whichever comes first, and throws for none of them; the task goes on.</summary>
    public static async ValueTask WaitAsync(Task coming, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(coming, DelayAsync(limit, time, ended.Token));
        await ended.CancelApartAsync();
    }

    /// <summary>
    /// Cancels at once, with what was registered for it apart from the caller; on a scheduler that runs one task at a time within the call,
    /// since <see cref="CancellationTokenSource.CancelAsync"/> knows only the thread pool. For tokens that users do not see.
    /// </summary>
    public static Task CancelApartAsync(this CancellationTokenSource source)
    {
        if (!IsOneAtATime)
        {
            return source.CancelAsync();
        }

        source.Cancel();
        return Task.CompletedTask;
    }

    private static bool IsOneAtATime => TaskScheduler.Current.MaximumConcurrencyLevel == 1;
}
