using System.Net;
using System.Net.Sockets;

namespace FastConsumer.Tests.Kinesis;

/// <summary>
/// Stands between a client and a server, as a NAT or a load balancer does, and carries bytes both ways. The connections that were open when
/// it is told to forget stay open and carry nothing any more.
/// </summary>
internal sealed class ForgetfulMiddle : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _lock = new();
    private readonly List<TcpClient> _open = [];
    private readonly int _serverPort;
    private readonly Task _accepting;
    private int _opened;
    private volatile int _forgotten;

    public ForgetfulMiddle(string serverUrl)
    {
        _serverPort = new Uri(serverUrl).Port;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>How many connections were opened so far.</summary>
    public int Opened => Volatile.Read(ref _opened);

    /// <summary>Forgets what is open now.</summary>
    public void ForgetAll() => _forgotten = Opened;

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_lock)
        {
            _open.ForEach(static connection => connection.Dispose());
        }

        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            TcpClient client = await _listener.AcceptTcpClientAsync(_end.Token);
            var server = new TcpClient();
            await server.ConnectAsync(IPAddress.Loopback, _serverPort, _end.Token);
            lock (_lock)
            {
                _open.AddRange([client, server]);
            }

            int number = Interlocked.Increment(ref _opened);
            _ = CarryAsync(client, server, number);
            _ = CarryAsync(server, client, number);
        }
    }

    private async Task CarryAsync(TcpClient from, TcpClient to, int number)
    {
        try
        {
            byte[] buffer = new byte[65536];
            while (await from.GetStream().ReadAsync(buffer, _end.Token) is > 0 and int length)
            {
                if (number > _forgotten)
                {
                    await to.GetStream().WriteAsync(buffer.AsMemory(0, length), _end.Token);
                }
            }

            to.Client.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException
            or InvalidOperationException)
        {
            // one side has gone: so does the other
            from.Dispose();
            to.Dispose();
        }
    }
}
