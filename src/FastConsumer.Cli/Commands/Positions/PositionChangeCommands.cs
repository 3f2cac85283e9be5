using System.CommandLine;
using FastConsumer.Cli.Commands.Changes;
using FastConsumer.Cli.Output;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Operators;
using FastConsumer.Reading;

namespace FastConsumer.Cli.Commands.Positions;

/// <summary>
/// <c>position reset</c> and <c>position adopt</c>: what a sink keeps is set first, by one conditional write that a live owner finds at its
/// next commit; then the lease follows. Whatever ends the command between the two, the shard either goes on or says what is left to do.
/// </summary>
internal static class PositionChangeCommands
{
    private static readonly Option<string?> s_from = new("--from")
    {
        Description = "sink: the shard goes on from the sink's position. lease: from its lease's checkpoint, which the sink takes over.",
        HelpName = "sink|lease",
    };

    public static Command CreateReset() => ToolCommand.CreateChange(
        "reset",
        "Sets the position of a shard in the sink, and its lease: records are handled again, or left out.",
        ResetAsync,
        CommonOptions.Shard,
        ResetCommand.To,
        PositionsPlace.Postgres,
        PositionsPlace.PositionTable);

    public static Command CreateAdopt() => ToolCommand.CreateChange(
        "adopt",
        "Says which holds where sink and lease do not fit: after a lease table was made anew, or a sink has lost what was committed.",
        AdoptAsync,
        CommonOptions.Shard,
        ResetCommand.All,
        s_from,
        PositionsPlace.Postgres,
        PositionsPlace.PositionTable);

    private static async Task<int> ResetAsync(ToolContext context, CancellationToken cancellationToken)
    {
        string shardId = context.Arguments.GetValue(CommonOptions.Shard) is { Length: > 0 } named
            ? named
            : throw ToolException.Usage("Which shard is meant? Name it with --shard.");
        string to = context.Arguments.GetValue(ResetCommand.To)
            ?? throw ToolException.Usage("Where to? Say --to TRIM_HORIZON, LATEST, a time, or a sequence number.");
        ResetTarget target = ResetCommand.ParseTarget(to, context.Time.GetUtcNow(), shardId);
        await using PositionsPlace place = await PositionsPlace.OpenAsync(context, cancellationToken);
        IReadOnlyList<Lease> rows = await context.Fleet.ListRowsAsync(cancellationToken);
        StreamIdentifier stream = await context.Fleet.StreamAsync(rows, cancellationToken);
        ShardListing listing = await ShardListing.ListAllAsync(context.Fleet.Kinesis, stream, cancellationToken);
        target = ResetCommand.AtServiceTime(target, listing, context.Time);
        StoredPosition? former = await place.Store.ReadAsync(place.KeyOf(shardId), cancellationToken);
        Lease lease = LeaseOf(context, rows, shardId);
        var lineage = new ReshardCheck(context.Fleet.Kinesis, stream, listing.Shards, rows, context.Time);
        string? refusal = context.Fleet.Operator.RefusalOf(shardId, lease)
            ?? LeaderRefusalOf(lease)
            ?? await lineage.RefusalOfAsync(lease, target, cancellationToken);
        var next = new StoredPosition(former?.Epoch ?? 0, (former?.Number ?? 0) + 1, target.Position);
        return await ChangeAsync(
            context, place, [new Change(lease, former, next, target, target.ToString(), refusal)], "reset", cancellationToken);
    }

    private static async Task<int> AdoptAsync(ToolContext context, CancellationToken cancellationToken)
    {
        string? shardId = context.Arguments.GetValue(CommonOptions.Shard);
        if (string.IsNullOrEmpty(shardId) == !context.Arguments.GetValue(ResetCommand.All))
        {
            throw ToolException.Usage("Which shards are meant? Name one with --shard, or say --all.");
        }

        bool fromLease = context.Arguments.GetValue(s_from) switch
        {
            "lease" => true,
            "sink" => false,
            _ => throw ToolException.Usage("Which position holds? Say --from sink or --from lease. 'position show' tells both."),
        };
        await using PositionsPlace place = await PositionsPlace.OpenAsync(context, cancellationToken);
        IReadOnlyList<Lease> rows = await context.Fleet.ListRowsAsync(cancellationToken);
        IReadOnlyDictionary<string, StoredPosition> positions = await place.ListAsync(cancellationToken);
        List<Lease> meant = [.. rows.Where(row => shardId is null ? !row.IsFinished : row.LeaseKey == shardId)];
        if (shardId is not null)
        {
            meant = [LeaseOf(context, rows, shardId)];
        }

        return await ChangeAsync(
            context,
            place,
            [.. meant.Select(lease => Adopt(context, lease, positions.GetValueOrDefault(lease.LeaseKey), fromLease))],
            "adopt",
            cancellationToken);
    }

