using FastConsumer.State;
using FastConsumer.State.Format;

namespace FastConsumer.Processors;

/// <summary>
/// The states of one shard as they were when exactly the records that the cut's answer names were done. Handlers run on. It is disposed
/// once it is written or has failed; one at a time is open.
/// </summary>
internal sealed class StateCut(ShardState state) : IDisposable
{
    private bool _isOver;

    /// <summary>
    /// Writes all states; the manifest is the caller's, with <see cref="SegmentWriter.Ranges"/>. On any one thread, once. What the values'
    /// serializers throw comes through.
    /// </summary>
    public void Write(SegmentWriter writer)
    {
        ObjectDisposedException.ThrowIf(_isOver, this);
        state.WriteFrozen(writer);
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
