using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace FastConsumer.Kinesis;

/// <summary>
/// A Kinesis sequence number: a decimal number of up to 129 digits (service model 2013-12-02,
/// pattern <c>0|([1-9]\d{0,128})</c>), compared as a number and held without a heap allocation.
/// </summary>
/// <remarks>
/// 129 digits need 429 bits, hence seven 64-bit limbs. Numbers of one shard grow with time; between shards they
/// say nothing.
/// </remarks>
public readonly struct SequenceNumber : IEquatable<SequenceNumber>, IComparable<SequenceNumber>, ISpanFormattable, IUtf8SpanFormattable
{
    /// <summary>The most digits a sequence number may have.</summary>
    public const int MaxDigits = 129;

    private const int LimbCount = 7;
    private const int DigitsPerChunk = 19;
    private const ulong ChunkBase = 10_000_000_000_000_000_000;

    private readonly Limbs _limbs;

    private SequenceNumber(in Limbs limbs) => _limbs = limbs;

    /// <summary>Parses decimal digits.</summary>
    /// <exception cref="FormatException">The text is not 1 to 129 digits without a leading zero.</exception>
    public static SequenceNumber Parse(string digits)
    {
        ArgumentNullException.ThrowIfNull(digits);
        return TryParse(digits, out SequenceNumber value)
            ? value
            : throw new FormatException(
                $"'{digits}' is not a Kinesis sequence number: 1 to {MaxDigits} decimal digits without a leading zero are expected.");
    }

    /// <inheritdoc cref="Parse(string)"/>
    public static SequenceNumber Parse(ReadOnlySpan<byte> utf8Digits) =>
        TryParse(utf8Digits, out SequenceNumber value)
            ? value
            : throw new FormatException($"'{Encoding.UTF8.GetString(utf8Digits)}' is not a Kinesis sequence number: "
                + $"1 to {MaxDigits} decimal digits without a leading zero are expected.");

    /// <summary>Parses decimal digits; false where the text is not a sequence number.</summary>
    public static bool TryParse([NotNullWhen(true)] string? digits, out SequenceNumber value)
    {
        value = default;
        if (digits is null || digits.Length > MaxDigits)
        {
            return false;
        }

        Span<byte> utf8 = stackalloc byte[MaxDigits];
        for (int i = 0; i < digits.Length; i++)
        {
            char c = digits[i];
            if (!char.IsAsciiDigit(c))
            {
                return false;
            }

            utf8[i] = (byte)c;
        }

        return TryParse(utf8[..digits.Length], out value);
    }

    /// <inheritdoc cref="TryParse(string?, out SequenceNumber)"/>
    public static bool TryParse(ReadOnlySpan<byte> utf8Digits, out SequenceNumber value)
    {
        value = default;
        if (utf8Digits.IsEmpty || utf8Digits.Length > MaxDigits || (utf8Digits[0] == '0' && utf8Digits.Length > 1))
        {
            return false;
        }

        Limbs limbs = default;
        Span<ulong> words = limbs;
        // The first chunk takes the odd digits, so that every later one is a full multiply by 10^19.
        int length = utf8Digits.Length % DigitsPerChunk;
        if (length == 0)
        {
            length = DigitsPerChunk;
        }

        for (int start = 0; start < utf8Digits.Length; start += length, length = DigitsPerChunk)
        {
            ulong chunk = 0;
            foreach (byte digit in utf8Digits.Slice(start, length))
            {
                uint d = (uint)(digit - '0');
                if (d > 9)
                {
                    return false;
                }

                chunk = (chunk * 10) + d;
            }

            MultiplyAdd(words, ChunkBase, chunk);
        }

        value = new SequenceNumber(limbs);
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(SequenceNumber other)
    {
        ReadOnlySpan<ulong> left = _limbs;
        ReadOnlySpan<ulong> right = other._limbs;
        for (int i = LimbCount - 1; i >= 0; i--)
        {
            if (left[i] != right[i])
            {
                return left[i] < right[i] ? -1 : 1;
            }
        }

        return 0;
    }

    /// <inheritdoc/>
    public bool Equals(SequenceNumber other) => CompareTo(other) == 0;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is SequenceNumber other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (ulong limb in (ReadOnlySpan<ulong>)_limbs)
        {
            hash.Add(limb);
        }

        return hash.ToHashCode();
    }

    /// <summary>The decimal digits, as the service writes them.</summary>
    public override string ToString()
    {
        Span<byte> digits = stackalloc byte[MaxDigits + DigitsPerChunk];
        TryFormat(digits, out int written, default, null);
        return Encoding.ASCII.GetString(digits[..written]);
    }

    /// <inheritdoc/>
    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    /// <inheritdoc/>
    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format, IFormatProvider? provider)
    {
        Span<byte> digits = stackalloc byte[MaxDigits + DigitsPerChunk];
        TryFormat(digits, out int written, default, provider);
        return Encoding.ASCII.TryGetChars(digits[..written], destination, out charsWritten);
    }

    /// <inheritdoc/>
    public bool TryFormat(Span<byte> utf8Destination, out int bytesWritten, ReadOnlySpan<char> format, IFormatProvider? provider)
    {
        Limbs rest = _limbs;
        Span<ulong> words = rest;
        Span<ulong> chunks = stackalloc ulong[LimbCount + 1];
        int count = 0;
        do
        {
            chunks[count++] = DivideRemainder(words, ChunkBase);
        }
        while (words.ContainsAnyExcept(0UL));

        bytesWritten = 0;
        for (int i = count - 1; i >= 0; i--)
        {
            ReadOnlySpan<char> width = i == count - 1 ? default : "D19";
            if (!chunks[i].TryFormat(utf8Destination[bytesWritten..], out int written, width, CultureInfo.InvariantCulture))
            {
                bytesWritten = 0;
                return false;
            }

            bytesWritten += written;
        }

        return true;
    }

    /// <summary>Equality by value.</summary>
    public static bool operator ==(SequenceNumber left, SequenceNumber right) => left.Equals(right);

    /// <summary>Inequality by value.</summary>
    public static bool operator !=(SequenceNumber left, SequenceNumber right) => !left.Equals(right);

    /// <summary>Comparison as numbers.</summary>
    public static bool operator <(SequenceNumber left, SequenceNumber right) => left.CompareTo(right) < 0;

    /// <summary>Comparison as numbers.</summary>
    public static bool operator <=(SequenceNumber left, SequenceNumber right) => left.CompareTo(right) <= 0;

    /// <summary>Comparison as numbers.</summary>
    public static bool operator >(SequenceNumber left, SequenceNumber right) => left.CompareTo(right) > 0;

    /// <summary>Comparison as numbers.</summary>
    public static bool operator >=(SequenceNumber left, SequenceNumber right) => left.CompareTo(right) >= 0;

    private static void MultiplyAdd(Span<ulong> words, ulong factor, ulong addend)
    {
        ulong carry = addend;
        for (int i = 0; i < words.Length; i++)
        {
            ulong high = Math.BigMul(words[i], factor, out ulong low);
            low += carry;
            carry = high + (low < carry ? 1UL : 0UL);
            words[i] = low;
        }
    }

    private static ulong DivideRemainder(Span<ulong> words, ulong divisor)
    {
        UInt128 remainder = 0;
        for (int i = words.Length - 1; i >= 0; i--)
        {
            UInt128 dividend = (remainder << 64) | words[i];
            (UInt128 quotient, remainder) = UInt128.DivRem(dividend, divisor);
            words[i] = (ulong)quotient;
        }

        return (ulong)remainder;
    }

    [InlineArray(LimbCount)]
    private struct Limbs
    {
        private ulong _first;
    }
}
