using System.Text.Json;
using FastConsumer.Aot.Tests.Programs;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Package.Tests.Trimming;
using FastConsumer.Testing;

namespace FastConsumer.Aot.Tests;

/// <summary>A worker compiled to native code does what one for the just-in-time compiler does.</summary>
public sealed class WorkerTests(PublishedWorker worker, DynoxideServer dynamo)
    : IClassFixture<PublishedWorker>, IClassFixture<DynoxideServer>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static string[] Expected { get; } =
    [
        .. Enumerable.Range(0, 10).Select(static i => $"placed {i} {i * 100}"),
        "cancelled 3 downtown",
        .. Enumerable.Range(0, 40).Select(static i => $"click user-{i % 8} {i}"),
        .. Enumerable.Range(1, 9).Select(static i => $"reading {i} 0.5"),
    ];

    [Theory]
    [InlineData("Polling")]
    [InlineData("FanOut")]
    public async Task It_handles_json_lanes_batches_and_dead_letters(string readMode)
    {
        await using EmbeddedKinesis kinesis = await StartKinesisAsync(new EmbeddedKinesisCredentials("static-key", "static-secret"));
        string letters = Path.Combine(worker.NativeFolder, $"letters-{readMode}.ndjson");
        Dictionary<string, string> settings = Settings(kinesis, $"native-{readMode}", letters);
        settings["AWS_ACCESS_KEY_ID"] = "static-key";
        settings["AWS_SECRET_ACCESS_KEY"] = "static-secret";
        settings["FastConsumer__ReadMode"] = readMode;

        await using (RunningWorker running = RunningWorker.Start(worker.NativeFolder, settings))
        {
            await running.WaitUntilAsync("all is handled", () => Expected.All(running.Handled.Contains) && Letters(letters).Length == 3);
            await running.StopAsync();
            Assert.Equal(Expected.Order(StringComparer.Ordinal), running.Handled.Order(StringComparer.Ordinal));
            foreach (IGrouping<string, string> user in running.Lines("handled click ").GroupBy(static line => line.Split(' ')[0]))
            {
                int[] clicks = [.. user.Select(static line => int.Parse(line.Split(' ')[1], null))];
                Assert.Equal(clicks.Order(), clicks);
            }
        }

        Assert.Equal(readMode == "FanOut", kinesis.RequestCount("SubscribeToShard") > 0);
        Assert.Equal(readMode == "Polling", kinesis.RequestCount("GetRecords") > 0);
        Assert.Equal(
            ["System.ArgumentException", "System.ArgumentException", "System.Text.Json.JsonException"],
            Letters(letters).Select(static letter => letter.GetProperty("exception").GetString()!).Order(StringComparer.Ordinal));

        // what was done is checkpointed: another one begins behind it
        kinesis.Put("orders", "last", """{"type":"placed","id":77,"amount":1}""");
        await using (RunningWorker next = RunningWorker.Start(worker.NativeFolder, settings))
        {
            await next.WaitUntilAsync("the new record is handled", () => next.Handled.Any());
            await next.StopAsync();
            Assert.Equal(["placed 77 1"], next.Handled);
        }
    }

    [Fact]
    public async Task It_follows_a_shard_that_is_split()
    {
        await using EmbeddedKinesis kinesis = await StartKinesisAsync(new EmbeddedKinesisCredentials("static-key", "static-secret"));
        Dictionary<string, string> settings = Settings(kinesis, "native-split", Path.Combine(worker.NativeFolder, "letters-split.ndjson"));
        settings["AWS_ACCESS_KEY_ID"] = "static-key";
        settings["AWS_SECRET_ACCESS_KEY"] = "static-secret";

        await using RunningWorker running = RunningWorker.Start(worker.NativeFolder, settings);
        await running.WaitUntilAsync("all is handled", () => Expected.All(running.Handled.Contains));
        kinesis.SplitShard("orders", "shardId-000000000000");
        kinesis.Put("orders", "0", """{"type":"placed","id":78,"amount":1}""");
        await running.WaitUntilAsync("the end of the parent", () => running.Lines("ended ").Contains("shardId-000000000000"));
        await running.WaitUntilAsync("what was put afterwards", () => running.Handled.Contains("placed 78 1"));
        await running.StopAsync();
    }

    [Fact]
    public async Task It_assumes_a_role_with_a_web_identity()
    {
        await using LocalSts sts = await LocalSts.StartAsync(Cancellation);
        // requests signed with anything else are refused
        var credentials = new EmbeddedKinesisCredentials(LocalSts.AccessKeyId, LocalSts.SecretAccessKey, LocalSts.SessionToken);
        await using EmbeddedKinesis kinesis = await StartKinesisAsync(credentials);
        string token = Path.Combine(worker.NativeFolder, "token");
        await File.WriteAllTextAsync(token, "the token of a pod", Cancellation);
        Dictionary<string, string> settings = Settings(kinesis, "native-role", Path.Combine(worker.NativeFolder, "letters-role.ndjson"));
        settings["AWS_WEB_IDENTITY_TOKEN_FILE"] = token;
        settings["AWS_ROLE_ARN"] = "arn:aws:iam::000000000000:role/consumer";
        settings["AWS_ROLE_SESSION_NAME"] = "native";
        settings["AWS_ENDPOINT_URL_STS"] = sts.ServiceUrl;

        await using RunningWorker running = RunningWorker.Start(worker.NativeFolder, settings);
        await running.WaitUntilAsync("all is handled", () => Expected.All(running.Handled.Contains));
        await running.StopAsync();

        Assert.Equal(("arn:aws:iam::000000000000:role/consumer", "native", "the token of a pod"), sts.Asked.Distinct().Single());
    }

    /// <summary>In turns with the just-in-time compiler; written to <c>artifacts/aot-figures.txt</c> and not judged.</summary>
    [Fact]
    public async Task What_it_costs_is_measured_beside_the_just_in_time_compiler()
    {
        const int Rounds = 5;
        await using EmbeddedKinesis kinesis = await StartKinesisAsync(new EmbeddedKinesisCredentials("static-key", "static-secret"));
        List<WorkerCosts> native = [];
        List<WorkerCosts> jit = [];
        for (int round = 0; round < Rounds; round++)
        {
            native.Add(await CostsOfAsync(kinesis, worker.NativeFolder, $"costs-native-{round}"));
            jit.Add(await CostsOfAsync(kinesis, worker.JitFolder, $"costs-jit-{round}"));
        }

        string figures = WorkerCosts.Compare(WorkerCosts.Median(native), WorkerCosts.Median(jit), Rounds);
        await WorkerCosts.WriteAsync(figures, Cancellation);
        TestContext.Current.TestOutputHelper!.WriteLine(figures);
    }

    private async Task<WorkerCosts> CostsOfAsync(EmbeddedKinesis kinesis, string folder, string application)
    {
        Dictionary<string, string> settings = Settings(kinesis, application, Path.Combine(folder, $"{application}.ndjson"));
        settings["AWS_ACCESS_KEY_ID"] = "static-key";
        settings["AWS_SECRET_ACCESS_KEY"] = "static-secret";
        await using RunningWorker running = RunningWorker.Start(folder, settings);
        await running.WaitUntilAsync("all is handled", () => Expected.All(running.Handled.Contains));
        await running.StopAsync();
        Assert.Equal(Expected.Order(StringComparer.Ordinal), running.Handled.Order(StringComparer.Ordinal));
        return WorkerCosts.Read(folder, running.Lines("first ").Single());
    }

    private static async Task<EmbeddedKinesis> StartKinesisAsync(EmbeddedKinesisCredentials credentials)
    {
        EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(new EmbeddedKinesisOptions { Credentials = credentials }, Cancellation);
        kinesis.CreateStream("orders", shardCount: 2);
        kinesis.CreateStream("clicks");
        kinesis.CreateStream("readings");
        for (int i = 0; i < 10; i++)
        {
            kinesis.Put("orders", $"{i}", $$"""{"type":"placed","id":{{i}},"amount":{{i * 100}}}""");
            kinesis.Put("readings", $"{i}", $$"""{"meter":{{i}},"kilowatts":0.5}""");
        }

        kinesis.Put("orders", "3", """{"id":3,"type":"cancelled"}""");
        kinesis.Put("orders", "4", """{"type":"placed","id":"four"}""");
        kinesis.Put("orders", "5", """{"type":"placed","id":5,"amount":-1}""");
        kinesis.Put("readings", "6", """{"meter":6,"kilowatts":-0.5}""");
        for (int i = 0; i < 40; i++)
        {
            kinesis.Put("clicks", $"user-{i % 8}", $"{i}");
        }

        return kinesis;
    }

    private Dictionary<string, string> Settings(EmbeddedKinesis kinesis, string application, string deadLetters) => new()
    {
        // a lease table holds one application's leases on one stream
        ["FastConsumer__Processors__OrderProcessor__ApplicationName"] = $"{application}-orders",
        ["FastConsumer__Processors__ClickProcessor__ApplicationName"] = $"{application}-clicks",
        ["FastConsumer__Processors__ReadingProcessor__ApplicationName"] = $"{application}-readings",
        ["Shop"] = "downtown",
        ["DeadLetters"] = deadLetters,
        ["AWS_REGION"] = kinesis.Region,
        ["AWS_ENDPOINT_URL_KINESIS"] = kinesis.ServiceUrl,
        ["AWS_ENDPOINT_URL_DYNAMODB"] = dynamo.ServiceUrl,
    };

    private static JsonElement[] Letters(string path)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        // the line that is being written may not be whole yet
        string[] lines = reader.ReadToEnd().Split('\n');
        return [.. lines[..^1].Select(static line => JsonDocument.Parse(line).RootElement)];
    }
}
