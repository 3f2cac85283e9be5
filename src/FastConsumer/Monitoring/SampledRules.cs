using FastConsumer.Diagnostics;

namespace FastConsumer.Monitoring;

/// <summary>The conditions of one shard that show in samples only: each is raised while it holds, and else cleared.</summary>
internal sealed class SampledRules(
    Findings findings, LagLimits limits, Func<int> limitNow, Func<TimeSpan> checkpointInterval, TimeSpan leaseDuration)
{
    private const double BytesPerSecond = 2 * 1024 * 1024;
    private const double CallsPerSecond = 5;
    private const double Much = 0.8;

    /// <summary>A lag below is nothing that anybody waits for.</summary>
    private const double LeastLag = 5;

    private static readonly TimeSpan s_trimTolerance = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_oldCheckpoint = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_fallShows = TimeSpan.FromMinutes(2);

    /// <summary>Every rule that ends here when the shard is gone: those that are judged here, and one that nothing else clears.</summary>
    private static readonly FindingRule[] s_rules =
    [
        FindingRules.QuotaFilled, FindingRules.LargeAnswers, FindingRules.CallsAreTheLimit, FindingRules.TooManyPollers,
        FindingRules.LimitHoldsBack, FindingRules.BudgetHoldsBack, FindingRules.HotShard, FindingRules.Microburst,
        FindingRules.HalfRetention, FindingRules.LossNear, FindingRules.SuddenLag, FindingRules.GradualLag,
        FindingRules.HandlerIsSlow, FindingRules.HandlerSlower, FindingRules.HandlerSlowerUnderLoad,
        FindingRules.RecordsSkipped, FindingRules.RecordsDeadLettered, FindingRules.ForeignRecordsLeftOut, FindingRules.CheckpointOld,
        FindingRules.CallsOutlastLease, FindingRules.ForeignRecordsDelivered,
    ];

    /// <summary>Judges a shard by its samples.</summary>
    /// <param name="watch">The samples, the newest taken just now.</param>
    /// <param name="retention">How long the stream keeps a record; null where that is not known.</param>
    public void Judge(ShardWatch watch, TimeSpan? retention)
    {
        JudgeLag(watch, retention);
        JudgeRecords(watch);
        if (watch.HasMinute)
        {
            JudgeReading(watch);
            JudgeHandling(watch);
        }
    }

    /// <summary>The shard is gone from this worker.</summary>
    public void Forget(ShardWatch watch) => findings.ClearScope(watch.Shard.Scope, s_rules);

    private void JudgeLag(ShardWatch watch, TimeSpan? retention)
    {
        LagHistory lag = watch.Lag;
        string shard = $"Shard {watch.Shard.ShardId} of {watch.Shard.Stream}";
        FindingFigure seconds = new("lag", lag.Last, "s");
        FindingFigure slope = new("slope", lag.Trend ?? 0, "1");
        string cause = CauseOf(watch);
        bool isSudden = lag.IsSudden;
        Set(isSudden, FindingRules.SuddenLag, watch,
            () => $"{shard} lags by {Text(lag.Last)}, and by {100 * lag.Slope(TimeSpan.FromMinutes(1)):F0} % of a second more each second. "
                + cause,
            seconds, slope);
        Set(!isSudden && lag.IsGradual, FindingRules.GradualLag, watch,
            () => $"{shard} lags by {Text(lag.Last)}, and has lagged more and more for 15 minutes. {cause}", seconds, slope);
        if (retention is not { } kept || kept <= TimeSpan.Zero)
        {
            return;
        }

        double part = lag.Last / kept.TotalSeconds;
        TimeSpan? lossIn = LossIn(lag, kept);
        TimeSpan? caughtUpIn = lag.CaughtUpIn;
        // a first start at TRIM_HORIZON, or a hand-over while the lag is caught up with, takes a while to show that it falls
        bool isNear = lag.Length >= s_fallShows && caughtUpIn is null
            && (part >= limits.UnhealthyAt || (lag.Last > LeastLag && lossIn < limits.UnhealthyBeforeLoss));
        string forecast = caughtUpIn is { } eta ? $"It catches up, and has done so in {Text(eta.TotalSeconds)}."
            : lossIn is { } loss ? $"If that goes on, the first record is lost in {Text(loss.TotalSeconds)}."
            : "The lag stands.";
        // the service deletes a little late, and a record of the last minutes may still be on its way
        if (lag.Last >= (kept + s_trimTolerance).TotalSeconds)
        {
            // it stays until somebody says that it was seen: what was lost does not come back
            findings.Raise(FindingRules.RecordsLost, watch.Shard.Scope,
                $"{shard} lags by {Text(lag.Last)}, and the stream keeps a record for {kept.TotalHours:F0} hours. Records that came before "
                    + $"{watch.Now?.Taken - kept:u} may be lost.",
                [seconds]);
        }

        FindingFigure ofRetention = new("part of the retention", part, "1");
        FindingFigure loses = new("loss in", lossIn?.TotalSeconds ?? double.PositiveInfinity, "s");
        Set(isNear, FindingRules.LossNear, watch,
            () => $"{shard} lags by {Text(lag.Last)}, {100 * part:F0} % of the {kept.TotalHours:F0} hours that the stream keeps a record. "
                + $"{forecast} {cause}",
            seconds, ofRetention, loses);
        Set(!isNear && part >= limits.DegradedAt, FindingRules.HalfRetention, watch,
            () => $"{shard} lags by {Text(lag.Last)}, {100 * part:F0} % of the {kept.TotalHours:F0} hours that the stream keeps a record. "
                + forecast,
            seconds, ofRetention);
    }

    /// <summary>When the first record is lost; null where the lag does not grow.</summary>
    public static TimeSpan? LossIn(LagHistory lag, TimeSpan retention)
    {
        if (lag.Last <= 0 || lag.Trend is not > 0.001)
        {
            return null;
        }

        double seconds = Math.Max(0, retention.TotalSeconds - lag.Last) / lag.Trend.Value;
        return seconds < TimeSpan.FromDays(3650).TotalSeconds ? TimeSpan.FromSeconds(seconds) : null;
    }

    private void JudgeReading(ShardWatch watch)
    {
        ShardCounts minute = watch.LastMinute;
        double rate = minute.Bytes / 60.0;
        double calls = minute.Reads / 60.0;
        bool lags = watch.Lag.Last > LeastLag;
        double share = watch.Now!.ReadShare ?? 1;
        string shard = $"Shard {watch.Shard.ShardId} of {watch.Shard.Stream}";
        FindingFigure bytes = new("rate", rate, "By/s");
        FindingFigure perSecond = new("calls", calls, "{call}/s");
        bool polls = watch.Now.ReadShare is not null;
        Set(polls && lags && share > 0.99 && rate >= 0.9 * BytesPerSecond, FindingRules.QuotaFilled, watch,
            () => $"{shard} is read at {rate / 1024:F0} KiB a second, which is all that the service gives to those that poll it, and lags "
                + $"by {Text(watch.Lag.Last)}.",
            bytes);
        Set(minute.LargeReads > 1, FindingRules.LargeAnswers, watch,
            () => $"{shard}: {minute.LargeReads} answers of the last minute were followed by five seconds of silence each, "
                + $"{minute.LargeReads * 5} seconds in all.",
            new FindingFigure("answers", minute.LargeReads, "{call}"));
        (long minuteBytes, int full, int refused) = watch.Shard.Seconds.LastMinute((long)BytesPerSecond);
        // where others read the shard too, refusals are the price of that
        bool isAlone = polls && share > 0.99;
        Set(isAlone && minuteBytes < 0.5 * 60 * BytesPerSecond && full + refused > 1, FindingRules.Microburst, watch,
            () => $"{shard}: within the last minute {minuteBytes / 60 / 1024} KiB a second were read on average, and yet {full} seconds "
                + $"were full and calls were refused in {refused}.",
            new FindingFigure("mean", minuteBytes / 60.0, "By/s"), new FindingFigure("full seconds", full, "s"),
            new FindingFigure("seconds with refusals", refused, "s"));
        Set(polls && lags && calls >= 0.85 * CallsPerSecond * share && rate < 0.5 * BytesPerSecond, FindingRules.CallsAreTheLimit, watch,
            () => $"{shard} is read by {calls:F1} calls a second, which are all that there may be, with {rate / 1024 / calls:F0} KiB each.",
            perSecond, bytes);
        Set(watch.Now.ReadShare <= 0.34, FindingRules.TooManyPollers, watch,
            () => $"{shard}: this application gets {100 * share:F0} % of the read quota; {minute.Refused} calls were refused within the "
                + "last minute. Others poll the shard too.",
            new FindingFigure("share", share, "1"), new FindingFigure("refused", minute.Refused, "{call}"));
        int limit = limitNow();
        Set(limit < 10_000 && lags && minute.FullReads >= 5 && minute.FullReads >= Much * minute.Reads, FindingRules.LimitHoldsBack, watch,
            () => $"{shard} lags by {Text(watch.Lag.Last)}, and {minute.FullReads} of the last minute's {minute.Reads} answers were as "
                + $"large as FastConsumer:Limit ({limit}) allows.",
            new FindingFigure("full answers", minute.FullReads, "{call}"));
        double budget = watch.PartOfMinute(ShardState.Budget);
        Set(lags && budget >= 0.3, FindingRules.BudgetHoldsBack, watch,
            () => $"{shard}: its reader waited for room in FastConsumer:PrefetchBytes for {100 * budget:F0} % of the last minute.",
            new FindingFigure("part of the time", budget, "1"));
    }

    private void JudgeHandling(ShardWatch watch)
    {
        string shard = $"Shard {watch.Shard.ShardId} of {watch.Shard.Stream}";
        ShardCounts minute = watch.LastMinute;
        double handling = watch.PartOfMinute(ShardState.Handling, ShardState.Budget);
        Set(handling >= Much && watch.Lag.Last > LeastLag, FindingRules.HandlerIsSlow, watch,
            () => $"{shard}: its reader waited for the handler for {100 * handling:F0} % of the last minute. {minute.Done} records were "
                + $"done, at {Microseconds(minute):F0} us each.",
            new FindingFigure("part of the time", handling, "1"), new FindingFigure("time per record", Microseconds(minute), "us"));
        JudgeTrend(watch, shard);
        Set(watch.Now!.LongestCall > leaseDuration, FindingRules.CallsOutlastLease, watch,
            () => $"{shard}: calls of the handler take {Text(watch.Now.LongestCall.TotalSeconds)} and longer, and a lease lasts "
                + $"{leaseDuration:c}. A call that runs on when the lease is lost runs beside that of the next owner.",
            new FindingFigure("longest call", watch.Now.LongestCall.TotalSeconds, "s"));
        TimeSpan three = 3 * checkpointInterval();
        TimeSpan old = three > s_oldCheckpoint ? three : s_oldCheckpoint;
        Set(watch.Now.CheckpointAge >= old, FindingRules.CheckpointOld, watch,
            () => $"{shard}: records have been done for {Text(watch.Now.CheckpointAge.TotalSeconds)} that no checkpoint covers. After a "
                + "crash they run again.",
            new FindingFigure("age", watch.Now.CheckpointAge.TotalSeconds, "s"));
    }

    /// <summary>Ten minutes against those an hour ago: is a record dearer, and are there more of them?</summary>
    private void JudgeTrend(ShardWatch watch, string shard)
    {
        if (!watch.HasHour)
        {
            return;
        }

        ShardCounts now = watch.LastTenMinutes;
        ShardCounts then = watch.AnHourAgo;
        bool isKnown = now.Done >= 600 && then.Done >= 600;
        double slower = isKnown ? Microseconds(now) / Math.Max(0.001, Microseconds(then)) : 1;
        double more = isKnown ? (double)now.Done / then.Done : 1;
        // what takes some microseconds is never a trouble, whatever it took before
        bool isSlower = slower >= 2 && Microseconds(now) >= 100;
        FindingFigure[] figures = [new("time per record against an hour ago", slower, "1"), new("records against an hour ago", more, "1")];
        string text = $"{shard}: a record takes {Microseconds(now):F0} us, {slower:F1} times as long as an hour ago, with {more:F1} times "
            + "as many records.";
        // With less load each call of a batch handler has fewer records, and each of them costs more: nothing is slower then. Where the
        // shard lags, it is not the load that has fallen.
        bool isSameLoad = more < 1.25 && (more >= 0.8 || watch.Lag.Last > LeastLag);
        Set(isSlower && isSameLoad, FindingRules.HandlerSlower, watch, () => text, figures);
        Set(isSlower && more >= 1.25, FindingRules.HandlerSlowerUnderLoad, watch, () => text, figures);
    }

    private void JudgeRecords(ShardWatch watch)
    {
        ShardCounts some = watch.LastTenMinutes;
        string shard = $"of shard {watch.Shard.ShardId} of {watch.Shard.Stream}";
        Set(some.Skipped > 0, FindingRules.RecordsSkipped, watch,
            () => $"{some.Skipped} records {shard} were skipped within ten minutes.",
            new FindingFigure("skipped", some.Skipped, "{record}"));
        Set(some.DeadLettered > 0, FindingRules.RecordsDeadLettered, watch,
            () => $"{some.DeadLettered} records {shard} went to the dead letters within ten minutes.",
            new FindingFigure("dead letters", some.DeadLettered, "{record}"));
        Set(some.Foreign > 0, FindingRules.ForeignRecordsLeftOut, watch,
            () => $"{some.Foreign} user records of aggregates {shard} belong to other shards and were left out within ten minutes.",
            new FindingFigure("left out", some.Foreign, "{record}"));
    }

    private static string CauseOf(ShardWatch watch) => watch.Now?.State switch
    {
        ShardState.Stopped => "The shard has stopped in front of a record.",
        ShardState.Retrying => "Its handler waits to try a record again.",
        ShardState.Handling => "Its reader waits for the handler.",
        ShardState.Budget => "Its reader waits for room in FastConsumer:PrefetchBytes.",
        ShardState.Refused => "Its reads are refused or fail.",
        ShardState.Quota => "Its reader waits for the shard's read quota.",
        ShardState.Idle when watch.Now.RecordsInFlight > 0 => "The handler has been given records, and has not done them.",
        _ => "Look at the other findings of this shard for the cause.",
    };

    private static double Microseconds(ShardCounts counts) => counts.Done == 0 ? 0 : counts.Handling.TotalMicroseconds / counts.Done;

    private static string Text(double seconds) => TimeSpan.FromSeconds(Math.Round(seconds)).ToString("c");

    private void Set(bool holds, FindingRule rule, ShardWatch watch, Func<string> message, params FindingFigure[] figures) =>
        findings.Set(holds, rule, watch.Shard.Scope, message, figures);
}
