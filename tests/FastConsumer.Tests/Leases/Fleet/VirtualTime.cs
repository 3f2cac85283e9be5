using System.Collections.Concurrent;
using FastConsumer.Testing;

namespace FastConsumer.Tests.Leases.Fleet;

/// <summary>Runs tasks on the caller's thread, and lets time leap to the next timer when there is nothing to run.</summary>
internal sealed class VirtualTime : TaskScheduler
{
    private static readonly TimeSpan s_lookInterval = TimeSpan.FromMilliseconds(20);

    private readonly ConcurrentQueue<Task> _ready = new();

    public override int MaximumConcurrencyLevel => 1;

    public ManualClock Clock { get; } = new();

    public TimeSpan Now => Clock.GetElapsedTime(0);

    /// <summary>Runs until a time, or until something is so.</summary>
    public void Run(TimeSpan until, Func<bool>? isSo = null)
    {
        TimeSpan lookAt = Now;
        while (Now < until)
        {
            Drain();
            if (isSo is not null && Now >= lookAt)
            {
                if (isSo())
                {
                    return;
                }

                lookAt = Now + s_lookInterval;
            }

            if (Clock.NextDue is not { } due || due - Clock.GetUtcNow() > until - Now)
            {
                Clock.Advance(until - Now);
                Drain();
                return;
            }

            Clock.AdvanceToNextTimer();
        }
    }

    protected override IEnumerable<Task> GetScheduledTasks() => _ready;

    protected override void QueueTask(Task task) => _ready.Enqueue(task);

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    private void Drain()
    {
        do
        {
            while (_ready.TryDequeue(out Task? task))
            {
                TryExecuteTask(task);
            }

            // what goes by way of the thread pool comes back
            if (ThreadPool.PendingWorkItemCount > 0)
            {
                Thread.Yield();
            }
        }
        while (!_ready.IsEmpty || ThreadPool.PendingWorkItemCount > 0);
    }
}
