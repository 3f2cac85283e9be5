using System.CommandLine;
using System.Text.Json;
using FastConsumer.Cli.Commands.Changes;
using FastConsumer.Cli.Commands.State;
using FastConsumer.Cli.Output;
using FastConsumer.Savepoints;
using Spectre.Console;

namespace FastConsumer.Cli.Commands.Savepoints;

/// <summary><c>savepoint create</c>, <c>list</c>, <c>describe</c> and <c>delete</c>.</summary>
internal static class SavepointCommands
{
    public static Command Create() => new("savepoint", "Copies of an application's state with a name: to upgrade, to go back, to move.")
    {
        CreateCreate(), CreateList(), CreateDescribe(), SavepointExportCommand.Create(), SavepointRestoreCommand.Create(), CreateDelete(),
    };

    private static Command CreateCreate()
    {
        Command command = ToolCommand.CreateAddition(
            "create",
            "Copies the state of all shards, as it was checkpointed last, and their positions. Workers may run, and are not disturbed.",
            CreateAsync,
            StatePlace.Options);
        command.Arguments.Add(SavepointPlace.Name);
        return command;
    }

    private static Command CreateList() => ToolCommand.CreateView(
        "list", "Lists the savepoints of an application.", ListAsync, StatePlace.Options);

    private static Command CreateDescribe()
    {
        Command command = ToolCommand.CreateView(
            "describe", "Shows a savepoint: its shards and their positions.", DescribeAsync, StatePlace.Options);
        command.Arguments.Add(SavepointPlace.Name);
        return command;
    }

    private static Command CreateDelete()
    {
        Command command = ToolCommand.CreateChange(
            "delete", "Deletes a savepoint, and what is left of one that was not completed.", DeleteAsync, StatePlace.Options);
        command.Arguments.Add(SavepointPlace.Name);
        return command;
    }

    private static async Task<int> CreateAsync(ToolContext context, CancellationToken cancellationToken)
    {
        string name = SavepointPlace.NameOf(context);
        using SavepointPlace place = SavepointPlace.Open(context);
        await context.Fleet.Store.PrepareAsync(cancellationToken);
        Savepoint savepoint = await place.Savepoints.CreateAsync(
            name, context.Fleet.Store, SavepointPlace.ProgressTo(context), cancellationToken);
        return context.Show(ViewOf(context, place, [savepoint]));
    }

    private static async Task<ToolView> ListAsync(ToolContext context, CancellationToken cancellationToken)
    {
        using SavepointPlace place = SavepointPlace.Open(context);
        (IReadOnlyList<Savepoint> found, IReadOnlyList<string> problems) = await place.Savepoints.ListAllAsync(cancellationToken);
        foreach (string problem in problems)
        {
            await context.Error.WriteLineAsync(problem);
        }

        return ViewOf(context, place, found) with { ExitCode = problems.Count > 0 ? ExitCodes.Failure : ExitCodes.Success };
    }

    private static async Task<ToolView> DescribeAsync(ToolContext context, CancellationToken cancellationToken)
    {
        using SavepointPlace place = SavepointPlace.Open(context);
        Savepoint savepoint = await place.RequireAsync(context, cancellationToken);
        SavepointShardItem[] shards = [.. savepoint.Rows.Select(static row => new SavepointShardItem(
            row.Shard, row.Position, row.Parents, row.StateVersion, row.Snapshot is not null, row.Inherits.Count > 0 ? true : null))];
        var document = new SavepointDocument(
            context.Fleet.Application, place.Description, context.Time.GetUtcNow(), ItemOf(savepoint), shards);
        return new ToolView(
            (console, _) =>
            {
                Table([document.Savepoint]).WriteTo(console, "");
                var table = new TextTable("SHARD", "POSITION", "STATE", "VERSION");
                foreach (SavepointShardItem shard in shards)
                {
                    table.Add(
                        shard.ShardId,
                        shard.Position,
                        shard.IsInherited == true ? "its parents'" : shard.HasState ? "its own" : "none",
                        Words.Of(shard.StateVersion));
                }

                table.WriteTo(console, "");
            },
            () => JsonSerializer.Serialize(document, DocumentJson.Plain.SavepointDocument));
    }

    private static async Task<int> DeleteAsync(ToolContext context, CancellationToken cancellationToken)
    {
        string name = SavepointPlace.NameOf(context);
        using SavepointPlace place = SavepointPlace.Open(context);
        if ((await place.Savepoints.ListObjectsAsync(name, cancellationToken)).Count == 0)
        {
            throw place.ThereIsNone(context, name);
        }

        SavepointItem[] items = [];
        try
        {
            items = await place.Savepoints.FindAsync(name, cancellationToken) is { } savepoint ? [ItemOf(savepoint)] : [];
        }
        catch (InvalidDataException e)
        {
            // it can be deleted all the same
            await context.Error.WriteLineAsync(e.Message);
        }

        if (await Confirmation.AskAsync(
            context,
            $"Delete savepoint '{name}'?",
            console => Table(items).WriteTo(console, $"Savepoint '{name}' was not completed. What is left of it is deleted."),
            () => Serialize(context, place, items, "plan"),
            cancellationToken) is { } exitCode)
        {
            return exitCode;
        }

        int deleted = await place.Savepoints.DeleteAsync(name, cancellationToken);
        await context.Error.WriteLineAsync($"Savepoint '{name}' is deleted: {deleted} objects.");
        return ExitCodes.Success;
    }

    private static ToolView ViewOf(ToolContext context, SavepointPlace place, IReadOnlyList<Savepoint> savepoints)
    {
        SavepointItem[] items = [.. savepoints.Select(ItemOf)];
        return new ToolView(
            (console, _) => Table(items).WriteTo(
                console, $"Application '{context.Fleet.Application}' has no savepoint in {place.Description}."),
            () => Serialize(context, place, items, "savepoints"));
    }

    private static string Serialize(ToolContext context, SavepointPlace place, SavepointItem[] items, string kind) =>
        JsonSerializer.Serialize(
            new SavepointsDocument(kind, context.Fleet.Application, place.Description, context.Time.GetUtcNow(), items),
            DocumentJson.Plain.SavepointsDocument);

    private static SavepointItem ItemOf(Savepoint savepoint) => new(
        savepoint.Name,
        savepoint.CreatedAt,
        savepoint.Shards,
        savepoint.Bytes,
        savepoint.Processor,
        savepoint.StateVersion,
        savepoint.StreamArn);

    private static TextTable Table(IReadOnlyList<SavepointItem> items)
    {
        var table = new TextTable("NAME", "CREATED", "SHARDS", "SIZE", "PROCESSOR", "VERSION", "STREAM");
        foreach (SavepointItem item in items)
        {
            table.Add(
                item.Name,
                Words.Of(item.CreatedAt),
                Words.Of(item.Shards),
                Words.Bytes(item.Bytes),
                item.Processor,
                Words.Of(item.StateVersion),
                item.StreamArn);
        }

        return table;
    }
}
