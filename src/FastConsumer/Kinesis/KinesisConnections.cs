using System.Net;

namespace FastConsumer.Kinesis;

/// <summary>How the client keeps its connections.</summary>
internal static class KinesisConnections
{
    /// <summary>
    /// The most connections to one host for requests that are answered at once. A read takes some ten milliseconds, so that hundreds of
    /// idle shards need a handful; a request beyond them waits for one to become free.
    /// </summary>
    public const int MaxConnectionsPerServer = 64;

    /// <summary>
    /// A dead connection under a subscription is known after the delay and the time-out: 20 s, before the 35 s without an event.
    /// </summary>
    private static readonly TimeSpan s_pingDelay = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_pingTimeout = TimeSpan.FromSeconds(10);

    public static SocketsHttpHandler Create(bool useProxy) => new()
    {
        MaxConnectionsPerServer = MaxConnectionsPerServer,
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = TimeSpan.FromSeconds(10),
        // long-lived clients follow DNS
        PooledConnectionLifetime = TimeSpan.FromMinutes(10),
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
        UseProxy = useProxy,
        // a trace header would only grow each request: the service does not read it
        ActivityHeadersPropagator = null,
        // so that an answer is one read, however many pieces it comes in
        PlaintextStreamFilter = static (context, _) => ValueTask.FromResult<Stream>(new FillingStream(context.PlaintextStream)),
    };

    /// <summary>For subscriptions: streams of minutes, with little to say at times.</summary>
    public static SocketsHttpHandler CreateForStreams(bool useProxy, int windowBytes)
    {
        SocketsHttpHandler handler = Create(useProxy);
        handler.InitialHttp2StreamWindowSize = windowBytes;
        handler.EnableMultipleHttp2Connections = true;
        // subscriptions share connections by HTTP/2 alone
        handler.MaxConnectionsPerServer = int.MaxValue;
        handler.KeepAlivePingDelay = s_pingDelay;
        handler.KeepAlivePingTimeout = s_pingTimeout;
        handler.KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests;
        return handler;
    }
}
