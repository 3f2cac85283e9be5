using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace FastConsumer.Testing.Http;

/// <summary>
/// Lets HTTP/1.1 and HTTP/2 without TLS share one port. Kestrel picks between them by what TLS negotiated, and without TLS
/// takes everything for HTTP/1.1; so this middleware reads the connection's first bytes, leaves them in place, and where
/// they are HTTP/2's preface tells Kestrel what a TLS handshake with ALPN would have told it.
/// </summary>
internal static class ProtocolSniffer
{
    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    public static ConnectionDelegate Wrap(ConnectionDelegate next) => async connection =>
    {
        if (await StartsWithPrefaceAsync(connection) is not { } isHttp2)
        {
            return;
        }

        if (isHttp2)
        {
            var negotiated = new NegotiatedHttp2();
            connection.Features.Set<ITlsConnectionFeature>(negotiated);
            connection.Features.Set<ITlsApplicationProtocolFeature>(negotiated);
        }

        await next(connection);
    };

    /// <summary>Null where the connection ends before it says anything, or the server stops meanwhile.</summary>
    private static async Task<bool?> StartsWithPrefaceAsync(ConnectionContext connection)
    {
        PipeReader input = connection.Transport.Input;
        CancellationToken stopping =
            connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
        try
        {
            while (true)
            {
                ReadResult read = await input.ReadAsync(stopping);
                bool? answer = Judge(read.Buffer);
                if (answer is null && read.IsCompleted)
                {
                    return read.Buffer.IsEmpty ? null : false;
                }

                // With an answer nothing counts as examined, so that Kestrel reads the same bytes at once.
                input.AdvanceTo(read.Buffer.Start, answer is null ? read.Buffer.End : read.Buffer.Start);
                if (answer is not null)
                {
                    return answer;
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            return null;
        }
    }

    private static bool? Judge(ReadOnlySequence<byte> buffer)
    {
        int length = (int)Math.Min(buffer.Length, Preface.Length);
        Span<byte> start = stackalloc byte[Preface.Length];
        buffer.Slice(0, length).CopyTo(start);
        return !Preface.StartsWith(start[..length]) ? false : length == Preface.Length ? true : null;
    }

    private sealed class NegotiatedHttp2 : ITlsConnectionFeature, ITlsApplicationProtocolFeature
    {
        public X509Certificate2? ClientCertificate { get; set; }

        public ReadOnlyMemory<byte> ApplicationProtocol { get; } = "h2"u8.ToArray();

        public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult(ClientCertificate);
    }
}
