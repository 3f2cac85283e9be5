using System.Buffers;
using System.Text;

namespace FastConsumer.Kinesis.Wire;

/// <summary>
/// Decodes the CBOR answer of GetRecords, and an event of SubscribeToShard: data and keys stay where they are, as ranges of the buffer.
/// </summary>
internal static class CborRecordsDecoder
{
    /// <exception cref="WireFormatException">The bytes are not such an answer; nothing stays rented.</exception>
    public static DecodedRecords Decode(Span<byte> buffer, ArrayPool<RecordEntry> pool)
    {
        var table = new RecordTable(pool);
        try
        {
            return Decode(buffer, ref table);
        }
        finally
        {
            table.Dispose();
        }
    }

    private static DecodedRecords Decode(Span<byte> buffer, ref RecordTable table)
    {
        var reader = new CborReader(buffer);
        (int Offset, int Length)? iterator = null;
        string? continuation = null;
        long? behind = null;
        WireValue children = WireValue.Null;
        bool hasRecords = false;
        CborContainer answer = reader.ReadMap();
        while (reader.MoveNext(ref answer))
        {
            ReadOnlySpan<byte> name = reader.ReadText();
            if (reader.TryReadNull())
            {
                continue;
            }

            if (name.SequenceEqual("Records"u8))
            {
                if (hasRecords)
                {
                    throw new WireFormatException("The answer holds Records twice.");
                }

                hasRecords = true;
                ReadRecords(ref reader, buffer, ref table);
            }
            else if (name.SequenceEqual("NextShardIterator"u8))
            {
                reader.ReadString(CborKind.Text, out int offset, out int length);
                iterator = DecodedRecords.Iterator(buffer, offset, length);
            }
            else if (name.SequenceEqual("ContinuationSequenceNumber"u8))
            {
                continuation = Encoding.UTF8.GetString(reader.ReadText());
            }
            else if (name.SequenceEqual("MillisBehindLatest"u8))
            {
                behind = reader.ReadInteger();
            }
            else if (name.SequenceEqual("ChildShards"u8))
            {
                children = WireValue.Read(ref reader, 1);
            }
            else
            {
                reader.Skip();
            }
        }

        reader.ReadEnd();
        if (!hasRecords)
        {
            throw new WireFormatException("The answer has no member Records.");
        }

        return new DecodedRecords
        {
            Count = table.Count,
            PayloadBytes = table.PayloadBytes,
            MayHoldAggregates = table.MayHoldAggregates,
            Entries = table.Detach(),
            NextShardIterator = iterator,
            ContinuationSequenceNumber = continuation,
            MillisBehindLatest = behind,
            ChildShards = children,
        };
    }

    private static void ReadRecords(ref CborReader reader, ReadOnlySpan<byte> buffer, ref RecordTable table)
    {
        CborContainer records = reader.ReadArray();
        if (!records.IsIndefinite)
        {
            table.Reserve(records.Remaining);
        }

        while (reader.MoveNext(ref records))
        {
            ref RecordEntry entry = ref table.Next();
            int position = reader.Position;
            if (PlainCborRecord.TryRead(buffer, ref position, ref entry))
            {
                reader.Position = position;
            }
            else
            {
                entry = RecordTable.Empty;
                ReadRecord(ref reader, ref entry);
            }

            table.Keep(buffer, in entry);
        }
    }

    private static void ReadRecord(ref CborReader reader, ref RecordEntry entry)
    {
        CborContainer record = reader.ReadMap();
        while (reader.MoveNext(ref record))
        {
            ReadOnlySpan<byte> name = reader.ReadText();
            if (name.SequenceEqual("Data"u8))
            {
                ReadData(ref reader, ref entry);
            }
            else if (name.SequenceEqual("SequenceNumber"u8))
            {
                ReadOptionalText(ref reader, out entry.SequenceNumberOffset, out entry.SequenceNumberLength);
            }
            else if (name.SequenceEqual("PartitionKey"u8))
            {
                ReadOptionalText(ref reader, out entry.PartitionKeyOffset, out entry.PartitionKeyLength);
            }
            else if (name.SequenceEqual("ApproximateArrivalTimestamp"u8))
            {
                entry.ArrivalMilliseconds = reader.TryReadNull() ? 0 : reader.ReadTimestamp();
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private static void ReadData(ref CborReader reader, ref RecordEntry entry)
    {
        switch (reader.PeekKind())
        {
            case CborKind.Bytes:
                reader.ReadString(CborKind.Bytes, out entry.DataOffset, out entry.DataLength);
                break;
            case CborKind.Text:
                // some local servers carry the JSON form's base64 over
                entry.DataLength = InPlace.DecodeBase64(reader.ReadWritableText(out entry.DataOffset));
                break;
            default:
                if (!reader.TryReadNull())
                {
                    throw new WireFormatException($"A record's data at offset {reader.Position} is neither bytes nor base64.");
                }

                entry.DataLength = 0;
                break;
        }
    }

    private static void ReadOptionalText(ref CborReader reader, out int offset, out int length)
    {
        offset = length = 0;
        if (!reader.TryReadNull())
        {
            reader.ReadString(CborKind.Text, out offset, out length);
        }
    }
}
