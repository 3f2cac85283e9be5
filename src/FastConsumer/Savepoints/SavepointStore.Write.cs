using System.Globalization;
using FastConsumer.Checkpoints;
using FastConsumer.Leases;
using FastConsumer.State.Format;

namespace FastConsumer.Savepoints;

/// <content>Makes a savepoint of state that comes from elsewhere.</content>
public sealed partial class SavepointStore
{
    private const string WrittenShard = "written";

    /// <summary>
    /// Makes a savepoint of what a writer has. It has no positions, so an application begins with it by
    /// <see cref="SavepointTarget.Layout"/> (<c>--state-only</c>).
    /// </summary>
    /// <param name="name">The name: 1 to <see cref="MaxNameLength"/> characters.</param>
    /// <param name="writer">The state; it must not be changed meanwhile.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="SavepointException">There is one of this name already, or the writer has nothing.</exception>
    /// <exception cref="CheckpointStoreException">An object cannot be written.</exception>
    public async Task<Savepoint> WriteAsync(string name, SnapshotWriter writer, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(writer);
        if (writer.Count == 0)
        {
            throw new SavepointException("No savepoint was made: the writer has no entry.");
        }

        if (await FindAsync(name, cancellationToken) is not null)
        {
            throw ThereIsOne(name);
        }

        (SnapshotHandle handle, long bytes, int objects) = await WriteSnapshotAsync(name, writer, cancellationToken);
        var savepoint = new Savepoint
        {
            Name = name,
            Application = applicationName,
            Processor = writer.ProcessorName,
            StateVersion = writer.StateVersion,
            StreamArn = "",
            StreamCreatedAt = DateTimeOffset.UnixEpoch,
            CreatedAt = _time.GetUtcNow(),
            Bytes = bytes,
            Objects = [.. Enumerable.Range(1, objects).Select(number => $"{handle.Object!.Split('/')[0]}/{number}")],
            Rows =
            [
                new SavepointRow
                {
                    Shard = WrittenShard,
                    StartingHashKey = UInt128.MinValue.ToString(CultureInfo.InvariantCulture),
                    EndingHashKey = UInt128.MaxValue.ToString(CultureInfo.InvariantCulture),
                    Position = CheckpointPosition.TrimHorizon.ToCheckpointString(),
                    StateVersion = writer.StateVersion,
                    Snapshot = handle.ToString(),
                },
            ],
        };
        await CompleteAsync(savepoint, cancellationToken);
        return savepoint;
    }

    private async Task<(SnapshotHandle Handle, long Bytes, int Objects)> WriteSnapshotAsync(
        string name, SnapshotWriter writer, CancellationToken cancellationToken)
    {
        string session = NewName();
        var about = new SnapshotManifest
        {
            Application = applicationName,
            StreamArn = "",
            StreamCreated = 0,
            Processor = writer.ProcessorName,
            StateVersion = writer.StateVersion,
            Shard = WrittenShard,
            StartingHashKey = UInt128.MinValue.ToString(CultureInfo.InvariantCulture),
            EndingHashKey = UInt128.MaxValue.ToString(CultureInfo.InvariantCulture),
            Lineage = session,
            Epoch = 0,
            Number = 1,
            Position = CheckpointPosition.TrimHorizon.ToCheckpointString(),
            StreamTime = 0,
            States = [.. writer.States.Select(state => new SnapshotState
            {
                Name = state.Key,
                Kind = state.Value.Kind,
                Version = writer.StateVersion,
                Codec = state.Value.Codec,
            })],
            Ranges = [],
        };
        List<SnapshotRange> ranges = [];
        (long bytes, int number) = (0, 1);
        string segment = $"{session}/{number}";
        var output = new SegmentWriter(segment);
        foreach ((string state, SnapshotWriter.WrittenState written) in writer.States)
        {
            output.BeginState(state, written.Kind, writer.StateVersion, writer.States.Count);
            int group = -1;
            foreach ((byte[] key, UInt128 hashKey, byte[] subKey, SnapshotWriter.WrittenEntry entry) in written.InOrder())
            {
                if (output.Length >= SnapshotCopy.ObjectBytes && HashKeyGroups.Of(hashKey) != group)
                {
                    output.EndState();
                    ranges.AddRange(output.Ranges);
                    output.AddShard(about);
                    await CreateAsync(segment, output);
                    segment = string.Create(CultureInfo.InvariantCulture, $"{session}/{++number}");
                    output = new SegmentWriter(segment);
                    output.BeginState(state, written.Kind, writer.StateVersion, writer.States.Count);
                }

                group = HashKeyGroups.Of(hashKey);
                output.Add(new StateEntry
                {
                    Key = key,
                    HashKey = hashKey,
                    SubKey = subKey,
                    Exists = true,
                    Expiry = entry.ExpiresAt?.ToUnixTimeMilliseconds() ?? StateEntry.Never,
                    Version = writer.StateVersion,
                    Value = entry.Value,
                });
            }

            output.EndState();
        }

        ranges.AddRange(output.Ranges);
        (long offset, int length) = output.AddManifest(about with { Ranges = ranges });
        await CreateAsync(segment, output);
        return (
            new SnapshotHandle(segment, offset, length, SnapshotHandle.StampOf(CheckpointPosition.TrimHorizon)),
            bytes,
            number);

        async Task CreateAsync(string segment, SegmentWriter output)
        {
            IReadOnlyList<ReadOnlyMemory<byte>> frames = output.Finish();
            await _store.CreateAsync(ObjectOf(name, segment), Segments.Of(frames), cancellationToken);
            bytes += output.Length;
        }
    }
}
