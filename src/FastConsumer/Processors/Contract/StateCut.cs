using FastConsumer.State;
using FastConsumer.State.Format;

namespace FastConsumer.Processors;

/// <summary>What a cut is asked for that is kept for readers.</summary>
internal interface IStateCutPosition
{
    /// <summary>Up to where all records are done.</summary>
    CheckpointPosition Position { get; }

    /// <summary>The stream's time at the position, in epoch milliseconds; 0 where it is not known.</summary>
    long StreamTime { get; }
}

/// <summary>What one state is.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="SubKey">The type of a map's keys; else null.</param>
/// <param name="Value">The type of its values.</param>
internal sealed record StateShape(string Name, StateKind Kind, Type? SubKey, Type Value);

/// <summary>
/// The states of one shard as they were when exactly the records that the cut's answer names were done. Handlers run on. It is disposed
/// once it is written or has failed; one at a time is open.
/// </summary>
internal sealed class StateCut(ShardState state) : IDisposable
{
    private bool _isOver;

    /// <summary>True where all of the states is written, whatever was asked for.</summary>
    public bool IsWhole { get; } = state.IsWhole;

    /// <summary>
    /// Writes all states; the manifest is the caller's, with <see cref="SegmentWriter.Ranges"/>. On any one thread, once. What the values'
    /// serializers throw comes through.
    /// </summary>
    /// <returns>How many bytes of it are what has changed; 0 where all is written whole.</returns>
    public int Write(SegmentWriter writer)
    {
        ObjectDisposedException.ThrowIf(_isOver, this);
        return state.WriteFrozen(writer);
    }

    /// <summary>
    /// A store has what was written, and what follows will name it: the next cut need not write it again. Where this is not called, the
    /// next one writes what has changed since the last for which it was.
    /// </summary>
    public void Stored()
    {
        ObjectDisposedException.ThrowIf(_isOver, this);
        state.Stored();
    }

    /// <summary>Nothing is kept for it any more. Not while <see cref="Write"/> runs.</summary>
    public void Dispose()
    {
        if (!_isOver)
        {
            _isOver = true;
            state.Release();
        }
    }
}
