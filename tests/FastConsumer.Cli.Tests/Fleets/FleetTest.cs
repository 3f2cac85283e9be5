using System.Text.Json;
using Amazon.DynamoDBv2;
using Amazon.Runtime;
using FastConsumer.Hosting;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

[assembly: AssemblyFixture(typeof(DynoxideServer))]

namespace FastConsumer.Cli.Tests.Fleets;

/// <summary>Workers on an embedded Kinesis and dynoxide, in this process, and the tool as processes of its own beside them.</summary>
public abstract class FleetTest(DynoxideServer dynamo) : IAsyncLifetime
{
    protected const string Stream = "orders";

    private readonly List<IHost> _hosts = [];
    private int _put;

    internal EmbeddedKinesis Kinesis { get; private set; } = null!;

    internal Orders Orders { get; } = new();

    /// <summary>The application, and its table: one for each test.</summary>
    protected string Application { get; } = $"desk-{Guid.NewGuid():N}";

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    protected IReadOnlyDictionary<string, string?> Environment => new Dictionary<string, string?>
    {
        ["AWS_ACCESS_KEY_ID"] = "embedded",
        ["AWS_SECRET_ACCESS_KEY"] = "embedded",
        ["AWS_REGION"] = "us-east-1",
        ["AWS_ENDPOINT_URL_KINESIS"] = Kinesis.ServiceUrl,
        ["AWS_ENDPOINT_URL_DYNAMODB"] = dynamo.ServiceUrl,
        ["FASTCONSUMER_APPLICATION"] = Application,
    };

    public async ValueTask InitializeAsync() => Kinesis = await EmbeddedKinesis.StartAsync(new EmbeddedKinesisOptions(), Cancellation);

    public async ValueTask DisposeAsync()
    {
        Orders.Release();
        await Task.WhenAll(_hosts.Select(static host => host.StopAsync(CancellationToken.None)));
        _hosts.ForEach(static host => host.Dispose());
        await Kinesis.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Starts a worker.</summary>
    protected Task<IHost> StartWorkerAsync(string workerId, Action<FastConsumerOptions>? configure = null) =>
        StartWorkerAsync(workerId, static consumer => consumer.AddProcessor<OrderProcessor>(), configure);

    /// <summary>Starts a worker of another processor.</summary>
    protected async Task<IHost> StartWorkerAsync(
        string workerId, Action<FastConsumerBuilder> processor, Action<FastConsumerOptions>? configure = null)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(Orders);
        var credentials = new BasicAWSCredentials("embedded", "embedded");
        FastConsumerBuilder consumer = builder.Services
            .AddFastConsumer(options =>
            {
                options.ApplicationName = Application;
                options.WorkerId = workerId;
                options.ServiceUrl = Kinesis.ServiceUrl;
                options.Region = Kinesis.Region;
                options.Credentials = credentials;
                options.CheckpointInterval = TimeSpan.FromMilliseconds(500);
                options.LeaseDuration = TimeSpan.FromSeconds(4);
                configure?.Invoke(options);
            })
            .UseDynamoDb(options =>
            {
                options.ServiceUrl = dynamo.ServiceUrl;
                options.Region = "us-east-1";
                options.Credentials = credentials;
            });
        processor(consumer);
        IHost host = builder.Build();
        _hosts.Add(host);
        await host.StartAsync(Cancellation);
        return host;
    }

    /// <summary>Puts orders, spread over the shards.</summary>
    protected List<string> Put(int count)
    {
        List<string> put = [];
        for (int i = 0; i < count; i++)
        {
            string text = $"order-{++_put}";
            Kinesis.Put(Stream, $"customer-{_put % 20}", text);
            put.Add(text);
        }

        return put;
    }

    protected Task HandledAsync(IReadOnlyCollection<string> orders) => Eventually.ThatAsync(
        "all orders are handled", () => !orders.Except(Orders.Handled, StringComparer.Ordinal).Any(), () => Orders.ToString());

    /// <summary>A client of the tables, for rows that no worker writes.</summary>
    internal AmazonDynamoDBClient Tables() => new(
        new BasicAWSCredentials("embedded", "embedded"),
        new AmazonDynamoDBConfig { ServiceURL = dynamo.ServiceUrl, AuthenticationRegion = "us-east-1" });

    /// <summary>Runs the tool to its end.</summary>
    internal Task<ToolRun> RunAsync(params string[] arguments) => RunAsync(Environment, arguments);

    internal static async Task<ToolRun> RunAsync(IReadOnlyDictionary<string, string?> environment, params string[] arguments)
    {
        await using Tool tool = Tool.Start(environment, arguments);
        int exitCode = await tool.ExitCodeAsync();
        return new ToolRun(exitCode, tool.Output, tool.Errors);
    }

    /// <summary>Runs the tool again and again until what it says is as expected.</summary>
    internal async Task<ToolRun> RunUntilAsync(Func<ToolRun, bool> isExpected, params string[] arguments)
    {
        ToolRun run = await RunAsync(arguments);
        for (int i = 0; i < 40 && !isExpected(run); i++)
        {
            await Task.Delay(250, Cancellation);
            run = await RunAsync(arguments);
        }

        Assert.True(isExpected(run), $"{string.Join(' ', arguments)}: exit code {run.ExitCode}\n{run.Output}\n{run.Errors}");
        return run;
    }

    /// <summary>The rows, as the tool shows them.</summary>
    internal async Task<List<JsonElement>> LeasesAsync() => [.. (await RunAsync("leases", "-o", "json")).Items];
}

/// <summary>What a run of the tool has said.</summary>
internal sealed record ToolRun(int ExitCode, string Output, string Errors)
{
    public JsonElement Document => JsonDocument.Parse(Output).RootElement;

    public IEnumerable<JsonElement> Items => Document.GetProperty("items").EnumerateArray();

    /// <summary>Ends with this exit code; the error is one line that says all of these.</summary>
    public void AssertFails(int exitCode, params string[] said)
    {
        Assert.True(exitCode == ExitCode, $"exit code {ExitCode} instead of {exitCode}:\n{Output}\n{Errors}");
        Assert.All(said, text => Assert.Contains(text, Errors + Output, StringComparison.Ordinal));
        Assert.Single(Errors.Split('\n'));
    }

    /// <summary>Is refused, for a reason that says this.</summary>
    public void AssertRefused(string said)
    {
        Assert.True(ExitCode == 4, $"exit code {ExitCode} instead of 4:\n{Output}\n{Errors}");
        Assert.Contains(said, Errors + Output, StringComparison.Ordinal);
    }
}
