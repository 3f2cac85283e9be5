using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using FastConsumer.Buffers;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;
using FastConsumer.Reading;
using FastConsumer.Tests.Kinesis.Wire;

namespace FastConsumer.Tests.Reading;

/// <summary>
/// User records of an aggregate that belong to another shard: who made the aggregate decides, on aggregates as real producers make them.
/// </summary>
public sealed class ForeignRecordsTests
{
    private static readonly UInt128 s_middle = UInt128.One << 127;
    private static readonly HashKeyRange s_lower = new(UInt128.MinValue, s_middle - 1);
    private static readonly HashKeyRange s_upper = new(s_middle, UInt128.MaxValue);

    [Theory]
    [InlineData(ForeignRecords.Auto, false)]
    [InlineData(ForeignRecords.LeaveOut, false)]
    [InlineData(ForeignRecords.Deliver, true)]
    public void The_kpls_strays_after_a_split_are_left_out_since_it_sends_them_again(ForeignRecords mode, bool all)
    {
        JsonElement made = Read("kpl-after-a-split.json");
        int userRecords = made.GetProperty("userRecords").GetInt32();
        long[] own = [.. made.GetProperty("ofThisShard").EnumerateArray().Select(static place => place.GetInt64())];
        HashKeyRange shard = RangeOf(made.GetProperty("shard"));
        using GetRecordsResponse response = Answer(made);
        DeaggregationResult result = new Deaggregation(shard, mode).Apply(response);
        Assert.Equal(all ? [.. Enumerable.Range(0, userRecords).Select(static i => (long)i)] : own, Places(response));
        Assert.Equal(all ? 0 : userRecords - own.Length, result.Foreign);
        Assert.Equal(userRecords - 1, result.End.SubSequenceNumber);
    }

    [Fact]
    public void Going_on_inside_an_aggregate_does_not_change_whose_it_is()
    {
        JsonElement made = Read("kpl-after-a-split.json");
        long[] own = [.. made.GetProperty("ofThisShard").EnumerateArray().Select(static place => place.GetInt64())];
        using GetRecordsResponse response = Answer(made);
        new Deaggregation(RangeOf(made.GetProperty("shard"))).Apply(response, CheckpointPosition.Parse("100", 11));
        Assert.Equal(own.Where(static place => place > 11), Places(response));
    }

    [Theory]
    [InlineData(ForeignRecords.Auto, true)]
    [InlineData(ForeignRecords.LeaveOut, false)]
    [InlineData(ForeignRecords.Deliver, true)]
    public void What_a_library_aggregated_that_knows_no_shards_is_delivered_since_nobody_sends_it_again(ForeignRecords mode, bool all)
    {
        JsonElement made = Read("aws-kinesis-agg-of-several-shards.json");
        UInt128[] hashKeys = [.. made.GetProperty("userRecords").EnumerateArray()
            .Select(static record => UInt128.Parse(record.GetProperty("hashKey").GetString()!, CultureInfo.InvariantCulture))];
        string[] texts = [
            .. made.GetProperty("userRecords").EnumerateArray().Select(static record => record.GetProperty("data").GetString()!)];
        UInt128 cut = hashKeys.Order().ElementAt(2);
        foreach (HashKeyRange shard in (HashKeyRange[])[new(0, cut - 1), new(cut, UInt128.MaxValue)])
        {
            using GetRecordsResponse response = Answer(made);
            DeaggregationResult result = new Deaggregation(shard, mode).Apply(response);
            string[] expected = [.. texts.Where((_, i) => all || shard.Contains(hashKeys[i]))];
            Assert.Equal(expected, Enumerable.Range(0, response.Count).Select(i => Encoding.UTF8.GetString(response.GetDataSpan(i))));
            Assert.Equal(texts.Length - expected.Length, result.Foreign);
        }
    }

    [Theory]
    [InlineData("a", "b", false)]
    [InlineData("a", "a", true)]
    [InlineData("b", "b", true)]
    [InlineData("aa", "b", true)]
    [InlineData("A", "b", true)]
    public void The_kpl_is_told_by_its_own_partition_key_where_the_first_user_record_has_another(
        string outer, string first, bool isDelivered)
    {
        byte[] aggregate = AggregateWriter.Write(
            new UserRecord(first, [1], "1"), new UserRecord("other", [2], UInt128.MaxValue.ToString(CultureInfo.InvariantCulture)));
        using GetRecordsResponse response = Answer(new SampleRecord("100", outer, aggregate, 1));
        Assert.Equal(isDelivered ? 0 : 1, new Deaggregation(s_lower).Apply(response).Foreign);
        Assert.Equal(isDelivered ? [0L, 1L] : [0L], Places(response));
    }

