using FastConsumer.Kinesis;
using FastConsumer.Processors;

namespace FastConsumer.Reading;

/// <summary>What a reader passes on: a page of records, or, last of all, the end of the shard with its children.</summary>
internal readonly struct ReadItem
{
    private ReadItem(RecordPage? page, IReadOnlyList<ChildShard>? children)
    {
        Page = page;
        Children = children;
    }

    /// <summary>The records; the receiver owns them.</summary>
    public RecordPage? Page { get; }

    /// <summary>The shard's children, where it has ended; empty where nobody could name them.</summary>
    public IReadOnlyList<ChildShard>? Children { get; }

    public static ReadItem Records(RecordPage page) => new(page, null);

    public static ReadItem End(IReadOnlyList<ChildShard> children) => new(null, children);
}
