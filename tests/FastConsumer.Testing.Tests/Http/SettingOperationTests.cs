using System.Net;
using System.Text.Json;
using FastConsumer.Testing.Tests.Wire;

namespace FastConsumer.Testing.Tests.Http;

/// <summary>The answers about settings, tags, policies and the account in CBOR, and requests that are no such ones in JSON.</summary>
public sealed class SettingOperationTests
{
    [Theory]
    [InlineData(CborStyle.Definite)]
    [InlineData(CborStyle.Indefinite)]
    public async Task In_cbor_all_that_was_set_is_shown(CborStyle style)
    {
        var clock = new ManualClock();
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions { TimeProvider = clock, CborStyle = style }, RawClient.Cancellation);
        using var client = new RawClient(kinesis.ServiceUrl);
        string arn = kinesis.StreamArn("s");
        var byArn = new Dictionary<string, object?> { ["ResourceARN"] = arn };
        await EmptyAsync(client, "CreateStream", new()
        {
            ["StreamName"] = "s",
            ["StreamModeDetails"] = new Dictionary<string, object?> { ["StreamMode"] = "ON_DEMAND" },
            ["Tags"] = new Dictionary<string, object?> { ["team"] = "a" },
            ["MaxRecordSizeInKiB"] = 2048,
            ["RecordDistributionStrategy"] = "AUTO",
        });

        await EmptyAsync(client, "IncreaseStreamRetentionPeriod", new() { ["StreamName"] = "s", ["RetentionPeriodHours"] = 100 });
        await EmptyAsync(client, "StartStreamEncryption", new() { ["StreamARN"] = arn, ["EncryptionType"] = "KMS", ["KeyId"] = "key" });
        Dictionary<string, object?> monitoring = await OkAsync(client, "EnableEnhancedMonitoring", new()
        {
            ["StreamARN"] = arn,
            ["ShardLevelMetrics"] = new List<object?> { "IncomingBytes" },
        });
        Assert.Equal(["StreamName", "CurrentShardLevelMetrics", "DesiredShardLevelMetrics", "StreamARN"], monitoring.Keys);
        Assert.Equal(["IncomingBytes"], List(monitoring["DesiredShardLevelMetrics"]));

        var commitment = (Dictionary<string, object?>)(await OkAsync(client, "UpdateAccountSettings", new()
        {
            ["MinimumThroughputBillingCommitment"] = new Dictionary<string, object?> { ["Status"] = "ENABLED" },
        }))["MinimumThroughputBillingCommitment"]!;
        Assert.Equal(["Status", "StartedAt", "EarliestAllowedEndAt"], commitment.Keys);
        Assert.Equal(new RawCbor.Tagged(1, clock.GetUtcNow().ToUnixTimeMilliseconds()), commitment["StartedAt"]);
        Dictionary<string, object?> account = await OkAsync(client, "DescribeAccountSettings", []);
        Assert.Equal(commitment, account["MinimumThroughputBillingCommitment"]);

        Dictionary<string, object?> warm = await OkAsync(
            client, "UpdateStreamWarmThroughput", new() { ["StreamARN"] = arn, ["WarmThroughputMiBps"] = 5 });
        Assert.Equal(["StreamARN", "StreamName", "WarmThroughput"], warm.Keys);
        Dictionary<string, object?> put = await OkAsync(client, "PutRecord", new() { ["StreamARN"] = arn, ["Data"] = new byte[] { 1 } });
        Assert.Equal("KMS", put["EncryptionType"]);

        var summary = (Dictionary<string, object?>)(await OkAsync(
            client, "DescribeStreamSummary", new() { ["StreamName"] = "s" }))["StreamDescriptionSummary"]!;
        Assert.Equal(100L, summary["RetentionPeriodHours"]);
        Assert.Equal("KMS", summary["EncryptionType"]);
        Assert.Equal("key", summary["KeyId"]);
        Assert.Equal(2048L, summary["MaxRecordSizeInKiB"]);
        Assert.Equal("AUTO", summary["RecordDistributionStrategy"]);
        Assert.Equal(new Dictionary<string, object?> { ["TargetMiBps"] = 5L, ["CurrentMiBps"] = 5L }, summary["WarmThroughput"]);
        var description = (Dictionary<string, object?>)(await OkAsync(
            client, "DescribeStream", new() { ["StreamName"] = "s" }))["StreamDescription"]!;
        foreach (string member in (string[])["RetentionPeriodHours", "EncryptionType", "KeyId", "EnhancedMonitoring"])
        {
            Assert.Equal(summary[member], description[member]);
        }

