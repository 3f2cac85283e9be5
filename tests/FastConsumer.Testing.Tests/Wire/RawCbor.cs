using System.Text;

namespace FastConsumer.Testing.Tests.Wire;

/// <summary>The tests' own CBOR, kept apart from the server's so that a misreading cannot hide on both sides.</summary>
internal static class RawCbor
{
    /// <summary>A tagged value.</summary>
    public sealed record Tagged(ulong Tag, object? Value);

    public static byte[] Write(object? value)
    {
        var stream = new MemoryStream();
        Write(stream, value);
        return stream.ToArray();
    }

    public static object? Read(byte[] bytes)
    {
        int position = 0;
        object? value = Read(bytes, ref position);
        Assert.Equal(bytes.Length, position);
        return value;
    }

    private static void Write(Stream stream, object? value)
    {
        switch (value)
        {
            case null:
                stream.WriteByte(0xF6);
                break;
            case bool flag:
                stream.WriteByte(flag ? (byte)0xF5 : (byte)0xF4);
                break;
            case int or long:
                long number = Convert.ToInt64(value);
                Head(stream, number < 0 ? 1 : 0, (ulong)(number < 0 ? -1 - number : number));
                break;
            case string text:
                byte[] utf8 = Encoding.UTF8.GetBytes(text);
                Head(stream, 3, (ulong)utf8.Length);
                stream.Write(utf8);
                break;
            case byte[] bytes:
                Head(stream, 2, (ulong)bytes.Length);
                stream.Write(bytes);
                break;
            case Tagged tagged:
                Head(stream, 6, tagged.Tag);
                Write(stream, tagged.Value);
                break;
            case Dictionary<string, object?> map:
                Head(stream, 5, (ulong)map.Count);
                foreach ((string key, object? item) in map)
                {
                    Write(stream, key);
                    Write(stream, item);
                }

                break;
            case IEnumerable<object?> list:
                object?[] items = [.. list];
                Head(stream, 4, (ulong)items.Length);
                foreach (object? item in items)
                {
                    Write(stream, item);
                }

                break;
            default:
                throw new ArgumentException($"{value.GetType()} is not written.", nameof(value));
        }
    }

    private static void Head(Stream stream, int major, ulong argument)
    {
        int size = argument < 24 ? 0 : argument < 0x100 ? 1 : argument < 0x1_0000 ? 2 : argument < 0x1_0000_0000 ? 4 : 8;
        int info = size switch { 0 => (int)argument, 1 => 24, 2 => 25, 4 => 26, _ => 27 };
        stream.WriteByte((byte)((major << 5) + info));
        for (int i = size - 1; i >= 0; i--)
        {
            stream.WriteByte((byte)(argument >> (8 * i)));
        }
    }

    private static object? Read(byte[] bytes, ref int position)
    {
        byte first = bytes[position++];
        int major = first / 32;
        int info = first % 32;
        bool isIndefinite = info == 31;
        ulong argument = 0;
        if (info is >= 24 and <= 27)
        {
            for (int size = 1 << (info - 24); size > 0; size--)
            {
                argument = (argument * 256) + bytes[position++];
            }
        }
        else
        {
            argument = (ulong)info;
        }

        switch (major)
        {
            case 0:
                return (long)argument;
            case 1:
                return -1 - (long)argument;
            case 2:
            case 3:
                byte[] content = isIndefinite ? Chunks(bytes, ref position, major) : bytes[position..(position + (int)argument)];
                position += isIndefinite ? 0 : (int)argument;
                return major == 2 ? content : new UTF8Encoding(false, true).GetString(content);
            case 4:
                var list = new List<object?>();
                while (isIndefinite ? !Break(bytes, ref position) : (ulong)list.Count < argument)
                {
                    list.Add(Read(bytes, ref position));
                }

                return list;
            case 5:
                var map = new Dictionary<string, object?>();
                while (isIndefinite ? !Break(bytes, ref position) : (ulong)map.Count < argument)
                {
                    string key = (string)Read(bytes, ref position)!;
                    map.Add(key, Read(bytes, ref position));
                }

                return map;
            case 6:
                return new Tagged(argument, Read(bytes, ref position));
            default:
                return info switch
                {
                    20 => false,
                    21 => true,
                    22 => null,
                    _ => throw new InvalidDataException($"simple value {info}"),
                };
        }
    }

    private static byte[] Chunks(byte[] bytes, ref int position, int major)
    {
        var whole = new MemoryStream();
        while (!Break(bytes, ref position))
        {
            object? chunk = Read(bytes, ref position);
            whole.Write(major == 2 ? (byte[])chunk! : Encoding.UTF8.GetBytes((string)chunk!));
        }

        return whole.ToArray();
    }

    private static bool Break(byte[] bytes, ref int position)
    {
        if (bytes[position] != 0xFF)
        {
            return false;
        }

        position++;
        return true;
    }
}
