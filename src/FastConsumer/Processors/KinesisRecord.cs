using System.Globalization;
using System.Text;
using FastConsumer.Buffers;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer;

/// <summary>
/// One record, a view into the pooled answer it came in. Valid during its handler's call: later every member throws
/// <see cref="ObjectDisposedException"/>. <see cref="ToOwned"/> copies what must live longer.
/// </summary>
public readonly struct KinesisRecord
{
    private readonly GetRecordsResponse _response;
    private readonly int _index;

    internal KinesisRecord(GetRecordsResponse response, int index)
    {
        _response = response;
        _index = index;
    }

    /// <summary>The payload, borrowed.</summary>
    public ReadOnlyMemory<byte> Data => _response.GetData(_index);

    /// <summary>The payload, borrowed, as a span.</summary>
    public ReadOnlySpan<byte> DataSpan => _response.GetDataSpan(_index);

    /// <summary>The partition key in UTF-8, borrowed.</summary>
    public ReadOnlySpan<byte> PartitionKeyUtf8 => _response.GetPartitionKeyUtf8(_index);

    /// <summary>The partition key; makes a new string at each call.</summary>
    public string PartitionKey => Encoding.UTF8.GetString(PartitionKeyUtf8);

    /// <summary>The record's number, growing inside a shard.</summary>
    public SequenceNumber SequenceNumber => _response.GetSequenceNumber(_index);

    /// <summary>The record's place inside a KPL aggregate, counted from 0; 0 for records that were not aggregated.</summary>
    public long SubSequenceNumber => Math.Max(0, _response.Entry(_index).SubSequenceNumber);

    /// <summary>When the service received the record, to the millisecond; neither exact nor strictly growing.</summary>
    public DateTimeOffset ApproximateArrivalTimestamp => DateTimeOffset.FromUnixTimeMilliseconds(
        _response.Entry(_index).ArrivalMilliseconds);

    /// <summary>The explicit hash key of an aggregated record; null for others, of which the service does not tell it.</summary>
    public UInt128? ExplicitHashKey
    {
        get
        {
            ReadOnlySpan<byte> digits = _response.GetExplicitHashKeyUtf8(_index);
            return digits.IsEmpty ? null : UInt128.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
        }
    }

    internal CheckpointPosition Position => CheckpointPosition.At(SequenceNumber, SubSequenceNumber);

    /// <summary>A record of its own memory, valid for ever.</summary>
    public static KinesisRecord Create(
        ReadOnlySpan<byte> data,
        string partitionKey,
        SequenceNumber sequenceNumber = default,
        DateTimeOffset approximateArrivalTimestamp = default)
    {
        ArgumentNullException.ThrowIfNull(partitionKey);
        return Create(
            data, Encoding.UTF8.GetBytes(partitionKey), Encoding.ASCII.GetBytes(sequenceNumber.ToString()), default,
            RecordEntry.NotAggregated, approximateArrivalTimestamp.ToUnixTimeMilliseconds());
    }

    /// <summary>Copies the record to memory of its own, which the garbage collector frees.</summary>
    public KinesisRecord ToOwned()
    {
        ref readonly RecordEntry entry = ref _response.Entry(_index);
        ReadOnlySpan<byte> all = _response.BufferSpan;
        return Create(
            _response.GetDataSpan(_index),
            _response.GetPartitionKeyUtf8(_index),
            all.Slice(entry.SequenceNumberOffset, entry.SequenceNumberLength),
            _response.GetExplicitHashKeyUtf8(_index),
            entry.SubSequenceNumber,
            entry.ArrivalMilliseconds);
    }

    private static KinesisRecord Create(
        ReadOnlySpan<byte> data,
        ReadOnlySpan<byte> partitionKey,
        ReadOnlySpan<byte> sequenceNumber,
        ReadOnlySpan<byte> explicitHashKey,
        int subSequenceNumber,
        long arrivalMilliseconds)
    {
        byte[] bytes = [.. data, .. partitionKey, .. sequenceNumber, .. explicitHashKey];
        var entry = new RecordEntry
        {
            DataLength = data.Length,
            PartitionKeyOffset = data.Length,
            PartitionKeyLength = partitionKey.Length,
            SequenceNumberOffset = data.Length + partitionKey.Length,
            SequenceNumberLength = sequenceNumber.Length,
            ExplicitHashKeyOffset = data.Length + partitionKey.Length + sequenceNumber.Length,
            ExplicitHashKeyLength = explicitHashKey.Length,
            SubSequenceNumber = subSequenceNumber,
            ArrivalMilliseconds = arrivalMilliseconds,
        };
        return new KinesisRecord(new GetRecordsResponse(ResponseBuffer.Wrap(bytes), [entry], 1, entriesArePooled: false), 0);
    }
}
