using System.Text;
using FastConsumer.Testing.Http.Codecs;

namespace FastConsumer.Testing.Storage;

/// <summary>One change as it is written down.</summary>
internal abstract record JournalEntry(long TimeMs)
{
    private const byte OperationKind = 1;
    private const byte RecordsKind = 2;

    public byte[] Encode()
    {
        using var buffer = new MemoryStream();
        using (var writer = new BinaryWriter(buffer, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(this is OperationEntry ? OperationKind : RecordsKind);
            writer.Write(TimeMs);
            Write(writer);
        }

        return buffer.ToArray();
    }

    /// <exception cref="InvalidDataException">The bytes are none of an entry.</exception>
    public static JournalEntry Decode(byte[] bytes)
    {
        using var reader = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
        try
        {
            byte kind = reader.ReadByte();
            long timeMs = reader.ReadInt64();
            return kind switch
            {
                OperationKind => OperationEntry.Read(timeMs, reader),
                RecordsKind => RecordsEntry.Read(timeMs, reader),
                _ => throw new InvalidDataException($"its kind, {kind}, is not known"),
            };
        }
        catch (EndOfStreamException exception)
        {
            throw new InvalidDataException("it ends too early", exception);
        }
    }

    protected abstract void Write(BinaryWriter writer);
}

/// <summary>A request that changed something other than records; it is repeated.</summary>
/// <param name="TimeMs">The time that it saw.</param>
/// <param name="NextStreamNumber">The engine's, before it.</param>
/// <param name="Operation">Its name.</param>
/// <param name="Format">The encoding of its body.</param>
/// <param name="Body">Its members.</param>
internal sealed record OperationEntry(long TimeMs, long NextStreamNumber, string Operation, WireFormat Format, byte[] Body)
    : JournalEntry(TimeMs)
{
    public static OperationEntry Read(long timeMs, BinaryReader reader) => new(
        timeMs,
        reader.ReadInt64(),
        reader.ReadString(),
        reader.ReadBoolean() ? WireFormat.Json : WireFormat.Cbor,
        reader.ReadBytes(reader.ReadInt32()));

    protected override void Write(BinaryWriter writer)
    {
        writer.Write(NextStreamNumber);
        writer.Write(Operation);
        writer.Write(Format == WireFormat.Json);
        writer.Write(Body.Length);
        writer.Write(Body);
    }
}

/// <summary>The records of one request.</summary>
internal sealed record RecordsEntry(long TimeMs, IReadOnlyList<WrittenRecord> Records) : JournalEntry(TimeMs)
{
    public static RecordsEntry Read(long timeMs, BinaryReader reader)
    {
        var records = new WrittenRecord[reader.ReadInt32()];
        for (int i = 0; i < records.Length; i++)
        {
            records[i] = new WrittenRecord(
                reader.ReadInt64(),
                reader.ReadInt32(),
                reader.ReadUInt64(),
                reader.ReadInt64(),
                reader.ReadBoolean(),
                reader.ReadBoolean(),
                reader.ReadBytes(reader.ReadInt32()),
                reader.ReadBytes(reader.ReadInt32()));
        }

        return new RecordsEntry(timeMs, records);
    }

    protected override void Write(BinaryWriter writer)
    {
        writer.Write(Records.Count);
        foreach (WrittenRecord record in Records)
        {
            writer.Write(record.StreamNumber);
            writer.Write(record.ShardIndex);
            writer.Write(record.Position);
            writer.Write(record.ArrivalMs);
            writer.Write(record.IsEncrypted);
            writer.Write(record.IsDropped);
            writer.Write(record.PartitionKey.Length);
            writer.Write(record.PartitionKey);
            writer.Write(record.Data.Length);
            writer.Write(record.Data);
        }
    }
}

/// <summary>A record and its place; position and arrival make its sequence number.</summary>
/// <param name="StreamNumber">The stream's number in the engine.</param>
/// <param name="ShardIndex">The shard's.</param>
/// <param name="Position">Its place in the shard.</param>
/// <param name="ArrivalMs">When it came.</param>
/// <param name="IsEncrypted">Whether it says so.</param>
/// <param name="IsDropped">True where the record is gone and only its place is kept, for those that follow.</param>
/// <param name="PartitionKey">UTF-8.</param>
/// <param name="Data">What was put.</param>
internal sealed record WrittenRecord(
    long StreamNumber,
    int ShardIndex,
    ulong Position,
    long ArrivalMs,
    bool IsEncrypted,
    bool IsDropped,
    byte[] PartitionKey,
    byte[] Data);
