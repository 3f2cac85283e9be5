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
}
