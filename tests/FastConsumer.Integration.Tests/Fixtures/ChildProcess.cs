using System.ComponentModel;
using System.Diagnostics;

namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>A child process whose output is drained and remembered, and that is killed with its descendants on disposal.</summary>
/// <remarks>
/// Its standard input stays open as long as this process lives, so a child that watches it ends with the test host even if that is
/// killed: see <c>loopback.cjs</c> and <c>guard.cjs</c>.
/// </remarks>
internal sealed class ChildProcess : IAsyncDisposable
{
    private const int RememberedLines = 40;
    private static readonly TimeSpan OutputAfterExit = TimeSpan.FromSeconds(5);

    private readonly Process _process;
    private readonly Queue<string> _lastLines = new();
    private readonly Task _reading;
    private bool _disposed;

    private ChildProcess(Process process, Action<string>? onOutputLine, Action<string>? onErrorLine)
    {
        _process = process;
        _reading = Task.WhenAll(
            OnThread(() => Read(process.StandardOutput, onOutputLine)), OnThread(() => Read(process.StandardError, onErrorLine)));
        Exited = ObserveExitAsync();
    }

    /// <summary>The exit code, once the process has ended and its output is read.</summary>
    public Task<int> Exited { get; }

    public int Id => _process.Id;

    public StreamWriter Input => _process.StandardInput;

    /// <summary>The last lines of both outputs, for error messages.</summary>
    public string LastOutput
    {
        get
        {
            lock (_lastLines)
            {
                return _lastLines.Count == 0 ? "(no output)" : string.Join(Environment.NewLine, _lastLines);
            }
        }
    }

    public static ChildProcess Start(
        string fileName,
        IEnumerable<string> arguments,
        string workingDirectory,
        IReadOnlyDictionary<string, string?>? environment = null,
        Action<string>? onOutputLine = null,
        Action<string>? onErrorLine = null)
    {
        var startInfo = new ProcessStartInfo(fileName, arguments)
        {
            WorkingDirectory = workingDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        startInfo.Environment.Remove("NODE_OPTIONS");
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
            startInfo.Environment[name] = value;

        try
        {
            var process = Process.Start(startInfo) ?? throw new InvalidOperationException($"'{fileName}' did not start.");
            return new ChildProcess(process, onOutputLine, onErrorLine);
        }
        catch (Win32Exception exception)
        {
            throw new InvalidOperationException(
                $"'{fileName}' could not be started: {exception.Message}. The integration tests need Node.js 20 or later with npm on PATH; "
                + "install it from https://nodejs.org.",
                exception);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
            return;
        _process.Kill(entireProcessTree: true);
        await Exited;
        // what holds its pipes open still is none of its descendants, and may do so for ever
        if (_reading.IsCompleted)
            await _reading;

        _process.Dispose();
    }

    /// <summary>On a thread of its own: output is read however busy the pool is.</summary>
    private static Task OnThread(Action read) => Task.Factory.StartNew(
        read, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private async Task<int> ObserveExitAsync()
    {
        await _process.WaitForExitAsync(CancellationToken.None);
        // Descendants may hold the pipes open for longer than the process itself lived.
        await Task.WhenAny(_reading, Task.Delay(OutputAfterExit, TimeProvider.System));
        return _process.ExitCode;
    }

    private void Read(StreamReader output, Action<string>? onLine)
    {
        while (output.ReadLine() is { } line)
        {
            lock (_lastLines)
            {
                if (_lastLines.Count == RememberedLines)
                    _lastLines.Dequeue();
                _lastLines.Enqueue(line);
            }

            onLine?.Invoke(line);
        }
    }
}
