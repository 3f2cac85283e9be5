using System.CommandLine;
using System.Text.Json;
using FastConsumer.Cli.Output;
using FastConsumer.Diagnostics;
using FastConsumer.Monitoring;
using Spectre.Console;

namespace FastConsumer.Cli.Commands.Fleet;

/// <summary><c>findings</c>: what the workers have found of their shards, and what the table itself shows.</summary>
internal static class FindingsCommand
{
    public static Command Create() => ToolCommand.CreateView(
        "findings",
        "Shows what is wrong: what workers report of their shards, and what the lease table shows. Exit code 3 where there is something.",
        FindAsync);

    private static async Task<ToolView> FindAsync(ToolContext context, CancellationToken cancellationToken)
    {
        FleetView view = await context.Fleet.ViewAsync(withStream: false, cancellationToken);
        List<FindingItem> items =
        [
            .. view.Shards
                .SelectMany(static shard => IdsOf(shard).Distinct(StringComparer.Ordinal).Select(id => (Id: id, shard.ShardId)))
                .GroupBy(static finding => finding.Id, static finding => finding.ShardId, StringComparer.Ordinal)
                .Select(static found => ItemOf(found.Key, [.. found]))
                .OrderByDescending(static item => SeverityOf(item.Id))
                .ThenBy(static item => item.Id, StringComparer.Ordinal),
        ];
        return new ToolView(
            (console, isWide) =>
            {
                var table = new TextTable("FINDING", "SEVERITY", "WHAT", "SHARDS");
                foreach (FindingItem item in items)
                {
                    table.Add(
                        item.Id,
                        item.Severity,
                        item.Title,
                        item.Shards.Count <= 3 || isWide
                            ? string.Join(", ", item.Shards)
                            : $"{string.Join(", ", item.Shards.Take(3))} and {item.Shards.Count - 3} more");
                }

                table.WriteTo(console, "Nothing is found in the lease table or in the workers' reports.");
                foreach (FindingItem item in items)
                {
                    console.WriteLine($"{item.Id}: {item.Remedy} ({item.Page})");
                }
            },
            () => JsonSerializer.Serialize(
                new FindingsDocument(context.Fleet.Application, view.At, items), DocumentJson.Plain.FindingsDocument),
            items.Count > 0 ? ExitCodes.Findings : ExitCodes.Success);
    }

    /// <summary>What the owner reports, and what the row shows by itself.</summary>
    private static IEnumerable<string> IdsOf(FleetShard shard)
    {
        foreach (string id in shard.Report?.Findings ?? [])
        {
            yield return id;
        }

        string? shown = shard.Status switch
        {
            FleetShardStatus.Stopped => FindingRules.ShardStopped.Id,
            FleetShardStatus.Retrying => FindingRules.RecordRetried.Id,
            FleetShardStatus.Paused => FindingRules.ShardPaused.Id,
            FleetShardStatus.Unreadable => FindingRules.RowUnreadable.Id,
            _ => null,
        };
        if (shown is not null)
        {
            yield return shown;
        }
    }

    private static FindingRule? RuleOf(string id) => FindingRules.All.FirstOrDefault(rule => rule.Id == id);

    private static int SeverityOf(string id) => (int)(RuleOf(id)?.Severity ?? FindingSeverity.Information);

    private static FindingItem ItemOf(string id, IReadOnlyList<string> shards) => RuleOf(id) is { } rule
        ? new FindingItem(id, rule.Severity.ToString().ToLowerInvariant(), rule.Title, rule.Remedy, $"docs/findings/{id}.md", shards)
        : new FindingItem(id, "unknown", "A finding that this version of the tool does not know.", "Update the tool.", "-", shards);
}
