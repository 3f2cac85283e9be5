namespace FastConsumer.State.Format;

/// <summary>What a state keeps for each partition key. The numbers are those in segments.</summary>
internal enum StateKind
{
    Value = 1,
    Map = 2,
    List = 3,
}

/// <summary>
/// How a segment is laid out: a header, frames (blocks, manifests, and the footer as the last), and a trailer.
/// </summary>
/// <remarks>
/// <code>
/// segment = magic "FCSEG" 0, u8 format, u8 codec (0: as it is); frames; trailer
/// frame   = u8 kind, u32 length of the body, u32 CRC-32C of kind, length and body; body
/// block   = text state, u8 kind of the state, u8 first group, u8 last group, varint entries; entries, in the order of groups
/// entry   = u8 flags; unless it has the key of the entry before: bytes key, u128 hash key; of a map: bytes sub-key;
///           with an expiry: i64; with a version of its own: varint; if it exists: bytes value; with bases: varint count, bases;
///           one that neither exists nor has bases was removed, unless the same range has a value of it before
/// base    = u64 id; u8 exists; if so: varint version, bytes value; the newest first
/// footer  = varint shards; of each: text shard, i64 epoch, i64 number, u64 offset and u32 length of its manifest's frame
///           (both 0 where the segment has blocks of the shard only)
/// trailer = u32 length of the footer's frame, magic "FCE" 0
/// </code>
/// Numbers are little-endian; varint is LEB128 of at most 32 bits; bytes and text are a varint length and so many bytes, text in UTF-8. A
/// manifest's body is JSON (<see cref="SnapshotManifest"/>). A value was written under the version of the manifest, unless it says another.
/// </remarks>
internal static class SegmentLayout
{
    public const byte Format = 1;
    public const byte PlainCodec = 0;
    public const int FrameHeaderBytes = 1 + sizeof(uint) + sizeof(uint);
    public const int HeaderBytes = 8;
    public const int TrailerBytes = 8;

    /// <summary>A block ends with the entry that reaches it.</summary>
    public const int BlockBytes = 64 * 1024;

    /// <summary>So many ranges of blocks a manifest holds at most, as long as it has no more states.</summary>
    public const int MostRanges = 100;

    /// <summary>
    /// So many of them hold a state that is written whole, as long as there are no more states; the rest is for what changes.
    /// </summary>
    public const int MostWholeRanges = 32;

    public static ReadOnlySpan<byte> Header => "FCSEG\0\u0001\0"u8;

    public static ReadOnlySpan<byte> Trailer => "FCE\0"u8;
}

internal enum FrameKind : byte
{
    Block = 1,
    Manifest = 2,
    Footer = 3,
}

[Flags]
internal enum EntryFlags : byte
{
    None = 0,
    Exists = 1,
    Copy = 2,
    SameKey = 4,
    Expires = 8,
    OwnVersion = 16,
    HasBases = 32,
    All = 63,
}

/// <summary>One shard of a segment, as its footer says.</summary>
/// <param name="Shard">The shard's id.</param>
/// <param name="Epoch">The fencing token of the owner that wrote.</param>
/// <param name="Number">The checkpoint's number inside the epoch.</param>
/// <param name="Offset">Where the frame of its manifest begins; 0 where the segment has blocks of the shard only.</param>
/// <param name="Length">The length of that frame.</param>
internal readonly record struct SegmentShard(string Shard, long Epoch, long Number, long Offset, int Length);
