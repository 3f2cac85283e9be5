using FastConsumer.State.Format;

namespace FastConsumer.Checkpoints;

/// <summary>Reads what a segment says of itself.</summary>
internal static class SegmentFooters
{
    /// <summary>What a segment's footer lists; null where it has none that can be read.</summary>
    /// <exception cref="CheckpointStoreException">The object cannot be read.</exception>
    public static async Task<IReadOnlyList<SegmentShard>?> ReadAsync(
        ICheckpointStore store, string name, long length, CancellationToken cancellationToken)
    {
        long end = length - SegmentLayout.TrailerBytes;
        if (end < 0)
        {
            return null;
        }

        try
        {
            byte[] trailer = new byte[SegmentLayout.TrailerBytes];
            await store.ReadAsync(name, end, trailer, cancellationToken);
            int footer = SegmentReader.FooterLength(trailer);
            if (footer > end)
            {
                return null;
            }

            byte[] frame = new byte[footer];
            await store.ReadAsync(name, end - footer, frame, cancellationToken);
            return SegmentReader.ReadFooter(frame);
        }
        catch (Exception e) when (e is SnapshotDamagedException or CheckpointObjectTooShortException)
        {
            return null;
        }
    }
}
