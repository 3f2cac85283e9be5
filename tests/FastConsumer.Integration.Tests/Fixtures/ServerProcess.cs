using System.Collections.Concurrent;
using System.Globalization;

namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>A running server on loopback. It ends on disposal, or with the test host, however that ends.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(20);
    private static readonly HttpClient Probe = new(new SocketsHttpHandler { UseProxy = false });

    private readonly ServerLaunch _launch;
    private readonly ConcurrentDictionary<int, int> _ports = new();
    private readonly TaskCompletionSource _announced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ChildProcess _child;

    private ServerProcess(ServerLaunch launch)
    {
        _launch = launch;
        // dynoxide announces itself on standard error, the others on standard output
        _child = ChildProcess.Start("node", launch.Arguments, launch.WorkingDirectory, launch.Environment, OnLine, OnLine);
    }

    /// <summary>The last lines the server wrote.</summary>
    public string LastOutput => _child.LastOutput;

    /// <summary>Starts a server and returns when it answers.</summary>
    /// <exception cref="ServerStartException">It ended before it was ready, or was not ready in time.</exception>
    public static async Task<ServerProcess> StartAsync(ServerLaunch launch, CancellationToken cancellationToken)
    {
        using var startup = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        startup.CancelAfter(StartTimeout);
        var server = new ServerProcess(launch);
        try
        {
            await server.WaitUntilReadyAsync(startup.Token);
            return server;
        }
        catch (Exception exception)
        {
            var output = server.LastOutput;
            await server.DisposeAsync();
            if (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested)
                throw new ServerStartException($"{launch.Name} was not ready within {StartTimeout}.", output, exception);
            throw;
        }
    }

    /// <summary>The port the server really listens on, for one it was asked to listen on.</summary>
    public int Port(int asked) => _ports[asked];

    public ValueTask DisposeAsync() => _child.DisposeAsync();

    private void OnLine(string line)
    {
        var match = _launch.Announcement.Match(line);
        if (!match.Success)
            return;
        var asked = int.Parse(match.Groups["asked"].ValueSpan, CultureInfo.InvariantCulture);
        _ports[asked] = int.Parse(match.Groups["port"].ValueSpan, CultureInfo.InvariantCulture);
        if (_launch.AskedPorts.All(_ports.ContainsKey))
            _announced.TrySetResult();
    }

    private async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAny(_announced.Task, _child.Exited).WaitAsync(cancellationToken);
        while (!_child.Exited.IsCompleted)
        {
            if (await AnswersAsync(cancellationToken))
                return;
            await Task.Delay(ProbeInterval, TimeProvider.System, cancellationToken);
        }

        throw new ServerStartException(
            $"{_launch.Name} ended with exit code {await _child.Exited} before it was ready.", _child.LastOutput);
    }

    private async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            var address = $"http://127.0.0.1:{Port(_launch.AskedPorts[0])}{_launch.HealthPath}";
            using var response = await Probe.GetAsync(new Uri(address), cancellationToken);
            return (int)response.StatusCode < 500;
        }
        catch (HttpRequestException)
        {
            return false; // not yet; the caller asks again until its time is up
        }
    }
}
