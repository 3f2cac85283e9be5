using System.CommandLine;
using System.Text.Json;
using FastConsumer.Cli.Output;
using FastConsumer.Monitoring;
using Spectre.Console;

namespace FastConsumer.Cli.Commands.Fleet;

/// <summary>
/// <c>shards</c>, <c>leases</c> and <c>checkpoint show</c>: the same shards, seen from the stream, the table and the records.
/// </summary>
internal static class ShardsCommands
{
    public static Command CreateShards() => ToolCommand.CreateView(
        "shards",
        "Shows the stream's shards, what they were made from, and who reads them.",
        static (context, cancellationToken) => FindAsync(context, "shards", withStream: true, WriteShards, cancellationToken));

    public static Command CreateLeases() => ToolCommand.CreateView(
        "leases",
        "Shows the rows of the lease table: owner, state and checkpoint of each shard.",
        static (context, cancellationToken) => FindAsync(context, "leases", withStream: false, WriteLeases, cancellationToken));

    public static Command CreateCheckpoints() => ToolCommand.CreateView(
        "show",
        "Shows how far each shard is done.",
        static (context, cancellationToken) => FindAsync(context, "checkpoints", withStream: false, WriteCheckpoints, cancellationToken));

    private static async Task<ToolView> FindAsync(
        ToolContext context, string kind, bool withStream, Action<FleetView, TextTable, bool> write, CancellationToken cancellationToken)
    {
        FleetView view = await context.Fleet.ViewAsync(withStream, cancellationToken);
        string? stream = withStream ? (await context.Fleet.StreamAsync(null, cancellationToken)).Name : null;
        return new ToolView(
            (console, isWide) =>
            {
                TextTable table = kind switch
                {
                    "shards" => new TextTable("SHARD", "MADE FROM", "HASH KEYS", "STREAM", "LEASE", "OWNER", "LAG"),
                    "leases" when isWide => new TextTable(
                        "SHARD", "LEASE", "OWNER", "CHECKPOINT", "LAG", "REPORTED", "COUNTER", "TOKEN", "ASKED FOR BY", "DOES", "FINDINGS"),
                    "leases" => new TextTable("SHARD", "LEASE", "OWNER", "CHECKPOINT", "LAG", "REPORTED"),
                    _ => new TextTable(CheckpointColumns(view, isWide)),
                };
                write(view, table, isWide);
                table.WriteTo(console, $"The lease table of {context.Fleet.Application} has no leases.");
                foreach (FleetShard shard in view.Shards.Where(static shard => shard.Problem is not null))
                {
                    console.WriteLine(shard.Problem!);
                }
            },
            () => JsonSerializer.Serialize(
                new ShardsDocument(
                    kind,
                    context.Fleet.Application,
                    stream,
                    context.Fleet.Store.Description,
                    view.At,
                    [.. view.Shards.Select(ShardItem.Of)]),
                DocumentJson.Plain.ShardsDocument));
    }

    private static void WriteShards(FleetView view, TextTable table, bool isWide)
    {
        foreach (FleetShard shard in view.Shards)
        {
            table.Add(
                shard.ShardId,
                string.Join(", ", shard.ParentShardIds),
                shard.HashKeyRange is { } range ? PartOf(range) : null,
                shard.IsGone == true ? "gone" : shard.IsClosed switch { true => "closed", false => "open", _ => null },
                ShardItem.StatusOf(shard.Status),
                OwnerOf(shard),
                Words.Of(shard.Report?.Lag));
        }
    }

    private static void WriteLeases(FleetView view, TextTable table, bool isWide)
    {
        foreach (FleetShard shard in view.Shards)
        {
            List<string?> cells =
            [
                shard.ShardId, ShardItem.StatusOf(shard.Status), OwnerOf(shard), shard.Checkpoint, Words.Of(shard.Report?.Lag),
                shard.ReportAge is { } age ? $"{Words.Of(age)} ago" : null,
            ];
            if (isWide)
            {
                cells.AddRange(
                [
                    Words.Of(shard.Counter), Words.Of(shard.FencingToken), shard.RequestedBy,
                    shard.Report?.State.ToString().ToLowerInvariant(), string.Join(", ", shard.Report?.Findings ?? []),
                ]);
            }

            table.Add([.. cells]);
        }
    }

    /// <summary>Most applications keep no state: they see no columns of it.</summary>
    private static bool HasState(FleetView view) => view.Shards.Any(static shard => shard.State is not null);

    private static string[] CheckpointColumns(FleetView view, bool isWide) =>
    [
        "SHARD", "CHECKPOINT", "OWNER", "RESET BY", "RESET AT",
        .. (HasState(view), isWide) switch
        {
            (true, true) => ["STATE", "STREAM TIME", "SEEN", "VERSION", "LINEAGE"],
            (true, false) => ["STATE", "STREAM TIME"],
            _ => (string[])[],
        },
    ];

    private static void WriteCheckpoints(FleetView view, TextTable table, bool isWide)
    {
        bool hasState = HasState(view);
        foreach (FleetShard shard in view.Shards)
        {
            List<string?> cells =
            [
                shard.ShardId, shard.Checkpoint, OwnerOf(shard), shard.Reset?.By, shard.Reset is { } reset ? Words.Of(reset.At) : null,
            ];
            if (hasState)
            {
                cells.AddRange([StateOf(shard.State), Words.Of(shard.State?.StreamTime)]);
                if (isWide)
                {
                    cells.AddRange([Words.Of(shard.State?.Seen), Words.Of(shard.State?.Version), shard.State?.Lineage]);
                }
            }

            table.Add([.. cells]);
        }
    }

    private static string? StateOf(FleetShardState? state) => state is null ? null
        : state.Snapshot is { } snapshot ? snapshot
        : state.Inherits.Count > 0 ? $"its parents': {string.Join(" and ", state.Inherits)}"
        : "empty";

    private static string? OwnerOf(FleetShard shard) => shard.IsKcl ? $"{shard.Owner} (KCL)" : shard.Owner;

    /// <summary>The hash keys as a part of all of them, for a number of 39 digits says nothing to people.</summary>
    private static string PartOf(Kinesis.HashKeyRange range)
    {
        double all = (double)UInt128.MaxValue;
        double from = 100 * ((double)range.StartingHashKey / all);
        double to = 100 * ((double)range.EndingHashKey / all);
        return FormattableString.Invariant($"{from:0.##} to {to:0.##} %");
    }
}
