using System.Buffers;
using System.Text.Json;

namespace FastConsumer.Kinesis.Wire;

/// <summary>
/// Decodes the JSON answer of GetRecords, and an event of SubscribeToShard: base64 and escapes are resolved where they lie, in the same
/// buffer.
/// </summary>
internal static class JsonRecordsDecoder
{
    /// <exception cref="WireFormatException">The bytes are not such an answer; nothing stays rented.</exception>
    public static DecodedRecords Decode(Span<byte> buffer, ArrayPool<RecordEntry> pool)
    {
        var table = new RecordTable(pool);
        try
        {
            return Decode(buffer, ref table);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // the JSON reader's own words may quote the answer, so they are left out
            throw new WireFormatException("The answer is not valid JSON.");
        }
        finally
        {
            table.Dispose();
        }
    }

    private static DecodedRecords Decode(Span<byte> buffer, ref RecordTable table)
    {
        var reader = new Utf8JsonReader(buffer);
        (int Offset, int Length)? iterator = null;
        string? continuation = null;
        long? behind = null;
        WireValue children = WireValue.Null;
        bool hasRecords = false;
        int start = 0;
        reader.Read();
        Expect(ref reader, JsonTokenType.StartObject);
        while (NextMember(ref reader))
        {
            if (Matches(ref reader, "Records"u8))
            {
                reader.Read();
                if (reader.TokenType == JsonTokenType.Null)
                {
                    continue;
                }

                if (hasRecords)
                {
                    throw new WireFormatException("The answer holds Records twice.");
                }

                hasRecords = true;
                Expect(ref reader, JsonTokenType.StartArray);
                JsonReaderState behindBracket = reader.CurrentState;
                start = ReadRecords(buffer, (int)reader.BytesConsumed + start, ref table);
                reader = new Utf8JsonReader(buffer[start..], isFinalBlock: true, behindBracket);
                reader.Read();
            }
            else if (Matches(ref reader, "NextShardIterator"u8))
            {
                // its offset counts from where this reader began
                ReadString(ref reader, buffer[start..], out int offset, out int length);
                iterator = reader.TokenType == JsonTokenType.Null ? null : DecodedRecords.Iterator(buffer, start + offset, length);
            }
            else if (Matches(ref reader, "ContinuationSequenceNumber"u8))
            {
                reader.Read();
                continuation = reader.GetString();
            }
            else if (Matches(ref reader, "MillisBehindLatest"u8))
            {
                reader.Read();
                behind = reader.TokenType == JsonTokenType.Null ? null
                    : reader.TryGetInt64(out long integer) ? integer
                    : WireNumbers.ToInteger(ReadDouble(ref reader));
            }
            else if (Matches(ref reader, "ChildShards"u8))
            {
                reader.Read();
                children = WireValue.Read(ref reader);
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }

        // something behind the answer makes this throw
        reader.Read();
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

    /// <summary>Reads the records behind an opening bracket; the offset of the closing one.</summary>
    private static int ReadRecords(Span<byte> buffer, int position, ref RecordTable table)
    {
        SkipWhiteSpace(buffer, ref position);
        while (table.Count > 0 || position >= buffer.Length || buffer[position] != ']')
        {
            ref RecordEntry entry = ref table.Next();
            if (!PlainJsonRecord.TryRead(buffer, ref position, ref entry))
            {
                entry = RecordTable.Empty;
                ReadRecord(buffer, ref position, ref entry);
            }

            table.Keep(buffer, in entry);
            SkipWhiteSpace(buffer, ref position);
            if (position < buffer.Length && buffer[position] == ']')
            {
                break;
            }

            if (position >= buffer.Length || buffer[position] != ',')
            {
                throw new WireFormatException(
                    $"Behind record {table.Count - 1}, at offset {position}, neither a comma nor the end of Records stands.");
            }

            position++;
            SkipWhiteSpace(buffer, ref position);
        }

        return position;
    }

    /// <summary>Reads a record of any form.</summary>
    private static void ReadRecord(Span<byte> buffer, ref int position, ref RecordEntry entry)
    {
        Span<byte> rest = buffer[position..];
        // The reader only moves forwards, so that rewriting a string behind it is safe.
        var reader = new Utf8JsonReader(rest);
        reader.Read();
        Expect(ref reader, JsonTokenType.StartObject);
        ReadRecord(ref reader, rest, ref entry);
        entry.DataOffset += position;
        entry.SequenceNumberOffset += position;
        entry.PartitionKeyOffset += position;
        position += (int)reader.BytesConsumed;
    }

    private static void SkipWhiteSpace(ReadOnlySpan<byte> buffer, ref int position)
    {
        while (position < buffer.Length && buffer[position] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
        {
            position++;
        }
    }

    private static void ReadRecord(ref Utf8JsonReader reader, Span<byte> buffer, ref RecordEntry entry)
    {
        while (NextMember(ref reader))
        {
            if (Matches(ref reader, "Data"u8))
            {
                ReadString(ref reader, buffer, out entry.DataOffset, out int length);
                entry.DataLength = InPlace.DecodeBase64(buffer.Slice(entry.DataOffset, length));
            }
            else if (Matches(ref reader, "SequenceNumber"u8))
            {
                ReadString(ref reader, buffer, out entry.SequenceNumberOffset, out entry.SequenceNumberLength);
            }
            else if (Matches(ref reader, "PartitionKey"u8))
            {
                ReadString(ref reader, buffer, out entry.PartitionKeyOffset, out entry.PartitionKeyLength);
            }
            else if (Matches(ref reader, "ApproximateArrivalTimestamp"u8))
            {
                reader.Read();
                // epoch seconds, at times as 1.787036486712E9
                entry.ArrivalMilliseconds = reader.TokenType == JsonTokenType.Null
                    ? 0
                    : WireNumbers.ToTimestamp(ReadDouble(ref reader) * 1000);
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }
    }

    private static double ReadDouble(ref Utf8JsonReader reader)
    {
        Expect(ref reader, JsonTokenType.Number);
        return reader.TryGetDouble(out double value) ? value : throw new WireFormatException("A number is out of range.");
    }

    private static void ReadString(ref Utf8JsonReader reader, Span<byte> buffer, out int offset, out int length)
    {
        reader.Read();
        offset = length = 0;
        if (reader.TokenType == JsonTokenType.Null)
        {
            return;
        }

        Expect(ref reader, JsonTokenType.String);
        // behind the opening quote
        offset = (int)reader.TokenStartIndex + 1;
        length = reader.ValueSpan.Length;
        if (reader.ValueIsEscaped)
        {
            length = InPlace.Unescape(buffer.Slice(offset, length));
        }
    }

    private static bool NextMember(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType == JsonTokenType.PropertyName;
    }

    private static bool Matches(ref Utf8JsonReader reader, ReadOnlySpan<byte> name) =>
        reader.ValueIsEscaped ? reader.ValueTextEquals(name) : reader.ValueSpan.SequenceEqual(name);

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType expected)
    {
        if (reader.TokenType != expected)
        {
            throw new WireFormatException($"JSON {expected} was expected at offset {reader.TokenStartIndex}, found {reader.TokenType}.");
        }
    }
}
