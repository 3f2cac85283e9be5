using System.Text;
using System.Text.Json;
using Amazon.Runtime;
using FastConsumer.Cli.Tests.Fleets;
using FastConsumer.Kinesis;
using FastConsumer.Testing;

namespace FastConsumer.Cli.Tests.Records;

/// <summary>An embedded Kinesis in this process, and the tool as processes of its own beside it.</summary>
public abstract class RecordsTest : IAsyncLifetime
{
    protected const string Stream = "orders";

    private readonly string _directory = Directory.CreateTempSubdirectory("fastconsumer-records-").FullName;

    internal EmbeddedKinesis Kinesis { get; private set; } = null!;

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    protected virtual EmbeddedKinesisOptions Options => new();

    protected IReadOnlyDictionary<string, string?> Environment => new Dictionary<string, string?>
    {
        ["AWS_ACCESS_KEY_ID"] = "embedded",
        ["AWS_SECRET_ACCESS_KEY"] = "embedded",
        ["AWS_REGION"] = "us-east-1",
        ["AWS_ENDPOINT_URL_KINESIS"] = Kinesis.ServiceUrl,
        ["FASTCONSUMER_STREAM"] = Stream,
    };

    public virtual async ValueTask InitializeAsync()
    {
        Kinesis = await EmbeddedKinesis.StartAsync(Options, Cancellation);
        Kinesis.CreateStream(Stream, shardCount: 2);
    }

    public async ValueTask DisposeAsync()
    {
        await Kinesis.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>A path that nothing else has.</summary>
    protected string PathOf(string name) => Path.Combine(_directory, name);

    protected string WriteFile(string name, params string[] lines)
    {
        File.WriteAllText(PathOf(name), string.Concat(lines.Select(static line => line + "\n")), new UTF8Encoding(false));
        return PathOf(name);
    }

    internal Task<ToolRun> RunAsync(params string[] arguments) => FleetTest.RunAsync(Environment, arguments);

    /// <summary>Runs it, and expects that it succeeds.</summary>
    internal async Task<ToolRun> SucceedAsync(params string[] arguments)
    {
        ToolRun run = await RunAsync(arguments);
        Assert.True(run.ExitCode == 0, $"{string.Join(' ', arguments)}: exit code {run.ExitCode}\n{run.Output}\n{run.Errors}");
        return run;
    }

    /// <summary>All records of a stream, as peek shows them.</summary>
    internal async Task<List<JsonElement>> RecordsAsync(string stream = Stream) =>
        LinesOf(await SucceedAsync("peek", "--stream", stream, "--from", "trim", "-o", "json", "--calls-per-second", "5"));

    internal static List<JsonElement> LinesOf(ToolRun run) =>
        [.. run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => JsonDocument.Parse(line).RootElement)];

    internal static string Text(JsonElement line, string property) => line.GetProperty(property).GetString()!;

    internal KinesisClient CreateClient() => new(new KinesisClientOptions
    {
        ServiceUrl = Kinesis.ServiceUrl,
        Region = Kinesis.Region,
        Credentials = new BasicAWSCredentials("embedded", "embedded"),
    });

    /// <summary>The first hash key of a shard.</summary>
    protected UInt128 HashKeyOf(int shard) => Kinesis.ListShards(Stream)[shard].HashKeyRange.StartingHashKey;
}
