using System.Runtime.InteropServices;

namespace FastConsumer.Cli;

/// <summary>
/// Turns Ctrl+C and SIGTERM into a cancellation, from the program's first line to its last. System.CommandLine listens for them only once a
/// command has begun to run: a signal that comes as soon as the command has said that it is ready would end the process at once.
/// </summary>
/// <remarks>It belongs to the process, and is never taken back: until the end, a signal must not end the process in another way.</remarks>
internal static class Termination
{
    /// <summary>A command that has not ended after this time is not waited for.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private static readonly CancellationTokenSource s_requested = new();
    private static readonly TaskCompletionSource<int> s_ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private static readonly List<PosixSignalRegistration> s_registrations = [];

    /// <summary>Cancelled by the first signal.</summary>
    public static CancellationToken Token => s_requested.Token;

    /// <summary>Begins to listen; the program's first line.</summary>
    public static void Listen()
    {
        s_registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, static context => Request(context, 130)));
        s_registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, static context => Request(context, 143)));
    }

    /// <summary>The command's exit code, or that of the signal where the command does not end in time.</summary>
    public static async Task<int> WaitAsync(Task<int> command) => await await Task.WhenAny(command, s_ended.Task);

    private static void Request(PosixSignalContext context, int exitCode)
    {
        context.Cancel = true;
        s_requested.Cancel();
        _ = GiveUpAsync(exitCode);
    }

    private static async Task GiveUpAsync(int exitCode)
    {
        await Task.Delay(s_patience, TimeProvider.System, CancellationToken.None);
        s_ended.TrySetResult(exitCode);
    }
}
