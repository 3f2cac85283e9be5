using FastConsumer.Aot.Tests.Programs;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Package.Tests.Feed;
using FastConsumer.Package.Tests.UserProjects;
using FastConsumer.Testing;

namespace FastConsumer.Aot.Tests;

/// <summary>A worker in a web application, with OpenTelemetry and the dashboard, compiled to native code without a warning.</summary>
public sealed class WebWorkerTests(PackageFeed feed, DynoxideServer dynamo) : IClassFixture<DynoxideServer>
{
    private const string Listening = "      Now listening on: ";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_answers_probes_and_sends_metrics_and_logs()
    {
        string folder = await PublishAsync();
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: Cancellation);
        kinesis.CreateStream("orders");
        kinesis.Put("orders", "1", """{"id":1,"amount":100}""");
        await using LocalCollector collector = await LocalCollector.StartAsync(Cancellation);

        await using RunningWorker running = RunningWorker.Start(folder, new Dictionary<string, string>
        {
            ["AWS_ACCESS_KEY_ID"] = "static-key",
            ["AWS_SECRET_ACCESS_KEY"] = "static-secret",
            ["AWS_REGION"] = kinesis.Region,
            ["AWS_ENDPOINT_URL_KINESIS"] = kinesis.ServiceUrl,
            ["AWS_ENDPOINT_URL_DYNAMODB"] = dynamo.ServiceUrl,
            ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.ServiceUrl,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "1000",
        });
        await running.WaitUntilAsync("the record is handled", () => running.Handled.Contains("order 1 100"));
        await running.WaitUntilAsync("the web server listens", () => running.Lines(Listening).Any());
        using var client = new HttpClient { BaseAddress = new Uri(running.Lines(Listening).First()) };
        Assert.Equal("Healthy", await client.GetStringAsync("/live", Cancellation));
        await Eventually.ThatAsync(
            "the consumer is healthy",
            async () => await client.GetAsync("/health", Cancellation) is { IsSuccessStatusCode: true } answer
                && await answer.Content.ReadAsStringAsync(Cancellation) == "Healthy",
            () => running.LastOutput);
        Assert.Contains("app.js", await client.GetStringAsync("/fastconsumer/", Cancellation), StringComparison.Ordinal);
        Assert.Contains("import", await client.GetStringAsync("/fastconsumer/assets/app.js", Cancellation), StringComparison.Ordinal);
        await Eventually.ThatAsync(
            "the dashboard shows the shard",
            async () => (await FirstEventAsync(client)).Contains("shardId-000000000000", StringComparison.Ordinal),
            () => running.LastOutput);
        await running.WaitUntilAsync("FastConsumer's metrics", () => collector.Has("metrics", "fastconsumer.millis_behind_latest"));
        await running.WaitUntilAsync("the runtime's metrics", () => collector.Has("metrics", "dotnet.gc.collections"));
        // a log's body is the message's template; the values are attributes, the worker's own too
        string[] logged =
            ["{Processor} starts on stream {Stream}: {Starts}", "Application", "native-web", "ShardId", "shardId-000000000000"];
        await running.WaitUntilAsync("its log", () => logged.All(text => collector.Has("logs", text)));
        await running.StopAsync();
    }

    /// <summary>The first state that the dashboard sends a page.</summary>
    private static async Task<string> FirstEventAsync(HttpClient client)
    {
        await using Stream live = await client.GetStreamAsync("/fastconsumer/api/live", Cancellation);
        using var lines = new StreamReader(live);
        return await lines.ReadLineAsync(Cancellation) ?? "";
    }

    private async Task<string> PublishAsync()
    {
        Dictionary<string, string> properties = new()
        {
            ["AssemblyName"] = "Worker",
            ["DebugType"] = "none",
            ["PublishAot"] = "true",
            ["InvariantGlobalization"] = "true",
        };
        string[] packages =
        [
            PackageFeed.DynamoDb, PackageFeed.Dashboard, "OpenTelemetry.Extensions.Hosting",
            "OpenTelemetry.Exporter.OpenTelemetryProtocol", "OpenTelemetry.Instrumentation.Runtime",
        ];
        const string Name = "web-worker-native";
        UserProject project = UserProject.Create(
            feed, Name, properties, packages, UserProject.Code("WebWorker.cs"), sdk: "Microsoft.NET.Sdk.Web");
        string folder = project.PathOf("published");
        (await project.RunAsync("publish", $"{Name}.csproj", "--output", folder)).MustSucceed().MustNotWarn();
        return folder;
    }
}
