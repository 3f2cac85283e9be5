using System.Runtime.CompilerServices;
using System.Text;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.State;
using FastConsumer.State.Format;

namespace FastConsumer.Checkpoints;

/// <summary>
/// Reads the state of an application as its leases name it, without a worker: for tests, for looking things up, for taking it elsewhere.
/// Workers may run meanwhile; what is read of each shard is its last checkpoint.
/// </summary>
/// <remarks>Each shard is read by itself, so what is read of several does not belong to one moment.</remarks>
/// <param name="store">Where the snapshots are.</param>
/// <param name="applicationName">The application (<c>FastConsumerOptions.ApplicationName</c>).</param>
public sealed class SnapshotReader(ICheckpointStore store, string applicationName)
{
    private readonly ICheckpointStore _store = store ?? throw new ArgumentNullException(nameof(store));
    private readonly string _root = CheckpointName.Escape(applicationName);

    /// <summary>
    /// Reads all entries: of each shard that is not finished its own, or those that it inherits from its parents; of a finished one those
    /// that no child has taken over yet.
    /// </summary>
    /// <param name="leases">The rows of the application's lease table, as <see cref="ILeaseStore.ListAsync"/> gives them.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="CheckpointStoreException">
    /// An object cannot be read, or is gone: the worker that owns the shard may have deleted it since the rows were read. List them again.
    /// </exception>
    /// <exception cref="InvalidDataException">A snapshot is damaged; the message names the object.</exception>
    public async IAsyncEnumerable<StoredState> ReadAsync(
        IReadOnlyList<Lease> leases, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(leases);
        foreach (Lease lease in Current(leases))
        {
            foreach (StoredSnapshot snapshot in await OpenAsync(lease, cancellationToken).ConfigureAwait(false))
            {
                List<StoredState> entries = await ReadAsync(snapshot, null, null, null, cancellationToken).ConfigureAwait(false);
                foreach (StoredState entry in entries)
                {
                    yield return entry;
                }
            }
        }
    }

    /// <summary>The rows whose state counts: all but those of finished shards whose state a child has taken over, or is to.</summary>
    internal static IEnumerable<Lease> Current(IReadOnlyList<Lease> leases)
    {
        HashSet<string> taken = [.. leases.SelectMany(static lease => lease.ParentShardIds)];
        return leases.Where(lease => !lease.IsFinished || !taken.Contains(lease.LeaseKey));
    }

    /// <summary>
    /// Reads what a row names, but not the entries: its own snapshot, else those of its parents. None where there are none, and where it
    /// names the empty state.
    /// </summary>
    /// <exception cref="CheckpointStoreException">As <see cref="ReadAsync(IReadOnlyList{Lease}, CancellationToken)"/>.</exception>
    /// <exception cref="InvalidDataException">As <see cref="ReadAsync(IReadOnlyList{Lease}, CancellationToken)"/>.</exception>
    internal async Task<IReadOnlyList<StoredSnapshot>> OpenAsync(Lease lease, CancellationToken cancellationToken)
    {
        IEnumerable<SnapshotHandle?> handles = lease.Snapshot is null
            ? SnapshotHandle.Inherited(lease).Parents
            : [SnapshotHandle.Parse(lease.Snapshot)];
        List<StoredSnapshot> snapshots = [];
        foreach (SnapshotHandle handle in handles.OfType<SnapshotHandle>().Where(static handle => handle.Object is not null))
        {
            byte[] frame = await ReadAsync(lease.TableLineage ?? "", handle.Object!, handle.Offset, handle.Length, cancellationToken)
                .ConfigureAwait(false);
            snapshots.Add(new StoredSnapshot(
                lease, handle.Object!, InSnapshot(handle.Object!, () => SegmentReader.ReadManifest(frame))));
        }

        return snapshots;
    }

