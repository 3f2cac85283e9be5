using System.Buffers.Text;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FastConsumer.Kinesis.Wire;

/// <summary>
/// Base64 that ends at the first character that is none: decoded where it lies, without a search for its end before. Whole
/// groups of four characters are decoded 64 characters at a time. What
/// was decoded can be made text again, for a caller that finds out later that it should not have begun.
/// </summary>
/// <remarks>Only on processors with AVX-512 VBMI; on others the framework's search and its decoder are the fastest there is.</remarks>
internal readonly struct Base64Run
{
    private const int GroupLength = 4;
    private const int GroupBytes = 3;
    private const int VectorBytes = 64 / GroupLength * GroupBytes;

    private readonly int _start;
    private readonly int _grouped;
    private readonly uint _lastGroup;
    private readonly bool _hasLastGroup;

    private Base64Run(int start, int grouped, int length, uint lastGroup = 0, bool hasLastGroup = false)
    {
        _start = start;
        _grouped = grouped;
        _lastGroup = lastGroup;
        _hasLastGroup = hasLastGroup;
        Length = length;
    }

    /// <summary>Whether this processor can.</summary>
    public static bool IsSupported => Avx512Vbmi.IsSupported;

    /// <summary>How many bytes the text came to; they stand where it began.</summary>
    public int Length { get; }

    // The value of each character below 128; the highest bit marks what is not of the alphabet.
    private static ReadOnlySpan<byte> Values =>
    [
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 62, 255, 255, 255, 63,
        52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 255, 255, 255, 255, 255, 255,
        255, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
        15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 255, 255, 255, 255, 255,
        255, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
        41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 255, 255, 255, 255, 255,
    ];

    // The three bytes of each group stand in a little-endian integer: highest first, without the fourth. The rest does not matter.
    private static ReadOnlySpan<byte> ByteOrder =>
    [
        2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 18, 17, 16, 22,
        21, 20, 26, 25, 24, 30, 29, 28, 34, 33, 32, 38, 37, 36, 42, 41,
        40, 46, 45, 44, 50, 49, 48, 54, 53, 52, 58, 57, 56, 62, 61, 60,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];

    /// <summary>
    /// Decodes the text from <paramref name="position"/> to the next quote and moves behind that; false, with nothing moved or changed,
    /// where it is not plain base64.
    /// </summary>
    public static bool TryDecode(Span<byte> bytes, ref int position, out Base64Run run)
    {
        int end = DecodeGroups(bytes, position, out int written);
        int grouped = end - position;
        ReadOnlySpan<byte> rest = bytes[end..];
        if (!rest.IsEmpty && rest[0] == '"')
        {
            run = new Base64Run(position, grouped, written);
            position = end + 1;
            return true;
        }

        if (rest.Length > GroupLength && rest[GroupLength] == '"')
        {
            uint lastGroup = MemoryMarshal.Read<uint>(rest);
            int length = DecodePadded(rest[..GroupLength], bytes[(position + written)..]);
            if (length > 0)
            {
                run = new Base64Run(position, grouped, written + length, lastGroup, hasLastGroup: true);
                position = end + GroupLength + 1;
                return true;
            }
        }

        new Base64Run(position, grouped, written).Undo(bytes);
        run = default;
        return false;
    }

    /// <summary>Makes the bytes text again, exactly as it was.</summary>
    public void Undo(Span<byte> bytes)
    {
        if (_grouped > 0)
        {
            // whole groups leave no bit out, so there is but one text for them
            Base64.EncodeToUtf8InPlace(bytes.Slice(_start, _grouped), _grouped / GroupLength * GroupBytes, out _);
        }

        if (_hasLastGroup)
        {
            MemoryMarshal.Write(bytes[(_start + _grouped)..], _lastGroup);
        }
    }

    /// <summary>Decodes whole groups; the answer is where the first character stands that belongs to none.</summary>
    private static int DecodeGroups(Span<byte> bytes, int start, out int written)
    {
        Vector512<byte> lower = Vector512.Create(Values);
        Vector512<byte> upper = Vector512.Create(Values[Vector512<byte>.Count..]);
        ref byte first = ref MemoryMarshal.GetReference(bytes);
        int read = start;
        int write = start;
        for (; read <= bytes.Length - Vector512<byte>.Count; read += Vector512<byte>.Count, write += VectorBytes)
        {
            var text = Vector512.LoadUnsafe(ref first, (nuint)read);
            Vector512<byte> values = Avx512Vbmi.PermuteVar64x8x2(lower, text, upper);
            Vector512<byte> packed = Pack(values);
            ulong others = (values | text).ExtractMostSignificantBits();
            if (others != 0)
            {
                int groups = BitOperations.TrailingZeroCount(others) / GroupLength;
                // what stands behind the last group's bytes stays
                Vector512<byte> isNew = Vector512.LessThan(Vector512<byte>.Indices, Vector512.Create((byte)(groups * GroupBytes)));
                Vector512.ConditionalSelect(isNew, packed, Vector512.LoadUnsafe(ref first, (nuint)write))
                    .StoreUnsafe(ref first, (nuint)write);
                written = write - start + (groups * GroupBytes);
                return read + (groups * GroupLength);
            }

            // 48 bytes and 16 that do not matter: they end, at the latest, where the text that was read ends
            packed.StoreUnsafe(ref first, (nuint)write);
        }

        // the answer's end is near
        for (; bytes.Length - read >= GroupLength; read += GroupLength, write += GroupBytes)
        {
            if (!TryDecodeGroup(bytes.Slice(read, GroupLength), out int value))
            {
                break;
            }

            bytes[write] = (byte)(value >> 16);
            bytes[write + 1] = (byte)(value >> 8);
            bytes[write + 2] = (byte)value;
        }

        written = write - start;
        return read;
    }

    /// <summary>Four characters of the alphabet.</summary>
    private static bool TryDecodeGroup(ReadOnlySpan<byte> text, out int value)
    {
        int first = Value(text[0]), second = Value(text[1]), third = Value(text[2]), fourth = Value(text[3]);
        value = (first << 18) | (second << 12) | (third << 6) | fourth;
        return (first | second | third | fourth) < 64;
    }

    /// <summary>
    /// The last group, which ends in one or two characters of padding; 0 where it is none, or where bits are left over, which the framework
    /// refuses.
    /// </summary>
    private static int DecodePadded(ReadOnlySpan<byte> text, Span<byte> destination)
    {
        int first = Value(text[0]), second = Value(text[1]), third = Value(text[2]);
        if (text[3] != '=' || (first | second) >= 64)
        {
            return 0;
        }

        if (third < 64 && (third & 3) == 0)
        {
            destination[0] = (byte)((first << 2) | (second >> 4));
            destination[1] = (byte)((second << 4) | (third >> 2));
            return 2;
        }

        if (text[2] != '=' || (second & 15) != 0)
        {
            return 0;
        }

        destination[0] = (byte)((first << 2) | (second >> 4));
        return 1;
    }

    private static int Value(byte character) => character < Values.Length ? Values[character] : byte.MaxValue;

    /// <summary>From 64 values of six bits to 48 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Pack(Vector512<byte> values)
    {
        Vector512<short> pairs = Avx512BW.MultiplyAddAdjacent(values, Vector512.Create((short)0x0140).AsSByte());
        Vector512<int> groups = Avx512BW.MultiplyAddAdjacent(pairs, Vector512.Create(0x0001_1000).AsInt16());
        return Avx512Vbmi.PermuteVar64x8(groups.AsByte(), Vector512.Create(ByteOrder));
    }
}
