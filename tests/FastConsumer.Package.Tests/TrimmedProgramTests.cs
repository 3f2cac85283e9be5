using System.Collections.Concurrent;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Package.Tests.Trimming;
using FastConsumer.Testing;

namespace FastConsumer.Package.Tests;

/// <summary>A consumer that is published self-contained and trimmed, as it runs where no .NET is installed.</summary>
public sealed class TrimmedProgramTests(TrimmedProgram program, DynoxideServer dynamo)
    : IClassFixture<TrimmedProgram>, IClassFixture<DynoxideServer>
{
    private readonly ConcurrentQueue<string> _output = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_reads_records()
    {
        await using EmbeddedKinesis kinesis = await StartKinesisAsync(new EmbeddedKinesisCredentials("static-key", "static-secret"));
        await using ChildProcess consumer = Start(kinesis, "plain", new()
        {
            ["AWS_ACCESS_KEY_ID"] = "static-key",
            ["AWS_SECRET_ACCESS_KEY"] = "static-secret",
        });

        await AssertReadsAllAsync(consumer);
    }

    [Fact]
    public async Task It_assumes_a_role_with_a_web_identity_and_signs_with_what_it_gets()
    {
        await using LocalSts sts = await LocalSts.StartAsync(Cancellation);
        // requests signed with anything else are refused
        await using EmbeddedKinesis kinesis = await StartKinesisAsync(
            new EmbeddedKinesisCredentials(LocalSts.AccessKeyId, LocalSts.SecretAccessKey, LocalSts.SessionToken));
        await using ChildProcess consumer = Start(kinesis, "web-identity", new()
        {
            ["AWS_WEB_IDENTITY_TOKEN_FILE"] = await program.WriteTokenAsync("the token of a pod", Cancellation),
            ["AWS_ROLE_ARN"] = "arn:aws:iam::000000000000:role/consumer",
            ["AWS_ROLE_SESSION_NAME"] = "trimmed",
            ["AWS_ENDPOINT_URL_STS"] = sts.ServiceUrl,
        });

        await AssertReadsAllAsync(consumer);
        Assert.Equal(("arn:aws:iam::000000000000:role/consumer", "trimmed", "the token of a pod"), sts.Asked.Distinct().Single());
    }

    private static async Task<EmbeddedKinesis> StartKinesisAsync(EmbeddedKinesisCredentials credentials)
    {
        EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(new EmbeddedKinesisOptions { Credentials = credentials }, Cancellation);
        kinesis.CreateStream("orders", shardCount: 2);
        for (int i = 0; i < 10; i++)
        {
            kinesis.Put("orders", $"{i}", $$"""{"Id":"{{i}}","Amount":{{i * 100}}}""");
        }

        return kinesis;
    }

    private ChildProcess Start(EmbeddedKinesis kinesis, string application, Dictionary<string, string> credentials)
    {
        // the developer's own settings are none of the program's
        Dictionary<string, string?> environment = Environment.GetEnvironmentVariables().Keys.Cast<string>()
            .Where(static name => name.StartsWith("AWS_", StringComparison.Ordinal))
            .ToDictionary(static name => name, static _ => (string?)null);
        environment["FastConsumer__ApplicationName"] = application;
        environment["AWS_REGION"] = kinesis.Region;
        environment["AWS_ENDPOINT_URL_KINESIS"] = kinesis.ServiceUrl;
        environment["AWS_ENDPOINT_URL_DYNAMODB"] = dynamo.ServiceUrl;
        environment["AWS_EC2_METADATA_DISABLED"] = "true";
        environment["AWS_CONFIG_FILE"] = Path.Combine(program.Folder, "no-config");
        environment["AWS_SHARED_CREDENTIALS_FILE"] = Path.Combine(program.Folder, "no-credentials");
        foreach ((string name, string value) in credentials)
        {
            environment[name] = value;
        }

        return ChildProcess.Start(
            "node", [NodePackages.Script("guard.cjs"), program.Executable], program.Folder, environment, _output.Enqueue);
    }

    private async Task AssertReadsAllAsync(ChildProcess consumer)
    {
        string[] expected = [.. Enumerable.Range(0, 10).Select(static i => $"handled {i} {i * 100}")];
        await Eventually.ThatAsync(
            "all orders are handled",
            () => consumer.Exited.IsCompleted || expected.All(_output.Contains),
            () => consumer.LastOutput);
        Assert.False(consumer.Exited.IsCompleted, consumer.LastOutput);

        Signals.Send(consumer.Id, Signal.Terminate);
        Assert.True(await Eventually.EndsAsync("the program ends", consumer.Exited, () => consumer.LastOutput) == 0, consumer.LastOutput);
        Assert.Equal(
            expected, _output.Where(static line => line.StartsWith("handled", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }
}
