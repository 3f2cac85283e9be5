using System.Buffers;
using System.Runtime.CompilerServices;

namespace FastConsumer.Kinesis.Wire;

/// <summary>
/// Reads a record in the form in which services write it: an object of known members without white space, strings without
/// escapes, the time as a positive decimal number. Everything else is left to the JSON reader, which starts again at the
/// record's first byte: nothing in the buffer has changed then.
/// </summary>
internal static class PlainJsonRecord
{
    // in the year 4199; what lies later is checked by the general reader
    private const ulong LargestPlainTime = 0x3FFF_FFFF_FFFF;
    private const int MostDigits = 18;

    /// <summary>The quote that ends a string, and what a plain one must not hold: escapes and control characters.</summary>
    private static readonly SearchValues<byte> s_special = SearchValues.Create(
        [(byte)'"', (byte)'\\', .. Enumerable.Range(0, 0x20).Select(static i => (byte)i)]);

    private static ReadOnlySpan<byte> SequenceNumberMember => "\"SequenceNumber\":\""u8;

    private static ReadOnlySpan<byte> ArrivalMember => "\"ApproximateArrivalTimestamp\":"u8;

    private static ReadOnlySpan<byte> DataMember => "\"Data\":\""u8;

    private static ReadOnlySpan<byte> PartitionKeyMember => "\"PartitionKey\":\""u8;

    private static ReadOnlySpan<byte> EncryptionTypeMember => "\"EncryptionType\":\""u8;

    /// <summary>
    /// Reads the record at <paramref name="position"/> and moves behind it; false, with nothing moved or changed, where it has another
    /// form.
    /// </summary>
    /// <exception cref="WireFormatException">Its data is not base64.</exception>
    public static bool TryRead(Span<byte> bytes, ref int position, ref RecordEntry entry)
    {
        if ((uint)position >= (uint)bytes.Length || bytes[position] != '{')
        {
            return false;
        }

        int at = position;
        Base64Run data = default;
        bool isPlain;
        do
        {
            // behind the brace or comma
            at++;
            isPlain = TryReadMember(bytes, ref at, ref entry, ref data) && at < bytes.Length;
        }
        while (isPlain && bytes[at] == ',');

        if (!isPlain || bytes[at] != '}')
        {
            data.Undo(bytes);
            return false;
        }

        if (!Base64Run.IsSupported)
        {
            entry.DataLength = InPlace.DecodeBase64(bytes.Slice(entry.DataOffset, entry.DataLength));
        }

        position = at + 1;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryReadMember(Span<byte> bytes, ref int at, ref RecordEntry entry, ref Base64Run data)
    {
        ReadOnlySpan<byte> rest = bytes[at..];
        if (rest.Length < 2)
        {
            return false;
        }

        switch (rest[1])
        {
            case (byte)'S' when rest.StartsWith(SequenceNumberMember):
                at += SequenceNumberMember.Length;
                return TryReadString(bytes, ref at, out entry.SequenceNumberOffset, out entry.SequenceNumberLength);
            case (byte)'A' when rest.StartsWith(ArrivalMember):
                at += ArrivalMember.Length;
                return TryReadTime(bytes, ref at, out entry.ArrivalMilliseconds);
            case (byte)'D' when rest.StartsWith(DataMember):
                at += DataMember.Length;
                return Base64Run.IsSupported
                    ? TryReadData(bytes, ref at, ref entry, ref data)
                    : TryReadString(bytes, ref at, out entry.DataOffset, out entry.DataLength);
            case (byte)'P' when rest.StartsWith(PartitionKeyMember):
                at += PartitionKeyMember.Length;
                return TryReadString(bytes, ref at, out entry.PartitionKeyOffset, out entry.PartitionKeyLength);
            case (byte)'E' when rest.StartsWith(EncryptionTypeMember):
                at += EncryptionTypeMember.Length;
                return TryReadString(bytes, ref at, out _, out _);
            default:
                return false;
        }
    }

    /// <summary>Decodes the data at once, up to the closing quote and over it.</summary>
    private static bool TryReadData(Span<byte> bytes, ref int at, ref RecordEntry entry, ref Base64Run data)
    {
        int offset = at;
        // a second member of this name is for the general reader
        if (data.Length > 0 || !Base64Run.TryDecode(bytes, ref at, out Base64Run run))
        {
            return false;
        }

        data = run;
        entry.DataOffset = offset;
        entry.DataLength = run.Length;
        return true;
    }

    /// <summary>Reads up to the closing quote, and over it.</summary>
    private static bool TryReadString(ReadOnlySpan<byte> bytes, ref int at, out int offset, out int length)
    {
        offset = at;
        length = bytes[at..].IndexOfAny(s_special);
        if (length < 0 || bytes[at + length] != '"')
        {
            return false;
        }

        at += length + 1;
        return true;
    }

    /// <summary>Reads seconds such as 1787036486.712 or 1.787036486712E9, where they are a whole number of milliseconds.</summary>
    private static bool TryReadTime(ReadOnlySpan<byte> bytes, ref int at, out long milliseconds)
    {
        milliseconds = 0;
        ulong digits = 0;
        int count = 0;
        // of the milliseconds, which are three digits more than the seconds
        int scale = 3;
        bool isFraction = false;
        int end = at;
        for (; end < bytes.Length; end++)
        {
            uint digit = (uint)bytes[end] - '0';
            if (digit <= 9)
            {
                digits = (digits * 10) + digit;
                count++;
                scale -= isFraction ? 1 : 0;
            }
            else if (bytes[end] == '.' && !isFraction)
            {
                isFraction = true;
            }
            else
            {
                break;
            }
        }

        // a leading zero, and a point at either end, are for the general reader
        if (count is 0 or > MostDigits || bytes[at] is (byte)'0' or (byte)'.' || bytes[end - 1] == '.')
        {
            return false;
        }

        if (bytes[end..].StartsWith("E9"u8))
        {
            scale += 9;
            end += 2;
        }

        if (scale is < 0 or > 12 || end >= bytes.Length || bytes[end] is not ((byte)',' or (byte)'}'))
        {
            return false;
        }

        for (; scale > 0; scale--)
        {
            if (digits > LargestPlainTime)
            {
                return false;
            }

            digits *= 10;
        }

        milliseconds = (long)digits;
        at = end;
        return digits <= LargestPlainTime;
    }
}
