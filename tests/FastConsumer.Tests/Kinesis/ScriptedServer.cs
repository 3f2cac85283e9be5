using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Tests.Kinesis;

/// <summary>A request as it came over the socket.</summary>
internal sealed record ScriptedRequest(string RequestLine, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string Operation => Headers["X-Amz-Target"].Split('.')[1];

    public string ContentType => Headers["Content-Type"];

    public WireValue Content => WireValue.Decode(
        ContentType.Contains("cbor", StringComparison.Ordinal) ? WireFormat.Cbor : WireFormat.Json, Body.ToArray());
}

/// <summary>What the server does with one request.</summary>
internal sealed record ScriptedAnswer
{
    public int Status { get; init; } = 200;

    public byte[] Body { get; init; } = [];

    public string? ContentType { get; init; } = WireFormats.JsonMediaType;

    public Dictionary<string, string> Headers { get; init; } = [];

    /// <summary>Sends this many bytes of the body and closes the connection.</summary>
    public int? CutAfter { get; init; }

    /// <summary>Sends the body in chunks, without a Content-Length.</summary>
    public bool Chunked { get; init; }

    /// <summary>Sends the body in pieces of at most this many bytes, each after a moment.</summary>
    public int? PieceLength { get; init; }

    /// <summary>Closes the connection without a word.</summary>
    public bool Hangup { get; init; }

    /// <summary>Answers nothing until the server is disposed.</summary>
    public bool Silent { get; init; }

    /// <summary>Announces this many bytes whatever the body is.</summary>
    public long? Announce { get; init; }

    /// <summary>Adds the server's idea of the time.</summary>
    public ScriptedAnswer At(string date) => this with { Headers = new(Headers) { ["Date"] = date } };

    public static ScriptedAnswer Json(string text) => new() { Body = Encoding.UTF8.GetBytes(text) };

    public static ScriptedAnswer Cbor(byte[] body) => new() { Body = body, ContentType = WireFormats.CborMediaType };

    public static ScriptedAnswer Error(int status, string code, string message) => new()
    {
        Status = status,
        Body = Encoding.UTF8.GetBytes($$"""{"__type":"com.amazonaws.kinesis#{{code}}","message":"{{message}}"}"""),
        Headers = { ["x-amzn-RequestId"] = "id-1", ["x-amz-id-2"] = "id-2" },
    };
}

/// <summary>
/// HTTP/1.1 on a loopback port, answering request after request from a script; the last answer is repeated.
/// </summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<Func<ScriptedRequest, ScriptedAnswer>> _script;
    private readonly ConcurrentQueue<ScriptedRequest> _requests = new();
    private readonly SemaphoreSlim _arrived = new(0);
    private readonly Task _accepting;
    private Func<ScriptedRequest, ScriptedAnswer> _last;

    public ScriptedServer(params Func<ScriptedRequest, ScriptedAnswer>[] script)
    {
        _script = new(script);
        _last = script[^1];
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public ScriptedServer(params ScriptedAnswer[] answers)
        : this([.. answers.Select(static answer => (Func<ScriptedRequest, ScriptedAnswer>)(_ => answer))])
    {
    }

    public string Url => $"http://127.0.0.1:{Port}";

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public IReadOnlyList<ScriptedRequest> Requests => [.. _requests];

    /// <summary>Waits until one more request has come.</summary>
    public async Task WaitForRequestAsync() =>
        Assert.True(await _arrived.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken), "No request came.");

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
        _arrived.Dispose();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptSocketAsync(_stop.Token);
                connections.Add(ServeAsync(socket));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // stopped
        }

        await Task.WhenAll(connections);
    }

    private async Task ServeAsync(Socket socket)
    {
        await Task.Yield();
        try
        {
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            while (await ReadRequestAsync(stream) is { } request)
            {
                _requests.Enqueue(request);
                _arrived.Release();
                Func<ScriptedRequest, ScriptedAnswer> next = _script.TryDequeue(out var scripted) ? scripted : _last;
                ScriptedAnswer answer = next(request);
                if (answer.Silent)
                {
                    await Task.Delay(Timeout.Infinite, _stop.Token);
                }

                if (answer.Hangup || !await WriteAsync(stream, answer))
                {
                    return;
                }
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // the client or the test is done with this connection
        }
    }

    private async Task<bool> WriteAsync(NetworkStream stream, ScriptedAnswer answer)
    {
        var head = new StringBuilder();
        head.Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {answer.Status} Scripted\r\n");
        if (answer.ContentType is not null)
        {
            head.Append(CultureInfo.InvariantCulture, $"Content-Type: {answer.ContentType}\r\n");
        }

        foreach ((string name, string value) in answer.Headers)
        {
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        }

        head.Append(answer.Chunked
            ? "Transfer-Encoding: chunked\r\n\r\n"
            : $"Content-Length: {(answer.Announce ?? answer.Body.Length).ToString(CultureInfo.InvariantCulture)}\r\n\r\n");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head.ToString()), _stop.Token);
        if (answer.Chunked)
        {
            foreach (byte[] chunk in answer.Body.Chunk(1000))
            {
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"{chunk.Length:X}\r\n"), _stop.Token);
                await stream.WriteAsync(chunk, _stop.Token);
                await stream.WriteAsync("\r\n"u8.ToArray(), _stop.Token);
            }

            await stream.WriteAsync("0\r\n\r\n"u8.ToArray(), _stop.Token);
            return true;
        }

        if (answer.PieceLength is { } length)
        {
            foreach (byte[] piece in answer.Body.Chunk(length))
            {
                await stream.WriteAsync(piece, _stop.Token);
                await Task.Delay(10, _stop.Token);
            }

            return true;
        }

        await stream.WriteAsync(answer.Body.AsMemory(0, answer.CutAfter ?? answer.Body.Length), _stop.Token);
        return answer.CutAfter is null;
    }

    private async Task<ScriptedRequest?> ReadRequestAsync(NetworkStream stream)
    {
        var head = new List<byte>();
        byte[] one = new byte[1];
        while (head.Count < 4 || !head[^4..].SequenceEqual("\r\n\r\n"u8.ToArray()))
        {
            if (await stream.ReadAsync(one, _stop.Token) == 0)
            {
                return null;
            }

            head.Add(one[0]);
        }

        string[] lines = Encoding.ASCII.GetString([.. head]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var headers = lines.Skip(1).Select(static line => line.Split(':', 2))
            .ToDictionary(static pair => pair[0], static pair => pair[1].Trim(), StringComparer.OrdinalIgnoreCase);
        byte[] body = new byte[int.Parse(headers.GetValueOrDefault("Content-Length", "0"), CultureInfo.InvariantCulture)];
        await stream.ReadExactlyAsync(body, _stop.Token);
        return new ScriptedRequest(lines[0], headers, body);
    }
}
