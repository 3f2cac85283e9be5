using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FastConsumer.Checkpoints;
using FastConsumer.Cli.Commands.Changes;
using FastConsumer.Cli.Connections;
using FastConsumer.Cli.Output;
using FastConsumer.Leases;
using FastConsumer.Operators;

namespace FastConsumer.Cli.Commands.State;

/// <summary><c>checkpoint history</c> and <c>checkpoint rollback</c>: the earlier checkpoints that are kept.</summary>
internal static class RollbackCommands
{
    private static readonly Option<string?> s_to = new("--to")
    {
        Description = "With --shard: the checkpoint, as 'checkpoint history' names it. Default: the last one before that of the lease.",
        HelpName = "checkpoint",
    };

    public static Command CreateHistory() => ToolCommand.CreateView(
        "history",
        "Shows the checkpoints with state that the store still has: Checkpointing:RetainedCheckpoints says how many are kept.",
        ShowAsync,
        [.. StatePlace.Options, CommonOptions.Shard]);

    public static Command CreateRollback() => ToolCommand.CreateChange(
        "rollback",
        "Takes shards back to an earlier checkpoint: state and position. Records behind it are handled again.",
        RunAsync,
        [.. StatePlace.Options, CommonOptions.Shard, ResetCommand.All, s_to]);

    private static async Task<ToolView> ShowAsync(ToolContext context, CancellationToken cancellationToken)
    {
        string? shardId = context.Arguments.GetValue(CommonOptions.Shard);
        (List<Lease> rows, IReadOnlyDictionary<string, IReadOnlyList<KeptSnapshot>> kept) = await FindAsync(
            context, shardId, cancellationToken);
        KeptCheckpointItem[] items = [.. rows.SelectMany(row => kept.GetValueOrDefault(row.LeaseKey, [])
            .Select(snapshot => new KeptCheckpointItem(
                row.LeaseKey,
                NameOf(snapshot),
                snapshot.Position.ToString(),
                snapshot.StreamTime,
                snapshot.Manifest.StateVersion,
                snapshot.IsNamedBy(row) ? true : null)))];
        var document = new HistoryDocument(context.Fleet.Application, context.Time.GetUtcNow(), items);
        return new ToolView(
            (console, _) =>
            {
                var table = new TextTable("SHARD", "CHECKPOINT", "POSITION", "STREAM TIME", "VERSION", "OF THE LEASE");
                foreach (KeptCheckpointItem item in items)
                {
                    table.Add(
                        item.ShardId,
                        item.Checkpoint,
                        item.Position,
                        Words.Of(item.StreamTime),
                        Words.Of(item.StateVersion),
                        item.IsOfLease == true ? "yes" : "no");
                }

                table.WriteTo(console, "The store has no checkpoint with state of these shards.");
            },
            () => JsonSerializer.Serialize(document, DocumentJson.Plain.HistoryDocument));
    }

