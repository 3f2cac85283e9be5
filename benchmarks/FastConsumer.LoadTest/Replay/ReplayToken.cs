using System.Buffers.Text;

namespace FastConsumer.LoadTest.Replay;

/// <summary>
/// The replay server's iterators: they say which answer is due, so the server keeps nothing. As long as those of the service
/// (its documentation shows 224 characters), for they are a part of what a request costs.
/// </summary>
internal static class ReplayToken
{
    public const int Length = 224;

    private const int NumberOffset = 7;
    private const int NumberLength = 12;

    private static ReadOnlySpan<byte> Prefix => "replay-"u8;

    /// <summary>Writes the token of one answer.</summary>
    public static void Write(Span<byte> token, long answer)
    {
        token[..Length].Fill((byte)'A');
        Prefix.CopyTo(token);
        WriteNumber(token.Slice(NumberOffset, NumberLength), answer);
    }

    /// <summary>Writes a number with as many digits as there is room.</summary>
    public static void WriteNumber(Span<byte> digits, long number)
    {
        for (int i = digits.Length - 1; i >= 0; i--)
        {
            digits[i] = (byte)('0' + (number % 10));
            number /= 10;
        }
    }

    /// <summary>Where a token begins in a request, or a negative number.</summary>
    public static int IndexIn(ReadOnlySpan<byte> request) => request.IndexOf(Prefix);

    /// <summary>The answer that a token asks for.</summary>
    public static long Read(ReadOnlySpan<byte> token) =>
        Utf8Parser.TryParse(token.Slice(NumberOffset, NumberLength), out long answer, out int length) && length == NumberLength
            ? answer
            : throw new FormatException("The request holds no token of the replay server.");
}
