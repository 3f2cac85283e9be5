using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;

namespace FastConsumer.Kinesis.Wire;

/// <summary>What an aggregate holds.</summary>
/// <param name="PartitionKeys">The size of the table of partition keys.</param>
/// <param name="ExplicitHashKeys">The size of the table of explicit hash keys.</param>
/// <param name="Records">The number of user records, at least one.</param>
internal readonly record struct AggregateShape(int PartitionKeys, int ExplicitHashKeys, int Records)
{
    /// <summary>The keys of both tables.</summary>
    public int Keys => PartitionKeys + ExplicitHashKeys;
}

/// <summary>Where a key lies in an aggregate. <see cref="Place"/> is the caller's to use.</summary>
internal struct AggregateKey
{
    public int Offset;
    public int Length;
    public HashKeyPlace Place;
}

/// <summary>A user record of an aggregate: offsets count from the aggregate's start, keys are places in the key table.</summary>
internal struct AggregatedRecord
{
    public int DataOffset;
    public int DataLength;
    public int PartitionKey;

    /// <summary>-1 without one.</summary>
    public int ExplicitHashKey;
}

/// <summary>
/// Reads the aggregates of the Kinesis Producer Library in place: <c>F3 89 9A C2</c>, a protobuf, and the protobuf's MD5.
/// A record is taken for an aggregate where <see cref="TryMeasure"/> says so, which checks all of it; reading then cannot fail.
/// </summary>
internal ref struct AggregatedRecordReader
{
    private const uint PartitionKeyTable = 1;
    private const uint ExplicitHashKeyTable = 2;
    private const uint Records = 3;
    private const uint PartitionKeyIndex = 1;
    private const uint ExplicitHashKeyIndex = 2;
    private const uint Data = 3;

    private readonly ReadOnlySpan<byte> _aggregate;
    private readonly AggregateShape _shape;
    private ProtobufReader _envelope;

    /// <param name="aggregate">A record's data.</param>
    /// <param name="shape">What <see cref="TryMeasure"/> said of it.</param>
    /// <param name="keys">Room for both tables, <see cref="AggregateShape.Keys"/> or more: partition keys, then explicit hash keys.</param>
    public AggregatedRecordReader(ReadOnlySpan<byte> aggregate, AggregateShape shape, Span<AggregateKey> keys)
    {
        _aggregate = aggregate;
        _shape = shape;
        _envelope = Envelope(aggregate);
        ReadKeys(aggregate, shape, keys);
    }

    private static ReadOnlySpan<byte> Magic => [0xF3, 0x89, 0x9A, 0xC2];

    /// <summary>True where a record's data begins as an aggregate does.</summary>
    public static bool HasMagic(ReadOnlySpan<byte> data) => data.StartsWith(Magic);

    /// <summary>Checks a record's data from end to end; false where it is no aggregate, or not a sound one with a record in it.</summary>
    public static bool TryMeasure(ReadOnlySpan<byte> data, out AggregateShape shape)
    {
        shape = default;
        if (!HasMagic(data) || data.Length < Magic.Length + MD5.HashSizeInBytes || !HasItsDigest(data))
        {
            return false;
        }

        int partitionKeys = 0;
        int explicitHashKeys = 0;
        int records = 0;
        // the tables may come behind the records: only then is it known what an index may be
        ulong partitionKeysNeeded = 0;
        ulong explicitHashKeysNeeded = 0;
        ProtobufReader envelope = Envelope(data);
        while (!envelope.AtEnd)
        {
            if (!envelope.TryReadTag(out uint field, out ProtobufType type))
            {
                return false;
            }

            if (type != ProtobufType.Bytes || field > Records)
            {
                if (!envelope.TrySkip(field, type))
                {
                    return false;
                }

                continue;
            }

            if (!envelope.TryReadBytes(out int offset, out int length))
            {
                return false;
            }

            switch (field)
            {
                case PartitionKeyTable:
                    partitionKeys++;
                    break;
                case ExplicitHashKeyTable:
                    explicitHashKeys++;
                    if (!IsHashKey(data.Slice(offset, length)))
                    {
                        return false;
                    }

                    break;
                default:
                    records++;
                    if (!TryReadRecord(data, offset, length, out ulong partitionKey, out ulong? explicitHashKey, out _, out _)
                        || partitionKey == ulong.MaxValue
                        || explicitHashKey == ulong.MaxValue)
                    {
                        return false;
                    }

                    partitionKeysNeeded = Math.Max(partitionKeysNeeded, partitionKey + 1);
                    explicitHashKeysNeeded = Math.Max(explicitHashKeysNeeded, explicitHashKey + 1 ?? 0);
                    break;
            }
        }

        shape = new AggregateShape(partitionKeys, explicitHashKeys, records);
        return records > 0 && partitionKeysNeeded <= (ulong)partitionKeys && explicitHashKeysNeeded <= (ulong)explicitHashKeys;
    }

    /// <summary>Reads the next user record; false behind the last one.</summary>
    public bool MoveNext(out AggregatedRecord record)
    {
        record = default;
        while (TryNextField(ref _envelope, out uint field, out int offset, out int length))
        {
            if (field != Records)
            {
                continue;
            }

            if (!TryReadRecord(
                _aggregate,
                offset, length, out ulong partitionKey, out ulong? explicitHashKey, out record.DataOffset, out record.DataLength))
            {
                throw Changed();
            }

            record.PartitionKey = (int)partitionKey;
            record.ExplicitHashKey = explicitHashKey is ulong index ? _shape.PartitionKeys + (int)index : -1;
            return true;
        }

        return false;
    }

    private static void ReadKeys(ReadOnlySpan<byte> aggregate, AggregateShape shape, Span<AggregateKey> keys)
    {
        int partitionKeys = 0;
        int explicitHashKeys = 0;
        ProtobufReader envelope = Envelope(aggregate);
        while (TryNextField(ref envelope, out uint field, out int offset, out int length))
        {
            var key = new AggregateKey { Offset = offset, Length = length };
            if (field == PartitionKeyTable)
            {
                keys[partitionKeys++] = key;
            }
            else if (field == ExplicitHashKeyTable)
            {
                keys[shape.PartitionKeys + explicitHashKeys++] = key;
            }
        }
    }

    /// <summary>The next table entry or record of a checked envelope.</summary>
    private static bool TryNextField(ref ProtobufReader envelope, out uint field, out int offset, out int length)
    {
        while (!envelope.AtEnd)
        {
            if (!envelope.TryReadTag(out field, out ProtobufType type))
            {
                throw Changed();
            }

            if (type == ProtobufType.Bytes && field <= Records)
            {
                return envelope.TryReadBytes(out offset, out length) ? true : throw Changed();
            }

            if (!envelope.TrySkip(field, type))
            {
                throw Changed();
            }
        }

        field = 0;
        offset = length = 0;
        return false;
    }

    private static bool TryReadRecord(
        ReadOnlySpan<byte> aggregate,
        int start,
        int size,
        out ulong partitionKey,
        out ulong? explicitHashKey,
        out int dataOffset,
        out int dataLength)
    {
        partitionKey = 0;
        explicitHashKey = null;
        dataOffset = dataLength = 0;
        bool hasPartitionKey = false;
        bool hasData = false;
        var fields = new ProtobufReader(aggregate, start, size);
        while (!fields.AtEnd)
        {
            if (!fields.TryReadTag(out uint field, out ProtobufType type))
            {
                return false;
            }

            bool read;
            switch (field, type)
            {
                case (PartitionKeyIndex, ProtobufType.Varint):
                    read = hasPartitionKey = fields.TryReadVarint(out partitionKey);
                    break;
                case (ExplicitHashKeyIndex, ProtobufType.Varint):
                    read = fields.TryReadVarint(out ulong index);
                    explicitHashKey = index;
                    break;
                case (Data, ProtobufType.Bytes):
                    read = hasData = fields.TryReadBytes(out dataOffset, out dataLength);
                    break;
                default:
                    // tags, and what a later version may add
                    read = fields.TrySkip(field, type);
                    break;
            }

            if (!read)
            {
                return false;
            }
        }

        return hasPartitionKey && hasData;
    }

    private static ProtobufReader Envelope(ReadOnlySpan<byte> aggregate) =>
        new(aggregate, Magic.Length, aggregate.Length - Magic.Length - MD5.HashSizeInBytes);

    [SuppressMessage("Security", "CA5351", Justification = "The format defines its checksum as MD5; nothing is protected by it.")]
    private static bool HasItsDigest(ReadOnlySpan<byte> data)
    {
        Span<byte> digest = stackalloc byte[MD5.HashSizeInBytes];
        MD5.HashData(data[Magic.Length..^MD5.HashSizeInBytes], digest);
        return data[^MD5.HashSizeInBytes..].SequenceEqual(digest);
    }

    /// <summary>An empty one stands for none.</summary>
    private static bool IsHashKey(ReadOnlySpan<byte> digits) =>
        digits.IsEmpty
        || (char.IsAsciiDigit((char)digits[^1]) && UInt128.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out _));

    private static InvalidOperationException Changed() => new("An aggregate changed after it was checked.");
}
