using System.Buffers;
using System.Buffers.Binary;
using FastConsumer.Checkpoints;
using FastConsumer.Leases;
using FastConsumer.Savepoints;
using FastConsumer.Simulation.Tests.State;
using FastConsumer.State.Format;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests.Planted;

/// <summary>A mistake of the store that keeps snapshots.</summary>
internal sealed class CheckpointBug(Func<StatePlace, SimulatedCheckpointStore> make) : PlantedBug
{
    public override SimulatedCheckpointStore Checkpoints(StatePlace place) => make(place);
}

/// <summary>Sweeps break a rule.</summary>
internal sealed class SweepBug(SegmentSweep.Rules off) : PlantedBug
{
    public override SegmentSweep.Rules SweepRulesOff => off;
}

/// <summary>Savepoints break a rule.</summary>
internal sealed class SavepointBug(SavepointStore.Rules off) : PlantedBug
{
    public override SavepointStore.Rules SavepointRulesOff => off;
}

/// <summary>What a crash leaves over stays.</summary>
internal sealed class NeverSweeps : PlantedBug
{
    public override TimeSpan SweepInterval(TimeSpan right) => TimeSpan.FromDays(1);
}

/// <summary>It says that an object is there before it is.</summary>
internal sealed class AcknowledgesBeforeTheUpload(StatePlace place) : SimulatedCheckpointStore(place)
{
    private readonly StatePlace _place = place;

    public override Task CreateAsync(string name, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
    {
        byte[] bytes = content.ToArray();
        _place.Cluster.Loop.At(TimeSpan.FromSeconds(3), () => _place.Objects.Create(_place.Process.Name, name, bytes));
        return Task.CompletedTask;
    }
}

/// <summary>What it keeps ends too early.</summary>
internal sealed class TruncatesObjects(StatePlace place) : SimulatedCheckpointStore(place)
{
    public override Task CreateAsync(string name, ReadOnlySequence<byte> content, CancellationToken cancellationToken) =>
        base.CreateAsync(name, content.Slice(0, content.Length / 2), cancellationToken);
}

/// <summary>What was written before is deleted as soon as something newer is there, be that named or not.</summary>
internal sealed class DeletesBeforeTheRowNames(StatePlace place) : SimulatedCheckpointStore(place)
{
    private readonly List<string> _written = [];

