using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Integration.Tests.EndToEnd;

/// <summary>The quick start as its first user runs it.</summary>
public sealed class QuickStartTests(LocalAws aws)
{
    private const int Events = 1_707;

    private readonly ConcurrentQueue<string> _output = new();

    [Fact]
    public async Task Reads_all_events_from_the_embedded_kinesis()
    {
        await using var program = Start("--json");
        Assert.True(await ExitedAsync(program) == 0, program.LastOutput);

        AssertSummary(restarts: 1, splits: 1);
    }

    [Fact]
    public async Task Ends_gracefully_when_it_is_interrupted_half_way()
    {
        await using var program = Start("--json");
        await Eventually.ThatAsync(
            "some events are counted",
            () => _output.Any(line => line.Contains($" of {Events} events", StringComparison.Ordinal)),
            () => program.LastOutput);

        Signals.Send(program.Id, Signal.Interrupt);
        Assert.True(await ExitedAsync(program) == 1, program.LastOutput);

        using var summary = JsonDocument.Parse(_output.Last());
        Assert.InRange(summary.RootElement.GetProperty("distinct").GetInt32(), 1, Events - 1);
        Assert.Equal(summary.RootElement.GetProperty("records").GetInt32(), summary.RootElement.GetProperty("distinct").GetInt32());
        Assert.DoesNotContain(
            _output, line => line.StartsWith("Warning", StringComparison.Ordinal) || line.StartsWith("Critical", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Reads_a_stream_of_the_users_until_it_is_interrupted()
    {
        const string stream = "quick-start";
        var cancellationToken = TestContext.Current.CancellationToken;
        await aws.Producer.CreateStreamAsync(stream, 2, cancellationToken);
        await using var program = Start("--stream", stream, "--application", "quick-start-leases", "--json");
        var produced = await aws.Producer.PutRecordsAsync(stream, await ReadEventsAsync(cancellationToken), cancellationToken);
        await Eventually.ThatAsync(
            "all events are counted",
            () => _output.Any(line => line.StartsWith($"{Events} records", StringComparison.Ordinal)),
            () => program.LastOutput);

        Signals.Send(program.Id, Signal.Interrupt);
        Assert.True(await ExitedAsync(program) == 0, program.LastOutput);

        AssertSummary(restarts: 0, splits: 0);
        var rows = await LeaseRows.ReadAsync(aws.Tables, "quick-start-leases", cancellationToken);
        Assert.Equal(2, rows.Count);
        Assert.All(rows, row => Assert.Null(row.Value.Owner()));
        Assert.All(rows, row => Assert.Equal(
            produced.Last(record => record.ShardId == row.Key).SequenceNumber, row.Value.Checkpoint()));
    }

    [Fact]
    public async Task Needs_no_DynamoDB_with_leases_in_memory_and_says_where_it_reads()
    {
        const string stream = "quick-start-in-memory";
        var cancellationToken = TestContext.Current.CancellationToken;
        await aws.Producer.CreateStreamAsync(stream, 1, cancellationToken);
        // nobody listens there
        var environment = new Dictionary<string, string?> { ["AWS_ENDPOINT_URL_DYNAMODB"] = "http://127.0.0.1:1" };
        await using var program = Start(environment, "--stream", stream, "--leases", "memory", "--json");
        await aws.Producer.PutRecordsAsync(stream, await ReadEventsAsync(cancellationToken), cancellationToken);
        await Eventually.ThatAsync(
            "all events are counted",
            () => _output.Any(line => line.StartsWith($"{Events} records", StringComparison.Ordinal)),
            () => program.LastOutput);

        Signals.Send(program.Id, Signal.Terminate);
        Assert.True(await ExitedAsync(program) == 0, program.LastOutput);

        Assert.Contains($"Kinesis: {aws.KinesisUrl}", _output);
        Assert.Contains("leases: in the memory of this process", _output);
    }

    [Fact]
    public async Task Says_what_is_wrong_with_its_arguments()
    {
        await using var program = Start("--no-such-option");

        Assert.NotEqual(0, await ExitedAsync(program));
        Assert.Contains("--no-such-option", program.LastOutput, StringComparison.Ordinal);
    }

    private static async Task<IReadOnlyList<RecordToPut>> ReadEventsAsync(CancellationToken cancellationToken)
    {
        var events = new List<RecordToPut>();
        await foreach (var line in File.ReadLinesAsync(ProgramFiles.QuickStartData, cancellationToken))
        {
            using var json = JsonDocument.Parse(line);
            events.Add(new RecordToPut(json.RootElement.GetProperty("id").GetString()!, Encoding.UTF8.GetBytes(line)));
        }

        Assert.Equal(Events, events.Count);
        return events;
    }

    private static Task<int> ExitedAsync(ChildProcess program) =>
        Eventually.EndsAsync("the quick start ends", program.Exited, () => program.LastOutput);

    private void AssertSummary(int restarts, int splits)
    {
        using var summary = JsonDocument.Parse(_output.Last());
        var root = summary.RootElement;
        Assert.Equal(
            ["records", "byType", "strong", "distinct", "checkpoints", "restarts", "splits"],
            root.EnumerateObject().Select(property => property.Name));
        Assert.Equal(Events, root.GetProperty("records").GetInt32());
        Assert.Equal(Events, root.GetProperty("distinct").GetInt32());
        Assert.Equal(39, root.GetProperty("strong").GetInt32());
        Assert.Equal(
            new Dictionary<string, int> { ["earthquake"] = 1679, ["explosion"] = 15, ["quarry blast"] = 13 },
            root.GetProperty("byType").EnumerateObject().ToDictionary(type => type.Name, type => type.Value.GetInt32()));
        Assert.InRange(root.GetProperty("checkpoints").GetInt32(), 1, Events);
        Assert.Equal(restarts, root.GetProperty("restarts").GetInt32());
        Assert.Equal(splits, root.GetProperty("splits").GetInt32());
    }

    /// <summary>Under the guard, which ends it with the test host and passes signals on.</summary>
    private ChildProcess Start(params string[] arguments) => Start([], arguments);

    private ChildProcess Start(Dictionary<string, string?> environment, params string[] arguments)
    {
        environment.TryAdd("AWS_ENDPOINT_URL_KINESIS", aws.KinesisUrl);
        environment.TryAdd("AWS_ENDPOINT_URL_DYNAMODB", aws.DynamoUrl);
        environment.TryAdd("AWS_REGION", LocalAws.Region);
        environment.TryAdd("AWS_ACCESS_KEY_ID", "test");
        environment.TryAdd("AWS_SECRET_ACCESS_KEY", "test");
        return ChildProcess.Start(
            "node",
            [NodePackages.Script("guard.cjs"), "dotnet", ProgramFiles.QuickStart, .. arguments],
            Path.GetTempPath(),
            environment,
            _output.Enqueue);
    }
}
