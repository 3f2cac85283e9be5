using System.Text.Json;
using FastConsumer.Cli.Tests.Fleets;
using FastConsumer.Dispatch;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Kinesis;
using FastConsumer.Reading;
using FastConsumer.Testing;
using FastConsumer.Tests.Kinesis.Wire;

namespace FastConsumer.Cli.Tests.Records;

/// <summary><c>dead-letters list</c> and <c>replay</c>, on files that the sink itself has written.</summary>
public sealed class DeadLetterTests : RecordsTest
{
    private const string Dead = "orders-dead";
    private const int Many = 4_000;

    protected override EmbeddedKinesisOptions Options => new() { WriteQuota = true };

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Kinesis.CreateStream(Dead);
    }

    [Fact]
    public async Task The_letters_of_a_file_are_listed_with_their_reasons()
    {
        string file = await WriteLettersAsync();
        File.AppendAllText(file, "{\"application\":\"bil\n");
        await WriteLettersAsync();

        ToolRun run = await SucceedAsync("dead-letters", "list", "--file", file, "-o", "json");

        Assert.Contains("Line 4 of", run.Errors, StringComparison.Ordinal);
        List<JsonElement> letters = LinesOf(run);
        Assert.Equal(6, letters.Count);
        Assert.Equal(
            ("billing", "OrderProcessor", "System.FormatException", "no number", 3, "17"),
            (Text(letters[1], "application"), Text(letters[1], "processor"), Text(letters[1], "exception"), Text(letters[1], "message"),
                letters[1].GetProperty("attempts").GetInt32(), Text(letters[1], "explicitHashKey")));
        ToolRun table = await SucceedAsync("dead-letters", "list", "--file", file, "--max", "1");
        Assert.Contains("System.FormatException", table.Output, StringComparison.Ordinal);
        Assert.Equal(2, table.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task Letters_of_a_file_are_put_once_however_often_it_is_asked_for()
    {
        string file = await WriteLettersAsync();
        using (KinesisClient client = CreateClient())
        {
            await client.RegisterStreamConsumerAsync(Kinesis.StreamArn(Stream), "desk", Cancellation);
        }

        ToolRun plan = await SucceedAsync("dead-letters", "replay", "--file", file, "--to", Stream, "--dry-run");
        Assert.Contains(Kinesis.StreamArn(Stream), plan.Output, StringComparison.Ordinal);
        Assert.Contains("3 letters", plan.Output, StringComparison.Ordinal);
        Assert.Contains("read by desk, and by every application that polls it", plan.Output, StringComparison.Ordinal);
        (await RunAsync("dead-letters", "replay", "--file", file, "--to", Stream)).AssertRefused("Nothing was changed");
        Assert.Empty(await RecordsAsync());

        await SucceedAsync("dead-letters", "replay", "--file", file, "--to", Stream, "--yes");
        List<JsonElement> records = await RecordsAsync();
        Assert.Equal(
            [("long", "third", 0), ("one", "first", 0), ("two", "second", 0)],
            records.Select(static record => (Text(record, "partitionKey"), Text(record, "value"), 0))
                .OrderBy(static record => record.Item1, StringComparer.Ordinal));
        // hash key 17 is the first shard's
        Assert.Equal(
            "shardId-000000000000", Text(records.Single(static record => Text(record, "partitionKey") == "two"), "shardId"));

        ToolRun again = await SucceedAsync("dead-letters", "replay", "--file", file, "--to", Stream, "--yes", "-o", "json");
        Assert.Equal((0, 3), (again.Document.GetProperty("records").GetInt32(), again.Document.GetProperty("before").GetInt32()));
        await WriteLettersAsync();
        await SucceedAsync("dead-letters", "replay", "--file", file, "--to", Stream, "--yes");
        Assert.Equal(6, (await RecordsAsync()).Count);

        Kinesis.CreateStream("other");
        (await RunAsync("dead-letters", "replay", "--file", file, "--to", "other", "--yes")).AssertRefused("progress of another replay");
        File.WriteAllText(file, "");
        (await RunAsync("dead-letters", "replay", "--file", file, "--to", Stream, "--yes")).AssertRefused("It is another file");
    }

    [Fact]
    public async Task Letters_of_a_stream_are_put_as_they_were_and_stay()
    {
        Kinesis.Put(Dead, "key", [0xFF, 0x01]);
        Kinesis.Put(Dead, "key", "text");
        string progress = PathOf("progress");

        await SucceedAsync("dead-letters", "replay", "--from-stream", Dead, "--to", Stream, "--progress", progress, "--yes");
        Kinesis.Put(Dead, "key", "later");
        await SucceedAsync("dead-letters", "replay", "--from-stream", Dead, "--to", Stream, "--progress", progress, "--yes");

        Assert.Equal(["/wE=", "text", "later"], (await RecordsAsync()).Select(static record => Text(record, "value")));
        Assert.Equal(3, (await RecordsAsync(Dead)).Count);
        ToolRun list = await SucceedAsync("dead-letters", "list", "--from-stream", Dead);
        Assert.Equal(4, list.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task After_a_signal_the_same_command_goes_on()
    {
        string file = PathOf("many.jsonl");
        using KinesisClient client = CreateClient();
        KinesisRecord record = KinesisRecord.Create("x"u8, "key", SequenceNumber.Parse("1"));
        await using (var sink = new FileDeadLetterSink(file))
        {
            await sink.WriteAsync(LetterOf(record), Cancellation);
        }

        string line = File.ReadAllText(file).TrimEnd('\n');
        File.WriteAllLines(file, Enumerable.Range(0, Many).Select(i => line.Replace(
            "\"data\":\"eA==\"", $"\"data\":\"{Convert.ToBase64String(BitConverter.GetBytes(i))}\"", StringComparison.Ordinal)));
        await using (Tool tool = Tool.Start(Environment, ["dead-letters", "replay", "--file", file, "--to", Stream, "--yes"]))
        {
            await Eventually.ThatAsync("some are put", () => File.Exists($"{file}.progress"), () => tool.Errors);
            tool.Send(Signal.Interrupt);
            Assert.Equal(130, await tool.ExitCodeAsync());
            Assert.Contains("The same command goes on", tool.Errors, StringComparison.Ordinal);
        }

        int before = JsonDocument.Parse(File.ReadAllText($"{file}.progress")).RootElement.GetProperty("done").GetInt32();
        Assert.InRange(before, 1, Many - 1);
        await SucceedAsync("dead-letters", "replay", "--file", file, "--to", Stream, "--yes");

        List<JsonElement> records = await RecordsAsync();
        Assert.Equal(Many, records.Select(static put => Text(put, "value")).Distinct().Count());
        // the request that was under way
        Assert.InRange(records.Count, Many, Many + 500);
    }

    [Fact]
    public async Task A_letter_that_the_target_does_not_take_is_named()
    {
        string file = PathOf("large.jsonl");
        await using (var sink = new FileDeadLetterSink(file))
        {
            await sink.WriteAsync(LetterOf(KinesisRecord.Create("small"u8, "key", SequenceNumber.Parse("1"))), Cancellation);
            await sink.WriteAsync(
                LetterOf(KinesisRecord.Create(new byte[(1024 * 1024) + 1], "key", SequenceNumber.Parse("2"))), Cancellation);
        }

        ToolRun run = await RunAsync("dead-letters", "replay", "--file", file, "--to", Stream, "--yes");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("The target does not take line 2", run.Errors, StringComparison.Ordinal);
        Assert.Equal("small", Text((await RecordsAsync()).Single(), "value"));
    }

    [Theory]
    [InlineData(2, "list", "--from-stream")]
    [InlineData(2, "list --file a --from-stream b", "--file")]
    [InlineData(1, "list --file /nowhere/dead", "/nowhere/dead: there is no such file")]
    [InlineData(1, "list --from-stream nothere", "nothere")]
    [InlineData(2, "replay --from-stream orders-dead", "--to")]
    [InlineData(2, "replay --from-stream orders-dead --to orders-dead --yes", "where the letters come from")]
    [InlineData(1, "replay --from-stream orders-dead --to nothere --yes", "nothere")]
    public async Task What_is_wrong_is_said_in_a_line(int exitCode, string arguments, string said) =>
        (await RunAsync(["dead-letters", .. arguments.Split(' ')])).AssertFails(exitCode, said);

    private static DeadLetter LetterOf(KinesisRecord record) => new(
        record,
        new ShardContext("OrderProcessor", "billing", Stream, "shardId-000000000007", 1),
        new FormatException("no number"),
        3);

    /// <summary>Three letters, of an aggregate, by the sink.</summary>
    private async Task<string> WriteLettersAsync()
    {
        const string Source = "source";
        if (!File.Exists(PathOf("dead.jsonl")))
        {
            Kinesis.CreateStream(Source);
            Kinesis.Put(Source, "outer", AggregateWriter.Write(
                new UserRecord("one", "first"u8.ToArray()),
                new UserRecord("two", "second"u8.ToArray(), "17"),
                new UserRecord("long", "third"u8.ToArray())));
        }

        using KinesisClient client = CreateClient();
        StreamIdentifier stream = StreamIdentifier.Parse(Source);
        string iterator = await client.GetShardIteratorAsync(stream, "shardId-000000000000", StartingPosition.TrimHorizon, Cancellation);
        using GetRecordsResponse answer = await client.GetRecordsAsync(stream, iterator, cancellationToken: Cancellation);
        new Deaggregation(null).Apply(answer);
        await using var sink = new FileDeadLetterSink(PathOf("dead.jsonl"));
        foreach (KinesisRecord record in answer.EnumerateRecords())
        {
            await sink.WriteAsync(LetterOf(record), Cancellation);
        }

        return PathOf("dead.jsonl");
    }
}