    /// <summary>Reads entries of a snapshot, as far as they are its row's.</summary>
    /// <param name="snapshot">What <see cref="OpenAsync"/> gave.</param>
    /// <param name="state">The only state to read; null for all.</param>
    /// <param name="group">The only group of <see cref="HashKeyGroups"/> to read; null for all.</param>
    /// <param name="partitionKey">The only key to keep entries of, in UTF-8; null for all.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    internal async Task<List<StoredState>> ReadAsync(
        StoredSnapshot snapshot, string? state, int? group, byte[]? partitionKey, CancellationToken cancellationToken)
    {
        string lineage = snapshot.Row.TableLineage ?? "";
        IReadOnlyList<SnapshotRange> ranges = snapshot.Manifest.Ranges;
        int[] bases = SnapshotRanges.Bases(ranges);
        HashSet<(string, string, string)> seen = [];
        List<StoredState> found = [];
        // from the last one to the first: what a later one says of an entry counts
        for (int i = ranges.Count - 1; i >= 0; i--)
        {
            SnapshotRange range = ranges[i];
            if ((state is not null && range.State is not null && range.State != state)
                || group < range.FirstGroup || group > range.LastGroup)
            {
                continue;
            }

            byte[] bytes = await ReadAsync(lineage, range.Segment, range.Offset, range.Length, cancellationToken).ConfigureAwait(false);
            InSnapshot(range.Segment, () =>
            {
                SegmentReader.CheckRange(range, bytes);
                for (int position = 0; position < bytes.Length;)
                {
                    BlockReader block = SegmentReader.ReadBlock(bytes, ref position, snapshot.Manifest.StateVersion);
                    while (block.TryRead(out StateEntry entry))
                    {
                        int groupOfEntry = HashKeyGroups.Of(entry.HashKey);
                        if ((state is null || block.State == state)
                            && (group is null || group == groupOfEntry)
                            && (partitionKey is null || entry.Key.SequenceEqual(partitionKey))
                            && bases[groupOfEntry] <= i
                            && seen.Add((block.State, Encoding.Latin1.GetString(entry.Key), Encoding.Latin1.GetString(entry.SubKey)))
                            && IsOfRow(snapshot, in entry))
                        {
                            found.Add(StoredOf(snapshot, in block, in entry, keepsBytes: partitionKey is not null));
                        }
                    }
                }

                return true;
            });
        }

        return found;
    }

    private static bool IsOfRow(StoredSnapshot snapshot, in StateEntry entry)
    {
        SnapshotManifest manifest = snapshot.Manifest;
        // of a parent's snapshot, what the split gives to this child
        HashKeyRange? own = snapshot.IsInherited ? snapshot.Row.HashKeyRange : null;
        return entry.Exists && entry.Expiry > manifest.StreamTime
            && (own is null || own.Contains(entry.HashKey) || !manifest.HashKeys.Contains(entry.HashKey));
    }

    /// <summary>What has written the values of a state.</summary>
    private static string CodecOf(SnapshotManifest manifest, string state) =>
        manifest.States.FirstOrDefault(declared => declared.Name == state)?.Codec ?? "";

    private static StoredState StoredOf(StoredSnapshot snapshot, in BlockReader block, in StateEntry entry, bool keepsBytes) =>
        new(snapshot.Row.LeaseKey, block.State, Encoding.UTF8.GetString(entry.Key), entry.SubKey.ToArray())
        {
            Values = block.Kind == StateKind.List ? Items(in entry.Stored) : [entry.Value.ToArray()],
            Version = entry.Version,
            IsCopy = entry.IsCopy,
            ExpiresAt = entry.Expiry == StateEntry.Never ? null : TimeOf(entry.Expiry),
            Kind = block.Kind,
            Codec = CodecOf(snapshot.Manifest, block.State),
            Stored = keepsBytes ? entry.Stored : default,
        };

    /// <summary>A time to live may reach beyond all calendars.</summary>
    private static DateTimeOffset TimeOf(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(
        milliseconds, DateTimeOffset.MinValue.ToUnixTimeMilliseconds(), DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));

    private static List<ReadOnlyMemory<byte>> Items(in StoredValue list)
    {
        List<ReadOnlyMemory<byte>> items = [];
        var reader = new ByteReader(list.Source!.Bytes, list.Offset, list.Offset + list.Length);
        while (reader.Position < reader.End)
        {
            items.Add(reader.Span(reader.Bytes()).ToArray());
        }

        return items;
    }

    private async Task<byte[]> ReadAsync(string lineage, string name, long offset, int length, CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[length];
        await _store.ReadAsync(CheckpointPlace.NameOf(_root, lineage, name), offset, bytes, cancellationToken).ConfigureAwait(false);
        return bytes;
    }

    private T InSnapshot<T>(string name, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (SnapshotDamagedException e)
        {
            throw new InvalidDataException($"Object '{name}' in {_store.Description}: {e.Message}", e);
        }
    }
}

/// <summary>A snapshot that a row leads to.</summary>
/// <param name="Row">The row.</param>
/// <param name="Object">The object, as the row names it.</param>
/// <param name="Manifest">What the snapshot says of itself.</param>
internal sealed record StoredSnapshot(Lease Row, string Object, SnapshotManifest Manifest)
{
    /// <summary>True where it is a parent's, of which the row's shard has a part.</summary>
    public bool IsInherited => Row.Snapshot is null;
}

/// <summary>One entry of a state, as a snapshot has it.</summary>
/// <param name="ShardId">The shard that has it now.</param>
/// <param name="State">The name of the <c>[State]</c>.</param>
/// <param name="PartitionKey">The partition key.</param>
/// <param name="SubKeyBytes">
/// The key inside a map as it is stored: text in UTF-8, an integer or enum little-endian in its own size, a Guid as its 16 bytes. Empty for
/// values and lists.
/// </param>
public sealed record StoredState(string ShardId, string State, string PartitionKey, ReadOnlyMemory<byte> SubKeyBytes)
{
    /// <summary>The value as its serializer has written it; of a list each of its values, in order.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Values { get; init; } = [];

    /// <summary>The <see cref="KinesisProcessorAttribute.StateVersion"/> that the values were written under.</summary>
    public int Version { get; init; }

    /// <summary>
    /// True where a split gave the entry to both children and this one has not written it since. A total over shards leaves it out.
    /// </summary>
    public bool IsCopy { get; init; }

    /// <summary>
    /// The time of the stream from which on the entry is gone (<see cref="StateAttribute.Ttl"/>); null where it stays.
    /// </summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>What the state keeps for each key.</summary>
    internal StateKind Kind { get; init; }

    /// <summary>What wrote the values: <c>json</c>, or the name of a serializer's class.</summary>
    public string Codec { get; init; } = "";

    /// <summary>The value as one, a list's too; none where all keys were read, since it would keep their bytes alive.</summary>
    internal StoredValue Stored { get; init; }

    /// <summary>The key inside a map.</summary>
    /// <typeparam name="TSubKey">As the map declares it.</typeparam>
    /// <exception cref="InvalidDataException">It is none.</exception>
    public TSubKey SubKey<TSubKey>()
        where TSubKey : notnull
    {
        try
        {
            return SubKeys.Read<TSubKey>(SubKeyBytes.Span);
        }
        catch (SnapshotDamagedException e)
        {
            throw new InvalidDataException(e.Message, e);
        }
    }
}
