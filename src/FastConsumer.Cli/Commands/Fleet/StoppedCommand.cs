using System.CommandLine;
using System.Text.Json;
using FastConsumer.Cli.Output;
using FastConsumer.Operators;
using Spectre.Console;

namespace FastConsumer.Cli.Commands.Fleet;

/// <summary><c>stopped</c>: the records that shards wait for.</summary>
internal static class StoppedCommand
{
    public static Command Create() => ToolCommand.CreateView(
        "stopped", "Shows the records that shards have stopped in front of, or try again and again.", FindAsync);

    private static async Task<ToolView> FindAsync(ToolContext context, CancellationToken cancellationToken)
    {
        IReadOnlyList<FailingRecord> records = await context.Fleet.Operator.ListFailingAsync(cancellationToken);
        return new ToolView(
            (console, _) =>
            {
                var table = new TextTable("SHARD", "RECORD", "ERROR", "ATTEMPTS", "SHARD IS", "OWNER");
                foreach (FailingRecord record in records)
                {
                    table.Add(
                        record.ShardId,
                        record.Position,
                        record.Error,
                        Words.Of(record.Attempts),
                        record.IsStopped ? "stopped" : "retrying",
                        record.Owner);
                }

                table.WriteTo(console, "No shard waits for a record that fails.");
                if (records.Count > 0)
                {
                    console.WriteLine("'fastconsumer decide retry|skip|dead-letter --shard SHARD' decides about one.");
                }
            },
            () => JsonSerializer.Serialize(
                new StoppedDocument(
                    context.Fleet.Application,
                    context.Time.GetUtcNow(),
                    [
                        .. records.Select(static record => new FailingItem(
                            record.ShardId,
                            record.Position,
                            record.Error,
                            record.Attempts,
                            record.IsStopped,
                            record.FencingToken,
                            record.Owner)),
                    ]),
                DocumentJson.Plain.StoppedDocument));
    }
}