    private static async Task<int> RunAsync(ToolContext context, CancellationToken cancellationToken)
    {
        string by = CommonOptions.ByOf(context.Arguments);
        string? reason = context.Arguments.GetValue(CommonOptions.Reason);
        OperatorTable.Check(by, reason);
        string? shardId = FleetOptions.Read(context.Arguments, CommonOptions.Shard);
        string? to = FleetOptions.Read(context.Arguments, s_to);
        if (shardId is null == !context.Arguments.GetValue(ResetCommand.All))
        {
            throw ToolException.Usage("Which shards are meant? Name one with --shard, or say --all.");
        }

        if (to is not null && shardId is null)
        {
            throw ToolException.Usage($"--to {to} is a checkpoint of one shard: name the shard with --shard.");
        }

        await context.Fleet.Store.PrepareAsync(cancellationToken);
        (List<Lease> rows, IReadOnlyDictionary<string, IReadOnlyList<KeptSnapshot>> kept) = await FindAsync(
            context, shardId, cancellationToken);
        OperatorTable table = context.Fleet.Operator;
        List<(Lease Row, KeptSnapshot? Snapshot, ChangeItem Item)> plan = [];
        foreach (Lease row in rows.Where(row => shardId is not null || !row.IsFinished))
        {
            KeptSnapshot? snapshot = kept.GetValueOrDefault(row.LeaseKey, [])
                .FirstOrDefault(one => to is null ? !one.IsNamedBy(row) : NameOf(one) == to);
            string? refusal = table.RefusalOf(row.LeaseKey, row) ?? RefusalOf(row, snapshot, to);
            plan.Add((row, snapshot, new ChangeItem(
                row.LeaseKey,
                "rollback",
                row.Owner,
                row.Checkpoint.ToString(),
                snapshot?.Position.ToString(),
                IsDone: false,
                WasTakenAway: null,
                refusal)));
        }

        ChangeItem[] items = [.. plan.Select(static change => change.Item)];
        string question = $"Take {items.Length} shards back?";
        if (await Confirmation.AskUnlessRefusedAsync(context, question, items, cancellationToken) is { } exitCode)
        {
            return exitCode;
        }

        List<ChangeItem> done = [];
        foreach ((Lease row, KeptSnapshot? snapshot, ChangeItem item) in plan)
        {
            var earlier = new EarlierSnapshot(
                snapshot!.Handle with { StreamTime = snapshot.StreamTime, Seen = snapshot.StreamTime }, snapshot.Manifest.StateVersion);
            FreedLease freed = await table.ResetAsync(
                row.LeaseKey,
                new ResetTarget(snapshot.Position),
                LeaseCommands.RequesterOf(context),
                by,
                reason,
                cancellationToken,
                state: StateChoice.Keep,
                snapshot: earlier);
            done.Add(item with { IsDone = freed.Refusal is null, Refusal = freed.Refusal });
        }

        return Confirmation.Show(context, done);
    }

    private static string? RefusalOf(Lease row, KeptSnapshot? snapshot, string? to) =>
        row.LeaseOwner is not null
            ? $"{row.LeaseOwner} holds shard {row.LeaseKey}, and its next checkpoint may replace the one to go back to. Stop the workers; "
                + "where it is gone already, 'lease evict' frees the lease."
        : OperatorTable.SinkRefusalOf(row) is { } sink ? sink
        : snapshot is not null ? null
        : to is null
            ? $"The store has no earlier checkpoint of shard {row.LeaseKey}. Checkpointing:RetainedCheckpoints says how many are kept (1: "
                + "the last one only)."
        : $"The store has no checkpoint {to} of shard {row.LeaseKey} with all of its objects. 'checkpoint history' lists those that it "
            + "has.";

    private static async Task<(List<Lease> Rows, IReadOnlyDictionary<string, IReadOnlyList<KeptSnapshot>> Kept)> FindAsync(
        ToolContext context, string? shardId, CancellationToken cancellationToken)
    {
        ICheckpointStore store = StatePlace.Open(context);
        try
        {
            IReadOnlyList<Lease> rows = await context.Fleet.ListRowsAsync(cancellationToken);
            List<Lease> meant = [.. rows.Where(row => shardId is null || row.LeaseKey == shardId)
                .OrderBy(static row => row.LeaseKey, StringComparer.Ordinal)];
            return meant.Count == 0
                ? throw new ToolException(ExitCodes.Failure, shardId is null
                    ? $"{context.Fleet.Store.Description} has no leases."
                    : $"There is no lease for shard {shardId} in {context.Fleet.Store.Description}. 'leases' lists them.")
                : (meant, await new SnapshotHistory(store, context.Fleet.Application).ListAsync(meant, cancellationToken));
        }
        finally
        {
            (store as IDisposable)?.Dispose();
        }
    }

    private static string NameOf(KeptSnapshot snapshot) => string.Create(
        CultureInfo.InvariantCulture, $"{snapshot.Manifest.Epoch}/{snapshot.Manifest.Number}");
}
