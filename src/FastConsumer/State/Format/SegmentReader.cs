using System.Buffers.Binary;

namespace FastConsumer.State.Format;

/// <summary>
/// Reads the parts of a segment, each by itself, and checks them. Whatever the bytes are: the content that was written, or
/// <see cref="SnapshotDamagedException"/>. See <see cref="SegmentLayout"/>.
/// </summary>
internal static class SegmentReader
{
    /// <summary>Checks the first bytes of a segment.</summary>
    public static void CheckHeader(ReadOnlySpan<byte> segment)
    {
        if (segment.Length < SegmentLayout.HeaderBytes || !segment[..6].SequenceEqual(SegmentLayout.Header[..6]))
        {
            throw new SnapshotDamagedException("the object is no segment");
        }

        if (segment[6] != SegmentLayout.Format || segment[7] != SegmentLayout.PlainCodec)
        {
            throw new SnapshotDamagedException(
                $"the segment has format {segment[6]} and codec {segment[7]}, and this version of FastConsumer reads format "
                    + $"{SegmentLayout.Format} and codec {SegmentLayout.PlainCodec}");
        }
    }

    /// <summary>How long the footer's frame is, which ends where the trailer begins.</summary>
    /// <param name="trailer">The last bytes of the segment.</param>
    public static int FooterLength(ReadOnlySpan<byte> trailer)
    {
        if (trailer.Length != SegmentLayout.TrailerBytes || !trailer[sizeof(uint)..].SequenceEqual(SegmentLayout.Trailer))
        {
            throw new SnapshotDamagedException("the segment has no end");
        }

        uint length = BinaryPrimitives.ReadUInt32LittleEndian(trailer);
        return length is >= SegmentLayout.FrameHeaderBytes and <= int.MaxValue
            ? (int)length
            : throw new SnapshotDamagedException("the segment's footer has no length");
    }

    /// <summary>Reads the footer's frame.</summary>
    public static IReadOnlyList<SegmentShard> ReadFooter(byte[] frame)
    {
        ByteReader reader = OpenOnly(frame, FrameKind.Footer);
        List<SegmentShard> shards = [];
        for (uint left = reader.Varint(); left > 0; left--)
        {
            shards.Add(new SegmentShard(reader.Text(), reader.Int64(), reader.Int64(), reader.Int64(), (int)reader.UInt32()));
            if (shards[^1] is { Offset: < 0 } or { Length: < 0 })
            {
                throw new SnapshotDamagedException("the segment's footer names a manifest that cannot be");
            }
        }

        reader.ThrowUnlessAtEnd();
        return shards;
    }

    /// <summary>Reads a manifest's frame.</summary>
    public static SnapshotManifest ReadManifest(byte[] frame)
    {
        ByteReader reader = OpenOnly(frame, FrameKind.Manifest);
        return SnapshotManifest.Parse(frame.AsSpan(reader.Position));
    }

    /// <summary>Checks that bytes are those of a manifest's range.</summary>
    public static void CheckRange(SnapshotRange range, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != range.Length || Crc32C.Of(bytes) != range.Crc)
        {
            throw new SnapshotDamagedException(
                $"{bytes.Length} bytes of {range.Segment} from {range.Offset} on are not the {range.Length} that its manifest names");
        }
    }

    /// <summary>Opens a block of a range.</summary>
    /// <param name="bytes">The range's bytes. What is read keeps them.</param>
    /// <param name="position">Where the block begins; then where it ends.</param>
    /// <param name="version">The manifest's version of the state.</param>
    public static BlockReader ReadBlock(byte[] bytes, ref int position, int version) =>
        ReadBlock(bytes, ref position, bytes.Length, version);

    /// <summary>Opens a block of a range, in an array that may be longer.</summary>
    /// <param name="bytes">An array that begins with the range's bytes. What is read keeps it.</param>
    /// <param name="position">Where the block begins; then where it ends.</param>
    /// <param name="end">Where the range ends.</param>
    /// <param name="version">The manifest's version of the state.</param>
    public static BlockReader ReadBlock(byte[] bytes, ref int position, int end, int version)
    {
        ByteReader reader = Open(bytes, position, end, FrameKind.Block);
        position = reader.End;
        return new BlockReader(reader, new StoredBytes(bytes, version));
    }

    private static ByteReader OpenOnly(byte[] frame, FrameKind kind)
    {
        ByteReader reader = Open(frame, 0, frame.Length, kind);
        return reader.End == frame.Length ? reader : throw new SnapshotDamagedException("a part of the segment is longer than it says");
    }

    private static ByteReader Open(byte[] bytes, int position, int end, FrameKind kind)
    {
        ReadOnlySpan<byte> frame = bytes.AsSpan(position..end);
        if (frame.Length < SegmentLayout.FrameHeaderBytes)
        {
            throw new SnapshotDamagedException("a part of the segment is cut off");
        }

        uint length = BinaryPrimitives.ReadUInt32LittleEndian(frame[1..]);
        if (length > frame.Length - SegmentLayout.FrameHeaderBytes)
        {
            throw new SnapshotDamagedException("a part of the segment is cut off");
        }

        uint crc = BinaryPrimitives.ReadUInt32LittleEndian(frame[(1 + sizeof(uint))..]);
        if (Crc32C.Of(frame.Slice(SegmentLayout.FrameHeaderBytes, (int)length), Crc32C.Of(frame[..(1 + sizeof(uint))])) != crc)
        {
            throw new SnapshotDamagedException("a part of the segment does not fit its checksum");
        }

        if (frame[0] != (byte)kind)
        {
            throw new SnapshotDamagedException($"a {kind} was expected, and part {frame[0]} was found");
        }

        int start = position + SegmentLayout.FrameHeaderBytes;
        return new ByteReader(bytes, start, start + (int)length);
    }
}

