using System.Text.Unicode;

namespace FastConsumer.Kinesis.Wire;

/// <summary>What a decoder found in an answer that carries records. The receiver owns <see cref="Entries"/>, which is rented.</summary>
internal readonly struct DecodedRecords
{
    public required RecordEntry[] Entries { get; init; }

    public required int Count { get; init; }

    /// <summary>Where the next iterator lies in the answer, valid UTF-8; null at the end of the shard.</summary>
    public (int Offset, int Length)? NextShardIterator { get; init; }

    /// <summary>Of an event of SubscribeToShard; null at the end of the shard, and in answers of GetRecords.</summary>
    public string? ContinuationSequenceNumber { get; init; }

    public long? MillisBehindLatest { get; init; }

    /// <summary>The list of children; <see cref="WireValue.Null"/> where there is none.</summary>
    public required WireValue ChildShards { get; init; }

    /// <summary>False where no record can be an aggregate of the KPL, which saves looking at each again.</summary>
    public required bool MayHoldAggregates { get; init; }

    /// <summary>Sum of data and partition keys.</summary>
    public required long PayloadBytes { get; init; }

    /// <exception cref="WireFormatException">It is not UTF-8.</exception>
    public static (int Offset, int Length) Iterator(ReadOnlySpan<byte> buffer, int offset, int length) =>
        Utf8.IsValid(buffer.Slice(offset, length))
        ? (offset, length)
        : throw new WireFormatException("NextShardIterator is not valid UTF-8.");
}
