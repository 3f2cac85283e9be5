using System.Net.Sockets;
using System.Text;

namespace FastConsumer.Dashboard.Tests.Hosting;

/// <summary>HTTP as no client would send it: paths as they are, and answers that nobody reads.</summary>
internal sealed class RawConnection : IDisposable
{
    private readonly TcpClient _client = new() { ReceiveBufferSize = 1024 };

    public static async Task<RawConnection> GetAsync(Uri server, string path)
    {
        var connection = new RawConnection();
        await connection._client.ConnectAsync(server.Host, server.Port, TestContext.Current.CancellationToken);
        await connection._client.GetStream().WriteAsync(
            Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {server.Authority}\r\nConnection: close\r\n\r\n"),
            TestContext.Current.CancellationToken);
        return connection;
    }

    /// <summary>All of the answer, to the end of the connection.</summary>
    public async Task<string> ReadAsync()
    {
        using var reader = new StreamReader(_client.GetStream(), Encoding.Latin1, leaveOpen: true);
        return await Eventually.WithinAsync(reader.ReadToEndAsync(TestContext.Current.CancellationToken));
    }

    public void Dispose() => _client.Dispose();
}
