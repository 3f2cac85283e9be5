using System.Numerics;
using System.Runtime.Intrinsics;
using System.Text.Json;

namespace FastConsumer.Processors;

/// <summary>
/// Finds a property of a JSON object without reading the rest: 64 bytes at a time are made into masks of quotes, brackets and
/// colons, and only colons of the object itself are looked at, for the name before them. What is passed over is not
/// validated: whoever reads the payload does that.
/// </summary>
internal ref struct RouteFinder
{
    private const int Block = 64;
    private const ulong EvenBits = 0x5555_5555_5555_5555;

    private readonly ReadOnlySpan<byte> _json;
    private readonly ReadOnlySpan<byte> _name;

    // all ones inside a text
    private ulong _inText;

    // one where the block before ended with a backslash that escapes this block's first byte
    private ulong _escaped;
    private bool _hasBackslashes;
    private int _depth;

    private RouteFinder(ReadOnlySpan<byte> json, ReadOnlySpan<byte> name)
    {
        _json = json;
        _name = name;
    }

    /// <summary>The text of the first property of that name; false where there is none, or its value is no text.</summary>
    /// <exception cref="JsonException">The bytes are not a JSON object, or end inside it.</exception>
    public static bool Find(ReadOnlySpan<byte> json, ReadOnlySpan<byte> name, out RouteText text)
    {
        int start = SkipSpace(json, 0);
        if (start == json.Length || json[start] != (byte)'{')
        {
            throw new JsonException("The record's payload is not a JSON object, so it has no route property.");
        }

        return new RouteFinder(json, name).Run(start, out text);
    }

    private bool Run(int start, out RouteText text)
    {
        text = default;
        Span<byte> last = stackalloc byte[Block];
        for (int at = start; at < _json.Length; at += Block)
        {
            scoped ReadOnlySpan<byte> block = _json[at..];
            if (block.Length < Block)
            {
                last.Fill((byte)' ');
                block.CopyTo(last);
                block = last;
            }

            int colon = FindIn(Vector512.Create(block), at);
            if (colon >= 0)
            {
                return TryReadText(colon + 1, out text);
            }

            if (_depth == 0)
            {
                return false;
            }
        }

        throw Truncated();
    }

    /// <summary>Goes through one block; the place of the colon behind the name, or -1.</summary>
    private int FindIn(Vector512<byte> bytes, int at)
    {
        ulong quotes = Vector512.Equals(bytes, Vector512.Create((byte)'"')).ExtractMostSignificantBits() & ~Escaped(bytes);
        if (quotes == 0 && _inText != 0)
        {
            // in the midst of a long text
            return -1;
        }

        ulong inText = InText(quotes);
        // '[' and '{', ']' and '}' differ in one bit
        Vector512<byte> folded = bytes | Vector512.Create((byte)0x20);
        ulong opens = Vector512.Equals(folded, Vector512.Create((byte)'{')).ExtractMostSignificantBits() & ~inText;
        ulong closes = Vector512.Equals(folded, Vector512.Create((byte)'}')).ExtractMostSignificantBits() & ~inText;
        if ((opens | closes) == 0 && _depth != 1)
        {
            return -1;
        }

        ulong colons = Vector512.Equals(bytes, Vector512.Create((byte)':')).ExtractMostSignificantBits() & ~inText;
        for (ulong marks = opens | closes | colons; marks != 0; marks &= marks - 1)
        {
            ulong mark = marks & (ulong)-(long)marks;
            if ((colons & mark) != 0)
            {
                int place = at + BitOperations.TrailingZeroCount(mark);
                if (_depth == 1 && EndsWithName(place))
                {
                    return place;
                }
            }
            else if ((opens & mark) != 0)
            {
                _depth++;
            }
            else if (--_depth == 0)
            {
                return -1;
            }
        }

        return -1;
    }

    /// <summary>Marks what an odd number of backslashes stands before.</summary>
    private ulong Escaped(Vector512<byte> bytes)
    {
        ulong backslashes = Vector512.Equals(bytes, Vector512.Create((byte)'\\')).ExtractMostSignificantBits();
        if (backslashes == 0)
        {
            ulong first = _escaped;
            _escaped = 0;
            return first;
        }

        _hasBackslashes = true;
        backslashes &= ~_escaped;
        ulong behind = (backslashes << 1) | _escaped;
        ulong oddStarts = backslashes & ~EvenBits & ~behind;
        ulong runs = unchecked(oddStarts + backslashes);
        _escaped = runs < oddStarts ? 1ul : 0;
        return (EvenBits ^ (runs << 1)) & behind;
    }

    /// <summary>Marks all between an opening quote, which counts, and its closing one, which does not.</summary>
    private ulong InText(ulong quotes)
    {
        quotes ^= quotes << 1;
        quotes ^= quotes << 2;
        quotes ^= quotes << 4;
        quotes ^= quotes << 8;
        quotes ^= quotes << 16;
        quotes ^= quotes << 32;
        quotes ^= _inText;
        _inText = (ulong)((long)quotes >> 63);
        return quotes;
    }

    private readonly bool EndsWithName(int colon)
    {
        int end = colon - 1;
        while (end > 0 && IsSpace(_json[end]))
        {
            end--;
        }

        int start = end - _name.Length;
        if (start > 0
            && _json[end] == (byte)'"'
            && _json[start - 1] == (byte)'"'
            && _json[start..end].SequenceEqual(_name)
            && !IsEscaped(start - 1))
        {
            return true;
        }

        return _hasBackslashes && EndsWithEscapedName(end);
    }

    private readonly bool EndsWithEscapedName(int end)
    {
        if (_json[end] != (byte)'"')
        {
            return false;
        }

        int start = end;
        do
        {
            start = _json[..start].LastIndexOf((byte)'"');
        }
        while (start > 0 && IsEscaped(start));

        ReadOnlySpan<byte> raw = start < 0 ? default : _json[(start + 1)..end];
        return raw.Contains((byte)'\\') && RouteText.IsUnescaped(raw, _name);
    }

    private readonly bool IsEscaped(int place)
    {
        int first = place;
        while (first > 0 && _json[first - 1] == (byte)'\\')
        {
            first--;
        }

        return ((place - first) & 1) != 0;
    }

    private readonly bool TryReadText(int from, out RouteText text)
    {
        text = default;
        int start = SkipSpace(_json, from);
        if (start == _json.Length)
        {
            throw Truncated();
        }

        if (_json[start] != (byte)'"')
        {
            return false;
        }

        ReadOnlySpan<byte> rest = _json[(start + 1)..];
        int end = rest.IndexOfAny((byte)'"', (byte)'\\');
        bool isEscaped = end >= 0 && rest[end] == (byte)'\\';
        while (end >= 0 && rest[end] == (byte)'\\')
        {
            // what stands behind a backslash ends no text
            int behind = Math.Min(end + 2, rest.Length);
            int next = rest[behind..].IndexOfAny((byte)'"', (byte)'\\');
            end = next < 0 ? -1 : behind + next;
        }

        if (end < 0)
        {
            throw Truncated();
        }

        text = new RouteText(rest[..end], isEscaped);
        return true;
    }

    private static int SkipSpace(ReadOnlySpan<byte> json, int at)
    {
        while (at < json.Length && IsSpace(json[at]))
        {
            at++;
        }

        return at;
    }

    private static bool IsSpace(byte value) => value is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n';

    private static JsonException Truncated() => new("The record's payload ends inside its JSON object.");
}
