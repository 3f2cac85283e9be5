using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;
using FastConsumer.Testing;
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
            using GetRecordsResponse response = await fixture.Client.GetRecordsAsync(
                ClientFixture.Orders, "iterator", cancellationToken: Token);
            Assert.Equal(3, response.Count);
        }

        Assert.Equal(
            [WireFormats.CborMediaType, WireFormats.JsonMediaType, WireFormats.JsonMediaType],
            server.Requests.Select(static r => r.ContentType));
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
        KinesisException exception = await Assert.ThrowsAsync<KinesisException>(
            () => fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token));
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

    [Fact]
    public async Task One_broken_answer_is_followed_by_json_for_five_minutes_and_then_by_cbor_again()
    {
        var clock = new ManualClock();
        bool isBroken = true;
        await using var server = new ScriptedServer(request => request.ContentType == WireFormats.JsonMediaType
            ? ScriptedAnswer.Json("""{"Shards":[]}""")
            : ScriptedAnswer.Cbor(isBroken ? [0xA1] : [0xA1, 0x66, .. "Shards"u8, 0x80]));
        using var fixture = new ClientFixture(server.Url, options => options.TimeProvider = clock);
        await AskAsync(WireFormats.CborMediaType, WireFormats.JsonMediaType);
        clock.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(1));
        await AskAsync(WireFormats.JsonMediaType);

        // still broken: the next try comes after twice as long
        clock.Advance(TimeSpan.FromSeconds(1));
        await AskAsync(WireFormats.CborMediaType, WireFormats.JsonMediaType);
        clock.Advance(TimeSpan.FromMinutes(9));
        await AskAsync(WireFormats.JsonMediaType);
        isBroken = false;
        clock.Advance(TimeSpan.FromMinutes(1));
        await AskAsync(WireFormats.CborMediaType);
        await AskAsync(WireFormats.CborMediaType);

        // it was understood in between: five minutes again
        isBroken = true;
        await AskAsync(WireFormats.CborMediaType, WireFormats.JsonMediaType);
        clock.Advance(TimeSpan.FromMinutes(5));
        await AskAsync(WireFormats.CborMediaType, WireFormats.JsonMediaType);
        string[] said = [.. fixture.Log.Entries.Where(static entry => entry.Id == 1000).Select(static entry => entry.Text)];
        Assert.Equal(4, said.Length);
        Assert.Contains("for 00:05:00", said[0], StringComparison.Ordinal);
        Assert.Contains("for 00:10:00", said[1], StringComparison.Ordinal);
        Assert.Contains("for 00:05:00", said[2], StringComparison.Ordinal);

        async Task AskAsync(params string[] formats)
        {
            int before = server.Requests.Count;
            await fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token);
            Assert.Equal(formats, server.Requests.Skip(before).Select(static request => request.ContentType));
        }
    }

    [Fact]
    public async Task A_request_that_json_does_not_help_either_leaves_cbor_alone()
    {
        await using var server = new ScriptedServer(
            static _ => ScriptedAnswer.Json("a proxy's page") with { Status = 400, ContentType = "text/html" },
            static _ => ScriptedAnswer.Json("a proxy's page") with { Status = 400, ContentType = "text/html" },
            static _ => ScriptedAnswer.Cbor([0xA1, 0x66, .. "Shards"u8, 0x80]));
        using var fixture = new ClientFixture(server.Url);
        await Assert.ThrowsAsync<KinesisException>(() => fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token));
        await fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token);
        Assert.Equal(
            [WireFormats.CborMediaType, WireFormats.JsonMediaType, WireFormats.CborMediaType],
            server.Requests.Select(static request => request.ContentType));
    }
}
