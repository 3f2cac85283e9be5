using FastConsumer.Processors;

namespace FastConsumer.Dispatch;

/// <summary>What goes through a lane: a page of records, or a barrier.</summary>
internal readonly struct LaneItem
{
    private LaneItem(RecordPage? page, CheckpointBarrier? barrier)
    {
        Page = page;
        Barrier = barrier;
    }

    public RecordPage? Page { get; }

    public CheckpointBarrier? Barrier { get; }

    public static implicit operator LaneItem(RecordPage page) => new(page, null);

    public static implicit operator LaneItem(CheckpointBarrier barrier) => new(null, barrier);
}