    public override async Task CreateAsync(string name, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
    {
        await base.CreateAsync(name, content, cancellationToken);
        foreach (string former in _written)
        {
            await DeleteAsync(former, cancellationToken);
        }

        _written.Clear();
        _written.Add(name);
    }
}

/// <summary>The position moves, and the row goes on naming the snapshot of before.</summary>
internal sealed class WritesPositionAlone : StoreBug
{
    protected override Task<IReadOnlyList<LeaseWrite.Result>> UpdateAsync(
        BugStore store, IReadOnlyList<LeaseWrite> updates, CancellationToken cancellationToken) => base.UpdateAsync(
            store,
            [.. updates.Select(static write => write with
            {
                Set = write.Set.Where(static set => set.Key != Lease.Names.Snapshot)
                    .ToDictionary(static set => set.Key, static set => set.Value, StringComparer.Ordinal),
            })],
            cancellationToken);
}

/// <summary>A child's row says nothing of its parents' state.</summary>
internal sealed class ForgetsWhatAChildInherits : StoreBug
{
    protected override Lease ChildOf(Lease lease) => lease with { Inherits = [] };
}

/// <summary>Who restores a shard hears nothing of the records behind its position that are in the state already.</summary>
internal sealed class ForgetsRestoredRuns(StatePlace place) : SimulatedCheckpointStore(place)
{
    public override async Task ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        await base.ReadAsync(name, offset, destination, cancellationToken);
        if (destination.Span[0] == (byte)FrameKind.Manifest)
        {
            StateFrames.RemoveRuns(destination.Span);
        }
    }
}

/// <summary>A worker that stops, or hands a shard over, writes its state and not which records behind the position are in it.</summary>
internal sealed class StopsWithoutRuns(StatePlace place) : SimulatedCheckpointStore(place)
{
    public override Task CreateAsync(string name, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
    {
        if (!name.Contains("/seg/", StringComparison.Ordinal))
        {
            return base.CreateAsync(name, content, cancellationToken);
        }

        byte[] bytes = content.ToArray();
        foreach (SegmentShard shard in StateFrames.ShardsOf(bytes)
            .Where(shard => Worker.IsStopping || RowOf(shard.Shard).RequestedBy is not null))
        {
            StateFrames.RemoveRuns(bytes.AsSpan((int)shard.Offset, shard.Length));
        }

        return base.CreateAsync(name, new ReadOnlySequence<byte>(bytes), cancellationToken);
    }
}

/// <summary>What a split gives to both children is written by them as if each had it for itself.</summary>
internal sealed class LosesCopyMark(StatePlace place) : SimulatedCheckpointStore(place)
{
    public override Task CreateAsync(string name, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
    {
        byte[] bytes = content.ToArray();
        if (name.Contains("/seg/", StringComparison.Ordinal))
        {
            StateFrames.TryRemoveCopyMarks(name, bytes);
        }

        return base.CreateAsync(name, new ReadOnlySequence<byte>(bytes), cancellationToken);
    }
}

/// <summary>Changes parts of a segment in their place.</summary>
internal static class StateFrames
{
    private const int BeforeCrc = 1 + sizeof(uint);

    /// <summary>The shards of a segment.</summary>
    public static IReadOnlyList<SegmentShard> ShardsOf(byte[] segment)
    {
        int end = segment.Length - SegmentLayout.TrailerBytes;
        int length = SegmentReader.FooterLength(segment.AsSpan(end));
        return SegmentReader.ReadFooter(segment[(end - length)..end]);
    }

    /// <summary>Takes the runs out of a manifest, which stays as long as it is.</summary>
    public static void RemoveRuns(Span<byte> frame) =>
        Require(TryReplace(frame, SegmentReader.ReadManifest(frame.ToArray()) with { Runs = [] }));

    /// <summary>
    /// Lets copies pass for what the shard has for itself. The manifest must stay as long as it is, and has checksums in digits: where they
    /// grow, nothing is changed.
    /// </summary>
    public static void TryRemoveCopyMarks(string name, byte[] segment)
    {
        foreach (SegmentShard shard in ShardsOf(segment))
        {
            TryRemoveCopyMarks(name, segment, shard);
        }
    }

    private static void TryRemoveCopyMarks(string name, byte[] segment, SegmentShard shard)
    {
        byte[] changed = [.. segment];
        Span<byte> frame = changed.AsSpan((int)shard.Offset, shard.Length);
        SnapshotManifest manifest = SegmentReader.ReadManifest(frame.ToArray());
        List<SnapshotRange> ranges = [];
        foreach (SnapshotRange range in manifest.Ranges)
        {
            if (!name.EndsWith($"/seg/{range.Segment}", StringComparison.Ordinal))
            {
                ranges.Add(range);
                continue;
            }

            Span<byte> blocks = changed.AsSpan((int)range.Offset, range.Length);
            for (int at = 0; at < blocks.Length;)
            {
                int length = SegmentLayout.FrameHeaderBytes + (int)BinaryPrimitives.ReadUInt32LittleEndian(blocks[(at + 1)..]);
                RemoveCopyMarks(blocks.Slice(at, length));
                at += length;
            }

            ranges.Add(range with { Crc = Crc32C.Of(blocks) });
        }

        if (TryReplace(frame, manifest with { Ranges = ranges }))
        {
            changed.CopyTo(segment, 0);
        }
    }

