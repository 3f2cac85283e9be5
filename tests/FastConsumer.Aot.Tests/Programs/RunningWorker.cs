using System.Collections.Concurrent;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Aot.Tests.Programs;

/// <summary>The worker as a process: what it prints, and how it is stopped.</summary>
internal sealed class RunningWorker : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _output = new();
    private readonly ChildProcess _process;

    private RunningWorker(string folder, IReadOnlyDictionary<string, string?> environment) =>
        _process = ChildProcess.Start(
            "node", [NodePackages.Script("guard.cjs"), PublishedWorker.Executable(folder)], folder, environment, _output.Enqueue);

    public string LastOutput => _process.LastOutput;

    /// <summary>What was handled, in the order in which it was printed.</summary>
    public IEnumerable<string> Handled => Lines("handled ");

    public IEnumerable<string> Lines(string start) =>
        _output.Where(line => line.StartsWith(start, StringComparison.Ordinal)).Select(line => line[start.Length..]);

    /// <param name="folder">Where the program was published.</param>
    /// <param name="settings">Environment variables; none of AWS's come from outside.</param>
    public static RunningWorker Start(string folder, IReadOnlyDictionary<string, string> settings)
    {
        Dictionary<string, string?> environment = Environment.GetEnvironmentVariables().Keys.Cast<string>()
            .Where(static name => name.StartsWith("AWS_", StringComparison.Ordinal))
            .ToDictionary(static name => name, static _ => (string?)null);
        environment["AWS_EC2_METADATA_DISABLED"] = "true";
        environment["AWS_CONFIG_FILE"] = Path.Combine(folder, "no-config");
        environment["AWS_SHARED_CREDENTIALS_FILE"] = Path.Combine(folder, "no-credentials");
        foreach ((string name, string value) in settings)
        {
            environment[name] = value;
        }

        return new RunningWorker(folder, environment);
    }

    public Task WaitUntilAsync(string what, Func<bool> condition) =>
        Eventually.ThatAsync(what, () => condition() || ThrowIfEnded(), () => LastOutput);

    /// <summary>Ends it as a container's platform does, and waits until it has ended well.</summary>
    public async Task StopAsync()
    {
        Signals.Send(_process.Id, Signal.Terminate);
        int exitCode = await Eventually.EndsAsync("the program ends", _process.Exited, () => LastOutput);
        Assert.True(exitCode == 0, $"Exit code {exitCode}: {LastOutput}");
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private bool ThrowIfEnded() => _process.Exited.IsCompleted
        ? throw new InvalidOperationException($"The program ended by itself with exit code {_process.Exited.Result}: {LastOutput}")
        : false;
}
