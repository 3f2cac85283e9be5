using System.CommandLine;
using System.Text.Json;
using FastConsumer.Cli.Output;
using FastConsumer.Monitoring;
using Spectre.Console;

namespace FastConsumer.Cli.Commands.Fleet;

/// <summary><c>workers</c> and <c>top</c>.</summary>
internal static class WorkersCommands
{
    private const int MostShards = 20;

    public static Command CreateWorkers() => ToolCommand.CreateView(
        "workers",
        "Shows the workers that hold leases, as their rows report. A worker without a lease is in no row.",
        static async (context, cancellationToken) =>
            ViewOf(context, await context.Fleet.ViewAsync(withStream: false, cancellationToken), withShards: false));

    public static Command CreateTop() => ToolCommand.CreateView(
        "top",
        "Shows the workers, and the shards that lag most, again each 5 seconds, until Ctrl+C.",
        static async (context, cancellationToken) =>
            ViewOf(context, await context.Fleet.ViewAsync(withStream: false, cancellationToken), withShards: true),
        isWatched: true);

    private static ToolView ViewOf(ToolContext context, FleetView view, bool withShards) => new(
        (console, _) =>
        {
            if (withShards)
            {
                console.WriteLine(
                    $"{context.Fleet.Application} at {Words.Of(view.At)}: {view.Workers.Count} workers, "
                        + $"{view.Shards.Count(static shard => shard.Status != FleetShardStatus.Finished)} shards.");
            }

            var table = new TextTable("WORKER", "LEASES", "LAG", "LOSS IN", "RECORDS/S", "BYTES/S", "REPORTED");
            foreach (FleetWorker worker in view.Workers)
            {
                table.Add(
                    worker.IsKcl ? $"{worker.WorkerId} (KCL)" : worker.WorkerId,
                    Words.Of(worker.Shards.Count),
                    Words.Of(worker.Lag),
                    Words.Of(worker.LossIn),
                    Words.Rate(worker.RecordsPerSecond),
                    Words.Bytes(worker.BytesPerSecond),
                    worker.ReportAge is { } age ? $"{Words.Of(age)} ago" : null);
            }

            table.WriteTo(console, "No worker holds a lease.");
            if (withShards)
            {
                WriteShards(console, view);
            }
        },
        () => JsonSerializer.Serialize(
            new WorkersDocument(
                context.Fleet.Application,
                context.Fleet.Store.Description,
                view.At,
                [
                    .. view.Workers.Select(static worker => new WorkerItem(
                        worker.WorkerId,
                        worker.IsKcl ? true : null,
                        worker.Shards.Count,
                        worker.Lag?.TotalSeconds,
                        worker.LossIn?.TotalSeconds,
                        worker.RecordsPerSecond,
                        worker.BytesPerSecond,
                        worker.ReportAge?.TotalSeconds,
                        [.. worker.Shards.Select(static shard => shard.ShardId)])),
                ]),
            DocumentJson.Plain.WorkersDocument));

    private static void WriteShards(IAnsiConsole console, FleetView view)
    {
        console.WriteLine();
        var table = new TextTable("SHARD", "LEASE", "OWNER", "LAG", "LOSS IN", "RECORDS/S", "BYTES/S", "HANDLER", "DOES", "FINDINGS");
        foreach (FleetShard shard in view.Shards
            .Where(static shard => shard.Status != FleetShardStatus.Finished)
            .OrderByDescending(static shard => shard.Status is FleetShardStatus.Stopped or FleetShardStatus.Unreadable)
            .ThenByDescending(static shard => shard.Report?.Lag ?? TimeSpan.MinValue)
            .Take(MostShards))
        {
            table.Add(
                shard.ShardId,
                ShardItem.StatusOf(shard.Status),
                shard.Owner,
                Words.Of(shard.Report?.Lag),
                Words.Of(shard.Report?.LossIn),
                Words.Rate(shard.Report?.RecordsPerSecond),
                Words.Bytes(shard.Report?.BytesPerSecond),
                Words.Percent(shard.Report?.Handling),
                shard.Report?.State.ToString().ToLowerInvariant(),
                string.Join(", ", shard.Report?.Findings ?? []));
        }

        table.WriteTo(console, "There are no shards.");
    }
}
