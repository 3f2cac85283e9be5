using System.CommandLine;
using System.Data.Common;
using FastConsumer.Checkpoints;
using FastConsumer.Cli.Connections;
using FastConsumer.Cli.Output;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Savepoints;

namespace FastConsumer.Cli;

/// <summary>Makes commands that share options, output, errors and exit codes.</summary>
internal static class ToolCommand
{
    private static readonly TimeSpan s_watchInterval = TimeSpan.FromSeconds(5);

    /// <summary>A command on the lease table that shows something and changes nothing.</summary>
    public static Command CreateView(
        string name,
        string description,
        Func<ToolContext, CancellationToken, Task<ToolView>> find,
        ReadOnlySpan<Option> options = default,
        bool isWatched = false)
    {
        Command command = Create(name, description, options);
        FleetOptions.AddFleetTo(command);
        command.Options.Add(CommonOptions.Watch);
        SetAction(command, isToWrite: false, (context, cancellationToken) => isWatched || context.Arguments.GetValue(CommonOptions.Watch)
            ? WatchAsync(context, find, cancellationToken)
            : ShowAsync(context, find, cancellationToken));
        return command;
    }

    /// <summary>A command on the lease table that changes something.</summary>
    public static Command CreateChange(
        string name, string description, Func<ToolContext, CancellationToken, Task<int>> run, params ReadOnlySpan<Option> options)
    {
        Command command = Create(name, description, options);
        FleetOptions.AddFleetTo(command);
        command.Options.Add(CommonOptions.By);
        command.Options.Add(CommonOptions.Reason);
        command.Options.Add(CommonOptions.DryRun);
        command.Options.Add(CommonOptions.Yes);
        SetAction(command, isToWrite: true, run);
        return command;
    }

    /// <summary>A command on an application that changes nothing that is there, so it asks for no leave.</summary>
    public static Command CreateAddition(
        string name, string description, Func<ToolContext, CancellationToken, Task<int>> run, params ReadOnlySpan<Option> options)
    {
        Command command = Create(name, description, options);
        FleetOptions.AddFleetTo(command);
        SetAction(command, isToWrite: false, run);
        return command;
    }

    /// <summary>A command on a stream.</summary>
    public static Command CreateStreamCommand(
        string name, string description, Func<ToolContext, CancellationToken, Task<int>> run, params ReadOnlySpan<Option> options)
    {
        Command command = Create(name, description, options);
        FleetOptions.AddStreamTo(command);
        SetAction(command, isToWrite: false, run);
        return command;
    }

    /// <summary>Runs a command: one line on standard error for whatever is wrong.</summary>
    public static void SetAction(Command command, bool isToWrite, Func<ToolContext, CancellationToken, Task<int>> run) =>
        command.SetAction(async (arguments, cancellationToken) =>
        {
            TextWriter error = arguments.InvocationConfiguration.Error;
            try
            {
                await using var context = new ToolContext(arguments, TimeProvider.System, isToWrite);
                return await run(context, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return ExitCodes.Interrupted;
            }
            catch (ToolException e)
            {
                return await FailAsync(e.ExitCode, e.Message);
            }
            catch (LeaseStoreException e) when (e.IsKclFleet)
            {
                return await FailAsync(ExitCodes.Refused, e.Message);
            }
            catch (Exception e) when (e is LeaseStoreException or KinesisException or TimeoutException or IOException
                or UnauthorizedAccessException or DbException or CheckpointStoreException or InvalidDataException or SavepointException)
            {
                return await FailAsync(ExitCodes.Failure, e.Message);
            }

            async Task<int> FailAsync(int exitCode, string message)
            {
                // a message may bring a statement to run, of several lines
                await error.WriteLineAsync(string.Join(' ', message.Split(
                    '\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)));
                return exitCode;
            }
        });

    private static Command Create(string name, string description, ReadOnlySpan<Option> options)
    {
        var command = new Command(name, description);
        foreach (Option option in options)
        {
            command.Options.Add(option);
        }

        command.Options.Add(CommonOptions.Output);
        command.Options.Add(CommonOptions.Json);
        return command;
    }

    private static async Task<int> ShowAsync(
        ToolContext context, Func<ToolContext, CancellationToken, Task<ToolView>> find, CancellationToken cancellationToken) =>
        context.Show(await find(context, cancellationToken));

    private static async Task<int> WatchAsync(
        ToolContext context, Func<ToolContext, CancellationToken, Task<ToolView>> find, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                ToolView view = await find(context, cancellationToken);
                if (context.Format != OutputFormat.Json && !Console.IsOutputRedirected)
                {
                    context.Console.Clear(home: true);
                }

                context.Show(view);
                await Task.Delay(s_watchInterval, context.Time, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // this is how it ends
            return ExitCodes.Success;
        }
    }
}
