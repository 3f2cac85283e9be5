using System.Buffers;
using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using FastConsumer.Buffers;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;
using FastConsumer.Reading;
using FastConsumer.Tests.Kinesis.Wire;

namespace FastConsumer.Tests.Reading;

public class DeaggregationTests
{
    private static readonly UInt128 s_middle = UInt128.One << 127;
    private static readonly HashKeyRange s_lower = new(UInt128.MinValue, s_middle - 1);
    private static readonly HashKeyRange s_upper = new(s_middle, UInt128.MaxValue);

    [Fact]
    public void An_answer_without_aggregates_stays_as_it_is()
    {
        foreach (WireFormat format in Enum.GetValues<WireFormat>())
        {
            SampleRecord[] records = SampleAnswers.Records(5, 20);
            using GetRecordsResponse response = Decode(format, records);
            int retained = response.RetainedBytes;
            DeaggregationResult result = new Deaggregation(s_lower, ForeignRecords.LeaveOut).Apply(response);
            Assert.Equal(5, response.Count);
            Assert.Equal(retained, response.RetainedBytes);
            Assert.Equal(CheckpointPosition.Parse(records[4].SequenceNumber), result.End);
            Assert.Equal(0, result.Foreign);
            for (int i = 0; i < records.Length; i++)
            {
                SampleAnswers.AssertSame(records[i], response.Entry(i), response.BufferSpan);
            }
        }
    }

    [Fact]
    public void Aggregates_become_user_records_that_inherit_number_and_time()
    {
        foreach (WireFormat format in Enum.GetValues<WireFormat>())
        {
            for (int seed = 0; seed < 100; seed++)
            {
                var random = new Random(seed);
                Put[] puts = Puts(random, random.Next(1, 12));
                using GetRecordsResponse response = Decode(format, [.. puts.Select(static put => put.Sample)]);
                long payload = response.PayloadBytes;
                DeaggregationResult result = new Deaggregation(null).Apply(response);
                Delivered[] expected = [.. puts.SelectMany(static put => put.Expected)];
                Assert.Equal(expected, ReadAll(response));
                Assert.Equal(expected[^1].Position, result.End);
                Assert.Equal(payload, response.PayloadBytes);
            }
        }
    }

    [Fact]
    public void A_copy_of_a_user_record_outlives_the_answer()
    {
        Put[] puts = [Put.Aggregate(1, new("a", [1, 2], "17"), new("b", [3]))];
        KinesisRecord owned;
        using (GetRecordsResponse response = Decode(WireFormat.Cbor, [puts[0].Sample]))
        {
            new Deaggregation(null).Apply(response);
            owned = new KinesisRecord(response, 0).ToOwned();
            Assert.Null(new KinesisRecord(response, 1).ExplicitHashKey);
        }

        Assert.Equal("a", owned.PartitionKey);
        Assert.Equal(new byte[] { 1, 2 }, owned.Data.ToArray());
        Assert.Equal((UInt128)17, owned.ExplicitHashKey);
    }

    [Fact]
    public void What_only_looks_like_an_aggregate_is_passed_on_as_it_came()
    {
        byte[] sound = AggregateWriter.Write(new UserRecord("a", [1]), new UserRecord("b", [2]));
        byte[] spoiled = [.. sound[..^1], (byte)~sound[^1]];
        SampleRecord[] records = [new("100", "p", spoiled, 5), new("101", "p", AggregateWriter.Seal([]), 6), new("102", "p", sound, 7),
            new("103", "p", [0xF3, 0x89, 0x9A, 0xC2], 8)];
        foreach (WireFormat format in Enum.GetValues<WireFormat>())
        {
            using GetRecordsResponse response = Decode(format, records);
            Assert.Equal(CheckpointPosition.Parse("103"), new Deaggregation(null).Apply(response).End);
            Assert.Equal(5, response.Count);
            SampleAnswers.AssertSame(records[0], response.Entry(0), response.BufferSpan);
            SampleAnswers.AssertSame(records[1], response.Entry(1), response.BufferSpan);
            SampleAnswers.AssertSame(records[3], response.Entry(4), response.BufferSpan);
        }
    }

    [Fact]
    public void Each_user_record_belongs_to_exactly_one_of_the_shards()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            Put[] puts = [
                .. Enumerable.Range(1, 5).Select(i => Put.Aggregate(i, AggregatedRecordReaderTests.Records(random, random.Next(1, 30))))];
            UInt128 cut = new((ulong)random.NextInt64(long.MinValue, long.MaxValue), (ulong)random.NextInt64());
            HashKeyRange[] ranges = [new(UInt128.MinValue, cut), new(cut + 1, UInt128.MaxValue)];
            List<Delivered> delivered = [];
            int foreign = 0;
            foreach (HashKeyRange range in ranges)
            {
                using GetRecordsResponse response = Decode(WireFormat.Cbor, [.. puts.Select(static put => put.Sample)]);
                DeaggregationResult result = new Deaggregation(range, ForeignRecords.LeaveOut).Apply(response);
                Delivered[] here = ReadAll(response);
                Assert.All(here, record => Assert.True(range.Contains(record.HashKey)));
                Assert.Equal(puts[^1].Expected[^1].Position, result.End);
                delivered.AddRange(here);
                foreign += result.Foreign;
            }