/// <summary>Reads the entries of a block.</summary>
internal ref struct BlockReader
{
    private readonly StoredBytes _source;
    private readonly int _first;
    private readonly int _last;
    private ByteReader _reader;
    private StoredBytes? _older;
    private uint _left;
    private (int Start, int Length) _key;
    private UInt128 _hashKey;

    internal BlockReader(ByteReader reader, StoredBytes source)
    {
        _reader = reader;
        _source = source;
        State = _reader.Text();
        Kind = (StateKind)_reader.Byte();
        _first = _reader.Byte();
        _last = _reader.Byte();
        _left = _reader.Varint();
        if (!Enum.IsDefined(Kind) || _first > _last || _last >= HashKeyGroups.Count)
        {
            throw new SnapshotDamagedException("a block begins as none does");
        }
    }

    /// <summary>The state's name.</summary>
    public string State { get; }

    public StateKind Kind { get; }

    /// <summary>Reads the next entry; false at the end.</summary>
    public bool TryRead(out StateEntry entry)
    {
        entry = default;
        if (_left == 0)
        {
            _reader.ThrowUnlessAtEnd();
            return false;
        }

        _left--;
        var flags = (EntryFlags)_reader.Byte();
        if ((flags & ~EntryFlags.All) != 0 || ((flags & EntryFlags.SameKey) != 0 && _key.Start == 0)
            || ((flags & EntryFlags.HasBases) == 0
                && ((flags & EntryFlags.Copy) != 0 || (flags & (EntryFlags.Exists | EntryFlags.Expires)) == EntryFlags.Expires)))
        {
            throw new SnapshotDamagedException($"an entry is marked {(byte)flags}, as none is");
        }

        if ((flags & EntryFlags.SameKey) == 0)
        {
            _key = _reader.Bytes();
            _hashKey = _reader.UInt128();
            if (HashKeyGroups.Of(_hashKey) is var group && (group < _first || group > _last))
            {
                throw new SnapshotDamagedException("an entry is not of its block's groups");
            }
        }

        entry.Key = _reader.Span(_key);
        entry.HashKey = _hashKey;
        entry.SubKey = Kind == StateKind.Map ? _reader.Span(_reader.Bytes()) : default;
        entry.Exists = (flags & EntryFlags.Exists) != 0;
        entry.IsCopy = (flags & EntryFlags.Copy) != 0;
        entry.Expiry = (flags & EntryFlags.Expires) != 0 ? _reader.Int64() : StateEntry.Never;
        entry.Version = (flags & EntryFlags.OwnVersion) != 0 ? _reader.Version() : _source.Version;
        if (entry.Exists)
        {
            entry.Stored = ReadValue(entry.Version);
            entry.Value = entry.Stored.Span;
        }

        entry.Bases = (flags & EntryFlags.HasBases) != 0 ? ReadBases() : null;
        return true;
    }

    private StoredValue ReadValue(int version)
    {
        (int start, int length) = _reader.Bytes();
        StoredBytes source = version == _source.Version
            ? _source
            : _older is { } older && older.Version == version ? older : _older = new StoredBytes(_source.Bytes, version);
        return new StoredValue(source, start, length);
    }

    private CopyBase? ReadBases()
    {
        uint count = _reader.Varint();
        if (count is 0 or > CopyBase.Most)
        {
            throw new SnapshotDamagedException($"an entry has {count} bases");
        }

        List<CopyBase> bases = [];
        for (; count > 0; count--)
        {
            ulong id = (ulong)_reader.Int64();
            byte exists = _reader.Byte();
            if (exists > 1)
            {
                throw new SnapshotDamagedException($"a base is marked {exists}, as none is");
            }

            bases.Add(new CopyBase(id, exists == 1, exists == 1 ? ReadValue(_reader.Version()) : default, null));
        }

        return CopyBase.Chain(bases);
    }
}