    /// <summary>
    /// Why the sink's position is not what the shard goes on from; null where it is. With state the checkpoint leads, and what the sink has
    /// is left out behind it.
    /// </summary>
    private static string? LeaderRefusalOf(Lease lease) => lease.HasState || lease.StateVersion > 0
        ? $"Shard {lease.LeaseKey} has state or outputs, and goes on from its checkpoint: the sink's row only says which outputs are "
            + "there. 'fastconsumer checkpoint reset' moves the checkpoint; 'position adopt --from lease' lets the sink's row "
            + "begin with it."
        : null;

    private static Change Adopt(ToolContext context, Lease lease, StoredPosition? row, bool fromLease)
    {
        string? refusal = context.Fleet.Operator.RefusalOf(lease.LeaseKey, lease);
        if (fromLease)
        {
            var taken = new StoredPosition(0, (row?.Number ?? 0) + 1, lease.Checkpoint);
            return new Change(lease, row, taken, null, lease.Checkpoint.ToString(), refusal);
        }

        refusal ??= LeaderRefusalOf(lease);
        if (row?.Position is not { } position)
        {
            return new Change(
                lease,
                row,
                null,
                null,
                "",
                refusal ?? $"The sink has no position of shard {lease.LeaseKey}. --from lease takes the lease's.");
        }

        // a checkpoint never goes back by itself
        ResetTarget? back = lease.Checkpoint > position ? new ResetTarget(position) : null;
        return new Change(lease, row, row with { Epoch = 0, Number = row.Number + 1 }, back, position.ToString(), refusal);
    }

    private static async Task<int> ChangeAsync(
        ToolContext context, PositionsPlace place, List<Change> changes, string verb, CancellationToken cancellationToken)
    {
        string by = CommonOptions.ByOf(context.Arguments);
        string? reason = context.Arguments.GetValue(CommonOptions.Reason);
        OperatorTable.Check(by, reason);
        List<ChangeItem> plan = [.. changes.Select(change => change.Item(verb))];
        string question = $"{verb} {plan.Count} positions?";
        if (await Confirmation.AskUnlessRefusedAsync(context, question, plan, cancellationToken) is { } exitCode)
        {
            return exitCode;
        }

        List<ChangeItem> done = [];
        foreach (Change change in changes)
        {
            string shardId = change.Lease.LeaseKey;
            ChangeItem item = change.Item(verb);
            if (!await place.Store.SetAsync(place.KeyOf(shardId), change.Former, change.Next!, cancellationToken))
            {
                done.Add(item with
                {
                    Refusal = $"The position of shard {shardId} was written meanwhile, and is as that left it: try again.",
                });
                continue;
            }

            FreedLease? freed = change.LeaseTarget is not { } target ? null : await context.Fleet.Operator.ResetAsync(
                shardId, target, LeaseCommands.RequesterOf(context), by, reason, cancellationToken, withSink: true);
            done.Add(item with
            {
                IsDone = freed?.Refusal is null,
                WasTakenAway = freed?.WasTakenAway == true ? true : null,
                Refusal = freed?.Refusal is { } refusal ? $"The sink is set, its lease is not: {refusal} The same command goes on." : null,
            });
        }

        return Confirmation.Show(context, done);
    }

    private static Lease LeaseOf(ToolContext context, IReadOnlyList<Lease> rows, string shardId) =>
        rows.FirstOrDefault(row => row.LeaseKey == shardId) ?? throw new ToolException(
            ExitCodes.Failure, $"There is no lease for shard {shardId} in {context.Fleet.Store.Description}. 'leases' lists them.");

    /// <summary>What is to be done with one shard.</summary>
    /// <param name="Lease">Its lease.</param>
    /// <param name="Former">The sink's row as it was read; null for none.</param>
    /// <param name="Next">The sink's row to write; null where the change is refused.</param>
    /// <param name="LeaseTarget">Where the lease is set to; null where it follows by itself.</param>
    /// <param name="To">Where the shard goes on, in words.</param>
    /// <param name="Refusal">Why nothing is done.</param>
    private sealed record Change(
        Lease Lease, StoredPosition? Former, StoredPosition? Next, ResetTarget? LeaseTarget, string To, string? Refusal)
    {
        public ChangeItem Item(string verb) => new(
            Lease.LeaseKey,
            verb,
            Lease.Owner,
            Former?.Position?.ToString() ?? Lease.Checkpoint.ToString(),
            To,
            IsDone: false,
            WasTakenAway: null,
            Refusal);
    }
}
