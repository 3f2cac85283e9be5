using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace FastConsumer.State.Format;

/// <summary>
/// Makes a segment in memory: of each shard the blocks of its states, then its manifest; then the footer. One caller at a time.
/// See <see cref="SegmentLayout"/>.
/// </summary>
/// <param name="segment">The name under which the segment will be stored.</param>
internal sealed class SegmentWriter(string segment)
{
    private readonly List<ReadOnlyMemory<byte>> _frames = [SegmentLayout.Header.ToArray()];
    private readonly List<SegmentShard> _shards = [];
    private readonly List<SnapshotRange> _ranges = [];
    private readonly ArrayBufferWriter<byte> _block = new();
    private readonly ArrayBufferWriter<byte> _value = new();
    private readonly ArrayBufferWriter<byte> _subKey = new();
    private byte[] _key = [];
    private string _state = "";
    private StateKind _kind;
    private int _version;
    private int _groupsPerRange = 1;

    // a range of all states is open
    private bool _isOfAll;
    private int _entries;
    private int _firstGroup;
    private int _lastGroup;
    private long _rangeOffset;
    private int _rangeFirstGroup;
    private int _rangeLastGroup;
    private uint _rangeCrc;

    /// <summary>The bytes so far.</summary>
    public long Length { get; private set; } = SegmentLayout.HeaderBytes;

    /// <summary>Begins a range of all states, which <see cref="EndRange"/> ends.</summary>
    public void BeginRange()
    {
        _isOfAll = true;
        _rangeOffset = Length;
        _rangeCrc = 0;
    }

    /// <summary>
    /// Begins a state: its entries follow, in the order of their groups. Outside of a range of all states, it has ranges of its own.
    /// </summary>
    /// <param name="name">The state's name.</param>
    /// <param name="kind">What it holds.</param>
    /// <param name="version">The version that the manifest will say.</param>
    /// <param name="states">How many states the shard has, which share the ranges of a manifest.</param>
    public void BeginState(string name, StateKind kind, int version, int states)
    {
        (_state, _kind, _version) = (name, kind, version);
        if (_isOfAll)
        {
            return;
        }

        _groupsPerRange = Math.Clamp(
            ((HashKeyGroups.Count * states) + SegmentLayout.MostWholeRanges - 1) / SegmentLayout.MostWholeRanges,
            1,
            HashKeyGroups.Count);
        _rangeOffset = Length;
        _rangeCrc = 0;
    }

    /// <summary>An empty buffer for the next entry's sub-key.</summary>
    public IBufferWriter<byte> SubKey() => Empty(_subKey);

    public ReadOnlySpan<byte> SubKeyWritten => _subKey.WrittenSpan;

    /// <summary>An empty buffer for the next entry's value.</summary>
    public IBufferWriter<byte> Value() => Empty(_value);

    public ReadOnlySpan<byte> ValueWritten => _value.WrittenSpan;

    /// <summary>Adds an entry.</summary>
    public void Add(in StateEntry entry)
    {
        int group = HashKeyGroups.Of(entry.HashKey);
        bool isWorthARange = !_isOfAll && (_rangeOffset < Length || _block.WrittenCount >= SegmentLayout.BlockBytes / 2);
        if (isWorthARange && group / _groupsPerRange != _rangeFirstGroup / _groupsPerRange)
        {
            EndRangeOfState();
        }

        if (_entries == 0)
        {
            _firstGroup = group;
            _rangeFirstGroup = _rangeOffset == Length ? group : _rangeFirstGroup;
        }

        _lastGroup = group;
        _entries++;
        bool isSameKey = _entries > 1 && entry.Key.SequenceEqual(_key);
        EntryFlags flags = (entry.Exists ? EntryFlags.Exists : EntryFlags.None)
            | (entry.IsCopy ? EntryFlags.Copy : EntryFlags.None)
            | (isSameKey ? EntryFlags.SameKey : EntryFlags.None)
            | (entry.Expiry != StateEntry.Never ? EntryFlags.Expires : EntryFlags.None)
            | (entry.Exists && entry.Version != _version ? EntryFlags.OwnVersion : EntryFlags.None)
            | (entry.Bases is not null ? EntryFlags.HasBases : EntryFlags.None);
        _block.Write([(byte)flags]);
        if (!isSameKey)
        {
            WriteBytes(_block, entry.Key);
            WriteUInt128(entry.HashKey);
            _key = entry.Key.ToArray();
        }

        if (_kind == StateKind.Map)
        {
            WriteBytes(_block, entry.SubKey);
        }

        if (entry.Expiry != StateEntry.Never)
        {
            WriteInt64(_block, entry.Expiry);
        }

        if ((flags & EntryFlags.OwnVersion) != 0)
        {
            WriteVarint(_block, (uint)entry.Version);
        }

        if (entry.Exists)
        {
            WriteBytes(_block, entry.Value);
        }

        WriteBases(entry.Bases);
        if (_block.WrittenCount >= SegmentLayout.BlockBytes)
        {
            EndBlock();
        }
    }

