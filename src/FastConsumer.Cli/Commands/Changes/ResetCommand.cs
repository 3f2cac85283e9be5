using System.CommandLine;
using System.Text.Json;
using FastConsumer.Cli.Output;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Monitoring;
using FastConsumer.Operators;
using FastConsumer.Reading;

namespace FastConsumer.Cli.Commands.Changes;

/// <summary><c>checkpoint reset</c>: reads records again, or leaves some out.</summary>
internal static class ResetCommand
{
    public static readonly Option<string?> To = new("--to")
    {
        Description = "TRIM_HORIZON: the oldest record. LATEST: what comes from now on. A time with its offset (2026-01-31T12:00:00Z), or "
            + "so long ago (-15m, -2h). With --shard also a sequence number: the records behind it are read.",
        HelpName = "position",
    };

    public static readonly Option<bool> All = new("--all") { Description = "All shards that are not finished." };

    private static readonly Option<string?> s_export = new("--export")
    {
        Description = "Writes the checkpoints as they were before to a file that must not exist yet, as 'checkpoint show -o json' does.",
        HelpName = "file",
    };

    private static readonly Option<bool> s_keepState = new("--keep-state")
    {
        Description = "The state of the shards goes on at the new position. Records that are read again count twice in it.",
    };

    private static readonly Option<bool> s_dropState = new("--drop-state")
    {
        Description = "The shards begin without state at the new position. What was kept is not read any more.",
    };

    public static Command Create() => ToolCommand.CreateChange(
        "reset",
        "Sets checkpoints: records are read again, or left out. Live owners hand their leases over first, one after another.",
        RunAsync,
        To,
        CommonOptions.Shard,
        All,
        s_keepState,
        s_dropState,
        s_export);

    private static async Task<int> RunAsync(ToolContext context, CancellationToken cancellationToken)
    {
        string by = CommonOptions.ByOf(context.Arguments);
        string? reason = context.Arguments.GetValue(CommonOptions.Reason);
        OperatorTable.Check(by, reason);
        string? shardId = context.Arguments.GetValue(CommonOptions.Shard);
        if (string.IsNullOrEmpty(shardId) == !context.Arguments.GetValue(All))
        {
            throw ToolException.Usage("Which shards are meant? Name one with --shard, or say --all.");
        }

        string to = context.Arguments.GetValue(To)
            ?? throw ToolException.Usage("Where to? Say --to TRIM_HORIZON, LATEST, a time, or with --shard a sequence number.");
        ResetTarget target = ParseTarget(to, context.Time.GetUtcNow(), shardId);
        StateChoice state = StateOf(context);
        await context.Fleet.Store.PrepareAsync(cancellationToken);
        IReadOnlyList<Lease> rows = await context.Fleet.ListRowsAsync(cancellationToken);
        StreamIdentifier stream = await context.Fleet.StreamAsync(rows, cancellationToken);
        ShardListing listing = await ShardListing.ListAllAsync(context.Fleet.Kinesis, stream, cancellationToken);
        target = AtServiceTime(target, listing, context.Time);

        OperatorTable table = context.Fleet.Operator;
        List<Lease> meant = [.. rows.Where(row => shardId is null ? !row.IsFinished : row.LeaseKey == shardId)];
        if (meant.Count == 0)
        {
            throw new ToolException(ExitCodes.Failure, shardId is null
                ? $"{context.Fleet.Store.Description} has no lease that is not finished."
                : $"There is no lease for shard {shardId} in {context.Fleet.Store.Description}. 'leases' lists them.");
        }

        var lineage = new ReshardCheck(context.Fleet.Kinesis, stream, listing.Shards, rows, context.Time);
        List<ChangeItem> plan = [];
        foreach (Lease row in meant)
        {
            string? refusal = table.RefusalOf(row.LeaseKey, row)
                ?? OperatorTable.SinkRefusalOf(row)
                ?? OperatorTable.StateRefusalOf(row, state)
                ?? await lineage.RefusalOfAsync(row, target, cancellationToken);
            plan.Add(new ChangeItem(
                row.LeaseKey,
                "reset",
                row.Owner,
                row.Checkpoint.ToString(),
                target.ToString(),
                IsDone: false,
                WasTakenAway: null,
                refusal));
        }

        string question = $"Reset {plan.Count} checkpoints to {target}?";
        if (await Confirmation.AskUnlessRefusedAsync(context, question, plan, cancellationToken) is { } exitCode)
        {
            return exitCode;
        }

        await ExportAsync(context, rows, cancellationToken);
        return await ResetAsync(context, table, target, state, plan, by, reason, cancellationToken);
    }