    // as SegmentLayout has it
    private static void RemoveCopyMarks(Span<byte> block)
    {
        ByteReader reader = new(block.ToArray(), SegmentLayout.FrameHeaderBytes, block.Length);
        reader.Text();
        var kind = (StateKind)reader.Byte();
        reader.Byte();
        reader.Byte();
        for (uint left = reader.Varint(); left > 0; left--)
        {
            int at = reader.Position;
            var flags = (EntryFlags)reader.Byte();
            block[at] = (byte)(flags & ~EntryFlags.Copy);
            if ((flags & EntryFlags.SameKey) == 0)
            {
                reader.Bytes();
                reader.UInt128();
            }

            if (kind == StateKind.Map)
            {
                reader.Bytes();
            }

            if ((flags & EntryFlags.Expires) != 0)
            {
                reader.Int64();
            }

            if ((flags & EntryFlags.OwnVersion) != 0)
            {
                reader.Version();
            }

            if ((flags & EntryFlags.Exists) != 0)
            {
                reader.Bytes();
            }

            for (uint bases = (flags & EntryFlags.HasBases) != 0 ? reader.Varint() : 0; bases > 0; bases--)
            {
                reader.Int64();
                if (reader.Byte() == 1)
                {
                    reader.Version();
                    reader.Bytes();
                }
            }
        }

        reader.ThrowUnlessAtEnd();
        Sum(block);
    }

    private static bool TryReplace(Span<byte> frame, SnapshotManifest manifest)
    {
        byte[] json = manifest.ToJson();
        Span<byte> body = frame[SegmentLayout.FrameHeaderBytes..];
        if (json.Length > body.Length)
        {
            return false;
        }

        body.Fill((byte)' ');
        json.CopyTo(body);
        Sum(frame);
        return true;
    }

    private static void Sum(Span<byte> frame) => BinaryPrimitives.WriteUInt32LittleEndian(
        frame[BeforeCrc..], Crc32C.Of(frame[SegmentLayout.FrameHeaderBytes..], Crc32C.Of(frame[..BeforeCrc])));

    private static void Require(bool fits)
    {
        if (!fits)
        {
            throw new InvalidOperationException("A manifest without runs is longer than the one with them.");
        }
    }
}

/// <summary>What a handler has changed before it throws is kept.</summary>
internal sealed class FailsAfterEdit : PlantedBug
{
    public override StateHandler StateHandler(SimulatedWorker worker, HandlerHabits habits, Random random) =>
        new Handler(worker, habits, random);

    /// <summary>
    /// Changes the state once more for each earlier attempt that had changed it in the same run, and for records that are left out in the
    /// end: between its attempts no other record of the key is handled, so the state is what such a worker would have.
    /// </summary>
    private sealed class Handler(SimulatedWorker worker, HandlerHabits habits, Random random) : StateHandler(worker, habits, random)
    {
        private readonly Dictionary<(int Number, long Token), int> _kept = [];
        private readonly HashSet<int> _changed = [];

        public override async ValueTask HandleAsync(
            int number,
            StateValue<Tally> tally,
            StateMap<int, long> digits,
            Action<Tally>? add,
            RecordContext context,
            CancellationToken cancellationToken)
        {
            for (int kept = _kept.GetValueOrDefault((number, context.FencingToken)); kept > 0; kept--)
            {
                base.Count(number, tally, digits);
            }

            _changed.Remove(number);
            try
            {
                await base.HandleAsync(number, tally, digits, add, context, cancellationToken);
            }
            catch (NotCountedException)
            {
                // it is left out, and has counted
            }
            catch when (_changed.Contains(number))
            {
                _kept[(number, context.FencingToken)] = 1 + _kept.GetValueOrDefault((number, context.FencingToken));
                throw;
            }
        }

        protected override void Count(int number, StateValue<Tally> tally, StateMap<int, long> digits)
        {
            base.Count(number, tally, digits);
            _changed.Add(number);
        }
    }
}
