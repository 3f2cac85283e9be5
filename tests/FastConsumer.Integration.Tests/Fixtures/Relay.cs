using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>
/// A wire between a worker and a server that can be missing, cut and repaired. Until <see cref="Open"/> its port refuses connections.
/// </summary>
internal sealed class Relay : IAsyncDisposable
{
    private readonly ConcurrentDictionary<Socket, bool> _connections = new();
    private readonly ConcurrentBag<Task> _work = [];
    private readonly CancellationTokenSource _ended = new();
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly EndPoint _server;
    private volatile bool _cut;

    public Relay(string serviceUrl)
    {
        var url = new Uri(serviceUrl);
        _server = new IPEndPoint(IPAddress.Loopback, url.Port);
        // bound, it is nobody else's; it listens later
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Address = $"127.0.0.1:{((IPEndPoint)_listener.LocalEndPoint!).Port}";
    }

    /// <summary>Host and port, as messages name them.</summary>
    public string Address { get; }

    public string ServiceUrl => $"http://{Address}";

    /// <summary>Takes connections from now on.</summary>
    public void Open()
    {
        _listener.Listen();
        _work.Add(AcceptAsync());
    }

    /// <summary>Breaks all connections, and each new one at once.</summary>
    public void Cut()
    {
        _cut = true;
        foreach (var connection in _connections.Keys)
            Break(connection);
    }

    public void Repair() => _cut = false;

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        Cut();
        _listener.Dispose();
        await Task.WhenAll(_work);
        _ended.Dispose();
    }

    private static void Break(Socket connection) => connection.Close(timeout: 0);

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptAsync(_ended.Token);
                if (_cut)
                    Break(client);
                else
                    _work.Add(ConnectAsync(client));
            }
        }
        catch (OperationCanceledException)
        {
            // the end of the test
        }
    }

    private async Task ConnectAsync(Socket client)
    {
        var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        _connections[client] = _connections[server] = true;
        try
        {
            await server.ConnectAsync(_server, _ended.Token);
            await Task.WhenAll(CopyAsync(client, server), CopyAsync(server, client));
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // one end is gone: so is the other
        }
        finally
        {
            _connections.TryRemove(client, out _);
            _connections.TryRemove(server, out _);
            Break(client);
            Break(server);
        }
    }

    private async Task CopyAsync(Socket from, Socket to)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            for (int read; (read = await from.ReceiveAsync(buffer, _ended.Token)) > 0;)
            {
                for (var sent = 0; sent < read;)
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), _ended.Token);
            }
        }
        finally
        {
            // whoever reads from the other end must learn of it
            Break(to);
            Break(from);
        }
    }
}