    /// <summary>Lease by lease: a fleet that lives reads the others meanwhile.</summary>
    private static async Task<int> ResetAsync(
        ToolContext context,
        OperatorTable table,
        ResetTarget target,
        StateChoice state,
        List<ChangeItem> plan,
        string by,
        string? reason,
        CancellationToken cancellationToken)
    {
        List<ChangeItem> done = [];
        try
        {
            foreach (ChangeItem item in plan)
            {
                await context.Error.WriteLineAsync($"{item.ShardId}: {(item.Owner is null ? "free" : $"asks {item.Owner} for it")}");
                FreedLease freed = await table.ResetAsync(
                    item.ShardId, target, LeaseCommands.RequesterOf(context), by, reason, cancellationToken, state: state);
                string to = freed.Refusal is null ? target.ToString() : freed.To.ToString();
                done.Add(LeaseCommands.ItemOf(freed, "reset") with { To = to });
            }
        }
        catch (Exception)
        {
            List<ChangeItem> left = [.. plan.Skip(done.Count)];
            Confirmation.Show(context, done);
            await context.Error.WriteLineAsync(
                $"{done.Count} of {plan.Count} checkpoints were reset. As they were, as far as is known: "
                    + $"{string.Join(", ", left.Select(static item => item.ShardId))}. 'checkpoint show' tells; the same command goes on.");
            throw;
        }

        return Confirmation.Show(context, done);
    }

    private static StateChoice StateOf(ToolContext context) =>
        (context.Arguments.GetValue(s_keepState), context.Arguments.GetValue(s_dropState)) switch
        {
            (true, true) => throw ToolException.Usage("--keep-state and --drop-state exclude each other."),
            (true, false) => StateChoice.Keep,
            (false, true) => StateChoice.Drop,
            _ => StateChoice.None,
        };

    private static async Task ExportAsync(ToolContext context, IReadOnlyList<Lease> rows, CancellationToken cancellationToken)
    {
        if (context.Arguments.GetValue(s_export) is not { Length: > 0 } path)
        {
            return;
        }

        FleetView view = FleetView.Of(rows, null, context.Time.GetUtcNow());
        var document = new ShardsDocument(
            "checkpoints",
            context.Fleet.Application,
            null,
            context.Fleet.Store.Description,
            view.At,
            [.. view.Shards.Select(ShardItem.Of)]);
        await using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write);
        await JsonSerializer.SerializeAsync(file, document, DocumentJson.Plain.ShardsDocument, cancellationToken);
    }

    /// <summary>
    /// LATEST is the service's now: a restart before the first checkpoint goes on from here, and this machine's clock may be wrong.
    /// </summary>
    public static ResetTarget AtServiceTime(ResetTarget target, ShardListing listing, TimeProvider time) =>
        target.Position.Kind == CheckpointKind.Latest ? target with { Time = ShardListing.Before(listing.AnsweredAt, time) } : target;

    /// <summary>The target that a text names.</summary>
    /// <exception cref="ToolException">It names none.</exception>
    public static ResetTarget ParseTarget(string text, DateTimeOffset now, string? shardId)
    {
        switch (text.ToUpperInvariant())
        {
            case "TRIM_HORIZON":
                return new ResetTarget(CheckpointPosition.TrimHorizon);
            case "LATEST":
                return new ResetTarget(CheckpointPosition.Latest);
        }

        if (Times.TryParse(text, now, isAhead: false) is { } time)
        {
            return time <= now
                ? new ResetTarget(CheckpointPosition.AtTimestamp, time)
                : throw ToolException.Usage($"--to {text} has not come yet. LATEST reads what comes from now on.");
        }

        if (!OperatorNotes.TryParsePosition(text, out CheckpointPosition position) || position.Kind != CheckpointKind.Record)
        {
            throw ToolException.Usage(
                $"--to '{text}' is no position: TRIM_HORIZON, LATEST, a time with its offset such as 2026-01-31T12:00:00Z, a duration such "
                    + "as -15m, or with --shard a sequence number.");
        }

        return shardId is null
            ? throw ToolException.Usage($"--to {text} is a sequence number, which is one shard's: name the shard with --shard.")
            : new ResetTarget(position);
    }
}
