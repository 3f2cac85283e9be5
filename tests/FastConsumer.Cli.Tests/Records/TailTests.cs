using System.Text.Json;
using FastConsumer.Cli.Tests.Fleets;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Kinesis;
using FastConsumer.Testing.Harness;
using FastConsumer.Tests.Kinesis.Wire;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Cli.Tests.Records;

/// <summary><c>tail</c>, and what it saves.</summary>
public sealed class TailTests : RecordsTest
{
    [Theory]
    [InlineData(Signal.Interrupt)]
    [InlineData(Signal.Terminate)]
    internal async Task It_shows_what_comes_until_a_signal_and_ends_well(Signal signal)
    {
        Kinesis.Put(Stream, "key", "before");
        await using Tool tool = Tool.Start(Environment, ["tail", "--from", "trim", "-f", @"%v\n"]);
        await SaysAsync(tool, "before");
        Kinesis.SplitShard(Stream, "shardId-000000000000");
        Kinesis.Put(Stream, "key", "after", HashKeyOf(0));
        await SaysAsync(tool, "after");

        tool.Send(signal);

        Assert.Equal(0, await tool.ExitCodeAsync());
        Assert.Equal("before\nafter", tool.Output);
    }

    [Fact]
    public async Task It_ends_at_the_tip_where_it_is_told_to()
    {
        Kinesis.Put(Stream, "key", "all");

        Assert.Equal("all", (await SucceedAsync("tail", "--from", "trim", "-e", "-f", @"%v\n")).Output);
    }

    [Fact]
    public async Task A_registered_consumer_reads_without_calls_of_the_quota()
    {
        using KinesisClient client = CreateClient();
        await client.RegisterStreamConsumerAsync(Kinesis.StreamArn(Stream), "desk", Cancellation);
        Kinesis.Put(Stream, "one", "left", HashKeyOf(0));
        Kinesis.Put(Stream, "two", "right", HashKeyOf(1));

        ToolRun run = await SucceedAsync("tail", "--fan-out", "desk", "--from", "trim", "-e", "-f", @"%v\n");

        Assert.Equal(["left", "right"], run.Output.Split('\n').Order(StringComparer.Ordinal));
        Assert.Contains("loses its subscriptions", run.Errors, StringComparison.Ordinal);
        Assert.Equal(0, Kinesis.RequestCount("GetRecords"));
    }

    [Fact]
    public async Task Other_readers_of_the_shard_slow_it_down_and_end_it_not()
    {
        Kinesis.Put(Stream, "key", "there");
        Kinesis.Faults.Fail("GetRecords", "ProvisionedThroughputExceededException", times: 3);

        ToolRun run = await SucceedAsync("peek", "--from", "trim", "-f", @"%v\n");

        Assert.Equal("there", run.Output);
        Assert.Contains("other readers take the shard's quota", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_saved_is_replayed_with_every_property()
    {
        Kinesis.Put(Stream, "plain", "text", HashKeyOf(0));
        Kinesis.Put(Stream, "binary", [0xFF, 0x00, 0x0A], HashKeyOf(1));
        Kinesis.Put(
            Stream,
            "outer",
            AggregateWriter.Write(
                new UserRecord("one", "first"u8.ToArray()),
                new UserRecord("ü", [], "17"),
                new UserRecord("one", "third"u8.ToArray(), "18")),
            HashKeyOf(0));
        Kinesis.Put(Stream, "plain", "last", HashKeyOf(0));
        string path = PathOf("saved.jsonl");

        ToolRun run = await SucceedAsync("tail", "--from", "trim", "-e", "--save", path);

        Assert.Equal("", run.Output);
        Assert.Contains($"Saved 6 records of 2 shards to {path}", run.Errors, StringComparison.Ordinal);
        Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(path) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
        List<JsonElement> lines = LinesOf(new ToolRun(0, File.ReadAllText(path), ""));
        Assert.Equal((1, Stream), (lines[0].GetProperty("version").GetInt32(), Text(lines[0], "stream")));

        var live = new SeenRecords();
        List<SeenRecord> expected = await ReadLiveAsync();
        var seen = new SeenRecords();
        await using ProcessorHarness harness = await ProcessorHarness.StartAsync<SeeingProcessor>(
            services => services.AddSingleton(seen), new ProcessorHarnessOptions { CancellationToken = Cancellation });
        await harness.ReplayAsync(path);
        Assert.Equal(expected, seen.InOrder);

        // after a crash it goes on from its checkpoint, inside an aggregate too
        await harness.CrashAsync();
        await harness.RestartAsync();
        await harness.WaitUntilDoneAsync();
        Assert.Equal(expected, seen.InOrder.Distinct());

        // the same file once more
        await harness.ReplayAsync(path);
        Assert.Equal(2, seen.InOrder.Count(record => record == expected[0]));
        Assert.Throws<InvalidOperationException>(() => harness.Put("key", "text"));
    }

    [Fact]
    public async Task A_file_is_not_written_over()
    {
        string path = WriteFile("there.jsonl", "mine");

        (await RunAsync("tail", "--from", "trim", "-e", "--save", path)).AssertFails(1, path, "Name another file");
        Assert.Equal("mine\n", File.ReadAllText(path));
    }

    [Fact]
    public async Task What_was_saved_until_a_signal_is_whole()
    {
        Kinesis.Put(Stream, "key", "text");
        string path = PathOf("saved.jsonl");
        await using Tool tool = Tool.Start(Environment, ["tail", "--from", "trim", "--save", path]);
        await Eventually.ThatAsync("a record is saved", () => File.Exists(path) && File.ReadAllLines(path).Length == 2, () => tool.Errors);

        tool.Send(Signal.Interrupt);

        Assert.Equal(0, await tool.ExitCodeAsync());
        Assert.Contains("Saved 1 records of 1 shards", tool.Errors, StringComparison.Ordinal);
    }

    /// <summary>The records as the stream's own reader gives them.</summary>
    private async Task<List<SeenRecord>> ReadLiveAsync()
    {
        var seen = new List<SeenRecord>();
        using KinesisClient client = CreateClient();
        StreamIdentifier stream = StreamIdentifier.Parse(Stream);
        foreach (Shard shard in Kinesis.ListShards(Stream))
        {
            string iterator = await client.GetShardIteratorAsync(stream, shard.ShardId, StartingPosition.TrimHorizon, Cancellation);
            using GetRecordsResponse answer = await client.GetRecordsAsync(stream, iterator, cancellationToken: Cancellation);
            new FastConsumer.Reading.Deaggregation(shard.HashKeyRange, ForeignRecords.Deliver).Apply(answer);
            seen.AddRange(answer.EnumerateRecords().Select(record => SeenRecord.Of(shard.ShardId, record)));
        }

        return seen;
    }

    private static Task SaysAsync(Tool tool, string text) => Eventually.ThatAsync(
        $"it says {text}", () => tool.Output.Contains(text, StringComparison.Ordinal), () => $"{tool.Output}\n{tool.Errors}");
}
