using System.Net.Sockets;

namespace FastConsumer.CloudWatch;

/// <summary>
/// Writes to the socket of a CloudWatch agent. A TCP connection is kept from one time to the next; where it is broken, a new one is made.
/// </summary>
internal sealed class AgentSink(Uri endpoint, TimeProvider time) : IEmfSink
{
    /// <summary>How long connecting and sending may take.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly bool _isStream = endpoint.Scheme == "tcp";
    private Socket? _socket;

    public string Name => $"the CloudWatch agent at {endpoint.GetLeftPart(UriPartial.Authority)}";

    public async Task WriteAsync(IReadOnlyList<ReadOnlyMemory<byte>> lines, CancellationToken cancellationToken)
    {
        using CancellationTokenSource patience = new(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            if (_socket is not null && IsClosed(_socket))
            {
                Close();
            }

            _socket ??= await ConnectAsync(either.Token);
            foreach (ReadOnlyMemory<byte> line in lines)
            {
                await SendAsync(_socket, line, either.Token);
            }
        }
        catch (OperationCanceledException e) when (patience.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            Close();
            throw new TimeoutException($"It did not take the metrics within {Patience.TotalSeconds} seconds.", e);
        }
        catch
        {
            // half a line may have been sent: the next one must not continue it
            Close();
            throw;
        }
    }

    public void Dispose() => Close();

    /// <summary>
    /// The agent sends nothing, so what can be read is the end. Without asking, the first lines after its restart would be lost.
    /// </summary>
    private bool IsClosed(Socket socket) => _isStream && socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0;

    private async Task<Socket> ConnectAsync(CancellationToken cancellationToken)
    {
        Socket socket = _isStream
            ? new Socket(SocketType.Stream, ProtocolType.Tcp)
            : new Socket(SocketType.Dgram, ProtocolType.Udp);
        try
        {
            await socket.ConnectAsync(endpoint.DnsSafeHost, endpoint.Port, cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> line, CancellationToken cancellationToken)
    {
        // a datagram goes as a whole, a stream may take a part
        while (!line.IsEmpty)
        {
            int sent = await socket.SendAsync(line, SocketFlags.None, cancellationToken);
            line = line[sent..];
        }
    }

    private void Close()
    {
        _socket?.Dispose();
        _socket = null;
    }
}
