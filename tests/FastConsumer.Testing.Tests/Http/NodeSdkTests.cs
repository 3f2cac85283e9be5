using System.Text.Json;
using FastConsumer.Testing.Tests.Wire;

namespace FastConsumer.Testing.Tests.Http;

/// <summary>A client that nobody here wrote: the AWS SDK for JavaScript, over HTTP/2 (its default) and HTTP/1.1.</summary>
public sealed class NodeSdkTests
{
    [Theory]
    [InlineData("default", "NodeHttp2Handler")]
    [InlineData("http1", "NodeHttpHandler")]
    public async Task The_aws_sdk_for_javascript_drives_it(string handler, string handlerType)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions
            {
                Credentials = new EmbeddedKinesisCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
            },
            cancellation);
        DateTimeOffset before = TimeProvider.System.GetUtcNow().AddSeconds(-1);

        string printed = await NodeSdk.RunAsync("drive.mjs", [kinesis.ServiceUrl, handler], cancellation);

        JsonElement seen = JsonDocument.Parse(printed).RootElement;
        string stream = $"from-node-{handler}";
        Assert.Equal(handlerType, Text("handler"));
        Assert.Equal(handler == "default" ? kinesis.RequestCount() : 0, kinesis.Http2RequestCount);
        Assert.Equal("ACTIVE", Text("status"));
        Assert.Equal("PROVISIONED", Text("mode"));
        Assert.Equal(2, seen.GetProperty("openShards").GetInt32());
        Assert.InRange(seen.GetProperty("created").GetDateTimeOffset(), before, TimeProvider.System.GetUtcNow());
        Assert.Equal([stream], Strings(seen.GetProperty("streams")));
        Assert.Equal(56, Text("putSequenceNumber").Length);
        Assert.Equal(0, seen.GetProperty("failed").GetInt32());
        Assert.Equal(20, seen.GetProperty("placed").GetInt32());

        JsonElement[] shards = [.. seen.GetProperty("shards").EnumerateArray()];
        Assert.Equal(
            [
                "shardId-000000000000 [] False",
                "shardId-000000000001 [] False",
                "shardId-000000000002 [shardId-000000000000] True",
                "shardId-000000000003 [shardId-000000000000] False",
                "shardId-000000000004 [shardId-000000000003 shardId-000000000001] True",
            ],
            shards.Select(static shard =>
                $"{shard.GetProperty("id").GetString()} [{string.Join(' ', Strings(shard.GetProperty("parents")))}] "
                + $"{shard.GetProperty("open").GetBoolean()}"));

        JsonElement[] records = [.. seen.GetProperty("records").EnumerateArray()];
        Assert.Equal(22, records.Length);
        JsonElement binary = records.Single(static record => record.GetProperty("key").GetString() == "ключ");
        Assert.Equal("00ff80", binary.GetProperty("data").GetString());
        Assert.Equal(Text("putShard"), binary.GetProperty("shard").GetString());
        Assert.All(records, record => Assert.True(record.GetProperty("arrived").GetDateTimeOffset() >= before));
        JsonElement ends = seen.GetProperty("ends");
        Assert.Equal(3, ends.EnumerateObject().Count());
        Assert.Equal(["shardId-000000000002", "shardId-000000000003"], Strings(ends.GetProperty("shardId-000000000000")));
        Assert.Equal(["shardId-000000000004"], Strings(ends.GetProperty("shardId-000000000001")));

        Assert.StartsWith($"{kinesis.StreamArn(stream)}/consumer/fan-out:", Text("consumerArn"), StringComparison.Ordinal);
        Assert.Equal("ACTIVE", Text("consumerStatus"));
        JsonElement refusal = seen.GetProperty("refusal");
        Assert.Equal("InvalidArgumentException", refusal.GetProperty("name").GetString());
        Assert.Equal(400, refusal.GetProperty("status").GetInt32());
        Assert.True(refusal.GetProperty("requestId").GetBoolean());

        string Text(string name) => seen.GetProperty(name).GetString()!;
    }

    private static string[] Strings(JsonElement list) => [.. list.EnumerateArray().Select(static item => item.GetString()!)];
}
