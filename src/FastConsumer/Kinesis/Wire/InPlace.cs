using System.Buffers;
using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text;

namespace FastConsumer.Kinesis.Wire;

/// <summary>Decodes text where it lies: the result is never longer than its source, and starts where it started.</summary>
internal static class InPlace
{
    private const int Base64BlockLength = 4096;

    /// <summary>Decodes base64; the answer is the length of the bytes.</summary>
    [SkipLocalsInit]
    public static int DecodeBase64(Span<byte> text)
    {
        // Base64.DecodeFromUtf8InPlace is scalar; block by block through the stack the vectorised one is several times faster.
        Span<byte> block = stackalloc byte[Base64BlockLength / 4 * 3];
        int read = 0;
        int written = 0;
        while (read < text.Length)
        {
            ReadOnlySpan<byte> source = text[read..];
            bool isFinal = source.Length <= Base64BlockLength;
            if (!isFinal)
            {
                source = source[..Base64BlockLength];
            }

            OperationStatus status = Base64.DecodeFromUtf8(source, block, out int consumed, out int decoded, isFinal);
            // white space inside the text may leave a few characters for the next block
            bool progresses = status == OperationStatus.Done || (status == OperationStatus.NeedMoreData && !isFinal && consumed > 0);
            if (!progresses)
            {
                throw new WireFormatException("A blob is not valid base64.");
            }

            block[..decoded].CopyTo(text[written..]);
            written += decoded;
            read += consumed;
        }

        return written;
    }

    /// <summary>Resolves the escapes of a JSON string that a JSON reader has accepted; the answer is the length in UTF-8.</summary>
    public static int Unescape(Span<byte> text)
    {
        int read = text.IndexOf((byte)'\\');
        if (read < 0)
        {
            return text.Length;
        }

        int written = read;
        while (read < text.Length)
        {
            byte current = text[read++];
            if (current != '\\')
            {
                text[written++] = current;
                continue;
            }

            byte escape = text[read++];
            if (escape != 'u')
            {
                text[written++] = escape switch
                {
                    (byte)'b' => (byte)'\b',
                    (byte)'f' => (byte)'\f',
                    (byte)'n' => (byte)'\n',
                    (byte)'r' => (byte)'\r',
                    (byte)'t' => (byte)'\t',
                    _ => escape,
                };
                continue;
            }

            char first = ReadHex(text, ref read);
            // a lone surrogate has no UTF-8 form: it becomes U+FFFD, as in every .NET string conversion
            Rune rune = Rune.ReplacementChar;
            if (!Rune.TryCreate(first, out Rune single))
            {
                int next = read;
                if (char.IsHighSurrogate(first) && text[read..].StartsWith("\\u"u8))
                {
                    next += 2;
                    char second = ReadHex(text, ref next);
                    if (Rune.TryCreate(first, second, out Rune pair))
                    {
                        rune = pair;
                        read = next;
                    }
                }
            }
            else
            {
                rune = single;
            }

            written += rune.EncodeToUtf8(text[written..read]);
        }

        return written;
    }

    private static char ReadHex(ReadOnlySpan<byte> text, ref int position)
    {
        int value = 0;
        for (int i = 0; i < 4; i++)
        {
            value = (value << 4) | HexDigit(text[position++]);
        }

        return (char)value;
    }

    private static int HexDigit(byte digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}
