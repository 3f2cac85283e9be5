using System.Globalization;
using System.Text;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Tests.Kinesis.Wire;

/// <summary>A record as a test puts it into an answer.</summary>
internal sealed record SampleRecord(string SequenceNumber, string PartitionKey, byte[] Data, long ArrivalMilliseconds);

/// <summary>Answers of GetRecords in both formats, built by hand.</summary>
internal static class SampleAnswers
{
    /// <summary>The next iterator as text; null where there is none.</summary>
    public static string? Iterator(DecodedRecords decoded, ReadOnlySpan<byte> buffer) =>
        decoded.NextShardIterator is var (offset, length) ? Encoding.UTF8.GetString(buffer.Slice(offset, length)) : null;

    public static SampleRecord[] Records(int count, int dataLength, int seed = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            byte[] data = new byte[dataLength];
            random.NextBytes(data);
            return new SampleRecord(
                $"4968039057228493547536175531891319919485326694049592{1000 + i}", $"key-{i}", data, 1_787_036_486_712 + i);
        })];
    }

    public static byte[] Cbor(SampleRecord[] records, string? iterator = "next", long? behind = 0)
    {
        CborBytes cbor = new CborBytes().Map(3).Text("Records").Array(records.Length);
        foreach (SampleRecord record in records)
        {
            cbor.Map(4)
                .Text("SequenceNumber").Text(record.SequenceNumber)
                .Text("ApproximateArrivalTimestamp").Tag(1).Integer(record.ArrivalMilliseconds)
                .Text("Data").Blob(record.Data)
                .Text("PartitionKey").Text(record.PartitionKey);
        }

        cbor.Text("NextShardIterator");
        _ = iterator is null ? cbor.Null() : cbor.Text(iterator);
        cbor.Text("MillisBehindLatest");
        _ = behind is { } milliseconds ? cbor.Integer(milliseconds) : cbor.Null();
        return cbor.ToArray();
    }

    public static byte[] Json(SampleRecord[] records, string? iterator = "next", long? behind = 0)
    {
        string items = string.Join(',', records.Select(static record =>
            $$"""{"SequenceNumber":"{{record.SequenceNumber}}","ApproximateArrivalTimestamp":{{(record.ArrivalMilliseconds / 1000m).ToString(CultureInfo.InvariantCulture)}},"Data":"{{Convert.ToBase64String(record.Data)}}","PartitionKey":"{{record.PartitionKey}}"}"""));
        string next = iterator is null ? "null" : $"\"{iterator}\"";
        return Encoding.UTF8.GetBytes($$"""{"Records":[{{items}}],"NextShardIterator":{{next}},"MillisBehindLatest":{{behind?.ToString(CultureInfo.InvariantCulture) ?? "null"}}}""");
    }

    public static byte[] Encode(WireFormat format, SampleRecord[] records, string? iterator = "next", long? behind = 0) =>
        format == WireFormat.Cbor ? Cbor(records, iterator, behind) : Json(records, iterator, behind);

    public static void AssertSame(SampleRecord expected, RecordEntry entry, ReadOnlySpan<byte> buffer)
    {
        Assert.Equal(
            expected.SequenceNumber, Encoding.UTF8.GetString(buffer.Slice(entry.SequenceNumberOffset, entry.SequenceNumberLength)));
        Assert.Equal(expected.PartitionKey, Encoding.UTF8.GetString(buffer.Slice(entry.PartitionKeyOffset, entry.PartitionKeyLength)));
        Assert.True(buffer.Slice(entry.DataOffset, entry.DataLength).SequenceEqual(expected.Data), "The data differs.");
        Assert.Equal(expected.ArrivalMilliseconds, entry.ArrivalMilliseconds);
        Assert.Equal(RecordEntry.NotAggregated, entry.SubSequenceNumber);
        Assert.Equal(0, entry.ExplicitHashKeyLength);
    }
}
