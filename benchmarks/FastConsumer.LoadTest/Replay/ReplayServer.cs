using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FastConsumer.LoadTest.Replay;

/// <summary>
/// As little of Kinesis as a consumer needs, over plain sockets: one stream of open shards whose records never end. The
/// iterator in the request decides the answer, the request's encoding decides its encoding.
/// </summary>
internal sealed class ReplayServer : IDisposable
{
    public const string StreamName = "replay";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _shards;
    private readonly Lazy<ReplayAnswers> _cbor;
    private readonly Lazy<ReplayAnswers> _json;

    public ReplayServer(int shards, int recordsPerAnswer, int recordSize)
    {
        _shards = shards;
        _cbor = new(() => new ReplayAnswers(isCbor: true, recordsPerAnswer, recordSize));
        _json = new(() => new ReplayAnswers(isCbor: false, recordsPerAnswer, recordSize));
    }

    /// <summary>Listens; the port is chosen by the system.</summary>
    public int Start()
    {
        _listener.Start();
        return ((IPEndPoint)_listener.LocalEndpoint).Port;
    }

    /// <summary>Answers until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Socket connection = await _listener.AcceptSocketAsync(cancellationToken);
            connection.NoDelay = true;
            _ = Task.Run(() => ServeAsync(connection, cancellationToken), cancellationToken);
        }
    }

    public void Dispose() => _listener.Dispose();

    private async Task ServeAsync(Socket connection, CancellationToken cancellationToken)
    {
        using (connection)
        {
            byte[] input = new byte[64 * 1024];
            byte[] head = new byte[1024];
            try
            {
                int filled = 0;
                while (true)
                {
                    int length = RequestLength(input.AsSpan(0, filled));
                    if (length == 0)
                    {
                        int read = await connection.ReceiveAsync(input.AsMemory(filled), cancellationToken);
                        if (read == 0)
                        {
                            return;
                        }

                        filled += read;
                        continue;
                    }

                    (int headLength, ReadOnlyMemory<byte> page, byte[] end) = Answer(input.AsSpan(0, length), head);
                    await connection.SendAsync(head.AsMemory(0, headLength), cancellationToken);
                    await connection.SendAsync(page, cancellationToken);
                    await connection.SendAsync(end, cancellationToken);
                    input.AsSpan(length, filled - length).CopyTo(input);
                    filled -= length;
                }
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // the client has gone, as clients do at the end of a run
            }
        }
    }

    /// <summary>The length of the first request in the input; 0 while it is not complete.</summary>
    private static int RequestLength(ReadOnlySpan<byte> input)
    {
        int end = input.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return 0;
        }

        int length = end + 4;
        int at = input[..end].IndexOf("Content-Length: "u8);
        if (at >= 0 && Utf8Parser.TryParse(input[(at + 16)..end], out int body, out _))
        {
            length += body;
        }

        return length <= input.Length ? length : 0;
    }

    private (int HeadLength, ReadOnlyMemory<byte> Page, byte[] End) Answer(ReadOnlySpan<byte> request, Span<byte> head)
    {
        bool isCbor = request.IndexOf("x-amz-cbor"u8) >= 0;
        int target = request.IndexOf("Kinesis_20131202."u8) + 17;
        ReadOnlySpan<byte> operation = request.Slice(target, request[target..].IndexOf((byte)'\r'));
        if (operation.SequenceEqual("GetRecords"u8))
        {
            ReplayAnswers answers = isCbor ? _cbor.Value : _json.Value;
            long answer = ReplayToken.Read(request[ReplayToken.IndexIn(request)..]);
            ReadOnlyMemory<byte> page = answers.Page(answer);
            byte[] end = answers.End(answer);
            Span<byte> start = stackalloc byte[512];
            int startLength = answers.WriteStart(start, answer);
            int headLength = WriteHead(head, isCbor, startLength + page.Length + end.Length);
            start[..startLength].CopyTo(head[headLength..]);
            return (headLength + startLength, page, end);
        }

        // control-plane answers in JSON, whatever was asked: clients tell them apart by the first byte
        byte[] body = operation.SequenceEqual("GetShardIterator"u8) ? FirstIterator()
            : operation.SequenceEqual(
                "ListShards"u8) ? Encoding.UTF8.GetBytes($"{{\"Shards\":[{string.Join(',', Enumerable.Range(0, _shards).Select(Shard))}]}}")
            : operation.SequenceEqual("DescribeStreamSummary"u8) ? Encoding.UTF8.GetBytes($$$"""{"StreamDescriptionSummary":{"StreamName":"{{{StreamName}}}","StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/{{{StreamName}}}","StreamStatus":"ACTIVE","RetentionPeriodHours":24,"StreamCreationTimestamp":1787036486,"OpenShardCount":{{{_shards}}}}}""")
            : throw new NotSupportedException($"The replay server does not know {Encoding.ASCII.GetString(operation)}.");
        return (WriteHead(head, isCbor: false, body.Length), body, []);
    }

    private static byte[] FirstIterator()
    {
        Span<byte> token = stackalloc byte[ReplayToken.Length];
        ReplayToken.Write(token, 0);
        return [.. "{\"ShardIterator\":\""u8, .. token, .. "\"}"u8];
    }

    private string Shard(int index)
    {
        UInt128 width = UInt128.MaxValue / (UInt128)_shards;
        UInt128 end = index == _shards - 1 ? UInt128.MaxValue : (width * (UInt128)(index + 1)) - 1;
        return string.Create(
            CultureInfo.InvariantCulture,
            $$$"""{"ShardId":"shardId-{{{index:D12}}}","HashKeyRange":{"StartingHashKey":"{{{width * (UInt128)index}}}","EndingHashKey":"{{{end}}}"},"SequenceNumberRange":{"StartingSequenceNumber":"1"}}""");
    }

    private static int WriteHead(Span<byte> head, bool isCbor, int length) => Encoding.ASCII.GetBytes(
        string.Create(
            CultureInfo.InvariantCulture,
            $"HTTP/1.1 200 OK\r\nx-amzn-RequestId: 00000000-0000-0000-0000-000000000000\r\nContent-Type: "
                + $"{(isCbor ? "application/x-amz-cbor-1.1" : "application/x-amz-json-1.1")}\r\nContent-Length: {length}\r\n\r\n"),
        head);
}
