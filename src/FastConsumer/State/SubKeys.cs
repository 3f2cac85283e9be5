using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using FastConsumer.State.Format;

namespace FastConsumer.State;

/// <summary>Sub-keys as bytes: text as UTF-8, numbers and enums little-endian in their own size, a Guid as its 16 bytes.</summary>
internal static class SubKeys
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static bool IsSupported<TSub>() => typeof(TSub) == typeof(NoSubKey) || typeof(TSub) == typeof(string)
        || typeof(TSub) == typeof(Guid) || typeof(TSub) == typeof(Int128) || typeof(TSub) == typeof(UInt128) || IsInteger<TSub>();

    /// <summary>Refuses a key that could not be stored, before it is in a table.</summary>
    /// <exception cref="ArgumentException">It is no text: it holds a part of a surrogate pair.</exception>
    public static void ThrowIfUnfit<TSub>(TSub key)
    {
        if (key is string text && text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
        {
            s_strict.GetByteCount(text);
        }
    }

    public static void Write<TSub>(TSub key, IBufferWriter<byte> output)
    {
        if (typeof(TSub) == typeof(NoSubKey))
        {
            return;
        }

        if (key is string text)
        {
            Span<byte> utf8 = output.GetSpan(s_strict.GetMaxByteCount(text.Length));
            output.Advance(s_strict.GetBytes(text, utf8));
            return;
        }

        int size = Unsafe.SizeOf<TSub>();
        Span<byte> bytes = output.GetSpan(size)[..size];
        Unsafe.WriteUnaligned(ref MemoryMarshal.GetReference(bytes), key);
        InOrder<TSub>(bytes);
        output.Advance(size);
    }

    /// <exception cref="SnapshotDamagedException">They are none.</exception>
    public static TSub Read<TSub>(ReadOnlySpan<byte> bytes)
    {
        if (typeof(TSub) == typeof(string))
        {
            try
            {
                return (TSub)(object)s_strict.GetString(bytes);
            }
            catch (DecoderFallbackException)
            {
                throw new SnapshotDamagedException("a sub-key is not UTF-8");
            }
        }

        if (typeof(TSub) == typeof(NoSubKey))
        {
            return bytes.IsEmpty ? default! : throw new SnapshotDamagedException("an entry has a sub-key, and its state has none");
        }

        int size = Unsafe.SizeOf<TSub>();
        if (bytes.Length != size)
        {
            throw new SnapshotDamagedException($"a sub-key has {bytes.Length} bytes, and {typeof(TSub).Name} has {size}");
        }

        Span<byte> copy = stackalloc byte[size];
        bytes.CopyTo(copy);
        InOrder<TSub>(copy);
        return Unsafe.ReadUnaligned<TSub>(ref MemoryMarshal.GetReference(copy));
    }

    // a Guid's bytes are the same everywhere but for its first three fields, which .NET keeps in the machine's order
    private static void InOrder<TSub>(Span<byte> bytes)
    {
        if (BitConverter.IsLittleEndian)
        {
            return;
        }

        if (typeof(TSub) == typeof(Guid))
        {
            bytes[..4].Reverse();
            bytes[4..6].Reverse();
            bytes[6..8].Reverse();
        }
        else
        {
            bytes.Reverse();
        }
    }

    private static bool IsInteger<TSub>() => typeof(TSub).IsEnum
        || Type.GetTypeCode(typeof(TSub)) is >= TypeCode.Char and <= TypeCode.UInt64;
}
