using System.CommandLine;
using System.Text.Json;
using FastConsumer.Cli.Output;
using Spectre.Console;

namespace FastConsumer.Cli.Commands.Doctor;

/// <summary><c>doctor</c>: makes each call that a worker needs once, and says what works, what does not, and what is missing.</summary>
internal static class DoctorCommand
{
    public static Command Create() => ToolCommand.CreateView(
        "doctor",
        "Makes each call that a worker needs once, and says what works and what is missing. Changes nothing: writes are tried on a "
            + "condition "
            + "that no row fulfils, at a write unit each. Exit code 3 where something is missing.",
        FindAsync);

    private static async Task<ToolView> FindAsync(ToolContext context, CancellationToken cancellationToken)
    {
        var checks = new CheckList(context.Error);
        await new StreamChecks(context, checks).RunAsync(cancellationToken);
        await new TableChecks(context, checks).RunAsync(cancellationToken);
        IReadOnlyList<CheckItem> items = checks.Items;
        return new ToolView(
            (console, _) =>
            {
                var table = new TextTable("CHECK", "RESULT", "WHAT");
                foreach (CheckItem item in items)
                {
                    table.Add(item.Check, item.Finding is null ? item.Result : $"{item.Result} ({item.Finding})", item.Detail);
                }

                table.WriteTo(console, "");
                foreach (CheckItem item in items.Where(static item => item.Remedy is not null))
                {
                    console.WriteLine($"{item.Check}: {item.Remedy}");
                }
            },
            () => JsonSerializer.Serialize(
                new DoctorDocument(context.Fleet.Application, context.Time.GetUtcNow(), items), DocumentJson.Plain.DoctorDocument),
            items.Any(static item => item.Result == CheckList.Failed) ? ExitCodes.Findings : ExitCodes.Success);
    }
}
