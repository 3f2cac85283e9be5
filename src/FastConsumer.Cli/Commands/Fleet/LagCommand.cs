using System.CommandLine;
using System.Text.Json;
using FastConsumer.Cli.Output;
using FastConsumer.Kinesis;
using FastConsumer.Monitoring;
using FastConsumer.Operators;
using Spectre.Console;

namespace FastConsumer.Cli.Commands.Fleet;

/// <summary><c>lag</c>: how late each shard is, and how much of the stream's retention that is.</summary>
internal static class LagCommand
{
    private static readonly Option<bool> s_probe = new("--probe")
    {
        Description = "Asks the service for the record behind each checkpoint instead of reading the workers' reports. That takes one of "
            + "the five calls a second that all readers of a shard have together.",
    };

    public static Command Create() => ToolCommand.CreateView(
        "lag", "Shows how late each shard is, against the stream's retention.", FindAsync, [s_probe]);

    private static async Task<ToolView> FindAsync(ToolContext context, CancellationToken cancellationToken)
    {
        FleetView view = await context.Fleet.ViewAsync(withStream: false, cancellationToken);
        StreamIdentifier stream = await context.Fleet.StreamAsync(null, cancellationToken);
        TimeSpan retention = await context.Fleet.RetentionAsync(cancellationToken);
        bool isProbed = context.Arguments.GetValue(s_probe);
        List<LagItem> items = [];
        foreach (FleetShard shard in view.Shards.Where(static shard => shard.Status != FleetShardStatus.Finished))
        {
            (TimeSpan? lag, string source) = isProbed
                ? (await ProbeAsync(context, stream, shard, cancellationToken), "probe")
                : (shard.Report?.Lag, shard.Report is null ? "none" : "report");
            items.Add(new LagItem(
                shard.ShardId,
                ShardItem.StatusOf(shard.Status),
                shard.Owner,
                lag?.TotalSeconds,
                lag / retention,
                shard.Report?.LossIn?.TotalSeconds,
                source,
                isProbed ? 0 : shard.ReportAge?.TotalSeconds));
        }

        return new ToolView(
            (console, _) =>
            {
                var table = new TextTable("SHARD", "LEASE", "OWNER", "LAG", "OF RETENTION", "LOSS IN", "REPORTED");
                foreach (LagItem item in items.OrderByDescending(static item => item.LagSeconds ?? -1))
                {
                    table.Add(
                        item.ShardId,
                        item.Status,
                        item.Owner,
                        Words.Of(Seconds(item.LagSeconds)),
                        Words.Percent(item.OfRetention),
                        Words.Of(Seconds(item.LossInSeconds)),
                        item.Source == "probe" ? "now" : item.AgeSeconds is { } age ? $"{Words.Of(Seconds(age))} ago" : null);
                }

                table.WriteTo(console, "There are no leases that are not finished.");
                console.WriteLine($"The stream keeps records for {Words.Of(retention)}.");
                if (items.Exists(static item => item.LagSeconds is null))
                {
                    console.WriteLine("'-': no worker has reported it. --probe asks the service.");
                }
            },
            () => JsonSerializer.Serialize(
                new LagDocument(
                    context.Fleet.Application,
                    stream.Name,
                    view.At,
                    retention.TotalSeconds,
                    items.Max(static item => item.LagSeconds),
                    items.Min(static item => item.LossInSeconds),
                    items),
                DocumentJson.Plain.LagDocument));
    }

    private static StartingPosition? StartOf(FleetShard shard) =>
        !OperatorNotes.TryParsePosition(shard.Checkpoint, out CheckpointPosition position) ? null
        : position.Kind switch
        {
            CheckpointKind.Record => StartingPosition.After(position.SequenceNumber),
            CheckpointKind.TrimHorizon => StartingPosition.TrimHorizon,
            _ => shard.StartedAt is { } at ? StartingPosition.AtTimestamp(at) : null,
        };

    private static TimeSpan? Seconds(double? seconds) => seconds is { } known ? TimeSpan.FromSeconds(known) : null;

    /// <summary>
    /// The age of the first record that is not done; zero where there is none; null where its shard is gone, or has no position.
    /// </summary>
    private static async Task<TimeSpan?> ProbeAsync(
        ToolContext context, StreamIdentifier stream, FleetShard shard, CancellationToken cancellationToken)
    {
        if (StartOf(shard) is not { } from)
        {
            return null;
        }

        try
        {
            string? iterator = await context.Fleet.Kinesis.GetShardIteratorAsync(stream, shard.ShardId, from, cancellationToken);
            using GetRecordsResponse answer = await context.Fleet.Kinesis.GetRecordsAsync(stream, iterator, 1, cancellationToken);
            return answer.Count > 0
                ? context.Time.GetUtcNow() - answer.GetRecord(0).ApproximateArrivalTimestamp
                : TimeSpan.FromMilliseconds(answer.MillisBehindLatest ?? 0);
        }
        catch (KinesisException e) when (e.ErrorCode == "ResourceNotFoundException")
        {
            return null;
        }
    }
}
