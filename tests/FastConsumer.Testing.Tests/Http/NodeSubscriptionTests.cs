using System.Text.Json;
using FastConsumer.Testing.Tests.Wire;

namespace FastConsumer.Testing.Tests.Http;

/// <summary>Enhanced fan-out read by a client that nobody here wrote: the AWS SDK for JavaScript, over HTTP/2.</summary>
public sealed class NodeSubscriptionTests
{
    [Fact]
    public async Task The_aws_sdk_for_javascript_reads_a_shard_to_its_end()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions
            {
                Credentials = new EmbeddedKinesisCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
            },
            cancellation);
        DateTimeOffset before = TimeProvider.System.GetUtcNow().AddSeconds(-1);

        string printed = await NodeSdk.RunAsync("subscribe.mjs", [kinesis.ServiceUrl], cancellation);

        JsonElement seen = JsonDocument.Parse(printed).RootElement;
        Assert.Equal("NodeHttp2Handler", seen.GetProperty("handler").GetString());
        Assert.Equal("ACTIVE", seen.GetProperty("status").GetString());
        JsonElement[] records = [.. seen.GetProperty("records").EnumerateArray()];
        Assert.Equal(["one", "two", "three"], records.Select(static record => record.GetProperty("data").GetString()));
        Assert.All(records, static record => Assert.Equal("ключ", record.GetProperty("key").GetString()));
        Assert.All(records, record => Assert.True(record.GetProperty("arrived").GetDateTimeOffset() >= before));
        Assert.True(seen.GetProperty("continues").GetBoolean());
        Assert.Equal(0, seen.GetProperty("behind").GetInt32());
        Assert.Equal(
            ["shardId-000000000001", "shardId-000000000002"],
            seen.GetProperty("children").EnumerateArray().Select(static child => child.GetString()));
        Assert.Equal("ResourceInUseException", seen.GetProperty("again").GetString());
        Assert.Equal("InvalidArgumentException", seen.GetProperty("http1").GetString());
    }
}
