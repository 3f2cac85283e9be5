using System.CommandLine;
using FastConsumer.Cli.Output;
using FastConsumer.Leases;

namespace FastConsumer.Cli.Commands.Changes;

/// <summary><c>pause</c> and <c>resume</c>.</summary>
internal static class PauseCommands
{
    private static readonly Option<bool> s_all = new("--all") { Description = "All shards, and those that are made from them." };

    private static readonly Option<string?> s_until = new("--until")
    {
        Description = "When the pause ends by itself: a time with its offset (2026-01-31T12:00:00Z), or so long from now (30m, 2h). "
            + "Default: only 'resume' ends it.",
        HelpName = "time",
    };

    public static Command CreatePause() => ToolCommand.CreateChange(
        "pause",
        "Pauses a shard: its lease is kept, and nothing of it is read. The stream goes on dropping records older than its retention.",
        PauseAsync,
        CommonOptions.Shard,
        s_all,
        s_until);

    public static Command CreateResume() => ToolCommand.CreateChange(
        "resume", "Ends the pause of a shard, or of all.", ResumeAsync, CommonOptions.Shard, s_all);

    private static async Task<int> PauseAsync(ToolContext context, CancellationToken cancellationToken)
    {
        string? shardId = ShardOf(context);
        DateTimeOffset now = context.Time.GetUtcNow();
        DateTimeOffset? until = context.Arguments.GetValue(s_until) is { } text ? Times.Parse("--until", text, now, isAhead: true) : null;
        if (until <= now)
        {
            throw ToolException.Usage($"--until {until:O} is over. Name a time to come.");
        }

        OperatorTable.Check(CommonOptions.ByOf(context.Arguments), context.Arguments.GetValue(CommonOptions.Reason));
        string end = until is { } known ? $"until {Words.Of(known)}" : "until resumed";
        return await ChangeAsync(
            context,
            shardId,
            "pause",
            end,
            static row => !row.IsFinished,
            table => table.PauseAsync(
                shardId, CommonOptions.ByOf(context.Arguments), context.Arguments.GetValue(CommonOptions.Reason), until, cancellationToken),
            cancellationToken);
    }

    private static Task<int> ResumeAsync(ToolContext context, CancellationToken cancellationToken)
    {
        string? shardId = ShardOf(context);
        return ChangeAsync(
            context,
            shardId,
            "resume",
            null,
            static row => row.Paused is not null,
            table => table.ResumeAsync(shardId, cancellationToken),
            cancellationToken);
    }

    private static async Task<int> ChangeAsync(
        ToolContext context,
        string? shardId,
        string change,
        string? to,
        Func<Lease, bool> isMeant,
        Func<OperatorTable, Task<IReadOnlyList<string>>> run,
        CancellationToken cancellationToken)
    {
        await context.Fleet.Store.PrepareAsync(cancellationToken);
        List<Lease> rows =
        [
            .. (await context.Fleet.ListRowsAsync(cancellationToken)).Where(row => row.LeaseKey == (shardId ?? row.LeaseKey)),
        ];
        if (shardId is not null && rows.Count == 0)
        {
            throw new ToolException(
                ExitCodes.Failure, $"There is no lease for shard {shardId} in {context.Fleet.Store.Description}. 'leases' lists them.");
        }

        List<ChangeItem> plan =
        [
            .. rows.Where(row => row.Problem is null && isMeant(row)).Select(row =>
                new ChangeItem(row.LeaseKey, change, row.Owner, null, to, IsDone: false, WasTakenAway: null, Refusal: null)),
        ];
        if (plan.Count == 0)
        {
            throw ToolException.Refused(change == "pause"
                ? $"Nothing was changed: shard {shardId ?? "(all)"} is finished."
                : $"Nothing was changed: {(shardId is null ? "no shard" : $"shard {shardId}")} is paused.");
        }

        if (await Confirmation.AskAsync(context, $"{change} {plan.Count} shards?", plan, cancellationToken) is { } exitCode)
        {
            return exitCode;
        }

        HashSet<string> changed = [.. await run(context.Fleet.Operator)];
        return Confirmation.Show(context, [.. plan.Select(item => item with
        {
            IsDone = changed.Contains(item.ShardId),
            Refusal = changed.Contains(item.ShardId) ? null : $"Shard {item.ShardId} has changed meanwhile.",
        })]);
    }

    private static string? ShardOf(ToolContext context) =>
        (context.Arguments.GetValue(CommonOptions.Shard), context.Arguments.GetValue(s_all)) switch
        {
            ({ Length: > 0 } shard, false) => shard,
            (null, true) => null,
            _ => throw ToolException.Usage("Which shards are meant? Name one with --shard, or say --all."),
        };
}
