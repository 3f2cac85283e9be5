using System.CommandLine;
using System.Text.Json;
using FastConsumer.Checkpoints;
using FastConsumer.Cli.Commands.State;
using FastConsumer.Cli.Output;
using FastConsumer.Savepoints;
using FastConsumer.State.Format;

namespace FastConsumer.Cli.Commands.Savepoints;

/// <summary><c>savepoint export</c>: the state as lines of JSON.</summary>
internal static class SavepointExportCommand
{
    private static readonly Option<string?> s_file = new("--file")
    {
        Description = "Writes to a file that must not exist yet. Default: standard output.",
        HelpName = "file",
    };

    public static Command Create()
    {
        Command command = ToolCommand.CreateAddition(
            "export",
            "Writes the state of a savepoint as JSON, a line for each entry of a state. A list is one line.",
            RunAsync,
            [.. StatePlace.Options, s_file]);
        command.Arguments.Add(SavepointPlace.Name);
        return command;
    }

    private static async Task<int> RunAsync(ToolContext context, CancellationToken cancellationToken)
    {
        using SavepointPlace place = SavepointPlace.Open(context);
        Savepoint savepoint = await place.RequireAsync(context, cancellationToken);
        if (context.Arguments.GetValue(s_file) is not { Length: > 0 } path)
        {
            await WriteAsync(place, savepoint, context.Out, cancellationToken);
            return ExitCodes.Success;
        }

        await using var file = new StreamWriter(new FileStream(path, FileMode.CreateNew, FileAccess.Write));
        long entries = await WriteAsync(place, savepoint, file, cancellationToken);
        await context.Error.WriteLineAsync($"{entries} entries are in '{path}'.");
        return ExitCodes.Success;
    }

    private static async Task<long> WriteAsync(
        SavepointPlace place, Savepoint savepoint, TextWriter output, CancellationToken cancellationToken)
    {
        long entries = 0;
        await foreach (StoredState entry in place.Savepoints.ReadStateAsync(savepoint, cancellationToken))
        {
            await output.WriteLineAsync(JsonSerializer.Serialize(ItemOf(entry), DocumentJson.Plain.ExportedEntry));
            entries++;
        }

        return entries;
    }

    private static ExportedEntry ItemOf(StoredState entry)
    {
        bool isMap = entry.Kind == StateKind.Map;
        bool isList = entry.Kind == StateKind.List;
        JsonElement?[] values = [.. entry.Values.Select(value => StateValues.ReadJson(entry.Codec, value))];
        bool isJson = !values.Contains(null);
        string[] bytes = isJson ? [] : [.. entry.Values.Select(static value => Convert.ToBase64String(value.Span))];
        return new ExportedEntry(
            entry.ShardId,
            entry.State,
            entry.Kind.ToString().ToLowerInvariant(),
            entry.PartitionKey,
            isMap ? StateValues.SubKey(entry.SubKeyBytes.Span) : null,
            isMap ? Convert.ToBase64String(entry.SubKeyBytes.Span) : null,
            isJson && !isList ? values[0] : null,
            isJson && isList ? [.. values.Select(static value => value!.Value)] : null,
            !isJson && !isList ? bytes[0] : null,
            !isJson && isList ? bytes : null,
            entry.Codec,
            entry.ExpiresAt,
            entry.IsCopy ? true : null,
            entry.Version);
    }
}
