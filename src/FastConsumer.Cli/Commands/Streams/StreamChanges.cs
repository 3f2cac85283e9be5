using System.CommandLine;
using System.Text.Json;
using FastConsumer.Cli.Commands.Changes;
using FastConsumer.Cli.Connections;
using FastConsumer.Cli.Output;
using FastConsumer.Cli.Records;
using FastConsumer.Kinesis;
using Spectre.Console;

namespace FastConsumer.Cli.Commands.Streams;

/// <summary>What the commands that change a stream have in common: the plan, the leave, the wait, the outcome.</summary>
internal static class StreamChanges
{
    private static readonly TimeSpan s_lookInterval = TimeSpan.FromSeconds(1);

    /// <summary>The stream that is created or deleted. It is always named: none is deleted because a variable is set.</summary>
    public static Argument<string> Name { get; } = new("name") { Description = "The stream's name." };

    /// <summary>A command on a stream that is named by --stream.</summary>
    public static Command Create(
        string name, string description, Func<ToolContext, CancellationToken, Task<int>> run, params ReadOnlySpan<Option> options) =>
        ToolCommand.CreateStreamCommand(name, description, run, [.. options, CommonOptions.DryRun, CommonOptions.Yes]);

    /// <summary>A command on a stream that is named by an argument.</summary>
    public static Command CreateNamed(
        string name, string description, Func<ToolContext, CancellationToken, Task<int>> run, params ReadOnlySpan<Option> options)
    {
        Command command = Create(name, description, run, options);
        command.Options.Remove(FleetOptions.Stream);
        command.Arguments.Add(Name);
        return command;
    }

    /// <exception cref="ToolException">It is no name.</exception>
    public static StreamIdentifier NameOf(ToolContext context)
    {
        string name = context.Arguments.GetValue(Name)!;
        try
        {
            return StreamIdentifier.Parse(name);
        }
        catch (ArgumentException e)
        {
            throw ToolException.Usage($"'{name}' is no stream: {e.Message}");
        }
    }

    /// <summary>Asks for leave; null where it was given, else the exit code.</summary>
    public static Task<int?> AskAsync(
        ToolContext context, StreamIdentifier stream, string question, StreamChangeItem plan, CancellationToken cancellationToken) =>
        Confirmation.AskAsync(
            context, question, console => Write(console, plan), () => Serialize(stream, "plan", plan), cancellationToken);

    /// <summary>Waits until the stream is ACTIVE, or gone, and shows what was done.</summary>
    public static async Task<int> FinishAsync(
        ToolContext context, StreamIdentifier stream, StreamChangeItem plan, bool isToVanish, CancellationToken cancellationToken)
    {
        try
        {
            while (await StatusAsync(context, stream, cancellationToken) is var status && status != (isToVanish ? null : "ACTIVE"))
            {
                if (status is null)
                {
                    throw new ToolException(ExitCodes.Failure, $"The stream {stream.Name} is gone: somebody has deleted it meanwhile.");
                }

                await Task.Delay(s_lookInterval, context.Time, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await context.Error.WriteLineAsync($"The {plan.Change} of {plan.Target} was begun, and goes on without the tool.");
            throw;
        }

        StreamChangeItem done = plan with { IsDone = true };
        if (context.Format == OutputFormat.Json)
        {
            context.Out.WriteLine(Serialize(stream, "changes", done));
        }
        else
        {
            Write(context.Console, done);
        }

        return ExitCodes.Success;
    }

    private static async Task<string?> StatusAsync(ToolContext context, StreamIdentifier stream, CancellationToken cancellationToken)
    {
        try
        {
            return (await context.Fleet.Kinesis.DescribeStreamSummaryAsync(stream, cancellationToken)).StreamStatus;
        }
        catch (KinesisException e) when (e.Kind == KinesisErrorKind.NotFound)
        {
            return null;
        }
    }

    private static string Serialize(StreamIdentifier stream, string kind, StreamChangeItem item) => JsonSerializer.Serialize(
        new StreamChangesDocument(1, kind, stream.Name, [item]), RecordDocumentJson.Plain.StreamChangesDocument);

    private static void Write(IAnsiConsole console, StreamChangeItem item)
    {
        var table = new TextTable("CHANGE", "OF", "WHAT", "RESULT");
        table.Add(item.Change, item.Target, item.Detail, item.IsDone ? "done" : "planned");
        table.WriteTo(console, "");
    }
}
