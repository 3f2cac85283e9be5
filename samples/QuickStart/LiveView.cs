using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace QuickStart;

/// <summary>One screen that follows the run: progress, types, shards, strong events, and what happens.</summary>
internal static class LiveView
{
    private const int BarWidth = 50;
    private const int NotesShown = 7;
    private const int StrongShown = 7;
    private static readonly TimeSpan s_refresh = TimeSpan.FromMilliseconds(100);

    public static Task ShowAsync(IRun run, Tally tally, CancellationToken cancellationToken) =>
        AnsiConsole.Live(Draw(run, tally.Now)).AutoClear(false).StartAsync(async context =>
        {
            Task running = run.RunAsync(cancellationToken);
            while (!running.IsCompleted)
            {
                await Task.WhenAny(running, Task.Delay(s_refresh, TimeProvider.System, CancellationToken.None));
                context.UpdateTarget(Draw(run, tally.Now));
            }

            await running;
        });

    private static Panel Draw(IRun run, Snapshot now)
    {
        var counts = new Grid().AddColumns(2);
        counts.AddRow(Counts("Type", now.ByType), Counts("Shard", now.ByShard));
        return new Panel(new Rows(Progress(run, now), counts, Strong(now), Notes(now)))
        {
            Header = new PanelHeader(" FastConsumer · seismic events "),
            Border = BoxBorder.Rounded,
            Width = 100,
        };
    }

    private static IRenderable Progress(IRun run, Snapshot now) => run.Total is int total and > 0
        ? new Rows(
            new Markup($"put      {Bar(run.Produced, total, "grey")} {run.Produced,5} of {total}"),
            new Markup($"handled  {Bar(now.Distinct, total, "green")} {now.Distinct,5} of {total}, {now.Checkpoints} checkpoints"))
        : new Markup($"{now.Records} records, {now.Checkpoints} checkpoints");

    private static string Bar(int value, int total, string colour)
    {
        int filled = Math.Min(BarWidth, value * BarWidth / total);
        return $"[{colour}]{new string('█', filled)}[/][grey23]{new string('░', BarWidth - filled)}[/]";
    }

    private static Table Counts(string title, IReadOnlyDictionary<string, int> counts)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumn(title).AddColumn(new TableColumn("Records").RightAligned());
        foreach ((string name, int count) in counts)
        {
            table.AddRow(Markup.Escape(name), count.ToString(CultureInfo.InvariantCulture));
        }

        return table;
    }

    private static Rows Strong(Snapshot now) => new(
        now.Strong.TakeLast(StrongShown).Select(static strong => (IRenderable)new Markup(
            $"[red]M {strong.Mag!.Value.ToString("0.0", CultureInfo.InvariantCulture)}[/]  "
                + $"{DateTimeOffset.FromUnixTimeMilliseconds(strong.Time).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)}  "
                + $"{Markup.Escape(strong.Place ?? "")}"))
        .Prepend(new Markup($"[bold]Strong (magnitude 5 and above): {now.Strong.Count}[/]")));

    private static Rows Notes(Snapshot now) => new(
        now.Notes.TakeLast(NotesShown).Select(static note => (IRenderable)new Markup($"[grey]· {Markup.Escape(note)}[/]"))
        .Prepend(new Text("")));
}
