using System.CommandLine;
using System.Text.Json;
using FastConsumer.Cli.Output;
using FastConsumer.Leases;

namespace FastConsumer.Cli.Commands.Positions;

/// <summary><c>position show</c>: where the sink stands, beside the lease that follows.</summary>
internal static class PositionShowCommand
{
    public static Command Create() => ToolCommand.CreateView(
        "show",
        "Shows the positions that a sink keeps, beside the leases that follow them.",
        FindAsync,
        [PositionsPlace.Postgres, PositionsPlace.PositionTable]);

    private static async Task<ToolView> FindAsync(ToolContext context, CancellationToken cancellationToken)
    {
        await using PositionsPlace place = await PositionsPlace.OpenAsync(context, cancellationToken);
        IReadOnlyDictionary<string, StoredPosition> rows = await place.ListAsync(cancellationToken);
        Dictionary<string, Lease> leases = (await context.Fleet.ListRowsAsync(cancellationToken))
            .ToDictionary(static row => row.LeaseKey, StringComparer.Ordinal);
        List<PositionItem> items = [.. rows.Keys.Union(leases.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal)
            .Select(shard => ItemOf(shard, rows.GetValueOrDefault(shard), leases.GetValueOrDefault(shard)))];
        string description = place.Store.Description;
        return new ToolView(
            (console, isWide) =>
            {
                TextTable table = isWide
                    ? new TextTable("SHARD", "SINK", "LEASE", "OWNER", "TOKEN IN SINK", "TOKEN OF LEASE", "COMMITS", "STANDS")
                    : new TextTable("SHARD", "SINK", "LEASE", "OWNER", "STANDS");
                foreach (PositionItem item in items)
                {
                    List<string?> cells = [item.ShardId, item.Position, item.Checkpoint, item.Owner];
                    if (isWide)
                    {
                        cells.AddRange([Words.Of(item.Epoch), Words.Of(item.LeaseCounter), Words.Of(item.Number)]);
                    }

                    table.Add([.. cells, item.State]);
                }

                table.WriteTo(console, $"{description} has no position of {context.Fleet.Application}, and there are no leases.");
            },
            () => JsonSerializer.Serialize(
                new PositionsDocument(context.Fleet.Application, description, context.Time.GetUtcNow(), items),
                DocumentJson.Plain.PositionsDocument));
    }

    private static PositionItem ItemOf(string shardId, StoredPosition? row, Lease? lease)
    {
        bool isAhead = row?.Position is { } position && lease is { Checkpoint: { Kind: CheckpointKind.Record } checkpoint }
            && checkpoint > position;
        string state = lease is { IsFinished: true } ? "finished"
            : row is null ? lease?.PositionSink is null ? "not in the sink" : "missing in the sink"
            : lease is null ? "no lease"
            : row.Epoch > lease.LeaseCounter ? "a later owner in the sink"
            : isAhead ? "the lease is ahead"
            : "good";
        return new PositionItem(
            shardId,
            state,
            row?.Position?.ToString(),
            row?.Epoch,
            row?.Number,
            lease?.Checkpoint.ToString(),
            lease?.LeaseCounter,
            lease?.Owner);
    }
}
