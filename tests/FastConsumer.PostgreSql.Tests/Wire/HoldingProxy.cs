using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FastConsumer.PostgreSql.Tests.Wire;

/// <summary>
/// A wire between a client and PostgreSQL, on loopback, that holds up what a client sends from a given word on. The server keeps a
/// connection that is held, also when its client has gone; it gets the rest when the wire is released.
/// </summary>
internal sealed class HoldingProxy : IAsyncDisposable
{
    private readonly ConcurrentBag<Socket> _sockets = [];
    private readonly ConcurrentBag<Task> _work = [];
    private readonly CancellationTokenSource _ended = new();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _serverPort;
    private volatile Hold? _armed;

    public HoldingProxy(int serverPort)
    {
        _serverPort = serverPort;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _work.Add(AcceptAsync());
    }

    public int Port { get; }

    /// <summary>Holds up the next connection whose client sends this word, from the packet with the word on.</summary>
    public Hold HoldNext(string word) => _armed = new Hold(word);

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        _listener.Stop();
        foreach (Socket socket in _sockets)
        {
            socket.Dispose();
        }

        await Task.WhenAll(_work);
        _ended.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _work.Add(ServeAsync(await _listener.AcceptSocketAsync(_ended.Token)));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // the end of the test
        }
    }

    private async Task ServeAsync(Socket client)
    {
        var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        _sockets.Add(client);
        _sockets.Add(server);
        await server.ConnectAsync(IPAddress.Loopback, _serverPort, _ended.Token);
        await Task.WhenAll(ToServerAsync(client, server), CopyAsync(server, client));
    }

    private async Task ToServerAsync(Socket client, Socket server)
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            for (int read; (read = await client.ReceiveAsync(buffer, _ended.Token)) > 0;)
            {
                if (_armed is { } hold && buffer.AsSpan(0, read).IndexOf(hold.Word) >= 0
                    && Interlocked.CompareExchange(ref _armed, null, hold) == hold)
                {
                    hold.Start();
                    await hold.Released.WaitAsync(_ended.Token);
                }

                await SendAsync(server, buffer.AsMemory(0, read));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // an end is gone
        }
        finally
        {
            // the server answers what it has got, and sees that no more comes
            Shutdown(server);
        }
    }

    private async Task CopyAsync(Socket from, Socket to)
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            for (int read; (read = await from.ReceiveAsync(buffer, _ended.Token)) > 0;)
            {
                await SendAsync(to, buffer.AsMemory(0, read));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // an end is gone
        }
        finally
        {
            Shutdown(to);
        }
    }

    private async Task SendAsync(Socket to, ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[await to.SendAsync(bytes, _ended.Token)..];
        }
    }

    private static void Shutdown(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // it is gone already
        }
    }

    /// <summary>A connection that is held up, or will be.</summary>
    internal sealed class Hold(string word)
    {
        private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public byte[] Word { get; } = Encoding.ASCII.GetBytes(word);

        /// <summary>Ends when the word has come.</summary>
        public Task Held => _started.Task.WaitAsync(TestContext.Current.CancellationToken);

        public Task Released => _released.Task;

        public void Start() => _started.TrySetResult();

        /// <summary>The server gets what was held, and all that follows.</summary>
        public void Release() => _released.TrySetResult();
    }
}
