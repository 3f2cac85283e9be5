using FastConsumer.Leases;
using FastConsumer.State.Format;

namespace FastConsumer.Checkpoints;

/// <summary>
/// Finds the snapshots of shards that the store still has: those that rows name, and earlier ones
/// (<c>Checkpointing:RetainedCheckpoints</c>). It goes by the footers of segments, so that one that cannot be read hides no other.
/// </summary>
/// <param name="store">Where the snapshots are.</param>
/// <param name="applicationName">The application.</param>
internal sealed class SnapshotHistory(ICheckpointStore store, string applicationName)
{
    private readonly string _root = CheckpointName.Escape(applicationName);

    /// <summary>The snapshots of each row's shard at its position or before it, the newest first.</summary>
    /// <param name="rows">Rows of one lineage.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="CheckpointStoreException">The store cannot be listed or read.</exception>
    public async Task<IReadOnlyDictionary<string, IReadOnlyList<KeptSnapshot>>> ListAsync(
        IReadOnlyList<Lease> rows, CancellationToken cancellationToken)
    {
        Dictionary<string, Lease> wanted = rows.Where(static row => row.Lineage is not null)
            .ToDictionary(static row => row.LeaseKey, StringComparer.Ordinal);
        Dictionary<string, List<KeptSnapshot>> found = new(StringComparer.Ordinal);
        foreach (string lineage in wanted.Values.Select(static row => row.TableLineage!).Distinct().ToList())
        {
            string prefix = CheckpointPlace.NameOf(_root, lineage, "");
            List<CheckpointObject> segments = [];
            await foreach (CheckpointObject one in store.ListAsync(prefix, cancellationToken))
            {
                segments.Add(one);
            }

            foreach (CheckpointObject segment in segments)
            {
                foreach (SegmentShard shard in await FooterAsync(segment, cancellationToken))
                {
                    if (shard.Length > 0 && wanted.TryGetValue(shard.Shard, out Lease? row) && row.TableLineage == lineage
                        && await FindAsync(row, segment.Name[prefix.Length..], shard, cancellationToken) is { } snapshot)
                    {
                        if (!found.TryGetValue(shard.Shard, out List<KeptSnapshot>? ofShard))
                        {
                            found.Add(shard.Shard, ofShard = []);
                        }

                        ofShard.Add(snapshot);
                    }
                }
            }
        }

        return found.ToDictionary(
            static one => one.Key,
            static one => (IReadOnlyList<KeptSnapshot>)[.. one.Value
                .OrderByDescending(static snapshot => snapshot.Position)
                .ThenByDescending(static snapshot => snapshot.Manifest.Epoch)
                .ThenByDescending(static snapshot => snapshot.Manifest.Number)],
            StringComparer.Ordinal);
    }

    private async Task<IReadOnlyList<SegmentShard>> FooterAsync(CheckpointObject segment, CancellationToken cancellationToken)
    {
        try
        {
            return await SegmentFooters.ReadAsync(store, segment.Name, segment.Length, cancellationToken) ?? [];
        }
        catch (CheckpointObjectMissingException)
        {
            // superseded since the listing
            return [];
        }
    }

    /// <summary>A snapshot whose objects are all there, and which is not later than its row; null for any other.</summary>
    private async Task<KeptSnapshot?> FindAsync(
        Lease row, string @object, SegmentShard shard, CancellationToken cancellationToken)
    {
        try
        {
            byte[] frame = new byte[shard.Length];
            await store.ReadAsync(NameOf(row, @object), shard.Offset, frame, cancellationToken);
            SnapshotManifest manifest = SegmentReader.ReadManifest(frame);
            foreach (SnapshotRange range in SnapshotRanges.Live(manifest.Ranges))
            {
                await store.ReadAsync(NameOf(row, range.Segment), range.Offset + range.Length, Memory<byte>.Empty, cancellationToken);
            }

            return CheckpointPosition.TryParse(manifest.Position, manifest.SubSequenceNumber, out CheckpointPosition position)
                && position <= row.Checkpoint
                ? new KeptSnapshot(
                    new SnapshotHandle(@object, shard.Offset, shard.Length, SnapshotHandle.StampOf(position)), position, manifest)
                : null;
        }
        catch (Exception e) when (e is SnapshotDamagedException or CheckpointObjectMissingException or CheckpointObjectTooShortException)
        {
            return null;
        }
    }

    private string NameOf(Lease row, string @object) => CheckpointPlace.NameOf(_root, row.TableLineage!, @object);
}

/// <summary>A snapshot of a shard that the store has with all of its objects.</summary>
/// <param name="Handle">What a row would say of it.</param>
/// <param name="Position">The position that it belongs to.</param>
/// <param name="Manifest">What it says of itself.</param>
internal sealed record KeptSnapshot(SnapshotHandle Handle, CheckpointPosition Position, SnapshotManifest Manifest)
{
    /// <summary>True where it is the one that the row names.</summary>
    public bool IsNamedBy(Lease row) => SnapshotHandle.Parse(row.Snapshot) is { } named
        && named.Object == Handle.Object && named.Offset == Handle.Offset;

    /// <summary>The stream's time at the position; null before the first record.</summary>
    public DateTimeOffset? StreamTime => Manifest.StreamTime > 0 ? DateTimeOffset.FromUnixTimeMilliseconds(Manifest.StreamTime) : null;
}
