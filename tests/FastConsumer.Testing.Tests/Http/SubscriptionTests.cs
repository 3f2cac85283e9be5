using System.Buffers.Binary;
using System.Net;
using System.Text;
using System.Text.Json;
using FastConsumer.Testing.Tests.Wire;

namespace FastConsumer.Testing.Tests.Http;

/// <summary>SubscribeToShard on the wire, read frame by frame, in time that the test moves.</summary>
public sealed class SubscriptionTests : IAsyncLifetime
{
    private const string Shard = "shardId-000000000000";
    private readonly ManualClock _clock = new();
    private EmbeddedKinesis _kinesis = null!;
    private RawClient _client = null!;
    private string _consumer = "";

    public ValueTask InitializeAsync() => StartAsync(ReadQuotaModel.None);

    private async ValueTask StartAsync(ReadQuotaModel quota)
    {
        _kinesis = await EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions { TimeProvider = _clock, ReadQuota = quota }, RawClient.Cancellation);
        _client = new RawClient(_kinesis.ServiceUrl, HttpVersion.Version20);
        _kinesis.CreateStream("s");
        _consumer = await RegisterAsync("app");
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _kinesis.DisposeAsync();
    }

    [Fact]
    public async Task It_begins_with_a_note_and_an_event_and_then_speaks_each_second_of_silence()
    {
        using Subscription subscription = await SubscribeAsync("""{"Type":"LATEST"}""");
        Assert.Equal("event initial-response {}", await subscription.NextAsync());
        string[] continuations = new string[3];
        for (int i = 0; i < continuations.Length; i++)
        {
            JsonElement idle = await IdleAsync(subscription);
            Assert.Equal(0, idle.GetProperty("Records").GetArrayLength());
            continuations[i] = idle.GetProperty("ContinuationSequenceNumber").GetString()!;
        }

        // it moves although nothing comes
        Assert.Equal(continuations.Order(StringComparer.Ordinal), continuations);
        Assert.NotEqual(continuations[0], continuations[^1]);
    }

    [Fact]
    public async Task With_a_quota_each_consumer_gets_two_mebibytes_a_second()
    {
        await DisposeAsync();
        await StartAsync(ReadQuotaModel.TokenBucket);
        for (int i = 0; i < 4; i++)
        {
            _kinesis.Put("s", "k", new string('x', 1024 * 1024));
        }

        string other = await RegisterAsync("other");
        long start = _clock.GetTimestamp();
        using Subscription subscription = await SubscribeAsync("""{"Type":"TRIM_HORIZON"}""");
        await subscription.NextAsync();
        Assert.Single(Texts(await subscription.EventAsync()));
        for (int i = 1; i < 4; i++)
        {
            Assert.Single(Texts(await IdleAsync(subscription)));
        }

        // the first is for nothing, the next ones come when those before are paid for
        Assert.InRange(_clock.GetElapsedTime(start), TimeSpan.FromSeconds(1.5), TimeSpan.MaxValue);

        // what one consumer has used up is not missing to another
        using Subscription second = await SubscribeAsync("""{"Type":"TRIM_HORIZON"}""", other);
        await second.NextAsync();
        Assert.Single(Texts(await second.EventAsync()));
    }

    [Fact]
    public async Task A_continuation_number_stands_for_all_before_it()
    {
        _kinesis.Put("s", "k", "one");
        using Subscription first = await SubscribeAsync("""{"Type":"LATEST"}""");
        await first.NextAsync();
        await first.EventAsync();
        string continuation = (await IdleAsync(first)).GetProperty("ContinuationSequenceNumber").GetString()!;
        _kinesis.Put("s", "k", "two");

        foreach (string type in (string[])["AFTER_SEQUENCE_NUMBER", "AT_SEQUENCE_NUMBER"])
        {
            string consumer = await RegisterAsync("other-" + type);
            using Subscription next = await SubscribeAsync($$"""{"Type":"{{type}}","SequenceNumber":"{{continuation}}"}""", consumer);
            await next.NextAsync();
            Assert.Equal(["two"], Texts(await next.EventAsync()));
            // and GetShardIterator takes it too
            string iterator = await _client.IteratorAsync("s", Shard, type, $",\"StartingSequenceNumber\":\"{continuation}\"");
            Assert.Equal(1, (await _client.RecordsAsync(iterator)).GetProperty("Records").GetArrayLength());
        }
    }

    [Fact]
    public async Task It_ends_after_five_minutes()
    {
        using Subscription subscription = await SubscribeAsync("""{"Type":"TRIM_HORIZON"}""");
        Task<int> reading = subscription.CountToEndAsync();
        for (int i = 0; i < 299; i++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        await Task.Delay(100, RawClient.Cancellation);
        Assert.False(reading.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.InRange(await reading.WaitAsync(TimeSpan.FromSeconds(60), RawClient.Cancellation), 2, int.MaxValue);
    }

    [Fact]
    public async Task A_second_call_is_refused_for_five_seconds_and_takes_over_later()
    {
        using Subscription first = await SubscribeAsync("""{"Type":"LATEST"}""");
        await first.NextAsync();
        await first.EventAsync();
        await _client.RefusedAsync("SubscribeToShard", Request("""{"Type":"LATEST"}"""), "ResourceInUseException");
        _clock.Advance(TimeSpan.FromSeconds(4.9));
        await _client.RefusedAsync("SubscribeToShard", Request("""{"Type":"LATEST"}"""), "ResourceInUseException");
        _clock.Advance(TimeSpan.FromSeconds(0.2));
        await _client.RefusedAsync("SubscribeToShard", Request("""{"Type":"LATEST"}"""), "LimitExceededException");
        _clock.Advance(TimeSpan.FromSeconds(1));

        using Subscription second = await SubscribeAsync("""{"Type":"LATEST"}""");
        string frame;
        do
        {
            frame = await first.NextAsync() ?? throw new InvalidOperationException("It ended without a word.");
        }
        while (frame.StartsWith("event ", StringComparison.Ordinal));
        Assert.StartsWith("exception ResourceInUseException ", frame, StringComparison.Ordinal);
        Assert.Null(await first.NextAsync());
        await second.NextAsync();
        _kinesis.Put("s", "k", "for the second");
        JsonElement next;
        do
        {
            next = await second.EventAsync();
        }
        while (next.GetProperty("Records").GetArrayLength() == 0);
        Assert.Equal(["for the second"], Texts(next));
    }

    [Fact]
    public async Task What_is_not_there_or_not_ready_is_refused()
    {
        await _client.RefusedAsync("SubscribeToShard", Request("""{"Type":"LATEST"}""", _consumer + "0"), "ResourceNotFoundException");
        await _client.RefusedAsync(
            "SubscribeToShard",
            Request("""{"Type":"LATEST"}""").Replace(Shard, "shardId-000000000007", StringComparison.Ordinal),
            "ResourceNotFoundException");
        await _client.RefusedAsync("SubscribeToShard", Request("""{"Type":"SOMEWHERE"}"""), "ValidationException");
        await _client.RefusedAsync(
            "SubscribeToShard", $$"""{"ConsumerARN":"{{_consumer}}","ShardId":"{{Shard}}"}""", "ValidationException");
        using var http1 = new RawClient(_kinesis.ServiceUrl);
        Assert.Contains(
            "HTTP/2",
            await http1.RefusedAsync("SubscribeToShard", Request("""{"Type":"LATEST"}"""), "InvalidArgumentException"),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_ends_with_its_consumer()
    {
        using Subscription subscription = await SubscribeAsync("""{"Type":"LATEST"}""");
        await subscription.NextAsync();
        await subscription.EventAsync();
        await _client.OkAsync("DeregisterStreamConsumer", $$"""{"ConsumerARN":"{{_consumer}}"}""");
        Assert.StartsWith("exception ResourceNotFoundException ", await subscription.NextAsync(), StringComparison.Ordinal);
        Assert.Null(await subscription.NextAsync());
    }

    [Fact]
    public async Task An_event_has_what_the_model_says()
    {
        _kinesis.Put("s", "ключ", "one");
        using Subscription subscription = await SubscribeAsync("""{"Type":"TRIM_HORIZON"}""");
        await subscription.NextAsync();
        JsonElement next = await subscription.EventAsync();
        JsonElement record = next.GetProperty("Records")[0];
        Assert.Equal("ключ", record.GetProperty("PartitionKey").GetString());
        Assert.Equal(
            _clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0, record.GetProperty("ApproximateArrivalTimestamp").GetDouble(), 3);
        Assert.Equal(record.GetProperty("SequenceNumber").GetString(), next.GetProperty("ContinuationSequenceNumber").GetString());
        Assert.Equal(0, next.GetProperty("MillisBehindLatest").GetInt64());
        Assert.False(next.TryGetProperty("ChildShards", out _));

        _kinesis.SplitShard("s", Shard);
        JsonElement last = await subscription.EventAsync();
        Assert.False(last.TryGetProperty("ContinuationSequenceNumber", out _));
        Assert.Equal(2, last.GetProperty("ChildShards").GetArrayLength());
        Assert.Null(await subscription.NextAsync());
    }

    private static string[] Texts(JsonElement next) =>
        [.. next.GetProperty("Records").EnumerateArray()
            .Select(static record => Encoding.UTF8.GetString(record.GetProperty("Data").GetBytesFromBase64()))];

    /// <summary>The next event of a silent shard: time passes until it comes.</summary>
    private async Task<JsonElement> IdleAsync(Subscription subscription)
    {
        Task<JsonElement> next = subscription.EventAsync();
        while (!next.IsCompleted)
        {
            _clock.Advance(TimeSpan.FromMilliseconds(200));
            await Task.Delay(5, RawClient.Cancellation);
        }

        return await next;
    }

    private async Task<string> RegisterAsync(string name) =>
        (await _client.OkAsync("RegisterStreamConsumer", $$"""{"StreamARN":"{{_kinesis.StreamArn("s")}}","ConsumerName":"{{name}}"}"""))
            .GetProperty("Consumer").GetProperty("ConsumerARN").GetString()!;

    private string Request(string start, string? consumer = null) =>
        $$"""{"ConsumerARN":"{{consumer ?? _consumer}}","ShardId":"{{Shard}}","StartingPosition":{{start}}}""";

    private async Task<Subscription> SubscribeAsync(string start, string? consumer = null)
    {
        HttpResponseMessage response = await _client.SendAsync(
            "SubscribeToShard",
            Encoding.UTF8.GetBytes(Request(start, consumer)),
            "application/x-amz-json-1.1",
            HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/vnd.amazon.eventstream", response.Content.Headers.ContentType?.ToString());
        Assert.Equal(HttpVersion.Version20, response.Version);
        return new Subscription(response, await response.Content.ReadAsStreamAsync(RawClient.Cancellation));
    }

    private sealed class Subscription(HttpResponseMessage response, Stream body) : IDisposable
    {
        /// <summary>The next frame: its message type, its name and its payload; null at the end.</summary>
        public async Task<string?> NextAsync()
        {
            byte[] prelude = new byte[12];
            int read = await body.ReadAtLeastAsync(prelude, 12, throwOnEndOfStream: false, RawClient.Cancellation);
            if (read == 0)
            {
                return null;
            }

            byte[] rest = new byte[BinaryPrimitives.ReadInt32BigEndian(prelude) - 12];
            await body.ReadExactlyAsync(rest, RawClient.Cancellation);
            int headers = BinaryPrimitives.ReadInt32BigEndian(prelude.AsSpan(4));
            Dictionary<string, string> values = [];
            for (int at = 0; at < headers;)
            {
                string name = Encoding.UTF8.GetString(rest, at + 1, rest[at]);
                at += 1 + rest[at];
                Assert.Equal(7, rest[at]);
                int length = BinaryPrimitives.ReadUInt16BigEndian(rest.AsSpan(at + 1));
                values[name] = Encoding.UTF8.GetString(rest, at + 3, length);
                at += 3 + length;
            }

            string kind = values[":message-type"];
            return $"{kind} {values[kind == "event" ? ":event-type" : ":exception-type"]} "
                + $"{Encoding.UTF8.GetString(rest.AsSpan(headers..^4))}";
        }

        public async Task<JsonElement> EventAsync()
        {
            const string Start = "event SubscribeToShardEvent ";
            string frame = await NextAsync() ?? throw new InvalidOperationException("The subscription has ended.");
            Assert.StartsWith(Start, frame, StringComparison.Ordinal);
            return JsonDocument.Parse(frame[Start.Length..]).RootElement;
        }

        public async Task<int> CountToEndAsync()
        {
            int count = 0;
            while (await NextAsync() is not null)
            {
                count++;
            }

            return count;
        }

        public void Dispose() => response.Dispose();
    }
}
