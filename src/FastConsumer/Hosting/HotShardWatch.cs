using FastConsumer.Diagnostics;
using FastConsumer.Reading;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Hosting;

/// <summary>
/// Compares what a worker's shards yield, each minute, and names one that has much more than its fair part: no setting of a consumer helps
/// against that, only other partition keys or another cut of the shards.
/// </summary>
internal sealed class HotShardWatch(WorkerSettings settings, ConsumerMetrics metrics, TimeProvider time, ILogger log)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    /// <summary>So many times what the worker's other shards yield on average is much more than a fair part.</summary>
    private const double Uneven = 3;

    /// <summary>A quarter of the 1 MiB a second that a shard takes: below, an uneven shard is no trouble yet.</summary>
    private const double LeastBytesPerSecond = 256 * 1024;

    /// <summary>It is said again when it has changed by this factor, or after a long while.</summary>
    private const double Change = 1.5;
    private static readonly TimeSpan s_again = TimeSpan.FromHours(1);

    private readonly Dictionary<string, (double Rate, long At)> _told = new(StringComparer.Ordinal);

    /// <summary>Looks each minute until cancelled.</summary>
    public async Task RunAsync(Func<IEnumerable<(string ShardId, ThroughputMeter Intake)>> shards, CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(Interval, time, cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
            if (cancellationToken.IsCancellationRequested)
            {
                return;
            }

            Look(shards());
        }
    }

    /// <summary>Looks at what the shards have yielded since the last look; those that came just now wait for the next.</summary>
    internal void Look(IEnumerable<(string ShardId, ThroughputMeter Intake)> shards)
    {
        List<(string ShardId, double Rate)> rates = [];
        foreach ((string shardId, ThroughputMeter intake) in shards)
        {
            if (intake.Measure(Interval / 2) is { } rate)
            {
                rates.Add((shardId, rate));
            }
        }

        foreach (string gone in _told.Keys.Except(rates.Select(static shard => shard.ShardId)).ToList())
        {
            _told.Remove(gone);
        }

        double total = rates.Sum(static shard => shard.Rate);
        foreach ((string shardId, double rate) in rates)
        {
            double share = total > 0 ? rate / total : 0;
            metrics.BytesShare(new ShardTags(settings.ApplicationName, settings.Stream.Name, shardId), share);
            double others = rates.Count > 1 ? (total - rate) / (rates.Count - 1) : rate;
            if (rate >= LeastBytesPerSecond && rate >= Uneven * others && IsNews(shardId, rate))
            {
                _told[shardId] = (rate, time.GetTimestamp());
                ConsumerLog.HotShard(
                    log, shardId, settings.Stream.Name, KiB(rate), (long)Math.Round(100 * share), rates.Count - 1, KiB(others));
            }
        }
    }

    private static long KiB(double bytes) => (long)Math.Round(bytes / 1024);

    private bool IsNews(string shardId, double rate) =>
        !_told.TryGetValue(shardId, out (double Rate, long At) told)
        || rate > told.Rate * Change
        || rate < told.Rate / Change
        || time.GetElapsedTime(told.At) >= s_again;
}
