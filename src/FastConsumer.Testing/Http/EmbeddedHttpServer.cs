using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace FastConsumer.Testing.Http;

/// <summary>Kestrel on one port, without host, dependency injection or logging.</summary>
internal sealed class EmbeddedHttpServer : IAsyncDisposable
{
    private const int DefaultMaxRequestBytes = 64 * 1024 * 1024;

    /// <summary>What may wait for the client per connection, so that a large answer is not sent in lockstep with it.</summary>
    private const int ResponseBufferBytes = 1024 * 1024;

    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(2);

    private readonly SocketTransportFactory _transport;
    private readonly KestrelServer _kestrel;

    private EmbeddedHttpServer(IPAddress bind, int port, X509Certificate2? certificate, long maxRequestBytes)
    {
        var options = new KestrelServerOptions
        {
            AddServerHeader = false,
            // Without TLS the sniffer marks HTTP/2 connections as TLS ones, whereas their requests say http.
            AllowAlternateSchemes = true,
        };
        options.Limits.MaxRequestBodySize = maxRequestBytes;
        options.Limits.MaxResponseBufferSize = ResponseBufferBytes;
        options.Limits.MinRequestBodyDataRate = null;
        options.Limits.MinResponseDataRate = null;
        options.Limits.Http2.MaxStreamsPerConnection = 1000;
        options.Listen(bind, port, endpoint =>
        {
            endpoint.Protocols = HttpProtocols.Http1AndHttp2;
            endpoint.Use(certificate is null ? ProtocolSniffer.Wrap : new TlsMiddleware(certificate).Wrap);
        });
        _transport = new SocketTransportFactory(Options.Create(new SocketTransportOptions()), NullLoggerFactory.Instance);
        _kestrel = new KestrelServer(Options.Create(options), _transport, NullLoggerFactory.Instance);
    }

    /// <summary>The one URL.</summary>
    public string Url { get; private set; } = "";

    public static async Task<EmbeddedHttpServer> StartAsync(
        IPAddress bind,
        int port,
        X509Certificate2? certificate,
        RequestDelegate handler,
        CancellationToken cancellationToken,
        long maxRequestBytes = DefaultMaxRequestBytes)
    {
        var server = new EmbeddedHttpServer(bind, port, certificate, maxRequestBytes);
        try
        {
            await server._kestrel.StartAsync(new Application(handler), cancellationToken);
        }
        catch
        {
            server._kestrel.Dispose();
            throw;
        }

        var address = new Uri(server._kestrel.Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        server.Url = $"{(certificate is null ? "http" : "https")}://{Reachable(address, bind)}";
        return server;
    }

    /// <summary>Nobody can connect to "every address", so the URL names the loopback one instead.</summary>
    private static string Reachable(Uri address, IPAddress bind)
    {
        IPAddress? loopback = bind.Equals(IPAddress.Any)
            ? IPAddress.Loopback
            : bind.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : null;
        return loopback is null ? address.Authority : new IPEndPoint(loopback, address.Port).ToString();
    }

    /// <summary>Lets requests under way finish, for a moment, and closes every connection.</summary>
    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(StopTimeout, TimeProvider.System);
        await _kestrel.StopAsync(patience.Token);
        _kestrel.Dispose();
    }

    private sealed class Application(RequestDelegate handler) : IHttpApplication<HttpContext>
    {
        public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

        public Task ProcessRequestAsync(HttpContext context) => handler(context);

        public void DisposeContext(HttpContext context, Exception? exception)
        {
        }
    }
}
