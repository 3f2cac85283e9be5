using System.CommandLine;
using FastConsumer.Cli.Commands.Changes;
using FastConsumer.Cli.Commands.State;
using FastConsumer.Cli.Connections;
using FastConsumer.Cli.Output;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Operators;
using FastConsumer.Reading;
using FastConsumer.Savepoints;

namespace FastConsumer.Cli.Commands.Savepoints;

/// <summary><c>savepoint restore</c>: an application begins with a savepoint.</summary>
internal static class SavepointRestoreCommand
{
    private static readonly Option<bool> s_replace = new("--replace")
    {
        Description = "The application goes back to the savepoint: its positions and its state are given up. None of its workers may run.",
    };

    private static readonly Option<string?> s_as = new("--as")
    {
        Description = "Another application begins with the savepoint. Its lease table is created where it is missing, and must have no "
            + "leases.",
        HelpName = "application",
    };

    private static readonly Option<string?> s_asTable = new("--as-table")
    {
        Description = "The lease table of --as, where it has not the application's name.",
        HelpName = "name",
    };

    private static readonly Option<bool> s_stateOnly = new("--state-only")
    {
        Description = "Without the positions: for another stream (--stream), or other shards. Each shard of the stream begins with the "
            + "state of its hash keys, at --from.",
    };

    private static readonly Option<string?> s_from = new("--from")
    {
        Description = "With --state-only: TRIM_HORIZON, LATEST, a time with its offset, or so long ago (-2h).",
        HelpName = "position",
    };

    public static Command Create()
    {
        Command command = ToolCommand.CreateChange(
            "restore",
            "Begins an application with a savepoint: copies its state, and writes the leases. Workers that start afterwards go on from "
                + "there.",
            RunAsync,
            [.. StatePlace.Options, s_replace, s_as, s_asTable, s_stateOnly, s_from]);
        command.Arguments.Add(SavepointPlace.Name);
        return command;
    }

    private static async Task<int> RunAsync(ToolContext context, CancellationToken cancellationToken)
    {
        string by = CommonOptions.ByOf(context.Arguments);
        string? reason = context.Arguments.GetValue(CommonOptions.Reason);
        OperatorTable.Check(by, reason);
        string? application = FleetOptions.Read(context.Arguments, s_as);
        bool isReplaced = context.Arguments.GetValue(s_replace);
        if (application is null == !isReplaced)
        {
            throw ToolException.Usage(
                "Which application begins with the savepoint? Say --replace for the same one, or name another with --as.");
        }

        (bool isStateOnly, string? from) = (context.Arguments.GetValue(s_stateOnly), FleetOptions.Read(context.Arguments, s_from));
        if (isStateOnly != (from is not null))
        {
            throw ToolException.Usage(
                "--state-only and --from go together: without the positions of the savepoint it has to be said where the shards begin.");
        }

        ResetTarget? start = from is null ? null : ResetCommand.ParseTarget(from, context.Time.GetUtcNow(), shardId: null);
        using SavepointPlace place = SavepointPlace.Open(context);
        Savepoint savepoint = await place.RequireAsync(context, cancellationToken);
        string? table = FleetOptions.Read(context.Arguments, s_asTable);
        ILeaseStore leases = application is null ? context.Fleet.Store : context.Fleet.Open(application, table, isCreated: false);
        var target = new SavepointTarget
        {
            ApplicationName = application ?? context.Fleet.Application,
            Leases = leases,
            TableName = application is null
                ? context.Fleet.TableName
                : table ?? application,
            ReplacesLeases = isReplaced,
            Layout = start is { } position ? await LayoutAsync(context, savepoint, position, cancellationToken) : null,
            By = by,
            Reason = reason,
        };
        List<Lease> rows = SavepointStore.RowsOf(savepoint, target);
        bool isThere = await PrepareAsync(leases, mayBeMissing: application is not null, cancellationToken);
        IReadOnlyList<Lease> former = isThere ? await leases.ListAsync(ReadConsistency.Strong, cancellationToken) : [];
        SavepointStore.ThrowIfThereAreLeases(target, former);
        List<ChangeItem> plan = Plan(rows, former);
        if (await Confirmation.AskAsync(
            context,
            $"Begin application {target.ApplicationName} with savepoint '{savepoint.Name}'?",
            plan,
            cancellationToken) is { } exitCode)
        {
            return exitCode;
        }

        if (!isThere)
        {
            target = target with { Leases = context.Fleet.Open(application!, table, isCreated: true) };
            await target.Leases.PrepareAsync(cancellationToken);
        }

        await place.Savepoints.RestoreAsync(savepoint, target, SavepointPlace.ProgressTo(context), cancellationToken);
        return Confirmation.Show(context, [.. plan.Select(static item => item with { IsDone = true })]);
    }

    /// <summary>False where the table is not there: it is created once the change is confirmed.</summary>
    private static async Task<bool> PrepareAsync(ILeaseStore leases, bool mayBeMissing, CancellationToken cancellationToken)
    {
        try
        {
            await leases.PrepareAsync(cancellationToken);
            return true;
        }
        catch (LeaseStoreException) when (mayBeMissing)
        {
            return false;
        }
    }

    private static List<ChangeItem> Plan(List<Lease> rows, IReadOnlyList<Lease> former)
    {
        Dictionary<string, Lease> byKey = former.ToDictionary(static row => row.LeaseKey, StringComparer.Ordinal);
        return
        [
            .. rows.Select(row => Item(row.LeaseKey, "restore", row.Checkpoint.ToString())),
            .. former.Where(row => row.LeaseKey != Lease.Names.RestoreKey && !rows.Exists(one => one.LeaseKey == row.LeaseKey))
                .Select(row => Item(row.LeaseKey, "delete", null)),
        ];

        ChangeItem Item(string shard, string change, string? to)
        {
            Lease? row = byKey.GetValueOrDefault(shard);
            return new ChangeItem(shard, change, row?.Owner, row?.Checkpoint.ToString(), to, IsDone: false, null, null);
        }
    }

    private static async Task<SavepointLayout> LayoutAsync(
        ToolContext context, Savepoint savepoint, ResetTarget start, CancellationToken cancellationToken)
    {
        string? named = FleetOptions.Read(context.Arguments, FleetOptions.Stream, "FASTCONSUMER_STREAM");
        StreamIdentifier stream = (named, savepoint.StreamArn) switch
        {
            (not null, _) => await context.Fleet.StreamAsync(null, cancellationToken),
            (null, { Length: > 0 } arn) => StreamIdentifier.Parse(arn),
            _ => throw ToolException.Usage(
                $"Savepoint '{savepoint.Name}' is of no stream: name the one to go on with, with --stream (or FASTCONSUMER_STREAM)."),
        };
        StreamDescriptionSummary there = await context.Fleet.Kinesis.DescribeStreamSummaryAsync(stream, cancellationToken);
        ShardListing listing = await ShardListing.ListAllAsync(context.Fleet.Kinesis, stream, cancellationToken);
        return new SavepointLayout
        {
            StreamArn = there.StreamARN,
            StreamCreatedAt = there.StreamCreationTimestamp,
            Shards = listing.Shards,
            Start = start.Position,
            StartedAt = start.Time ?? ShardListing.Before(listing.AnsweredAt, context.Time),
        };
    }
}