    /// <summary>Ends the state.</summary>
    public void EndState()
    {
        if (_isOfAll)
        {
            EndBlock();
        }
        else
        {
            EndRangeOfState();
        }
    }

    /// <summary>Ends a range of all states. One that is not whole and has no entry is left out.</summary>
    /// <param name="firstGroup">The first of its groups.</param>
    /// <param name="lastGroup">The last one.</param>
    /// <param name="isWhole">True where all entries of these groups were added.</param>
    /// <returns>Its length in bytes.</returns>
    public int EndRange(int firstGroup, int lastGroup, bool isWhole)
    {
        if (isWhole && _rangeOffset == Length)
        {
            // says that there is nothing in them
            AddBlock(firstGroup, lastGroup);
        }

        int length = checked((int)(Length - _rangeOffset));
        if (length > 0)
        {
            AddRange(null, firstGroup, lastGroup, isWhole);
        }

        _isOfAll = false;
        return length;
    }

    /// <summary>The ranges of the states since the last manifest, for the next one.</summary>
    public IReadOnlyList<SnapshotRange> Ranges => [.. _ranges];

    /// <summary>Adds the blocks of another writer, which has no manifest. It is of no more use.</summary>
    /// <returns>Its ranges, as they lie here.</returns>
    public IReadOnlyList<SnapshotRange> Append(SegmentWriter blocks)
    {
        long moved = Length - SegmentLayout.HeaderBytes;
        _frames.AddRange(blocks._frames.Skip(1));
        Length += blocks.Length - SegmentLayout.HeaderBytes;
        return [.. blocks._ranges.Select(range => range with { Segment = segment, Offset = range.Offset + moved })];
    }

    /// <summary>Adds a range of another segment as it is.</summary>
    /// <param name="range">What the range is there.</param>
    /// <param name="bytes">All of it; not copied, so it must stay as it is.</param>
    /// <returns>What it is here.</returns>
    public SnapshotRange AddRange(SnapshotRange range, ReadOnlyMemory<byte> bytes)
    {
        SnapshotRange added = range with { Segment = segment, Offset = Length };
        _frames.Add(bytes);
        Length += bytes.Length;
        return added;
    }

    /// <summary>Says whose ranges the segment holds, where the manifest is in another.</summary>
    public void AddShard(SnapshotManifest manifest) =>
        _shards.Add(new SegmentShard(manifest.Shard, manifest.Epoch, manifest.Number, 0, 0));

    /// <summary>Adds the manifest of the shard whose states were written last.</summary>
    /// <returns>Where it lies: the handle's offset and length.</returns>
    public (long Offset, int Length) AddManifest(SnapshotManifest manifest)
    {
        long offset = Length;
        int length = AddFrame(FrameKind.Manifest, manifest.ToJson());
        _shards.Add(new SegmentShard(manifest.Shard, manifest.Epoch, manifest.Number, offset, length));
        _ranges.Clear();
        return (offset, length);
    }

    /// <summary>Adds the footer: the segment is whole. It shares its memory with the writer, which is of no more use.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Finish()
    {
        var body = new ArrayBufferWriter<byte>();
        WriteVarint(body, (uint)_shards.Count);
        foreach (SegmentShard shard in _shards)
        {
            WriteBytes(body, Encoding.UTF8.GetBytes(shard.Shard));
            WriteInt64(body, shard.Epoch);
            WriteInt64(body, shard.Number);
            WriteInt64(body, shard.Offset);
            WriteUInt32(body, (uint)shard.Length);
        }

        int length = AddFrame(FrameKind.Footer, body.WrittenSpan);
        var trailer = new ArrayBufferWriter<byte>(SegmentLayout.TrailerBytes);
        WriteUInt32(trailer, (uint)length);
        trailer.Write(SegmentLayout.Trailer);
        _frames.Add(trailer.WrittenMemory);
        Length += trailer.WrittenCount;
        return _frames;
    }

