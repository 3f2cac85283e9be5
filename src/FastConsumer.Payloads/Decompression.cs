using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace FastConsumer.Payloads;

/// <summary>Bytes that were decompressed, within a bound, in one rented array.</summary>
internal ref struct Decompression : IDisposable
{
    private const int FirstRead = 16 * 1024;
    private const int GzipTrailer = 8;

    /// <summary>Windows of up to 8 MiB, as RFC 8878 recommends for decoders: levels up to 19 make no larger ones.</summary>
    private const int LargestZstdWindowLog = 23;

    private byte[]? _rented;

    /// <summary>What the payload holds; valid until this is disposed.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>Decompresses a payload; one that is neither gzip nor zstd stays as it is.</summary>
    /// <exception cref="InvalidDataException">It is broken, or larger than <paramref name="maxBytes"/>.</exception>
    public static Decompression Of(ReadOnlyMemory<byte> payload, int maxBytes)
    {
        var result = new Decompression();
        try
        {
            if (payload.Span.StartsWith(Gzip))
            {
                using var gzip = new GZipStream(AsStream(payload), CompressionMode.Decompress);
                result.Read(gzip, maxBytes);
                RefuseCutGzip(payload.Span, result.Bytes);
            }
            else if (payload.Span.StartsWith(Zstd))
            {
                using var zstd = new DecompressionStream(AsStream(payload));
                zstd.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, LargestZstdWindowLog);
                result.Read(zstd, maxBytes);
            }
            else
            {
                result.Bytes = payload.Span;
            }
        }
        catch (Exception e)
        {
            result.Dispose();
            if (e is ZstdException or EndOfStreamException)
            {
                throw new InvalidDataException($"The payload is broken zstd: {e.Message}", e);
            }

            throw;
        }

        return result;
    }

    /// <summary>Returns the memory.</summary>
    public void Dispose()
    {
        Bytes = default;
        if (_rented is { } rented)
        {
            _rented = null;
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static ReadOnlySpan<byte> Gzip => [0x1F, 0x8B];

    private static ReadOnlySpan<byte> Zstd => [0x28, 0xB5, 0x2F, 0xFD];

    /// <summary>
    /// GZipStream takes the end of its input for the end of the data. A whole payload ends with checksum and length of its last member,
    /// which are those of the last bytes that came out of it (RFC 1952).
    /// </summary>
    private static void RefuseCutGzip(ReadOnlySpan<byte> payload, ReadOnlySpan<byte> bytes)
    {
        if (payload.Length < GzipTrailer
            || BinaryPrimitives.ReadUInt32LittleEndian(payload[^4..]) is var length && length > bytes.Length
            || Crc32.HashToUInt32(bytes[^(int)length..]) != BinaryPrimitives.ReadUInt32LittleEndian(payload[^GzipTrailer..]))
        {
            throw new InvalidDataException(
                "The payload is broken gzip: it does not end with the checksum and the length of what it holds.");
        }
    }

    private static MemoryStream AsStream(ReadOnlyMemory<byte> payload) =>
        MemoryMarshal.TryGetArray(payload, out ArraySegment<byte> array)
        ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
        : new MemoryStream(payload.ToArray(), writable: false);

    private void Read(Stream stream, int maxBytes)
    {
        _rented = ArrayPool<byte>.Shared.Rent(FirstRead);
        int length = 0;
        while (stream.Read(_rented, length, _rented.Length - length) is > 0 and int read)
        {
            length += read;
            if (length > maxBytes)
            {
                throw new InvalidDataException(
                    $"The payload is larger than {maxBytes} bytes when it is decompressed, which is the bound of its deserializer.");
            }

            if (length == _rented.Length)
            {
                byte[] larger = ArrayPool<byte>.Shared.Rent(2 * length);
                _rented.AsSpan(0, length).CopyTo(larger);
                ArrayPool<byte>.Shared.Return(_rented);
                _rented = larger;
            }
        }

        Bytes = _rented.AsSpan(0, length);
    }
}
