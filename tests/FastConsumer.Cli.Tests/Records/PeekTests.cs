using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using FastConsumer.Cli.Tests.Fleets;
using FastConsumer.Kinesis;
using FastConsumer.Tests.Kinesis.Wire;

namespace FastConsumer.Cli.Tests.Records;

/// <summary><c>peek</c>: which records, and how they are shown.</summary>
public sealed class PeekTests : RecordsTest
{
    [Fact]
    public async Task It_shows_the_last_records_of_each_shard_in_their_order()
    {
        for (int i = 1; i <= 6; i++)
        {
            Kinesis.Put(Stream, $"key-{i}", $"left {i}", HashKeyOf(0));
            Kinesis.Put(Stream, $"key-{i}", $"right {i}", HashKeyOf(1));
        }

        ToolRun run = await SucceedAsync("peek", "--from", "-2", "-f", @"%s\t%k %v 100%%\n");

        Assert.Equal(
            [
                "shardId-000000000000\tkey-5 left 5 100%", "shardId-000000000000\tkey-6 left 6 100%",
                "shardId-000000000001\tkey-5 right 5 100%", "shardId-000000000001\tkey-6 right 6 100%",
            ],
            run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
        Assert.Contains("at most 1 call a second of each shard, of the 5", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Payloads_are_decoded_and_aggregates_unpacked()
    {
        UInt128 here = HashKeyOf(0);
        Kinesis.Put(Stream, "gzip", Gzip("""{"a":"ä"}"""), here);
        Kinesis.Put(Stream, "binary", [0xFF, 0x00], here);
        Kinesis.Put(
            Stream,
            "outer",
            AggregateWriter.Write(new UserRecord("one", "first"u8.ToArray()), new UserRecord("two", "second"u8.ToArray(), "17")),
            here);

        List<JsonElement> records = await RecordsAsync();

        Assert.Equal(["gzip", "binary", "one", "two"], records.Select(static record => Text(record, "partitionKey")));
        Assert.Equal(["""{"a":"ä"}""", "/wA=", "first", "second"], records.Select(static record => Text(record, "value")));
        Assert.Equal(["utf-8", "base64", "utf-8", "utf-8"], records.Select(static record => Text(record, "encoding")));
        Assert.Equal("gzip", Text(records[0], "compression"));
        Assert.False(records[1].TryGetProperty("compression", out _));
        Assert.Equal([0, 0, 0, 1], records.Select(static record => record.GetProperty("subSequenceNumber").GetInt64()));
        Assert.Equal("17", Text(records[3], "explicitHashKey"));
        Assert.All(records, static record => Assert.Equal(1, record.GetProperty("version").GetInt32()));
        Assert.All(records, static record => Assert.Equal(Stream, Text(record, "stream")));
    }

    [Theory]
    [InlineData("table")]
    [InlineData("json")]
    public async Task A_payload_cannot_steer_the_terminal(string format)
    {
        Kinesis.Put(Stream, "k\u001b]0;x\a", "a\u001b[2Jb\u009bc\r\nd\u202ee");

        ToolRun run = await SucceedAsync("peek", "-o", format);

        Assert.DoesNotContain(run.Output, static letter => char.IsControl(letter) && letter != '\n');
        Assert.Single(run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        if (format == "table")
        {
            Assert.Contains(@"a\x1b[2Jb\x9bc\r\nd\u202ee", run.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Raw_values_are_as_they_are()
    {
        Kinesis.Put(Stream, "k", "a\tb");

        Assert.Equal("a\tb", (await SucceedAsync("peek", "--raw", "-f", @"%v\n")).Output);
    }

    [Fact]
    public async Task It_begins_and_ends_where_it_is_told()
    {
        List<PutRecordResponse> put =
            [.. Enumerable.Range(1, 5).Select(i => Kinesis.Put(Stream, $"key-{i % 2}", $"number {i}", HashKeyOf(0)))];
        string shard = put[0].ShardId;

        await ShowsAsync("3 4 5", "--from", put[2].SequenceNumber.ToString(), "--shard", shard);
        await ShowsAsync("1 2 3 4 5", "--from", "-1h");
        await ShowsAsync("1 2", "--from", "trim", "--max", "2");
        await ShowsAsync("1 3 5", "--from", "trim", "--key", "key-1");
        await ShowsAsync("2 3", "--from", "trim", "--grep", "number [23]");
        await ShowsAsync("", "--from", "trim", "--until", "-1h");
        await ShowsAsync("", "--from", "latest");

        async Task ShowsAsync(string numbers, params string[] arguments)
        {
            ToolRun run = await SucceedAsync(["peek", "-f", @"%v\n", "--calls-per-second", "5", .. arguments]);
            Assert.Equal(
                numbers,
                string.Join(
                    ' ', run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => line["number ".Length..])));
        }
    }

    [Fact]
    public async Task It_follows_splits_and_merges_parents_before_children()
    {
        int number = 0;
        Put();
        Kinesis.SplitShard(Stream, "shardId-000000000000");
        Put();
        Kinesis.MergeShards(Stream, "shardId-000000000002", "shardId-000000000003");
        Put();

        List<JsonElement> records = await RecordsAsync();

        Assert.Equal(9, records.Count);
        Assert.Contains(records, static record => Text(record, "shardId") == "shardId-000000000004");
        foreach (IGrouping<string, JsonElement> key in records.GroupBy(static record => Text(record, "partitionKey")))
        {
            int[] numbers = [.. key.Select(static record => int.Parse(Text(record, "value"), CultureInfo.InvariantCulture))];
            Assert.Equal(numbers.Order(), numbers);
        }

        void Put()
        {
            for (int i = 0; i < 3; i++)
            {
                Kinesis.Put(Stream, $"key-{i}", (++number).ToString(CultureInfo.InvariantCulture));
            }
        }
    }

    [Theory]
    [InlineData(2, "--from yesterday", "'yesterday' is no place", "2026-01-31T12:00:00Z")]
    [InlineData(2, "--from 12345", "12345 is a sequence number", "--shard")]
    [InlineData(2, "--from 2999-01-01T00:00:00Z", "has not come yet", "latest")]
    [InlineData(2, "--from -20000", "-20000", "10000")]
    [InlineData(2, "--until noon", "--until 'noon' is no time", "offset")]
    [InlineData(2, "--max 0", "--max 0", "1 or more")]
    [InlineData(2, "--format %x", "%x is not known", "%v")]
    [InlineData(2, "--grep (", "--grep is no regular expression", "")]
    [InlineData(2, "--calls-per-second 9", "--calls-per-second 9", "0.1 to 5")]
    [InlineData(2, "--fan-out desk --from -3", "last N records", "--from")]
    [InlineData(1, "--fan-out desk --from trim", "has no consumer 'desk'", "register-stream-consumer")]
    [InlineData(1, "--shard shardId-9", "has no shard 'shardId-9'", "shardId-000000000000")]
    [InlineData(1, "--stream nothere", "nothere", "")]
    public async Task What_is_wrong_is_said_in_a_line(int exitCode, string arguments, string said, string remedy)
    {
        ToolRun run = await RunAsync(["peek", .. arguments.Split(' ')]);

        run.AssertFails(exitCode, said, remedy);
        Assert.Equal("", run.Output);
    }

    private static byte[] Gzip(string text)
    {
        var bytes = new MemoryStream();
        using (var gzip = new GZipStream(bytes, CompressionLevel.Optimal))
        {
            gzip.Write(Encoding.UTF8.GetBytes(text));
        }

        return bytes.ToArray();
    }
}
