using FastConsumer.Timing;

namespace FastConsumer.Dispatch;

/// <summary>
/// A marker in a shard's flow, at a record boundary: it goes through every lane behind the records before it. Where all
/// lanes have reached it, every record before it is done.
/// </summary>
internal sealed class CheckpointBarrier(CheckpointPosition position, int lanes)
{
    private readonly TaskCompletionSource _reached = ApartTask.Completion();
    private int _missing = lanes;

    /// <summary>The cut: what is done once the barrier is reached.</summary>
    public CheckpointPosition Position { get; } = position;

    /// <summary>Completes when every lane has reached it.</summary>
    public Task Reached => _reached.Task;

    /// <summary>One lane has reached it.</summary>
    public void Arrive()
    {
        if (Interlocked.Decrement(ref _missing) == 0)
        {
            _reached.SetResult();
        }
    }
}
