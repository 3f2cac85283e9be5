using System.Collections.Concurrent;
using System.Reflection;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Cli.Tests;

/// <summary>The tool as a process of its own, under the guard that ends it with the test host.</summary>
internal sealed class Tool : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _output = new();
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly ChildProcess _process;

    private Tool(string[] arguments, Signal? atFirstLine = null, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var started = new TaskCompletionSource<ChildProcess>(TaskCreationOptions.RunContinuationsAsynchronously);
        _process = ChildProcess.Start(
            "node",
            [NodePackages.Script("guard.cjs"), "dotnet", Program, .. arguments],
            Path.GetTempPath(),
            environment,
            onOutputLine: line =>
            {
                bool isFirst = _output.IsEmpty;
                _output.Enqueue(line);
                if (isFirst && atFirstLine is { } signal)
                {
                    Signals.Send(started.Task.GetAwaiter().GetResult().Id, signal);
                }
            },
            onErrorLine: _errors.Enqueue);
        started.SetResult(_process);
    }

    public string Output => string.Join('\n', _output);

    public string Errors => string.Join('\n', _errors);

    /// <summary>The tool's own file, for tests that write to its input.</summary>
    public static string Program { get; } = Path.GetFullPath(typeof(Tool).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == "Tool").Value!);

    public static Tool Start(params string[] arguments) => new(arguments);

    /// <summary>Starts it with variables of its environment.</summary>
    public static Tool Start(IReadOnlyDictionary<string, string?> environment, string[] arguments) =>
        new(arguments, environment: environment);

    /// <summary>Starts it, and sends it a signal as soon as it says anything.</summary>
    public static Tool StartAndSignal(Signal signal, params string[] arguments) => new(arguments, signal);

    /// <summary>Starts the emulator on a free port and returns when it has said where it listens.</summary>
    public static async Task<Tool> StartEmulatorAsync(params string[] arguments)
    {
        var tool = Start(["emulator", "--port", "0", .. arguments]);
        try
        {
            await Eventually.ThatAsync(
                "the emulator listens",
                () => tool.Output.Contains("AWS_SECRET_ACCESS_KEY", StringComparison.Ordinal),
                () => tool._process.LastOutput);
            return tool;
        }
        catch
        {
            await tool.DisposeAsync();
            throw;
        }
    }

    public void Send(Signal signal) => Signals.Send(_process.Id, signal);

    public Task<int> ExitCodeAsync() => Eventually.EndsAsync("the tool ends", _process.Exited, () => _process.LastOutput);

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
