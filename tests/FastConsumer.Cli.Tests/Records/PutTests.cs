using System.Text.Json;
using FastConsumer.Cli.Tests.Fleets;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Testing;

namespace FastConsumer.Cli.Tests.Records;

/// <summary><c>put</c>.</summary>
public sealed class PutTests : RecordsTest
{
    // the quota of writes is enforced: 1,000 records a second and shard
    protected override EmbeddedKinesisOptions Options => new() { WriteQuota = true };

    [Fact]
    public async Task Each_line_is_a_record_with_the_key_that_is_asked_for()
    {
        string file = WriteFile("lines.txt", """{"id":"a","n":1}""", "", """{"id":7}""" + "\r", """{"id":"ü"}""");

        ToolRun run = await SucceedAsync("put", "--file", file, "--key-json", "id", "-o", "json");
        await SucceedAsync("put", "--file", WriteFile("more.txt", "order 17 of customer 4"), "--key-regex", @"customer (\d+)");
        await SucceedAsync("put", "--file", WriteFile("one.txt", "fixed"), "--key", "all", "--explicit-hash-key", HashKeyOf(1).ToString());
        await SucceedAsync("put", "--file", WriteFile("two.txt", "random 1", "random 2"));

        Assert.Equal((3, 0), (run.Document.GetProperty("records").GetInt32(), run.Document.GetProperty("putAgain").GetInt32()));
        Assert.Equal(3, run.Items.Sum(static shard => shard.GetProperty("records").GetInt32()));
        List<JsonElement> records = await RecordsAsync();
        Assert.Equal(
            [
                ("4", "order 17 of customer 4"), ("7", """{"id":7}"""), ("a", """{"id":"a","n":1}"""), ("all", "fixed"),
                ("ü", """{"id":"ü"}"""),
            ],
            records.Where(static record => !Text(record, "value").StartsWith("random", StringComparison.Ordinal))
                .Select(static record => (Text(record, "partitionKey"), Text(record, "value")))
                .OrderBy(static record => record.Item1, StringComparer.Ordinal));
        Assert.Equal(
            "shardId-000000000001", Text(records.Single(static record => Text(record, "partitionKey") == "all"), "shardId"));
        Assert.Equal(
            2,
            records.Where(static record => Text(record, "value").StartsWith("random", StringComparison.Ordinal))
                .Select(static record => Text(record, "partitionKey")).Distinct().Count());
    }

    [Fact]
    public async Task What_is_throttled_is_put_again_until_all_is_there()
    {
        string file = WriteFile("lines.txt", [.. Enumerable.Range(0, 2500).Select(static i => $"line {i}")]);

        ToolRun run = await SucceedAsync("put", "--file", file, "--key", "one");

        Assert.Contains("Put 2500 records", run.Output, StringComparison.Ordinal);
        Assert.Contains("were throttled, and put again", run.Output, StringComparison.Ordinal);
        List<JsonElement> records = await RecordsAsync();
        Assert.Equal(2500, records.Select(static record => Text(record, "value")).Distinct().Count());
        Assert.Equal(2500, records.Count);
    }

    [Fact]
    public async Task Lines_come_from_standard_input_too_as_they_come()
    {
        await using ChildProcess tool = ChildProcess.Start(
            "dotnet", [Tool.Program, "put", "--key", "typed"], Path.GetTempPath(), Environment);
        await tool.Input.WriteAsync("first\n");
        await tool.Input.FlushAsync(Cancellation);
        await Eventually.ThatAsync(
            "the first line is put", async () => (await RecordsAsync()).Count == 1, () => tool.LastOutput);
        await tool.Input.WriteAsync("second");
        tool.Input.Close();

        Assert.Equal(0, await Eventually.EndsAsync("the tool ends", tool.Exited, () => tool.LastOutput));
        Assert.Equal(["first", "second"], (await RecordsAsync()).Select(static record => Text(record, "value")));
    }

    [Fact]
    public async Task A_line_that_is_too_large_is_named_and_those_before_it_are_put()
    {
        string file = WriteFile("lines.txt", "one", "two", new string('x', (1024 * 1024) + 1), "four");

        ToolRun run = await RunAsync("put", "--file", file);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("Line 3 is longer than 1048576 bytes", run.Errors, StringComparison.Ordinal);
        Assert.Contains("--max-record-bytes", run.Errors, StringComparison.Ordinal);
        Assert.Contains("2 records were put before it ended", run.Errors, StringComparison.Ordinal);
        Assert.Equal(["one", "two"], (await RecordsAsync()).Select(static record => Text(record, "value")).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("--key-json id", "Line 2 has no property 'id'")]
    [InlineData("--key-json nested", "Line 1 has in 'nested' neither a string nor a number")]
    [InlineData("--key-regex id.:.(a)", "Line 2 does not match")]
    public async Task A_line_without_a_key_is_named(string key, string said)
    {
        string file = WriteFile("lines.txt", """{"id":"a","nested":{}}""", """{"other":"b"}""");

        ToolRun run = await RunAsync(["put", "--file", file, .. key.Split(' ')]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains(said, run.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "--key a --key-json b", "one of --key, --key-regex and --key-json")]
    [InlineData(2, "--explicit-hash-key x", "--explicit-hash-key 'x' is no hash key")]
    [InlineData(2, "--key-regex (", "--key-regex is no regular expression")]
    [InlineData(2, "--max-record-bytes 0", "--max-record-bytes 0")]
    [InlineData(1, "--file /nowhere/lines", "/nowhere/lines: there is no such file")]
    public async Task What_is_wrong_is_said_in_a_line(int exitCode, string arguments, string said)
    {
        (await RunAsync(["put", .. arguments.Split(' ')])).AssertFails(exitCode, said);
        Assert.Equal(0, Kinesis.RequestCount("PutRecords"));
    }

    [Fact]
    public async Task A_stream_that_is_not_there_gets_nothing()
    {
        ToolRun run = await RunAsync("put", "--stream", "nothere", "--file", WriteFile("lines.txt", "one"));

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("nothere", run.Errors, StringComparison.Ordinal);
        Assert.Contains("0 records were put before it ended", run.Errors, StringComparison.Ordinal);
    }
}
