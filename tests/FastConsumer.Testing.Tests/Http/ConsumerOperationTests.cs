using System.Text.Json;
using FastConsumer.Testing.Tests.Wire;

namespace FastConsumer.Testing.Tests.Http;

public sealed class ConsumerOperationTests : IAsyncLifetime
{
    private readonly ManualClock _clock = new();
    private EmbeddedKinesis _kinesis = null!;
    private RawClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _kinesis = await EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions
            {
                TimeProvider = _clock,
                CreateDelay = TimeSpan.FromSeconds(5),
                DeleteDelay = TimeSpan.FromSeconds(5)
            },
            RawClient.Cancellation);
        _client = new RawClient(_kinesis.ServiceUrl);
        _kinesis.CreateStream("s");
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _kinesis.DisposeAsync();
    }

    [Fact]
    public async Task A_consumer_is_registered_described_and_deregistered()
    {
        string stream = _kinesis.StreamArn("s");
        await _client.RefusedAsync("RegisterStreamConsumer", Named("fan-out"), "ResourceInUseException");
        _clock.Advance(TimeSpan.FromSeconds(5));

        JsonElement consumer = (await _client.OkAsync("RegisterStreamConsumer", Named("fan-out"))).GetProperty("Consumer");
        string arn = consumer.GetProperty("ConsumerARN").GetString()!;
        Assert.Equal($"{stream}/consumer/fan-out:{_clock.GetUtcNow().ToUnixTimeSeconds()}", arn);
        Assert.Equal("CREATING", consumer.GetProperty("ConsumerStatus").GetString());
        await _client.RefusedAsync("RegisterStreamConsumer", Named("fan-out"), "ResourceInUseException");
        await _client.RefusedAsync("DeleteStream", """{"StreamName":"s"}""", "ResourceInUseException");

        _clock.Advance(TimeSpan.FromSeconds(5));
        foreach (string request in (string[])[Named("fan-out"), $$"""{"ConsumerARN":"{{arn}}"}"""])
        {
            JsonElement description = (await _client.OkAsync("DescribeStreamConsumer", request)).GetProperty("ConsumerDescription");
            Assert.Equal("ACTIVE", description.GetProperty("ConsumerStatus").GetString());
            Assert.Equal("fan-out", description.GetProperty("ConsumerName").GetString());
            Assert.Equal(stream, description.GetProperty("StreamARN").GetString());
        }

        await _client.OkAsync("DeregisterStreamConsumer", $$"""{"ConsumerARN":"{{arn}}"}""");
        await _client.RefusedAsync("DeregisterStreamConsumer", $$"""{"ConsumerARN":"{{arn}}"}""", "ResourceInUseException");
        Assert.Equal(
            "DELETING",
            (await _client.OkAsync("DescribeStreamConsumer", Named("fan-out"))).GetProperty("ConsumerDescription")
                .GetProperty("ConsumerStatus").GetString());
        _clock.Advance(TimeSpan.FromSeconds(5));
        await _client.RefusedAsync("DescribeStreamConsumer", Named("fan-out"), "ResourceNotFoundException");
    }

    [Fact]
    public async Task Consumers_are_listed_page_by_page_and_limited_to_twenty()
    {
        _clock.Advance(TimeSpan.FromSeconds(5));
        for (int i = 0; i < 20; i++)
        {
            await _client.OkAsync("RegisterStreamConsumer", Named($"c{i:D2}"));
        }

        await _client.RefusedAsync("RegisterStreamConsumer", Named("c20"), "LimitExceededException");
        JsonElement first = await _client.OkAsync(
            "ListStreamConsumers", $$"""{"StreamARN":"{{_kinesis.StreamArn("s")}}","MaxResults":19}""");
        Assert.Equal(19, first.GetProperty("Consumers").GetArrayLength());
        string token = first.GetProperty("NextToken").GetString()!;
        JsonElement rest = await _client.OkAsync(
            "ListStreamConsumers", $$"""{"StreamARN":"{{_kinesis.StreamArn("s")}}","NextToken":"{{token}}"}""");
        Assert.Equal("c19", rest.GetProperty("Consumers").EnumerateArray().Single().GetProperty("ConsumerName").GetString());
        Assert.Equal(
            20,
            (await _client.OkAsync("DescribeStreamSummary", """{"StreamName":"s"}""")).GetProperty("StreamDescriptionSummary")
                .GetProperty("ConsumerCount").GetInt32());
        _clock.Advance(TimeSpan.FromSeconds(301));
        await _client.RefusedAsync(
            "ListStreamConsumers",
            $$"""{"StreamARN":"{{_kinesis.StreamArn("s")}}","NextToken":"{{token}}"}""",
            "ExpiredNextTokenException");
        await _client.OkAsync("DeleteStream", """{"StreamName":"s","EnforceConsumerDeletion":true}""");
    }

    [Theory]
    [InlineData("RegisterStreamConsumer", """{"ConsumerName":"c"}""", "ValidationException")]
    [InlineData("RegisterStreamConsumer", """{"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s"}""", "ValidationException")]
    [InlineData(
        "RegisterStreamConsumer",
        """{"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/none","ConsumerName":"c"}""",
        "ResourceNotFoundException")]
    [InlineData("DescribeStreamConsumer", """{"ConsumerName":"c"}""", "InvalidArgumentException")]
    [InlineData("DescribeStreamConsumer", """{"ConsumerARN":"c"}""", "ValidationException")]
    [InlineData(
        "DeregisterStreamConsumer",
        """{"ConsumerARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s/consumer/c:1"}""",
        "ResourceNotFoundException")]
    [InlineData("ListStreamConsumers", "{}", "ValidationException")]
    public Task Invalid_requests_are_refused(string operation, string request, string errorCode) =>
        _client.RefusedAsync(operation, request, errorCode);

    private string Named(string consumer) => $$"""{"StreamARN":"{{_kinesis.StreamArn("s")}}","ConsumerName":"{{consumer}}"}""";
}
