using System.Runtime.InteropServices;
using Amazon.Runtime;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;
using FastConsumer.Tests.Kinesis.Wire;

namespace FastConsumer.Tests.Kinesis;

/// <summary>
/// Memory that says so is filled before a read returns, through all that HttpClient puts between; any other gets what is there.
/// </summary>
public sealed class FillingStreamTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static byte[] Bytes(int count) => [.. Enumerable.Range(0, count).Select(static i => (byte)i)];

    [Fact]
    public async Task Room_is_filled_from_many_pieces_and_nothing_beyond_it_is_read()
    {
        await using var stream = new FillingStream(new Pieces(Bytes(100), 7));
        byte[] array = new byte[100];
        Memory<byte> room = new FillingStream.Room(array.AsMemory(10, 80)).Memory;
        Assert.Equal(5, await stream.ReadAsync(room[..5], Cancellation));
        Assert.Equal(60, await stream.ReadAsync(room[5..65], Cancellation));
        Assert.Equal([.. new byte[10], .. Bytes(65), .. new byte[25]], array);
        Assert.Equal(7, await stream.ReadAsync(array, Cancellation));
        Assert.Equal(Bytes(72)[65..], array[..7]);
    }

    [Fact]
    public async Task Room_that_the_connection_cannot_fill_ends_with_it()
    {
        await using var stream = new FillingStream(new Pieces(Bytes(10), 3));
        Memory<byte> room = new FillingStream.Room(new byte[20]).Memory;
        Assert.Equal(10, await stream.ReadAsync(room, Cancellation));
        Assert.Equal(Bytes(10), room[..10].ToArray());
        Assert.Equal(0, await stream.ReadAsync(room[10..], Cancellation));
    }

    [Fact]
    public async Task An_answer_in_pieces_is_one_read_over_the_clients_connections()
    {
        byte[] body = Bytes(1_000_000);
        await using var server = new ScriptedServer(new ScriptedAnswer { Body = body, PieceLength = 50_000 });
        using var http = new HttpMessageInvoker(KinesisConnections.Create(useProxy: false));
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Url));
        using HttpResponseMessage response = await http.SendAsync(request, Cancellation);
        await using Stream stream = await response.Content.ReadAsStreamAsync(Cancellation);
        byte[] array = new byte[body.Length];
        Memory<byte> rest = new FillingStream.Room(array).Memory;
        int reads = 0;
        while (rest.Length > 0)
        {
            rest = rest[await stream.ReadAsync(rest, Cancellation)..];
            reads++;
        }

        Assert.Equal(body, array);
        // what came with the head is handed over first
        Assert.InRange(reads, 1, 2);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_client_asks_for_all_of_an_answer_whose_length_is_known_and_for_what_is_there_of_another(bool isAnnounced)
    {
        SampleRecord[] records = SampleAnswers.Records(50, 200);
        using var body = new Pieces(SampleAnswers.Encode(WireFormat.Cbor, records), 100);
        using var handler = new OneAnswer(body, isAnnounced);
        using var client = new KinesisClient(
            new KinesisClientOptions { Credentials = new BasicAWSCredentials("a", "b"), Region = "eu-west-1" }, handler);
        using GetRecordsResponse response = await client.GetRecordsAsync(ClientFixture.Orders, "iterator", cancellationToken: Cancellation);
        Assert.Equal(
            records.Select(static record => record.Data), Enumerable.Range(0, response.Count).Select(i => response.GetData(i).ToArray()));
        Assert.Equal(isAnnounced, body.WasReadIntoRoom);
    }

    [Fact]
    public async Task A_read_that_waits_for_the_rest_ends_with_its_token()
    {
        await using var server = new ScriptedServer(new ScriptedAnswer { Body = Bytes(100_000), Announce = 200_000 });
        using var http = new HttpMessageInvoker(KinesisConnections.Create(useProxy: false));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Url));
        using HttpResponseMessage response = await http.SendAsync(request, stop.Token);
        await using Stream stream = await response.Content.ReadAsStreamAsync(stop.Token);
        byte[] array = new byte[200_000];
        Memory<byte> room = new FillingStream.Room(array).Memory;
        Task<int> reading = ReadAllAsync();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);

        async Task<int> ReadAllAsync()
        {
            int done = 0;
            while (done < room.Length)
            {
                done += await stream.ReadAsync(room[done..], stop.Token);
            }

            return done;
        }
    }

    /// <summary>A connection on which a few bytes come at a time, each time after a wait.</summary>
    private sealed class Pieces(byte[] bytes, int most) : MemoryStream(bytes)
    {
        public bool WasReadIntoRoom { get; private set; }

        public override bool CanSeek => false;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            WasReadIntoRoom |= MemoryMarshal.TryGetMemoryManager<byte, FillingStream.Room>(buffer, out _);
            await Task.Yield();
            return await base.ReadAsync(buffer[..Math.Min(most, buffer.Length)], cancellationToken);
        }
    }

    private sealed class OneAnswer(Stream body, bool isAnnounced) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var content = new StreamContent(body);
            content.Headers.TryAddWithoutValidation("Content-Type", WireFormats.CborMediaType);
            if (isAnnounced)
            {
                content.Headers.ContentLength = body.Length;
            }

            return Task.FromResult(new HttpResponseMessage { Content = content });
        }
    }
}
