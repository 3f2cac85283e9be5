using System.Diagnostics;

namespace FastConsumer.LoadTest;

/// <summary>This executable, started again with another command. Ended when it is disposed.</summary>
internal sealed class OwnProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly Process _process;

    private OwnProcess(Process process) => _process = process;

    public int Id => _process.Id;

    public static OwnProcess Start(params IEnumerable<string> arguments) => StartFrom(AppContext.BaseDirectory, arguments);

    /// <summary>Starts the load test that was built into a folder: this one, or one of another commit.</summary>
    /// <exception cref="FileNotFoundException">The folder holds no load test.</exception>
    public static OwnProcess StartFrom(string directory, params IEnumerable<string> arguments)
    {
        string assembly = Path.Combine(directory, $"{typeof(OwnProcess).Assembly.GetName().Name}.dll");
        if (!File.Exists(assembly))
        {
            throw new FileNotFoundException(
                $"There is no load test in '{directory}': {assembly} is missing. Build it there with 'dotnet build -c Release -o DIR'.",
                assembly);
        }

        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardInput = true };
        start.ArgumentList.Add(assembly);

        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return new OwnProcess(Process.Start(start)!);
    }

    /// <summary>The next line that it writes.</summary>
    public async Task<string> ReadLineAsync(CancellationToken cancellationToken) =>
        await TryReadLineAsync(cancellationToken) ?? throw new InvalidOperationException("The other process has ended without an answer.");

    /// <summary>The next line that it writes; null once it has ended.</summary>
    public ValueTask<string?> TryReadLineAsync(CancellationToken cancellationToken) =>
        _process.StandardOutput.ReadLineAsync(cancellationToken);

    /// <summary>Its exit code, once it has ended.</summary>
    public async Task<int> ExitedAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        // it ends with its input; the kill is for one that hangs
        _process.StandardInput.Close();
        using var patience = new CancellationTokenSource(s_patience, TimeProvider.System);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    /// <summary>Runs until the process that started this one closes its input.</summary>
    public static Task UntilInputEndsAsync() => Task.Run(static () =>
    {
        // the console's reader blocks, whatever its methods are called
        while (Console.In.ReadLine() is not null)
        {
        }
    });
}
