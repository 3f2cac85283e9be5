using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;
using FastConsumer.Tests.Kinesis.Wire;

namespace FastConsumer.Tests.Kinesis;

/// <summary>CBOR first, JSON where CBOR does not work.</summary>
public class KinesisProtocolTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Cbor_that_cannot_be_decoded_is_asked_for_in_json_from_then_on()
    {
        byte[] cbor = SampleAnswers.Cbor(SampleAnswers.Records(3, 50));
        byte[] json = SampleAnswers.Json(SampleAnswers.Records(3, 50));
        await using var server = new ScriptedServer(request => request.ContentType == WireFormats.CborMediaType
            ? ScriptedAnswer.Cbor(cbor[..^40])
            : new ScriptedAnswer { Body = json });
        using var fixture = new ClientFixture(server.Url);
        for (int i = 0; i < 2; i++)
        {
            using GetRecordsResponse response = await fixture.Client.GetRecordsAsync(ClientFixture.Orders, "iterator", cancellationToken: Token);
            Assert.Equal(3, response.Count);
        }

        Assert.Equal([WireFormats.CborMediaType, WireFormats.JsonMediaType, WireFormats.JsonMediaType], server.Requests.Select(static r => r.ContentType));
        Assert.Single(fixture.Log.Entries, static entry => entry.Id == 1000);
        Assert.Empty(fixture.Clock.Delays);
        Assert.Equal(0, fixture.Pool.Outstanding);
    }

    [Theory]
    [InlineData(415, "")]
    [InlineData(400, "")]
    [InlineData(400, """{"__type":"SerializationException"}""")]
    [InlineData(404, """{"__type":"UnknownOperationException"}""")]
    [InlineData(200, "<html>what?</html>")]
    public async Task A_server_that_does_not_take_cbor_is_asked_in_json(int status, string body)
    {
        await using var server = new ScriptedServer(request => request.ContentType == WireFormats.CborMediaType
            ? ScriptedAnswer.Json(body) with { Status = status, ContentType = "text/plain" }
            : ScriptedAnswer.Json("""{"Shards":[]}"""));
        using var fixture = new ClientFixture(server.Url, static options => options.MaxAttempts = 1);
        await fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token);
        Assert.Equal(2, server.Requests.Count);
        Assert.Single(fixture.Log.Entries, static entry => entry.Id == 1000);
    }

    [Fact]
    public async Task A_change_is_repeated_where_the_encoding_was_refused()
    {
        await using var server = new ScriptedServer(request => request.ContentType == WireFormats.CborMediaType
            ? new ScriptedAnswer { Status = 415 }
            : new ScriptedAnswer());
        using var fixture = new ClientFixture(server.Url);
        await fixture.Client.CreateStreamAsync("orders", 1, Token);
        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public async Task A_change_that_may_have_happened_is_not_repeated_in_json()
    {
        await using var server = new ScriptedServer(ScriptedAnswer.Cbor([0xA1]));
        using var fixture = new ClientFixture(server.Url);
        KinesisException exception = await Assert.ThrowsAsync<KinesisException>(
            () => fixture.Client.RegisterStreamConsumerAsync("arn:aws:kinesis:eu-west-1:123456789012:stream/orders", "c", Token));
        Assert.Equal(KinesisErrorKind.InvalidResponse, exception.Kind);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task Cbor_by_choice_stays_cbor()
    {
        await using var server = new ScriptedServer(ScriptedAnswer.Cbor([0xA1]));
        using var fixture = new ClientFixture(server.Url, static options => options.Protocol = KinesisProtocol.Cbor);
        KinesisException exception = await Assert.ThrowsAsync<KinesisException>(() => fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token));
        Assert.Equal(KinesisErrorKind.InvalidResponse, exception.Kind);
        Assert.All(server.Requests, static request => Assert.Equal(WireFormats.CborMediaType, request.ContentType));
    }

    [Fact]
    public async Task An_ordinary_error_changes_nothing()
    {
        await using var server = new ScriptedServer(ScriptedAnswer.Error(400, "ResourceNotFoundException", "gone"));
        using var fixture = new ClientFixture(server.Url);
        await Assert.ThrowsAsync<KinesisException>(() => fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token));
        await Assert.ThrowsAsync<KinesisException>(() => fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token));
        Assert.All(server.Requests, static request => Assert.Equal(WireFormats.CborMediaType, request.ContentType));
    }
}
