namespace FastConsumer.Kinesis.Wire;

/// <summary>
/// Where one record's parts lie in the response's buffer. One per record, in a pooled array: nothing per record on the heap.
/// </summary>
internal struct RecordEntry
{
    /// <summary>A sub-sequence number of records that were not aggregated by the KPL.</summary>
    public const int NotAggregated = -1;

    public int DataOffset;
    public int DataLength;
    public int PartitionKeyOffset;
    public int PartitionKeyLength;

    /// <summary>The digits of the sequence number; parsed on demand only.</summary>
    public int SequenceNumberOffset;
    public int SequenceNumberLength;

    /// <summary>Decimal digits of an aggregated record's explicit hash key; length 0 without one.</summary>
    public int ExplicitHashKeyOffset;
    public int ExplicitHashKeyLength;

    /// <summary>The index inside a KPL aggregate, or <see cref="NotAggregated"/>.</summary>
    public int SubSequenceNumber;

    /// <summary>Epoch milliseconds.</summary>
    public long ArrivalMilliseconds;
}
