using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace FastConsumer.Kinesis.Wire;

/// <summary>
/// Reads a record in the form in which services write it: a map of known names, strings in one piece, data as bytes, the time
/// as an integer. Everything else is left to <see cref="CborReader"/>, which starts again at the record's first byte: this
/// changes nothing in the buffer.
/// </summary>
internal static class PlainCborRecord
{
    private const int Indefinite = -1;
    private const byte BytesMajor = 0x40;
    private const byte TextMajor = 0x60;

    // in the year 4199; what lies later, or before 1970, is checked by the general reader
    private const ulong LargestPlainTime = 0x3FFF_FFFF_FFFF;

    // names with their heads in front
    private static ReadOnlySpan<byte> SequenceNumberName => "\u006ESequenceNumber"u8;

    private static ReadOnlySpan<byte> ArrivalName => "\u0078\u001BApproximateArrivalTimestamp"u8;

    private static ReadOnlySpan<byte> DataName => "\u0064Data"u8;

    private static ReadOnlySpan<byte> PartitionKeyName => "\u006CPartitionKey"u8;

    private static ReadOnlySpan<byte> EncryptionTypeName => "\u006EEncryptionType"u8;

    /// <summary>
    /// Reads the record at <paramref name="position"/> and moves behind it; false, with nothing moved, where it has another form.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, ref int position, ref RecordEntry entry)
    {
        if ((uint)position >= (uint)bytes.Length)
        {
            return false;
        }

        int head = bytes[position];
        int members = head is >= 0xA0 and < 0xB8 ? head - 0xA0 : Indefinite;
        if (members == Indefinite && head != 0xBF)
        {
            return false;
        }

        int at = position + 1;
        for (; members != 0; members -= members == Indefinite ? 0 : 1)
        {
            ReadOnlySpan<byte> rest = bytes[at..];
            if (rest.IsEmpty)
            {
                return false;
            }

            bool isRead;
            switch (rest[0])
            {
                case 0x6E when rest.StartsWith(SequenceNumberName):
                    at += SequenceNumberName.Length;
                    isRead = TryReadString(bytes, TextMajor, ref at, out entry.SequenceNumberOffset, out entry.SequenceNumberLength);
                    break;
                case 0x78 when rest.StartsWith(ArrivalName):
                    at += ArrivalName.Length;
                    isRead = TryReadTime(bytes, ref at, out entry.ArrivalMilliseconds);
                    break;
                case 0x64 when rest.StartsWith(DataName):
                    at += DataName.Length;
                    isRead = TryReadString(bytes, BytesMajor, ref at, out entry.DataOffset, out entry.DataLength);
                    break;
                case 0x6C when rest.StartsWith(PartitionKeyName):
                    at += PartitionKeyName.Length;
                    isRead = TryReadString(bytes, TextMajor, ref at, out entry.PartitionKeyOffset, out entry.PartitionKeyLength);
                    break;
                case 0x6E when rest.StartsWith(EncryptionTypeName):
                    at += EncryptionTypeName.Length;
                    isRead = TryReadString(bytes, TextMajor, ref at, out _, out _);
                    break;
                case 0xFF when members == Indefinite:
                    position = at + 1;
                    return true;
                default:
                    isRead = false;
                    break;
            }

            if (!isRead)
            {
                return false;
            }
        }

        position = at;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryReadString(ReadOnlySpan<byte> bytes, byte major, ref int at, out int offset, out int length)
    {
        offset = 0;
        length = 0;
        if ((uint)at >= (uint)bytes.Length)
        {
            return false;
        }

        uint info = (uint)bytes[at] - major;
        at++;
        ReadOnlySpan<byte> rest = bytes[at..];
        uint count;
        if (info < 24)
        {
            count = info;
        }
        else if (info == 24 && rest.Length >= 1)
        {
            count = rest[0];
            at++;
        }
        else if (info == 25 && rest.Length >= 2)
        {
            count = BinaryPrimitives.ReadUInt16BigEndian(rest);
            at += 2;
        }
        else if (info == 26 && rest.Length >= 4)
        {
            count = BinaryPrimitives.ReadUInt32BigEndian(rest);
            at += 4;
        }
        else
        {
            return false;
        }

        if (count > (uint)(bytes.Length - at))
        {
            return false;
        }

        offset = at;
        length = (int)count;
        at += (int)count;
        return true;
    }

    /// <summary>Milliseconds of today's size: an unsigned integer of eight bytes, with or without the tag.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryReadTime(ReadOnlySpan<byte> bytes, ref int at, out long milliseconds)
    {
        ReadOnlySpan<byte> rest = bytes[at..];
        if (rest.Length >= 10 && rest[0] == 0xC1)
        {
            rest = rest[1..];
            at++;
        }

        if (rest.Length < 9 || rest[0] != 0x1B)
        {
            milliseconds = 0;
            return false;
        }

        milliseconds = BinaryPrimitives.ReadInt64BigEndian(rest[1..]);
        at += 9;
        return (ulong)milliseconds <= LargestPlainTime;
    }
}
