using System.Buffers;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Tests.Kinesis.Wire.Fuzzing;

/// <summary>
/// What has to hold for any bytes: they are decoded, or refused with <see cref="WireFormatException"/>; nothing stays rented
/// after a refusal; nothing outside of the answer is written, or read: with other bytes around it, the outcome is the same.
/// </summary>
internal static class DecodingOracle
{
    private const int Margin = 64;
    private const int LargestHint = 10_000;

    /// <summary>True where the bytes were decoded.</summary>
    public static bool Check(WireFormat format, byte[] answer)
    {
        // digits continue a number or a base64 text, a quote ends a string: what is read too far shows
        string? first = Decode(format, answer, (byte)'7');
        Assert.Equal(first, Decode(format, answer, (byte)'"'));
        return first is not null;
    }

    private static string? Decode(WireFormat format, byte[] answer, byte around)
    {
        byte[] array = new byte[answer.Length + (2 * Margin)];
        Array.Fill(array, around);
        answer.CopyTo(array, Margin);
        Span<byte> buffer = array.AsSpan(Margin, answer.Length);
        var pool = new OneArrayPool();
        string? outcome = null;
        try
        {
            DecodedRecords decoded = GetRecordsDecoder.Decode(format, buffer, pool);
            Assert.Equal(1, pool.Rented);
            outcome = Describe(decoded, buffer);
        }
        catch (WireFormatException)
        {
            Assert.Equal(0, pool.Rented);
        }

        Assert.Equal(-1, array.AsSpan(0, Margin).IndexOfAnyExcept(around));
        Assert.Equal(-1, array.AsSpan(Margin + answer.Length).IndexOfAnyExcept(around));
        // what an answer announces does not decide how much memory is taken
        Assert.InRange(pool.Largest, 0, (2 * answer.Length) + LargestHint);
        return outcome;
    }

    private static string Describe(DecodedRecords decoded, ReadOnlySpan<byte> buffer)
    {
        var hash = new HashCode();
        long payload = 0;
        for (int i = 0; i < decoded.Count; i++)
        {
            RecordEntry entry = decoded.Entries[i];
            // a range outside of the answer throws here
            hash.AddBytes(buffer.Slice(entry.DataOffset, entry.DataLength));
            hash.AddBytes(buffer.Slice(entry.PartitionKeyOffset, entry.PartitionKeyLength));
            Assert.True(
                SequenceNumber.TryParse(buffer.Slice(entry.SequenceNumberOffset, entry.SequenceNumberLength), out SequenceNumber number));
            hash.Add(number);
            hash.Add(DateTimeOffset.FromUnixTimeMilliseconds(entry.ArrivalMilliseconds));
            payload += entry.DataLength + entry.PartitionKeyLength;
        }

        Assert.Equal(payload, decoded.PayloadBytes);
        return $"{decoded.Count} records {hash.ToHashCode()}, "
            + $"iterator {(decoded.NextShardIterator is null ? null : "'" + SampleAnswers.Iterator(decoded, buffer) + "'")}, "
            + $"behind {decoded.MillisBehindLatest}, children {decoded.ChildShards.IsNull}";
    }

    /// <summary>Counts what is out.</summary>
    private sealed class OneArrayPool : ArrayPool<RecordEntry>
    {
        public int Rented { get; private set; }

        public int Largest { get; private set; }

        public override RecordEntry[] Rent(int minimumLength)
        {
            Rented++;
            Largest = Math.Max(Largest, minimumLength);
            return new RecordEntry[minimumLength];
        }

        public override void Return(RecordEntry[] array, bool clearArray = false) => Rented--;
    }
}
