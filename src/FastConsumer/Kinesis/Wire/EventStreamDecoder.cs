using System.Buffers;
using System.Buffers.Binary;

namespace FastConsumer.Kinesis.Wire;

/// <summary>
/// Takes frames off a sequence of bytes, however they were cut on their way. A frame, big-endian: total length (u32),
/// headers' length (u32), CRC of those eight bytes (u32), headers, payload, CRC of everything before it (u32). No byte
/// behind a frame is touched, and none of a frame is believed before its checksum is: the prelude's before the lengths
/// are used, the whole's before <see cref="Message"/> may be read.
/// </summary>
internal sealed class EventStreamDecoder
{
    /// <summary>Both lengths and their checksum.</summary>
    public const int PreludeLength = 12;

    /// <summary>The most bytes of headers that the encoding allows.</summary>
    public const int LargestHeaders = 128 * 1024;

    /// <summary>
    /// The most bytes of payload. The SDKs bound it at 24 MiB, and the service stays far below; kinesis-local does not with
    /// records near 1 MB. This is still a bound: a frame's memory grows as its bytes come, not as its lengths announce them.
    /// </summary>
    public const int LargestPayload = 64 * 1024 * 1024;

    private const int ChecksumLength = 4;

    private byte[] _headers = new byte[256];
    private int _headersLength;
    private int _headersRead;
    private int _payloadRead;
    private uint _crc;
    private bool _isOpen;
    private bool _isWhole;

    /// <summary>The payload's length, from <see cref="TryBegin"/> on.</summary>
    public int PayloadLength { get; private set; }

    /// <summary>True inside a frame: where the bytes end here, they end too early.</summary>
    public bool IsOpen => _isOpen;

    /// <summary>What the frame is, after <see cref="TryEnd"/> and until the next frame begins.</summary>
    /// <exception cref="WireFormatException">The headers are malformed.</exception>
    public EventStreamMessage Message => _isWhole
        ? EventStreamMessage.Read(_headers.AsSpan(0, _headersLength))
        : throw new InvalidOperationException("The frame is not complete.");

    /// <summary>
    /// Reads the next frame's lengths, and removes them from <paramref name="input"/>; false where they are not all there yet.
    /// </summary>
    /// <exception cref="WireFormatException">They cannot be a frame's.</exception>
    public bool TryBegin(ref ReadOnlySequence<byte> input)
    {
        if (_isOpen)
        {
            throw new InvalidOperationException("The frame before is not complete.");
        }

        if (input.Length < PreludeLength)
        {
            return false;
        }

        Span<byte> prelude = stackalloc byte[PreludeLength];
        input.Slice(0, PreludeLength).CopyTo(prelude);
        uint total = BinaryPrimitives.ReadUInt32BigEndian(prelude);
        uint headers = BinaryPrimitives.ReadUInt32BigEndian(prelude[4..]);
        if (Crc32.Hash(prelude[..8]) != BinaryPrimitives.ReadUInt32BigEndian(prelude[8..]))
        {
            throw new WireFormatException("The checksum of a frame's lengths does not match them.");
        }

        if (headers > LargestHeaders)
        {
            throw new WireFormatException($"A frame has {headers} bytes of headers, more than the {LargestHeaders} that are possible.");
        }

        long payload = (long)total - PreludeLength - headers - ChecksumLength;
        if (payload is < 0 or > LargestPayload)
        {
            throw new WireFormatException(
                $"A frame of {total} bytes, {headers} of them headers, has no payload of 0 to {LargestPayload} bytes.");
        }

        input = input.Slice(PreludeLength);
        _crc = Crc32.Hash(prelude);
        _headersLength = (int)headers;
        _headersRead = 0;
        PayloadLength = (int)payload;
        _payloadRead = 0;
        _isOpen = true;
        _isWhole = false;
        if (_headers.Length < _headersLength)
        {
            _headers = new byte[_headersLength];
        }

        return true;
    }

    /// <summary>
    /// Moves what there is of the frame out of <paramref name="input"/>; true when it is complete and its checksum has been found right.
    /// </summary>
    /// <param name="input">What has come; what is left of it belongs to the next frames, or is less than the checksum.</param>
    /// <param name="payload">Receives the payload, <see cref="PayloadLength"/> bytes in all.</param>
    /// <exception cref="WireFormatException">The checksum does not match.</exception>
    public bool TryEnd(ref ReadOnlySequence<byte> input, IBufferWriter<byte> payload)
    {
        if (!_isOpen)
        {
            throw new InvalidOperationException("No frame has begun.");
        }

        ReadOnlySequence<byte> headers = Take(ref input, _headersLength - _headersRead);
        headers.CopyTo(_headers.AsSpan(_headersRead));
        _crc = Crc32.Append(_crc, _headers.AsSpan(_headersRead, (int)headers.Length));
        _headersRead += (int)headers.Length;

        // no further than the headers while they are incomplete: then nothing is left in the input
        foreach (ReadOnlyMemory<byte> segment in Take(ref input, PayloadLength - _payloadRead))
        {
            payload.Write(segment.Span);
            _crc = Crc32.Append(_crc, segment.Span);
            _payloadRead += segment.Length;
        }

        if (_headersRead < _headersLength || _payloadRead < PayloadLength || input.Length < ChecksumLength)
        {
            return false;
        }

        Span<byte> checksum = stackalloc byte[ChecksumLength];
        Take(ref input, ChecksumLength).CopyTo(checksum);
        _isOpen = false;
        if (BinaryPrimitives.ReadUInt32BigEndian(checksum) != _crc)
        {
            throw new WireFormatException("The checksum of a frame does not match it.");
        }

        _isWhole = true;
        return true;
    }

    private static ReadOnlySequence<byte> Take(ref ReadOnlySequence<byte> input, int most)
    {
        ReadOnlySequence<byte> taken = input.Slice(0, Math.Min(most, input.Length));
        input = input.Slice(taken.End);
        return taken;
    }
}
