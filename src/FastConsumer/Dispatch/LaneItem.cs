using FastConsumer.Processors;

namespace FastConsumer.Dispatch;

/// <summary>What goes through a lane: a page of records, a lane's share of one, or a barrier.</summary>
internal readonly struct LaneItem
{
    private LaneItem(RecordPage? page, int first, CheckpointBarrier? barrier)
    {
        Page = page;
        First = first;
        Barrier = barrier;
    }

    public RecordPage? Page { get; }

    /// <summary>The lane's first record of the page; the others are linked to it.</summary>
    public int First { get; }

    public CheckpointBarrier? Barrier { get; }

    public static LaneItem Of(RecordPage page, int first) => new(page, first, null);

    public static implicit operator LaneItem(RecordPage page) => new(page, 0, null);

    public static implicit operator LaneItem(CheckpointBarrier barrier) => new(null, 0, barrier);
}
