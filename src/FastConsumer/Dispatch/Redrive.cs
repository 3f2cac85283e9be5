using FastConsumer.Operators;
using FastConsumer.Processors;
using FastConsumer.Timing;

namespace FastConsumer.Dispatch;

/// <summary>
/// An operator's decision to leave one record out, in the run that carries it out: the record's lane does not call the handler with it.
/// </summary>
/// <param name="command">What was decided.</param>
/// <param name="position">The record.</param>
/// <param name="leavesOut">Called before the record counts as done, so that no checkpoint passes it untold; returns at once.</param>
/// <param name="leftOut">Called once it counts as done; returns at once.</param>
internal sealed class Redrive(OperatorCommand command, CheckpointPosition position, Action leavesOut, Action leftOut)
{
    private readonly TaskCompletionSource _done = ApartTask.Completion();
    private volatile bool _isDone;

    public OperatorCommand Command => command;

    public CheckpointPosition Position => position;

    /// <summary>Ends once the record counts as done.</summary>
    public Task Done => _done.Task;

    public ErrorAction Action => command.Decision == RecordDecision.DeadLetter ? ErrorAction.DeadLetter : ErrorAction.Skip;

    /// <summary>Where the record stands in a page; -1 where it does not, or was left out already.</summary>
    public int IndexIn(RecordPage page)
    {
        if (!_isDone)
        {
            for (int i = 0; i < page.Count; i++)
            {
                if (page.PositionOf(i) == position)
                {
                    return i;
                }
            }
        }

        return -1;
    }

    /// <summary>The record is done without its handler.</summary>
    public void Complete(RecordCursor cursor)
    {
        leavesOut();
        _isDone = true;
        cursor.Complete();
        leftOut();
        _done.TrySetResult();
    }
}

/// <summary>What a dead letter names as its cause where an operator has decided about the record.</summary>
internal sealed class LeftOutByDecisionException(OperatorCommand command)
    : Exception($"The handler failed {command.Attempts} times, at last with {command.Error}; then {command.By} decided to leave the record "
        + "out.");
