using FastConsumer.Dashboard.Model;
using FastConsumer.Diagnostics;
using FastConsumer.Operators;

namespace FastConsumer.Dashboard.Feed;

/// <summary>Makes rows of shards.</summary>
internal static class ShardRows
{
    /// <summary>All hash keys.</summary>
    private const double AllKeys = 340282366920938463463374607431768211456d;

    /// <param name="shard">The shard.</param>
    /// <param name="owner">Its owner's place; null for nobody.</param>
    /// <param name="time">The parts of the last minute in each state; null where they are not known.</param>
    public static ShardRow Of(ShardView shard, int? owner, double[]? time)
    {
        ShardSnapshot? now = shard.Snapshot;
        ShardReport? report = shard.Report;
        ShardCounts counts = shard.Telemetry?.Counts ?? default;
        return new ShardRow
        {
            Id = shard.Row.ShardId,
            Status = shard.Status.ToString(),
            Owner = owner,
            Mine = shard.IsMine,
            State = (now?.State ?? report?.State)?.ToString(),
            Lag = Seconds(shard.Lag),
            LossIn = Seconds(report?.LossIn),
            Behind = Seconds(now?.BehindLatest),
            Records = Rounded(shard.RecordsPerSecond),
            Bytes = shard.RecordsPerSecond is null ? null : Rounded(report!.BytesPerSecond),
            Handling = report is null ? null : Math.Round(report.Handling, 2),
            Share = Part(now?.ReadShare),
            BytesShare = Part(now?.BytesShare),
            Checkpoint = now?.Checkpoint ?? shard.Row.Checkpoint,
            CheckpointAge = Seconds(now?.CheckpointAge),
            InFlight = now?.RecordsInFlight ?? 0,
            Lanes = now?.LanesBusy ?? 0,
            LongestCall = Seconds(now?.LongestCall),
            Done = counts.Done,
            Skipped = counts.Skipped,
            DeadLettered = counts.DeadLettered,
            Refused = counts.Refused,
            From = shard.HashKeys is { } first ? Key(first.StartingHashKey) : null,
            To = shard.HashKeys is { } last ? Key(last.EndingHashKey) : null,
            Parents = shard.Row.ParentShardIds is { Count: > 0 } parents ? parents : null,
            ReportAge = Seconds(shard.ReportAge),
            Findings = report?.Findings is { Count: > 0 } findings ? findings : null,
            Time = time is null ? null : [.. time.Select(static part => (int)Math.Round(part * 100))],
            RequestedBy = shard.Row.RequestedBy,
            Failing = shard.Row.Failing is { } failing
                ? new FailingState(
                    failing.Position, FormattableString.Invariant($"{failing.Epoch}"), failing.Error, failing.Attempts, failing.IsStopped)
                : null,
            Pause = shard.Row.Pause is { } pause ? new PauseState(pause.By, pause.Reason, pause.At, pause.Until, pause.IsOfAll) : null,
            Decision = shard.Row.Decision is { } said
                ? new DecisionState(said.Position, said.Decision.ToString(), said.By, said.Reason, said.At, said.Refusal)
                : null,
            Problem = shard.Row.Problem,
        };
    }

    /// <summary>Seconds, to a tenth.</summary>
    public static double? Seconds(TimeSpan? time) => time is { } known ? Math.Round(known.TotalSeconds, 1) : null;

    /// <summary>A figure to a tenth.</summary>
    public static double? Rounded(double? figure) => figure is { } known && double.IsFinite(known) ? Math.Round(known, 1) : null;

    private static double? Part(double? part) => part is { } known && double.IsFinite(known) ? Math.Round(known, 3) : null;

    private static double Key(UInt128 key) => Math.Round((double)key / AllKeys, 6);
}
