namespace FastConsumer.Testing.Engine;

/// <summary>A record as a shard keeps it: immutable, its texts already in the bytes that both encodings send.</summary>
internal sealed class StoredRecord(byte[] sequenceNumber, long arrivalMs, byte[] partitionKey, byte[] data, bool isEncrypted = false)
{
    /// <summary>Decimal digits, ASCII.</summary>
    public byte[] SequenceNumber { get; } = sequenceNumber;

    public long ArrivalMs { get; } = arrivalMs;

    /// <summary>UTF-8; empty where the record was put without one.</summary>
    public byte[] PartitionKey { get; } = partitionKey;

    public byte[] Data { get; } = data;

    /// <summary>True where the stream was said to be encrypted when the record was put.</summary>
    public bool IsEncrypted { get; } = isEncrypted;

    public int Bytes => PartitionKey.Length + Data.Length;
}