            Delivered[] expected = [.. puts.SelectMany(static put => put.Expected)];
            Assert.Equal(expected, delivered.OrderBy(static record => record.Position));
            Assert.Equal(expected.Length, foreign);
        }
    }

    [Fact]
    public void The_explicit_hash_key_goes_before_the_partition_key()
    {
        string lower = Enumerable.Range(0, 100).Select(static i => $"k{i}").First(static key => HashKeyOf(key) < s_middle);
        Put put = Put.Aggregate(
            1, new(lower, [1]), new(lower, [2], UInt128.MaxValue.ToString(CultureInfo.InvariantCulture)), new(lower, [3], ""));
        using GetRecordsResponse response = Decode(WireFormat.Cbor, [put.Sample]);
        Assert.Equal(1, new Deaggregation(s_lower, ForeignRecords.LeaveOut).Apply(response).Foreign);
        Assert.Equal([0L, 2L], ReadAll(response).Select(static record => record.Position.SubSequenceNumber));
    }

    [Fact]
    public void Where_everything_belongs_elsewhere_the_position_still_moves_on()
    {
        Put[] puts = [
            Put.Aggregate(1, new("a", [1], "5"), new("b", [2], "6")),
            Put.Aggregate(2, new("a", [3], "7"), new("b", [4], "8"), new("c", [5], "9"))];
        using GetRecordsResponse response = Decode(WireFormat.Cbor, [.. puts.Select(static put => put.Sample)]);
        DeaggregationResult result = new Deaggregation(s_upper, ForeignRecords.LeaveOut).Apply(response);
        Assert.Equal(new DeaggregationResult(CheckpointPosition.At(puts[1].Number, 2), 5), result);
        Assert.Equal(0, response.Count);
    }

    [Fact]
    public void A_record_of_its_own_is_never_left_out()
    {
        SampleRecord plain = new(
            "7", Enumerable.Range(0, 100).Select(static i => $"k{i}").First(static key => HashKeyOf(key) >= s_middle), [1], 1);
        Put foreign = Put.Aggregate(8, new UserRecord("a", [1], UInt128.MaxValue.ToString(CultureInfo.InvariantCulture)));
        using GetRecordsResponse response = Decode(WireFormat.Cbor, [plain, foreign.Sample]);
        new Deaggregation(s_lower, ForeignRecords.LeaveOut).Apply(response);
        Assert.Equal(1, response.Count);
        SampleAnswers.AssertSame(plain, response.Entry(0), response.BufferSpan);
    }

    [Fact]
    public void Goes_on_right_behind_any_position()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            Put[] puts = Puts(random, random.Next(1, 6));
            Delivered[] all = [.. puts.SelectMany(static put => put.Expected)];
            foreach (CheckpointPosition done in all.Select(static record => record.Position))
            {
                // AT: the service gives the position's own record first
                Put[] answer = [.. puts.Where(put => put.Number >= done.SequenceNumber)];
                using GetRecordsResponse response = Decode(WireFormat.Cbor, [.. answer.Select(static put => put.Sample)]);
                DeaggregationResult result = new Deaggregation(null).Apply(response, done);
                Assert.Equal(all.Where(record => record.Position > done), ReadAll(response));
                Assert.Equal(all[^1].Position, result.End);
            }
        }
    }

    [Fact]
    public void A_position_inside_an_aggregate_does_not_finish_a_record_that_is_none()
    {
        Put plain = Put.Plain(5, "p", [1, 2, 3]);
        using GetRecordsResponse response = Decode(WireFormat.Cbor, [plain.Sample]);
        new Deaggregation(null).Apply(response, CheckpointPosition.At(plain.Number, 3));
        Assert.Equal(plain.Expected, ReadAll(response));
    }

    [Fact]
    public void Only_the_positions_own_record_is_taken_for_done()
    {
        Put[] puts = [Put.Plain(3, "p", [1]), Put.Aggregate(4, new UserRecord("a", [1]))];
        using GetRecordsResponse response = Decode(WireFormat.Cbor, [.. puts.Select(static put => put.Sample)]);
        new Deaggregation(null).Apply(response, CheckpointPosition.Parse("99999999999999999999999999999999999999999999999999999999999"));
        Assert.Equal(2, response.Count);
    }

    [Fact]
    public void A_table_that_grew_counts_as_retained()
    {
        Put put = Put.Aggregate(1, [.. Enumerable.Range(0, 1000).Select(static _ => new UserRecord("k", []))]);
        using GetRecordsResponse response = Decode(WireFormat.Cbor, [put.Sample]);
        int bytes = response.BufferSpan.Length;
        Assert.InRange(response.RetainedBytes - bytes, 48, 48 * 500);
        new Deaggregation(null).Apply(response);
        Assert.InRange(response.RetainedBytes - bytes, 48 * 1000, 48 * 10_000);
    }

    [Theory]
    [InlineData(WireFormat.Cbor)]
    [InlineData(WireFormat.Json)]
    internal void The_decoders_table_counts_as_retained(WireFormat format)
    {
        using GetRecordsResponse response = Decode(format, SampleAnswers.Records(10_000, 1));
        Assert.InRange(response.RetainedBytes - response.BufferSpan.Length, 48 * 10_000, 48 * 30_000);
    }

    [Fact]
    public void Takes_nothing_from_the_heap_per_record()
    {
        foreach (HashKeyRange? range in (HashKeyRange?[])[null, s_lower])
        {
            // large enough that its key table does not fit the stack
            Assert.Equal(0, Allocated(range, aggregates: 1, records: 10));
            Assert.Equal(0, Allocated(range, aggregates: 20, records: 500));
        }
    }

    private static long Allocated(HashKeyRange? range, int aggregates, int records)
    {
        var random = new Random(1);
        SampleRecord[] samples = [
            .. Enumerable.Range(1, aggregates).Select(i => Put.Aggregate(i, [.. AggregatedRecordReaderTests.Records(random, records)
                .Select((record, place) => record with { PartitionKey = $"key-{place}" })]).Sample)];
        var deaggregation = new Deaggregation(range, ForeignRecords.LeaveOut);
        long least = long.MaxValue;
        for (int i = 0; i < 30; i++)
        {
            using GetRecordsResponse response = Decode(WireFormat.Cbor, samples);
            long before = GC.GetAllocatedBytesForCurrentThread();
            deaggregation.Apply(response);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }

    private static GetRecordsResponse Decode(WireFormat format, SampleRecord[] records)
    {
        byte[] buffer = SampleAnswers.Encode(format, records);
        DecodedRecords decoded = GetRecordsDecoder.Decode(format, buffer, ArrayPool<RecordEntry>.Shared);
        return new GetRecordsResponse(ResponseBuffer.Wrap(buffer), decoded.Entries, decoded.Count) { PayloadBytes = decoded.PayloadBytes };
    }

    private static Delivered[] ReadAll(GetRecordsResponse response) => [.. Enumerable.Range(0, response.Count).Select(i =>
    {
        var record = new KinesisRecord(response, i);
        return new Delivered(
            record.Position,
            record.PartitionKey,
            Convert.ToHexString(record.DataSpan),
            record.ExplicitHashKey,
            record.ApproximateArrivalTimestamp.ToUnixTimeMilliseconds());
    })];

    private static Put[] Puts(Random random, int count) => [.. Enumerable.Range(1, count).Select(i => random.Next(2) == 0
        ? Put.Plain(i, $"plain-{i}", [(byte)i])
        : Put.Aggregate(i, AggregatedRecordReaderTests.Records(random, random.Next(1, 8))))];

    private static UInt128 HashKeyOf(string partitionKey) =>
        (UInt128)new BigInteger(MD5.HashData(Encoding.UTF8.GetBytes(partitionKey)), isUnsigned: true, isBigEndian: true);

    private sealed record Delivered(
        CheckpointPosition Position, string PartitionKey, string Data, UInt128? ExplicitHashKey, long ArrivalMilliseconds)
    {
        public UInt128 HashKey => ExplicitHashKey ?? HashKeyOf(PartitionKey);
    }

    /// <summary>A record of the service, and what is to come of it.</summary>
    private sealed record Put(SampleRecord Sample, Delivered[] Expected)
    {
        public SequenceNumber Number => SequenceNumber.Parse(Sample.SequenceNumber);

        public static Put Plain(int number, string partitionKey, byte[] data)
        {
            SampleRecord sample = new($"495{number:D40}", partitionKey, data, 1_787_036_486_000 + number);
            return new Put(sample, [new Delivered(
                CheckpointPosition.Parse(sample.SequenceNumber),
                partitionKey, Convert.ToHexString(data), null, sample.ArrivalMilliseconds)]);
        }

        public static Put Aggregate(int number, params UserRecord[] records)
        {
            SampleRecord sample = Plain(number, "aggregate", AggregateWriter.Write(records)).Sample;
            return new Put(sample, [.. records.Select((record, i) => new Delivered(
                CheckpointPosition.Parse(sample.SequenceNumber, i),
                record.PartitionKey,
                Convert.ToHexString(record.Data),
                string.IsNullOrEmpty(record.ExplicitHashKey) ? null : UInt128.Parse(record.ExplicitHashKey, CultureInfo.InvariantCulture),
                sample.ArrivalMilliseconds))]);
        }
    }
}
