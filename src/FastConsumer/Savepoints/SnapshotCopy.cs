using System.Globalization;
using FastConsumer.Checkpoints;
using FastConsumer.Leases;
using FastConsumer.State.Format;

namespace FastConsumer.Savepoints;

/// <summary>
/// Copies snapshots of shards, each into objects of its own, which hold nothing else and need nothing else. Blocks are copied as they are.
/// Thread-safe.
/// </summary>
/// <param name="store">Where the snapshots are, and where the copies go.</param>
/// <param name="from">The names of objects that handles name now.</param>
/// <param name="to">The names of the copies' objects, from <c>session/number</c>.</param>
/// <param name="session">A name that no other copy has.</param>
/// <param name="change">What the copy's manifest says of itself.</param>
internal sealed class SnapshotCopy(
    ICheckpointStore store,
    Func<string, string> from,
    Func<string, string> to,
    string session,
    Func<SnapshotManifest, SnapshotManifest> change)
{
    /// <summary>An object is closed when it has so many bytes: they are in memory.</summary>
    public const long ObjectBytes = 64 * 1024 * 1024;

    private readonly Lock _lock = new();
    private readonly List<string> _objects = [];
    private long _number;
    private long _bytes;

    /// <summary>How many bytes were copied.</summary>
    public long Bytes
    {
        get
        {
            lock (_lock)
            {
                return _bytes;
            }
        }
    }

    /// <summary>The objects that were made.</summary>
    public IReadOnlyList<string> Objects
    {
        get
        {
            lock (_lock)
            {
                return [.. _objects];
            }
        }
    }

    /// <summary>Copies what a handle names.</summary>
    /// <returns>The copy's handle, and what its manifest says.</returns>
    /// <exception cref="CheckpointStoreException">
    /// An object cannot be read or written; <see cref="CheckpointObjectMissingException"/> where its owner has superseded it.
    /// </exception>
    /// <exception cref="InvalidDataException">The snapshot is damaged; the message names the object.</exception>
    public async Task<(SnapshotHandle Handle, SnapshotManifest Manifest)> CopyAsync(
        SnapshotHandle handle, CancellationToken cancellationToken)
    {
        List<(string Name, long Bytes)> created = [];
        try
        {
            (SnapshotHandle, SnapshotManifest) copy = await CopyAsync(handle, created, cancellationToken);
            lock (_lock)
            {
                _objects.AddRange(created.Select(static one => one.Name));
                _bytes += created.Sum(static one => one.Bytes);
            }

            return copy;
        }
        catch
        {
            await DeleteAsync(created.Select(static one => one.Name));
            throw;
        }
    }

    /// <summary>Deletes all that was copied, as far as the store does.</summary>
    public Task DeleteAsync() => DeleteAsync(Objects);

    private async Task<(SnapshotHandle Handle, SnapshotManifest Manifest)> CopyAsync(
        SnapshotHandle handle, List<(string Name, long Bytes)> created, CancellationToken cancellationToken)
    {
        byte[] frame = await ReadAsync(handle.Object!, handle.Offset, handle.Length, cancellationToken);
        SnapshotManifest manifest = Check(handle.Object!, () => SegmentReader.ReadManifest(frame));
        string name = NextObject();
        var writer = new SegmentWriter(name);
        List<SnapshotRange> ranges = [];
        // the oldest first: its owner supersedes them in this order
        foreach (SnapshotRange range in SnapshotRanges.Live(manifest.Ranges))
        {
            byte[] bytes = await ReadAsync(range.Segment, range.Offset, range.Length, cancellationToken);
            Check(range.Segment, () =>
            {
                SegmentReader.CheckRange(range, bytes);
                return true;
            });
            if (writer.Length > SegmentLayout.HeaderBytes && writer.Length + bytes.Length > ObjectBytes)
            {
                writer.AddShard(manifest);
                await CreateAsync(name, writer, created, cancellationToken);
                name = NextObject();
                writer = new SegmentWriter(name);
            }

            ranges.Add(writer.AddRange(range, bytes));
        }

        SnapshotManifest copy = change(manifest) with
        {
            Ranges = ranges,
            Predecessor = null,
            FormerCopyId = manifest.CopyId,
        };
        (long offset, int length) = writer.AddManifest(copy);
        await CreateAsync(name, writer, created, cancellationToken);
        return (handle with { Object = name, Offset = offset, Length = length }, copy);
    }

    private async Task DeleteAsync(IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            try
            {
                await store.DeleteAsync(to(name), CancellationToken.None);
            }
            catch (CheckpointStoreException)
            {
                // the failure that ended the copy is told; what is left over belongs to nothing, and 'savepoint delete' takes it
                return;
            }
        }
    }

    private string NextObject() =>
        string.Create(CultureInfo.InvariantCulture, $"{session}/{Interlocked.Increment(ref _number)}");

    private async Task CreateAsync(
        string name, SegmentWriter writer, List<(string Name, long Bytes)> created, CancellationToken cancellationToken)
    {
        IReadOnlyList<ReadOnlyMemory<byte>> frames = writer.Finish();
        created.Add((name, writer.Length));
        await store.CreateAsync(to(name), Segments.Of(frames), cancellationToken);
    }

    private async Task<byte[]> ReadAsync(string name, long offset, int length, CancellationToken cancellationToken)
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(length);
        await store.ReadAsync(from(name), offset, bytes, cancellationToken);
        return bytes;
    }

    private T Check<T>(string name, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (SnapshotDamagedException e)
        {
            throw new InvalidDataException($"Object '{from(name)}' in {store.Description}: {e.Message}", e);
        }
    }
}
