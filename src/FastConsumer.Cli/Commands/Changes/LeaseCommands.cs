using System.CommandLine;
using FastConsumer.Cli.Output;
using FastConsumer.Leases;
using FastConsumer.Operators;

namespace FastConsumer.Cli.Commands.Changes;

/// <summary><c>lease release</c> and <c>lease evict</c>.</summary>
internal static class LeaseCommands
{
    public static Command Create() => new("lease", "Frees leases, so that the workers share them anew.")
    {
        ToolCommand.CreateChange(
            "release",
            "Asks the owner to hand the lease over: what runs is finished and checkpointed first. Any worker may take it then.",
            (context, cancellationToken) => RunAsync(context, "release", cancellationToken),
            CommonOptions.Shard),
        ToolCommand.CreateChange(
            "evict",
            "Takes the lease away from an owner that hangs. For about a second two workers may run records of the shard.",
            (context, cancellationToken) => RunAsync(context, "evict", cancellationToken),
            CommonOptions.Shard),
    };

    /// <summary>The name that asks for leases: no worker's.</summary>
    public static string RequesterOf(ToolContext context) => $"fastconsumer-cli/{CommonOptions.ByOf(context.Arguments)}";

    private static async Task<int> RunAsync(ToolContext context, string change, CancellationToken cancellationToken)
    {
        string shardId = context.Arguments.GetValue(CommonOptions.Shard) is { Length: > 0 } named
            ? named
            : throw ToolException.Usage("Which lease is meant? Name its shard with --shard.");
        OperatorTable.Check(CommonOptions.ByOf(context.Arguments), context.Arguments.GetValue(CommonOptions.Reason));
        await context.Fleet.Store.PrepareAsync(cancellationToken);
        IReadOnlyList<Lease> rows = await context.Fleet.Store.GetManyAsync([shardId], ReadConsistency.Strong, cancellationToken);
        Lease row = rows.Count > 0
            ? rows[0]
            : throw new ToolException(
                ExitCodes.Failure, $"There is no lease for shard {shardId} in {context.Fleet.Store.Description}. 'leases' lists them.");
        var plan = new ChangeItem(
            shardId,
            change,
            row.Owner,
            row.Checkpoint.ToString(),
            row.Checkpoint.ToString(),
            IsDone: false,
            WasTakenAway: null,
            Refusal: null);
        if (await Confirmation.AskAsync(context, $"{change} the lease of {shardId}?", [plan], cancellationToken) is { } exitCode)
        {
            return exitCode;
        }

        string requester = RequesterOf(context);
        OperatorTable table = context.Fleet.Operator;
        FreedLease freed = change == "evict"
            ? await table.EvictAsync(shardId, requester, cancellationToken)
            : await table.ReleaseAsync(shardId, requester, cancellationToken);
        return Confirmation.Show(context, [ItemOf(freed, change)]);
    }

    /// <summary>What became of a lease, for the output.</summary>
    public static ChangeItem ItemOf(FreedLease freed, string change) => new(
        freed.ShardId,
        change,
        freed.FormerOwner,
        freed.From.ToString(),
        freed.To.ToString(),
        IsDone: freed.Refusal is null,
        WasTakenAway: freed.WasTakenAway ? true : null,
        freed.Refusal);
}
