using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FastConsumer.Kinesis;
using FastConsumer.Testing.Tests.Wire;

namespace FastConsumer.Testing.Tests.Http;

public sealed class RecordOperationTests : IAsyncLifetime
{
    private const string Shard0 = "shardId-000000000000";
    private readonly ManualClock _clock = new();
    private EmbeddedKinesis _kinesis = null!;
    private RawClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _kinesis = await EmbeddedKinesis.StartAsync(new EmbeddedKinesisOptions { TimeProvider = _clock }, RawClient.Cancellation);
        _client = new RawClient(_kinesis.ServiceUrl);
        _kinesis.CreateStream("s");
        _kinesis.CreateStream("wide", 16);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _kinesis.DisposeAsync();
    }

    [Fact]
    public async Task A_record_comes_back_as_it_was_put()
    {
        _clock.Advance(TimeSpan.FromMilliseconds(123));
        JsonElement put = await _client.OkAsync("PutRecord", """{"StreamName":"s","PartitionKey":"a \"key\" <ключ>","Data":"AP+A"}""");
        Assert.Equal(Shard0, put.GetProperty("ShardId").GetString());

        JsonElement answer = await _client.RecordsAsync(await _client.IteratorAsync("s", Shard0));

        JsonElement record = answer.GetProperty("Records").EnumerateArray().Single();
        Assert.Equal(put.GetProperty("SequenceNumber").GetString(), record.GetProperty("SequenceNumber").GetString());
        Assert.Equal("a \"key\" <ключ>", record.GetProperty("PartitionKey").GetString());
        Assert.Equal("AP+A", record.GetProperty("Data").GetString());
        Assert.Equal(_clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000m, record.GetProperty("ApproximateArrivalTimestamp").GetDecimal());
        Assert.Equal(0, answer.GetProperty("MillisBehindLatest").GetInt64());
        Assert.InRange(answer.GetProperty("NextShardIterator").GetString()!.Length, 1, 512);
    }

    [Fact]
    public async Task Partition_keys_fall_where_their_md5_falls_and_explicit_hash_keys_where_they_say()
    {
        IReadOnlyList<Shard> shards = _kinesis.ListShards("wide");
        string[] keys = [.. Enumerable.Range(0, 100).Select(static i => $"ключ-{i}")];
        string records = string.Join(',', keys.Select(static key => $$"""{"PartitionKey":"{{key}}","Data":""}"""));
        JsonElement answer = await _client.OkAsync("PutRecords", $$"""{"StreamName":"wide","Records":[{{records}}]}""");

        Assert.Equal(0, answer.GetProperty("FailedRecordCount").GetInt32());
        string[] placed = [
            .. answer.GetProperty("Records").EnumerateArray().Select(static record => record.GetProperty("ShardId").GetString()!)];
        for (int i = 0; i < keys.Length; i++)
        {
            UInt128 hash = UInt128.Parse(
                "0" + Convert.ToHexString(MD5.HashData(Encoding.UTF8.GetBytes(keys[i]))),
                NumberStyles.HexNumber,
                CultureInfo.InvariantCulture);
            Assert.Equal(shards.Single(shard => shard.HashKeyRange.Contains(hash)).ShardId, placed[i]);
        }

        foreach (Shard shard in shards)
        {
            Assert.Equal(shard.ShardId, _kinesis.Put("wide", "any", "x", shard.HashKeyRange.StartingHashKey).ShardId);
            JsonElement put = await _client.OkAsync(
                "PutRecord",
                $$"""{"StreamName":"wide","PartitionKey":"any","Data":"","ExplicitHashKey":"{{shard.HashKeyRange.EndingHashKey}}"}""");
            Assert.Equal(shard.ShardId, put.GetProperty("ShardId").GetString());
        }
    }

    [Fact]
    public void Sequence_numbers_grow_and_look_like_the_services()
    {
        SequenceNumber former = default;
        for (int i = 0; i < 1000; i++)
        {
            SequenceNumber next = _kinesis.Put("s", "k", "x").SequenceNumber;
            Assert.True(next > former);
            Assert.Matches("^49\\d{54}$", next.ToString());
            former = next;
        }
    }

    [Fact]
    public async Task Iterators_start_where_they_say()
    {
        var numbers = new List<SequenceNumber>();
        var times = new List<DateTimeOffset>();
        for (int i = 0; i < 5; i++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            numbers.Add(_kinesis.Put("s", "k", i.ToString(CultureInfo.InvariantCulture)).SequenceNumber);
            times.Add(_clock.GetUtcNow());
        }

        Assert.Equal("01234", await ReadAsync("TRIM_HORIZON"));
        Assert.Equal("234", await ReadAsync("AT_SEQUENCE_NUMBER", $",\"StartingSequenceNumber\":\"{numbers[2]}\""));
        Assert.Equal("34", await ReadAsync("AFTER_SEQUENCE_NUMBER", $",\"StartingSequenceNumber\":\"{numbers[2]}\""));
        Assert.Equal("", await ReadAsync("AFTER_SEQUENCE_NUMBER", $",\"StartingSequenceNumber\":\"{numbers[4]}\""));
        Assert.Equal("01234", await ReadAsync("AFTER_SEQUENCE_NUMBER", ",\"StartingSequenceNumber\":\"0\""));
        Assert.Equal(
            "01234",
            await ReadAsync("AT_SEQUENCE_NUMBER", $",\"StartingSequenceNumber\":\"{_kinesis.ListShards("s")[0].StartingSequenceNumber}\""));
        Assert.Equal("234", await ReadAsync("AT_TIMESTAMP", $",\"Timestamp\":{Seconds(times[2])}"));
        Assert.Equal("34", await ReadAsync("AT_TIMESTAMP", $",\"Timestamp\":{Seconds(times[2].AddMilliseconds(1))}"));
        Assert.Equal("01234", await ReadAsync("AT_TIMESTAMP", ",\"Timestamp\":1"));
        Assert.Equal("34", await ReadAsync("AT_TIMESTAMP", $",\"Timestamp\":{(times[2].ToUnixTimeMilliseconds() + 1) / 1e12:R}E9"));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("", await ReadAsync("AT_TIMESTAMP", $",\"Timestamp\":{Seconds(_clock.GetUtcNow())}"));

        string latest = await _client.IteratorAsync("s", Shard0, "LATEST");
        _kinesis.Put("s", "k", "5");
        Assert.Equal("5", Text(await _client.RecordsAsync(latest)));

        async Task<string> ReadAsync(string type, string more = "") =>
            Text(await _client.RecordsAsync(await _client.IteratorAsync("s", Shard0, type, more)));
    }

    [Theory]
    [InlineData("SOMEWHERE", "", "ValidationException")]
    [InlineData("AT_SEQUENCE_NUMBER", "", "InvalidArgumentException")]
    [InlineData("AFTER_SEQUENCE_NUMBER", ",\"StartingSequenceNumber\":\"12x\"", "ValidationException")]
    [InlineData("AFTER_SEQUENCE_NUMBER", ",\"StartingSequenceNumber\":\"12\"", "InvalidArgumentException")]
    [InlineData("AT_TIMESTAMP", "", "InvalidArgumentException")]
    [InlineData("AT_TIMESTAMP", ",\"Timestamp\":99999999999", "InvalidArgumentException")]
    [InlineData("AT_TIMESTAMP", ",\"Timestamp\":\"noon\"", "SerializationException")]
    public Task Invalid_positions_are_refused(string type, string more, string errorCode) => _client.RefusedAsync(
        "GetShardIterator",
        $$"""{"StreamName":"s","ShardId":"{{Shard0}}","ShardIteratorType":"{{type}}"{{more}}}""",
        errorCode);

    [Fact]
    public async Task A_sequence_number_of_another_shard_is_refused()
    {
        SequenceNumber other = _kinesis.Put("wide", "k", "x", UInt128.MaxValue).SequenceNumber;
        await _client.RefusedAsync(
            "GetShardIterator",
            $$"""{"StreamName":"wide","ShardId":"{{Shard0}}","ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":"{{other}}"}""",
            "InvalidArgumentException");
    }

    [Fact]
    public async Task Iterators_expire_after_five_minutes_and_each_answer_renews()
    {
        _kinesis.Put("s", "k", "x");
        string iterator = await _client.IteratorAsync("s", Shard0);
        _clock.Advance(TimeSpan.FromMinutes(5));
        JsonElement answer = await _client.RecordsAsync(iterator);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        string message = await _client.RefusedAsync("GetRecords", $$"""{"ShardIterator":"{{iterator}}"}""", "ExpiredIteratorException");
        Assert.Contains("tolerated delay of 300000 milliseconds", message, StringComparison.Ordinal);
        await _client.RecordsAsync(answer.GetProperty("NextShardIterator").GetString()!);
    }

    [Fact]
    public async Task Invalid_reads_are_refused()
    {
        string iterator = await _client.IteratorAsync("s", Shard0);
        await _client.RefusedAsync("GetRecords", "{}", "ValidationException");
        await _client.RefusedAsync("GetRecords", """{"ShardIterator":"garbage"}""", "InvalidArgumentException");
        string forged = (iterator[0] == 'A' ? 'B' : 'A') + iterator[1..];
        await _client.RefusedAsync("GetRecords", $$"""{"ShardIterator":"{{forged}}"}""", "InvalidArgumentException");
        await _client.RefusedAsync("GetRecords", $$"""{"ShardIterator":"{{new string('A', 513)}}"}""", "ValidationException");
        await _client.RefusedAsync("GetRecords", $$"""{"ShardIterator":"{{iterator}}","Limit":0}""", "ValidationException");
        await _client.RefusedAsync("GetRecords", $$"""{"ShardIterator":"{{iterator}}","Limit":10001}""", "ValidationException");
        await _client.RefusedAsync(
            "GetRecords",
            $$"""{"ShardIterator":"{{iterator}}","StreamARN":"{{_kinesis.StreamArn("wide")}}"}""",
            "InvalidArgumentException");
        await _client.OkAsync("GetRecords", $$"""{"ShardIterator":"{{iterator}}","StreamARN":"{{_kinesis.StreamArn("s")}}"}""");
    }

    [Fact]
    public async Task An_answer_says_how_far_it_is_behind()
    {
        for (int i = 0; i < 3; i++)
        {
            _kinesis.Put("s", "k", "x");
            _clock.Advance(TimeSpan.FromSeconds(10));
        }

        JsonElement first = await _client.RecordsAsync(await _client.IteratorAsync("s", Shard0), 1);
        Assert.Equal(20_000, first.GetProperty("MillisBehindLatest").GetInt64());
        JsonElement rest = await _client.RecordsAsync(first.GetProperty("NextShardIterator").GetString()!);
        Assert.Equal(0, rest.GetProperty("MillisBehindLatest").GetInt64());
        JsonElement empty = await _client.RecordsAsync(rest.GetProperty("NextShardIterator").GetString()!);
        Assert.Equal(0, empty.GetProperty("Records").GetArrayLength());
    }

    [Fact]
    public async Task An_answer_holds_at_most_ten_thousand_records()
    {
        for (int i = 0; i < 10_001; i++)
        {
            _kinesis.Put("s", "k", "x");
        }

        JsonElement first = await _client.RecordsAsync(await _client.IteratorAsync("s", Shard0));
        Assert.Equal(10_000, first.GetProperty("Records").GetArrayLength());
        JsonElement second = await _client.RecordsAsync(first.GetProperty("NextShardIterator").GetString()!);
        Assert.Equal(1, second.GetProperty("Records").GetArrayLength());
    }

    [Fact]
    public async Task An_answer_holds_at_most_ten_mebibytes_in_both_encodings()
    {
        byte[] data = new byte[1024 * 1024];
        for (int i = 0; i < 12; i++)
        {
            data[0] = (byte)i;
            _kinesis.Put("s", "k", data);
        }

        string iterator = await _client.IteratorAsync("s", Shard0);
        JsonElement json = await _client.RecordsAsync(iterator);
        (HttpStatusCode status, object? root, byte[] bytes) = await _client.CborAsync(
            "GetRecords", new Dictionary<string, object?> { ["ShardIterator"] = iterator });

        // Ten times data is 10 MiB to the byte; the keys are what the tenth is too many for.
        Assert.Equal(9, json.GetProperty("Records").GetArrayLength());
        Assert.Equal(HttpStatusCode.OK, status);
        var records = (List<object?>)((Dictionary<string, object?>)root!)["Records"]!;
        Assert.Equal(9, records.Count);
        Assert.InRange(bytes.Length, 9 * data.Length, (9 * data.Length) + 4096);
        Assert.Equal(8, ((byte[])((Dictionary<string, object?>)records[8]!)["Data"]!)[0]);
        JsonElement rest = await _client.RecordsAsync(json.GetProperty("NextShardIterator").GetString()!);
        Assert.Equal(3, rest.GetProperty("Records").GetArrayLength());
    }

    [Fact]
    public async Task A_record_above_the_cap_still_comes_alone()
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions { MaxResponseBytes = 10 }, RawClient.Cancellation);
        using var client = new RawClient(kinesis.ServiceUrl);
        kinesis.CreateStream("s");
        kinesis.Put("s", "k", "longer than ten bytes");
        kinesis.Put("s", "k", "x");
        JsonElement answer = await client.RecordsAsync(await client.IteratorAsync("s", Shard0));
        Assert.Equal("longer than ten bytes", Text(answer));
    }

    [Fact]
    public async Task Invalid_puts_are_refused()
    {
        await _client.RefusedAsync("PutRecord", """{"StreamName":"s","Data":""}""", "ValidationException");
        await _client.RefusedAsync("PutRecord", """{"StreamName":"s","PartitionKey":"k"}""", "ValidationException");
        await _client.RefusedAsync("PutRecord", """{"StreamName":"s","PartitionKey":"","Data":""}""", "ValidationException");
        await _client.RefusedAsync(
            "PutRecord", $$"""{"StreamName":"s","PartitionKey":"{{new string('k', 257)}}","Data":""}""", "ValidationException");
        await _client.RefusedAsync(
            "PutRecord", """{"StreamName":"s","PartitionKey":"k","Data":"","ExplicitHashKey":"-1"}""", "ValidationException");
        await _client.RefusedAsync(
            "PutRecord",
            """{"StreamName":"s","PartitionKey":"k","Data":"","ExplicitHashKey":"999999999999999999999999999999999999999"}""",
            "InvalidArgumentException");
        await _client.RefusedAsync(
            "PutRecord", """{"StreamName":"s","PartitionKey":"k","Data":"","SequenceNumberForOrdering":"x"}""", "ValidationException");
        await _client.RefusedAsync("PutRecords", """{"StreamName":"s"}""", "ValidationException");
        await _client.RefusedAsync("PutRecords", """{"StreamName":"s","Records":[]}""", "ValidationException");
        await _client.RefusedAsync("PutRecords", """{"StreamName":"s","Records":[5]}""", "SerializationException");
        string tooMany = string.Join(',', Enumerable.Repeat("""{"PartitionKey":"k","Data":""}""", 501));
        await _client.RefusedAsync("PutRecords", $$"""{"StreamName":"s","Records":[{{tooMany}}]}""", "ValidationException");
        string tooLarge = Convert.ToBase64String(new byte[(1024 * 1024) + 1]);
        string message = await _client.RefusedAsync(
            "PutRecord", $$"""{"StreamName":"s","PartitionKey":"k","Data":"{{tooLarge}}"}""", "ValidationException");
        Assert.Contains("less than or equal to 1048576", message, StringComparison.Ordinal);
        string mebibyte = Convert.ToBase64String(new byte[1024 * 1024]);
        string elevenMebibytes = string.Join(',', Enumerable.Repeat($$"""{"PartitionKey":"k","Data":"{{mebibyte}}"}""", 11));
        await _client.RefusedAsync("PutRecords", $$"""{"StreamName":"s","Records":[{{elevenMebibytes}}]}""", "InvalidArgumentException");
        Assert.Equal("", Text(await _client.RecordsAsync(await _client.IteratorAsync("s", Shard0))));
    }

    [Fact]
    public async Task Records_are_forgotten_after_the_retention_period()
    {
        SequenceNumber first = _kinesis.Put("s", "k", "old").SequenceNumber;
        _clock.Advance(TimeSpan.FromHours(12));
        _kinesis.Put("s", "k", "new");
        _clock.Advance(TimeSpan.FromHours(12) + TimeSpan.FromSeconds(1));
        Assert.Equal("new", Text(await _client.RecordsAsync(await _client.IteratorAsync("s", Shard0))));
        string iterator = await _client.IteratorAsync("s", Shard0, "AT_SEQUENCE_NUMBER", $",\"StartingSequenceNumber\":\"{first}\"");
        Assert.Equal("new", Text(await _client.RecordsAsync(iterator)));
        Assert.True(_kinesis.Put("s", "k", "newer").SequenceNumber > first);
    }

    [Fact]
    public async Task Parallel_writers_lose_nothing_and_keep_each_shards_order()
    {
        await Parallel.ForEachAsync(Enumerable.Range(0, 8), RawClient.Cancellation, (writer, _) =>
        {
            for (int i = 0; i < 500; i++)
            {
                _kinesis.Put("s", $"writer-{writer}", $"{i};");
            }

            return ValueTask.CompletedTask;
        });

        JsonElement answer = await _client.RecordsAsync(await _client.IteratorAsync("s", Shard0));
        JsonElement[] records = [.. answer.GetProperty("Records").EnumerateArray()];
        Assert.Equal(4000, records.Length);
        Assert.Equal(4000, records.Select(static record => record.GetProperty("SequenceNumber").GetString()).Distinct().Count());
        foreach (IGrouping<string?, JsonElement> writer in records.GroupBy(static record => record.GetProperty("PartitionKey").GetString()))
        {
            Assert.Equal(
                Enumerable.Range(0, 500).Select(static i => $"{i};"),
                writer.Select(static record => Encoding.UTF8.GetString(record.GetProperty("Data").GetBytesFromBase64())));
        }
    }

    private static string Text(JsonElement answer) =>
        string.Concat(answer.GetProperty("Records").EnumerateArray()
            .Select(static record => Encoding.UTF8.GetString(record.GetProperty("Data").GetBytesFromBase64())));

    private static string Seconds(DateTimeOffset time) => (time.ToUnixTimeMilliseconds() / 1000m).ToString(CultureInfo.InvariantCulture);
}
