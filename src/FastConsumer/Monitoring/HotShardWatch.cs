using FastConsumer.Diagnostics;
using FastConsumer.Reading;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Monitoring;

/// <summary>
/// Compares what a worker's shards yield, each minute, and names one that has much more than its fair part: no setting of a consumer helps
/// against that, only other partition keys or another cut of the shards.
/// </summary>
internal sealed class HotShardWatch(Findings findings, TimeProvider time, ILogger log)
{
    /// <summary>How often it is to look.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    /// <summary>So many times what the worker's other shards yield on average is much more than a fair part.</summary>
    private const double Uneven = 3;

    /// <summary>A quarter of the 1 MiB a second that a shard takes: below, an uneven shard is no trouble yet.</summary>
    private const double LeastBytesPerSecond = 256 * 1024;

    /// <summary>It is said again when it has changed by this factor, or after a long while.</summary>
    private const double Change = 1.5;
    private static readonly TimeSpan s_again = TimeSpan.FromHours(1);

    private readonly Dictionary<string, (double Rate, long At)> _told = new(StringComparer.Ordinal);

    /// <summary>Looks at what the shards have yielded since the last look; those that came just now wait for the next.</summary>
    public void Look(IEnumerable<(ShardTelemetry Shard, ThroughputMeter Intake)> shards)
    {
        List<(ShardTelemetry Shard, double Rate)> rates = [];
        foreach ((ShardTelemetry shard, ThroughputMeter intake) in shards)
        {
            if (intake.Measure(Interval / 2) is { } rate)
            {
                rates.Add((shard, rate));
            }
        }

        foreach (string gone in _told.Keys.Except(rates.Select(static shard => shard.Shard.Scope)).ToList())
        {
            _told.Remove(gone);
        }

        double total = rates.Sum(static shard => shard.Rate);
        foreach ((ShardTelemetry shard, double rate) in rates)
        {
            double share = total > 0 ? rate / total : 0;
            shard.BytesShare = share;
            double others = rates.Count > 1 ? (total - rate) / (rates.Count - 1) : rate;
            if (rate < LeastBytesPerSecond || rate < Uneven * others)
            {
                findings.Clear(FindingRules.HotShard, shard.Scope);
                continue;
            }

            findings.Raise(
                FindingRules.HotShard,
                shard.Scope,
                $"Shard {shard.ShardId} of {shard.Stream} yields {KiB(rate)} KiB a second, {Math.Round(100 * share)} % of what this worker "
                    + $"reads; the {rates.Count - 1} other shards here yield {KiB(others)} each.",
                [
                    new FindingFigure("rate", rate, "By/s"),
                    new FindingFigure("share", share, "1"),
                    new FindingFigure("mean of the others", others, "By/s"),
                ]);
            if (IsNews(shard.Scope, rate))
            {
                _told[shard.Scope] = (rate, time.GetTimestamp());
                ConsumerLog.HotShard(
                    log, shard.ShardId, shard.Stream, KiB(rate), (long)Math.Round(100 * share), rates.Count - 1, KiB(others));
            }
        }
    }

    private static long KiB(double bytes) => (long)Math.Round(bytes / 1024);

    private bool IsNews(string scope, double rate) =>
        !_told.TryGetValue(scope, out (double Rate, long At) told)
        || rate > told.Rate * Change
        || rate < told.Rate / Change
        || time.GetElapsedTime(told.At) >= s_again;
}
