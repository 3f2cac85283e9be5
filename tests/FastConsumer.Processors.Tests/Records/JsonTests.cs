using System.Text.Json;
using System.Text.Json.Serialization;

namespace FastConsumer.Processors.Tests.Records;

public sealed class JsonTests
{
    [Fact]
    public async Task Classes_structs_and_generic_types_are_read_by_the_context()
    {
        using var driver = new PipelineDriver<OrderProcessor>(new OrderProcessor("book"));
        using var generic = new PipelineDriver<EnvelopeProcessor>(new EnvelopeProcessor());

        await driver.RunAsync("""{"id":1,"item":"tea"}""", """{"id":2,"item":"milk"}""");
        await generic.RunAsync("""{"body":{"at":"2026-01-02T03:04:05Z","value":1.5}}""");

        Assert.Equal(["book shardId-000000000000 1 tea", "book shardId-000000000000 2 milk"], driver.Processor.Seen);
        Assert.Equal(1.5, Assert.Single(generic.Processor.Seen).Value);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("[]")]
    public async Task What_is_not_the_payload_fails_before_the_handler(string json)
    {
        using var driver = new PipelineDriver<OrderProcessor>(new OrderProcessor(""));

        await Assert.ThrowsAsync<JsonException>(async () => await driver.RunAsync(json));

        Assert.False(driver.Cursor.HandlerStarted);
    }

    [Theory]
    [InlineData("secret")]
    [InlineData("""{"id":1,"item":"tea" secret}""")]
    [InlineData("""{"id":"secret","item":"tea"}""")]
    public async Task What_fails_is_not_quoted(string json)
    {
        using var driver = new PipelineDriver<OrderProcessor>(new OrderProcessor(""));

        JsonException error = await Assert.ThrowsAsync<JsonException>(async () => await driver.RunAsync(json));

        Assert.DoesNotContain("secret", error.ToString(), StringComparison.Ordinal);
        Assert.NotNull(error.BytePositionInLine);
    }
}

public sealed record OrderPlaced(int Id, string Item);

internal readonly record struct Reading(DateTimeOffset At, double Value);

internal sealed record Envelope<T>(T Body);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(OrderPlaced))]
[JsonSerializable(typeof(Envelope<Reading>))]
internal sealed partial class TestJson : JsonSerializerContext;

[KinesisProcessor("orders", JsonContext = typeof(TestJson))]
internal sealed partial class OrderProcessor(string book)
{
    public List<string> Seen { get; } = [];

    [OnRecord]
    public ValueTask HandleAsync(OrderPlaced order, RecordContext context, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Seen.Add($"{book} {context.ShardId} {order.Id} {order.Item}");
        return default;
    }
}

[KinesisProcessor("envelopes", JsonContext = typeof(TestJson))]
internal sealed partial class EnvelopeProcessor
{
    public List<Reading> Seen { get; } = [];

    [OnRecord]
    private void Handle(Envelope<Reading> envelope) => Seen.Add(envelope.Body);
}