    private static ArrayBufferWriter<byte> Empty(ArrayBufferWriter<byte> buffer)
    {
        buffer.ResetWrittenCount();
        return buffer;
    }

    private void EndRangeOfState()
    {
        EndBlock();
        if (_rangeOffset < Length)
        {
            AddRange(_state, _rangeFirstGroup, _rangeLastGroup, isWhole: false);
        }

        _rangeOffset = Length;
        _rangeCrc = 0;
    }

    private void AddRange(string? state, int firstGroup, int lastGroup, bool isWhole) => _ranges.Add(new SnapshotRange
    {
        State = state,
        IsWhole = isWhole,
        FirstGroup = firstGroup,
        LastGroup = lastGroup,
        Segment = segment,
        Offset = _rangeOffset,
        Length = checked((int)(Length - _rangeOffset)),
        Crc = _rangeCrc,
    });

    private void EndBlock()
    {
        if (_entries > 0)
        {
            AddBlock(_firstGroup, _lastGroup);
            _rangeLastGroup = _lastGroup;
        }
    }

    private void AddBlock(int firstGroup, int lastGroup)
    {
        var head = new ArrayBufferWriter<byte>();
        WriteBytes(head, Encoding.UTF8.GetBytes(_state));
        head.Write([(byte)_kind, (byte)firstGroup, (byte)lastGroup]);
        WriteVarint(head, (uint)_entries);
        AddFrame(FrameKind.Block, head.WrittenSpan, _block.WrittenSpan);
        _rangeCrc = Crc32C.Of(_frames[^1].Span, _rangeCrc);
        _block.ResetWrittenCount();
        _entries = 0;
    }

    private int AddFrame(FrameKind kind, ReadOnlySpan<byte> body, ReadOnlySpan<byte> more = default)
    {
        byte[] frame = new byte[SegmentLayout.FrameHeaderBytes + body.Length + more.Length];
        frame[0] = (byte)kind;
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(1), (uint)(body.Length + more.Length));
        Span<byte> target = frame.AsSpan(SegmentLayout.FrameHeaderBytes);
        body.CopyTo(target);
        more.CopyTo(target[body.Length..]);
        BinaryPrimitives.WriteUInt32LittleEndian(
            frame.AsSpan(1 + sizeof(uint)), Crc32C.Of(target, Crc32C.Of(frame.AsSpan(0, 1 + sizeof(uint)))));
        _frames.Add(frame);
        Length += frame.Length;
        return frame.Length;
    }

    private void WriteBases(CopyBase? bases)
    {
        if (bases is null)
        {
            return;
        }

        List<CopyBase> list = CopyBase.List(bases);
        int count = Math.Min(list.Count, CopyBase.Most);
        WriteVarint(_block, (uint)count);
        for (int i = 0; i < count; i++)
        {
            CopyBase one = list[i];
            WriteInt64(_block, (long)one.Id);
            _block.Write([(byte)(one.Exists ? 1 : 0)]);
            if (one.Exists)
            {
                WriteVarint(_block, (uint)one.Value.Version);
                WriteBytes(_block, one.Value.Span);
            }
        }
    }

    /// <summary>A length, and so many bytes.</summary>
    public static void WriteBytes(ArrayBufferWriter<byte> output, ReadOnlySpan<byte> bytes)
    {
        WriteVarint(output, (uint)bytes.Length);
        output.Write(bytes);
    }

    private static void WriteVarint(ArrayBufferWriter<byte> output, uint value)
    {
        for (; value > 0x7f; value >>= 7)
        {
            output.Write([(byte)(value | 0x80)]);
        }

        output.Write([(byte)value]);
    }

    private static void WriteUInt32(ArrayBufferWriter<byte> output, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(output.GetSpan(sizeof(uint)), value);
        output.Advance(sizeof(uint));
    }

    private static void WriteInt64(ArrayBufferWriter<byte> output, long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(output.GetSpan(sizeof(long)), value);
        output.Advance(sizeof(long));
    }

    private void WriteUInt128(UInt128 value)
    {
        BinaryPrimitives.WriteUInt128LittleEndian(_block.GetSpan(16), value);
        _block.Advance(16);
    }
}
