using System.Text.RegularExpressions;

namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>A server nobody here wrote, on a free loopback port.</summary>
public abstract partial class LocalServer : IAsyncDisposable
{
    private ServerProcess? _process;

    private protected LocalServer()
    {
    }

    /// <summary>The endpoint to give to an AWS client, such as <c>http://127.0.0.1:40123</c>.</summary>
    public string ServiceUrl => $"http://127.0.0.1:{Port(ServicePort)}";

    /// <summary>The last lines the server wrote, for the messages of failing tests.</summary>
    public string LastOutput => Process.LastOutput;

    private ServerProcess Process =>
        _process ?? throw new InvalidOperationException($"{GetType().Name} has not started, or is disposed of.");

    /// <summary>The port to ask for, which <see cref="Port"/> translates.</summary>
    private protected abstract int ServicePort { get; }

    /// <summary>Kills the server. All it held is gone.</summary>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (Interlocked.Exchange(ref _process, null) is { } process)
            await process.DisposeAsync();
    }

    private protected static async Task<TServer> StartAsync<TServer>(TServer server, CancellationToken cancellationToken)
        where TServer : LocalServer
    {
        var packages = await NodePackages.GetAsync(cancellationToken);
        server._process = await server.StartProcessAsync(packages, cancellationToken);
        return server;
    }

    private protected abstract Task<ServerProcess> StartProcessAsync(NodePackages packages, CancellationToken cancellationToken);

    private protected int Port(int asked) => Process.Port(asked);

    /// <summary>What <c>loopback.cjs</c> writes when a server listens.</summary>
    [GeneratedRegex(@"^@listening (?<asked>\d+) (?<port>\d+)$")]
    private protected static partial Regex LoopbackAnnouncement();
}
