using System.Text.Json;
using FastConsumer.Cli.Output;
using Spectre.Console;

namespace FastConsumer.Cli.Commands.Changes;

/// <summary>The plan of a change, and the leave to carry it out.</summary>
internal static class Confirmation
{
    /// <summary>
    /// Shows the plan, and asks. Null where it is to be carried out, else the exit code. With --dry-run the plan is what was asked for, and
    /// goes to standard output.
    /// </summary>
    /// <exception cref="ToolException">Nobody can be asked, and --yes was not said.</exception>
    public static Task<int?> AskAsync(
        ToolContext context, string question, IReadOnlyList<ChangeItem> plan, CancellationToken cancellationToken) =>
        AskAsync(context, question, console => Write(console, plan), () => Serialize(context, "plan", plan), cancellationToken);

    /// <summary>The same for a plan that a refusal of one item ends as a whole.</summary>
    /// <exception cref="ToolException">Nobody can be asked, and --yes was not said.</exception>
    public static async Task<int?> AskUnlessRefusedAsync(
        ToolContext context, string question, IReadOnlyList<ChangeItem> plan, CancellationToken cancellationToken)
    {
        if (plan.All(static item => item.Refusal is null))
        {
            return await AskAsync(context, question, plan, cancellationToken);
        }

        int refused = Show(context, plan);
        await context.Error.WriteLineAsync("Nothing was changed.");
        return refused;
    }

    /// <summary>The same for a plan of any form.</summary>
    /// <param name="context">The command's surroundings.</param>
    /// <param name="question">What is asked for.</param>
    /// <param name="write">Writes the plan for people.</param>
    /// <param name="serialize">Makes the plan's document.</param>
    /// <param name="cancellationToken">Ends the wait for an answer.</param>
    /// <exception cref="ToolException">Nobody can be asked, and --yes was not said.</exception>
    public static async Task<int?> AskAsync(
        ToolContext context, string question, Action<IAnsiConsole> write, Func<string> serialize, CancellationToken cancellationToken)
    {
        bool isDryRun = context.Arguments.GetValue(CommonOptions.DryRun);
        if (isDryRun && context.Format == OutputFormat.Json)
        {
            context.Out.WriteLine(serialize());
            return ExitCodes.Success;
        }

        write(isDryRun ? context.Console : ToolContext.CreateConsole(context.Error, isPlain: true));
        if (isDryRun)
        {
            await context.Error.WriteLineAsync("Nothing was changed (--dry-run).");
            return ExitCodes.Success;
        }

        if (context.Arguments.GetValue(CommonOptions.Yes))
        {
            return null;
        }

        if (ToolContext.IsUnattended)
        {
            throw ToolException.Refused("Nothing was changed: there is no terminal to ask at. Add --yes to do it, or --dry-run to look.");
        }

        await context.Error.WriteAsync($"{question} [y/N] ");
        string? answer = await Task.Run(Console.In.ReadLine, cancellationToken).WaitAsync(cancellationToken);
        if (answer?.Trim() is "y" or "Y" or "yes")
        {
            return null;
        }

        await context.Error.WriteLineAsync("Nothing was changed.");
        return ExitCodes.Refused;
    }

    /// <summary>Shows what was done, and what was not.</summary>
    public static int Show(ToolContext context, IReadOnlyList<ChangeItem> done)
    {
        if (context.Format == OutputFormat.Json)
        {
            context.Out.WriteLine(Serialize(context, "changes", done));
        }
        else
        {
            Write(context.Console, done);
        }

        return done.All(static item => item.IsDone) ? ExitCodes.Success : ExitCodes.Refused;
    }

    private static string Serialize(ToolContext context, string kind, IReadOnlyList<ChangeItem> items) => JsonSerializer.Serialize(
        new ChangesDocument(kind, context.Fleet.Application, context.Time.GetUtcNow(), items), DocumentJson.Plain.ChangesDocument);

    private static void Write(IAnsiConsole console, IReadOnlyList<ChangeItem> items)
    {
        var table = new TextTable("SHARD", "CHANGE", "OWNER", "FROM", "TO", "RESULT");
        foreach (ChangeItem item in items)
        {
            table.Add(
                item.ShardId,
                item.Change,
                item.Owner,
                item.From,
                item.To,
                item.Refusal is not null ? "refused"
                    : !item.IsDone ? "planned"
                    : item.WasTakenAway == true ? "done; its owner had not handed it over"
                    : "done");
        }

        table.WriteTo(console, "There is nothing to change.");
        foreach (ChangeItem item in items.Where(static item => item.Refusal is not null))
        {
            console.WriteLine(item.Refusal!);
        }
    }
}
