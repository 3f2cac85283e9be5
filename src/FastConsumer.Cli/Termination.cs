using System.Runtime.InteropServices;

namespace FastConsumer.Cli;

/// <summary>
/// Turns Ctrl+C and SIGTERM into a cancellation, from the program's first line to its last. System.CommandLine listens for them only once a
/// command has begun to run: a signal that comes as soon as the command has said that it is ready would end the process at once.
/// </summary>
internal sealed class Termination
{
    /// <summary>A command that has not ended after this time is not waited for.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _requested = new();
    private readonly TaskCompletionSource<int> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // never disposed of: until the process has ended, a signal must not end it in another way
    private readonly PosixSignalRegistration[] _registrations;

    public Termination() => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Request(context, 130)),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Request(context, 143)),
    ];

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _requested.Token;

    /// <summary>The command's exit code, or that of the signal where the command does not end in time.</summary>
    public async Task<int> WaitAsync(Task<int> command)
    {
        int code = await await Task.WhenAny(command, _ended.Task);
        GC.KeepAlive(_registrations);
        return code;
    }

    private void Request(PosixSignalContext context, int exitCode)
    {
        context.Cancel = true;
        _requested.Cancel();
        _ = GiveUpAsync(exitCode);
    }

    private async Task GiveUpAsync(int exitCode)
    {
        await Task.Delay(s_patience, TimeProvider.System, CancellationToken.None);
        _ended.TrySetResult(exitCode);
    }
}