    [Fact]
    public void Each_aggregate_of_an_answer_is_judged_alone()
    {
        byte[] kpl = AggregateWriter.Write(new UserRecord("k1", [1], "1"), new UserRecord("k2", [2], "2"));
        using GetRecordsResponse response = Answer(
            new SampleRecord("100", "a", kpl, 1), new SampleRecord("101", "k1", kpl, 2), new SampleRecord("102", "a", kpl, 3));
        Assert.Equal(4, new Deaggregation(s_upper).Apply(response).Foreign);
        Assert.Equal(["101", "101"], Enumerable.Range(0, response.Count).Select(i => response.GetSequenceNumber(i).ToString()));
    }

    [Fact]
    public void Delivering_what_belongs_elsewhere_is_noticed_and_not_forgotten()
    {
        byte[] strays = AggregateWriter.Write(
            new UserRecord("k1", [1], "1"), new UserRecord("k2", [2], Largest), new UserRecord("k3", [3], "3"));
        byte[] own = AggregateWriter.Write(new UserRecord("k1", [1], "1"), new UserRecord("k2", [2], "2"));
        var deaggregation = new Deaggregation(s_lower);
        Deliver(deaggregation, own);
        Assert.False(deaggregation.HasDelivered);
        Deliver(deaggregation, strays);
        Assert.True(deaggregation.HasDelivered);
        Deliver(deaggregation, own);
        Assert.True(deaggregation.HasDelivered);

        // where nothing is known of the shard, or all is its own, nothing is from elsewhere
        foreach (HashKeyRange? range in (HashKeyRange?[])[null, new HashKeyRange(0, UInt128.MaxValue)])
        {
            deaggregation = new Deaggregation(range);
            Deliver(deaggregation, strays);
            Assert.False(deaggregation.HasDelivered);
        }
    }

    [Theory]
    [InlineData(999, true)]
    [InlineData(1000, false)]
    public void A_thousand_records_are_looked_at_for_what_belongs_elsewhere(int before, bool isNoticed)
    {
        var deaggregation = new Deaggregation(s_lower);
        UserRecord[] own = [.. Enumerable.Range(0, before).Select(static i => new UserRecord("k", [1], "1"))];
        Deliver(deaggregation, AggregateWriter.Write(own));
        Assert.False(deaggregation.HasDelivered);
        Deliver(deaggregation, AggregateWriter.Write(new UserRecord("k", [1], Largest), new UserRecord("k", [2], "1")));
        Assert.Equal(isNoticed, deaggregation.HasDelivered);
    }

    [Fact]
    public void What_the_kpl_made_does_not_count_as_looked_at()
    {
        var deaggregation = new Deaggregation(s_lower);
        UserRecord[] own = [.. Enumerable.Range(0, 1000).Select(static i => new UserRecord("k", [1], "1"))];
        using (GetRecordsResponse response = Answer(new SampleRecord("100", "a", AggregateWriter.Write(own), 1)))
        {
            deaggregation.Apply(response);
        }

        Deliver(deaggregation, AggregateWriter.Write(new UserRecord("k", [1], Largest), new UserRecord("k", [2], "1")));
        Assert.True(deaggregation.HasDelivered);
    }

    private static string Largest => UInt128.MaxValue.ToString(CultureInfo.InvariantCulture);

    private static void Deliver(Deaggregation deaggregation, byte[] aggregate)
    {
        using GetRecordsResponse response = Answer(new SampleRecord("100", "k", aggregate, 1));
        Assert.Equal(0, deaggregation.Apply(response).Foreign);
    }

    private static JsonElement Read(string name)
    {
        using Stream stream = typeof(ForeignRecordsTests).Assembly.GetManifestResourceStream(name)!;
        return JsonDocument.Parse(stream).RootElement;
    }

    private static HashKeyRange RangeOf(JsonElement shard) => new(
        UInt128.Parse(shard.GetProperty("startingHashKey").GetString()!, CultureInfo.InvariantCulture),
        UInt128.Parse(shard.GetProperty("endingHashKey").GetString()!, CultureInfo.InvariantCulture));

    private static GetRecordsResponse Answer(JsonElement made) =>
        Answer(new SampleRecord("100", made.GetProperty("partitionKey").GetString()!, made.GetProperty("data").GetBytesFromBase64(), 1));

    private static GetRecordsResponse Answer(params SampleRecord[] records)
    {
        byte[] buffer = SampleAnswers.Encode(WireFormat.Cbor, records);
        DecodedRecords decoded = GetRecordsDecoder.Decode(WireFormat.Cbor, buffer, ArrayPool<RecordEntry>.Shared);
        return new GetRecordsResponse(ResponseBuffer.Wrap(buffer), decoded.Entries, decoded.Count) { PayloadBytes = decoded.PayloadBytes };
    }

    private static IEnumerable<long> Places(GetRecordsResponse response) =>
        Enumerable.Range(0, response.Count).Select(i => new KinesisRecord(response, i).Position.SubSequenceNumber);
}
