using System.Net;

namespace FastConsumer.Kinesis;

/// <summary>How the client keeps its connections.</summary>
internal static class KinesisConnections
{
    public static SocketsHttpHandler Create(bool useProxy) => new()
    {
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
        handler.KeepAlivePingDelay = TimeSpan.FromSeconds(60);
        handler.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
        handler.KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests;
        return handler;
    }
}