        Assert.Equal(
            new Dictionary<string, object?> { ["Key"] = "team", ["Value"] = "a" },
            Assert.Single(List((await OkAsync(client, "ListTagsForResource", byArn))["Tags"])));
        Dictionary<string, object?> tags = await OkAsync(client, "ListTagsForStream", new() { ["StreamName"] = "s" });
        Assert.Equal(["Tags", "HasMoreTags"], tags.Keys);
        await EmptyAsync(client, "UntagResource", new(byArn) { ["TagKeys"] = new List<object?> { "team" } });
        Assert.Empty(List((await OkAsync(client, "ListTagsForResource", byArn))["Tags"]));

        await EmptyAsync(client, "PutResourcePolicy", new(byArn) { ["Policy"] = "{}" });
        Assert.Equal("{}", (await OkAsync(client, "GetResourcePolicy", byArn))["Policy"]);
        Dictionary<string, object?> limits = await OkAsync(client, "DescribeLimits", []);
        Assert.Equal([20_000L, 5L, 1L, 50L], limits.Values);

        await EmptyAsync(client, "UpdateStreamMode", new()
        {
            ["StreamARN"] = arn,
            ["StreamModeDetails"] = new Dictionary<string, object?> { ["StreamMode"] = "PROVISIONED" },
        });
        Dictionary<string, object?> scaled = await OkAsync(
            client, "UpdateShardCount", new() { ["StreamName"] = "s", ["TargetShardCount"] = 3, ["ScalingType"] = "UNIFORM_SCALING" });
        Assert.Equal(["s", 5L, 3L, arn], scaled.Values);
    }

    [Fact]
    public async Task A_record_without_a_key_has_none_on_the_wire()
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: RawClient.Cancellation);
        using var client = new RawClient(kinesis.ServiceUrl);
        await client.OkAsync(
            "CreateStream", """{"StreamName":"s","StreamModeDetails":{"StreamMode":"ON_DEMAND"},"RecordDistributionStrategy":"AUTO"}""");
        string shard = (await client.OkAsync("PutRecord", """{"StreamName":"s","Data":"AQID"}""")).GetProperty("ShardId").GetString()!;

        JsonElement read = await client.RecordsAsync(await client.IteratorAsync("s", shard));

        JsonElement record = read.GetProperty("Records").EnumerateArray().Single();
        Assert.Equal(
            ["SequenceNumber", "ApproximateArrivalTimestamp", "Data"], record.EnumerateObject().Select(static member => member.Name));
    }

    [Theory]
    [InlineData("AddTagsToStream", """{"StreamName":"s","Tags":["a"]}""")]
    [InlineData("AddTagsToStream", """{"StreamName":"s","Tags":{"a":1}}""")]
    [InlineData("RemoveTagsFromStream", """{"StreamName":"s","TagKeys":"a"}""")]
    [InlineData("RemoveTagsFromStream", """{"StreamName":"s","TagKeys":[1]}""")]
    [InlineData("UpdateShardCount", """{"StreamName":"s","TargetShardCount":"2"}""")]
    public async Task Members_of_another_type_are_a_serialization_error(string operation, string request)
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: RawClient.Cancellation);
        kinesis.CreateStream("s");
        using var client = new RawClient(kinesis.ServiceUrl);
        await client.RefusedAsync(operation, request, "SerializationException");
    }

    private static async Task<Dictionary<string, object?>> OkAsync(
        RawClient client, string operation, Dictionary<string, object?> request)
    {
        (HttpStatusCode status, object? root, _) = await client.CborAsync(operation, request);
        var answer = (Dictionary<string, object?>)root!;
        Assert.True(status == HttpStatusCode.OK, $"{operation}: {status} {answer?.GetValueOrDefault("message")}");
        return answer!;
    }

    private static async Task EmptyAsync(RawClient client, string operation, Dictionary<string, object?> request)
    {
        (HttpStatusCode status, object? root, byte[] bytes) = await client.CborAsync(operation, request);
        Assert.True(
            status == HttpStatusCode.OK, $"{operation}: {status} {(root as Dictionary<string, object?>)?.GetValueOrDefault("message")}");
        Assert.Empty(bytes);
    }

    private static List<object?> List(object? value) => (List<object?>)value!;
}
