using System.Text.Json;
using FastConsumer.Testing.Tests.Wire;

namespace FastConsumer.Testing.Tests.Http;

/// <summary>
/// The calls of terraform-provider-aws 6 for an <c>aws_kinesis_stream</c>, in its order: after each change it describes the stream
/// until it is ACTIVE, and takes any state but the expected one for a failure.
/// </summary>
public sealed class TerraformSequenceTests : IAsyncLifetime
{
    private const string Name = """ "StreamName":"orders" """;
    private readonly ManualClock _clock = new();
    private EmbeddedKinesis _kinesis = null!;
    private RawClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _kinesis = await EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions
            {
                TimeProvider = _clock,
                CreateDelay = TimeSpan.FromSeconds(15),
                UpdateDelay = TimeSpan.FromSeconds(15),
                DeleteDelay = TimeSpan.FromSeconds(15),
            },
            RawClient.Cancellation);
        _client = new RawClient(_kinesis.ServiceUrl);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _kinesis.DisposeAsync();
    }

    [Fact]
    public async Task A_stream_with_everything_is_created_read_changed_and_destroyed()
    {
        // plan
        JsonElement limits = await _client.OkAsync("DescribeLimits", "{}");
        Assert.True(limits.GetProperty("OpenShardCount").GetInt32() + 2 <= limits.GetProperty("ShardLimit").GetInt32());

        // apply
        await _client.OkAsync(
            "CreateStream",
            $$"""
            { {{Name}},"ShardCount":2,"MaxRecordSizeInKiB":2048,"StreamModeDetails":{"StreamMode":"PROVISIONED"},"Tags":{"team":"a"} }
            """);
        await WaitAsync("CREATING");
        await ChangeAsync("IncreaseStreamRetentionPeriod", "\"RetentionPeriodHours\":48");
        await ChangeAsync("EnableEnhancedMonitoring", """ "ShardLevelMetrics":["IncomingBytes","OutgoingBytes"] """);
        await ChangeAsync("StartStreamEncryption", """ "EncryptionType":"KMS","KeyId":"alias/aws/kinesis" """);

        // read
        JsonElement read = await SummaryAsync();
        Assert.Equal(_kinesis.StreamArn("orders"), read.GetProperty("StreamARN").GetString());
        Assert.Equal("KMS", read.GetProperty("EncryptionType").GetString());
        Assert.Equal("alias/aws/kinesis", read.GetProperty("KeyId").GetString());
        Assert.Equal(2048, read.GetProperty("MaxRecordSizeInKiB").GetInt32());
        Assert.Equal(48, read.GetProperty("RetentionPeriodHours").GetInt32());
        Assert.Equal(2, read.GetProperty("OpenShardCount").GetInt32());
        Assert.Equal("PROVISIONED", read.GetProperty("StreamModeDetails").GetProperty("StreamMode").GetString());
        Assert.Equal(["IncomingBytes", "OutgoingBytes"], Metrics(read));
        Assert.Equal("team=a", await TagsAsync());

        // a second apply: tags come first, then the attributes in this order
        await _client.OkAsync("RemoveTagsFromStream", $$"""{ {{Name}},"TagKeys":["team"]}""");
        await _client.OkAsync("AddTagsToStream", $$"""{ {{Name}},"Tags":{"stage":"prod"} }""");
        await ChangeAsync("UpdateShardCount", """ "TargetShardCount":3,"ScalingType":"UNIFORM_SCALING" """);
        await ChangeAsync("DecreaseStreamRetentionPeriod", "\"RetentionPeriodHours\":24");
        await ChangeAsync("DisableEnhancedMonitoring", """ "ShardLevelMetrics":["OutgoingBytes"] """);
        await ChangeAsync("EnableEnhancedMonitoring", """ "ShardLevelMetrics":["IteratorAgeMilliseconds"] """);
        await ChangeAsync("StopStreamEncryption", """ "EncryptionType":"KMS","KeyId":"alias/aws/kinesis" """);
        await ChangeArnAsync("UpdateMaxRecordSize", "\"MaxRecordSizeInKiB\":1024");

        read = await SummaryAsync();
        Assert.Equal("NONE", read.GetProperty("EncryptionType").GetString());
        Assert.False(read.TryGetProperty("KeyId", out _));
        Assert.Equal(1024, read.GetProperty("MaxRecordSizeInKiB").GetInt32());
        Assert.Equal(24, read.GetProperty("RetentionPeriodHours").GetInt32());
        Assert.Equal(3, read.GetProperty("OpenShardCount").GetInt32());
        Assert.Equal(["IncomingBytes", "IteratorAgeMilliseconds"], Metrics(read));
        Assert.Equal("stage=prod", await TagsAsync());

        // another mode
        await ChangeArnAsync("UpdateStreamMode", """ "StreamModeDetails":{"StreamMode":"ON_DEMAND"} """);
        Assert.Equal("ON_DEMAND", (await SummaryAsync()).GetProperty("StreamModeDetails").GetProperty("StreamMode").GetString());

        // destroy
        await _client.OkAsync("DeleteStream", $$"""{ {{Name}},"EnforceConsumerDeletion":false}""");
        Assert.Equal("DELETING", Status(await SummaryAsync()));
        _clock.Advance(TimeSpan.FromSeconds(15));
        await _client.RefusedAsync("DescribeStreamSummary", $$"""{ {{Name}} }""", "ResourceNotFoundException");
    }

    /// <summary>The provider sends the retention period of every new stream, also where it is that of a new stream anyhow.</summary>
    [Fact]
    public async Task A_stream_with_the_defaults_is_created()
    {
        await _client.OkAsync("CreateStream", $$"""{ {{Name}},"ShardCount":1}""");
        await WaitAsync("CREATING");
        await ChangeAsync("IncreaseStreamRetentionPeriod", "\"RetentionPeriodHours\":24");

        JsonElement read = await SummaryAsync();
        Assert.Equal(24, read.GetProperty("RetentionPeriodHours").GetInt32());
        Assert.Equal(1024, read.GetProperty("MaxRecordSizeInKiB").GetInt32());
        Assert.Empty(Metrics(read));
        Assert.Equal("", await TagsAsync());
    }

    private Task ChangeAsync(string operation, string members) => RunAsync(operation, $$"""{ {{Name}},{{members}} }""");

    private Task ChangeArnAsync(string operation, string members) =>
        RunAsync(operation, $$"""{ "StreamARN":"{{_kinesis.StreamArn("orders")}}",{{members}} }""");

    private async Task RunAsync(string operation, string request)
    {
        await _client.OkAsync(operation, request);
        await WaitAsync("UPDATING");
    }

    private async Task WaitAsync(string pending)
    {
        Assert.Equal(pending, Status(await SummaryAsync()));
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(pending, Status(await SummaryAsync()));
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("ACTIVE", Status(await SummaryAsync()));
    }

    private async Task<JsonElement> SummaryAsync() =>
        (await _client.OkAsync("DescribeStreamSummary", $$"""{ {{Name}} }""")).GetProperty("StreamDescriptionSummary");

    private async Task<string> TagsAsync() => string.Join(
        ' ',
        (await _client.OkAsync("ListTagsForStream", $$"""{ {{Name}} }""")).GetProperty("Tags").EnumerateArray()
            .Select(static tag => $"{tag.GetProperty("Key").GetString()}={tag.GetProperty("Value").GetString()}"));

    private static string? Status(JsonElement summary) => summary.GetProperty("StreamStatus").GetString();

    private static string[] Metrics(JsonElement summary) =>
    [
        .. summary.GetProperty("EnhancedMonitoring").EnumerateArray()
            .SelectMany(static item => item.GetProperty("ShardLevelMetrics").EnumerateArray())
            .Select(static metric => metric.GetString()!),
    ];
}
