using System.Buffers;

namespace FastConsumer.Kinesis.Wire;

/// <summary>Decodes the answer of GetRecords in either format, without an allocation per record.</summary>
internal static class GetRecordsDecoder
{
    /// <summary>Rewrites <paramref name="buffer"/> where it decodes in place; the entries are ranges of it.</summary>
    /// <exception cref="WireFormatException">The bytes are not such an answer; nothing stays rented.</exception>
    public static DecodedRecords Decode(WireFormat format, Span<byte> buffer, ArrayPool<RecordEntry> pool) =>
        format == WireFormat.Cbor ? CborRecordsDecoder.Decode(buffer, pool) : JsonRecordsDecoder.Decode(buffer, pool);
}
