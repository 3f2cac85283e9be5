using FastConsumer.Diagnostics;
using FastConsumer.Leases;
using FastConsumer.Timing;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Checkpoints;

/// <summary>
/// Makes a shard's progress durable: by interval, by number of records, on request, and at the end. The newest position wins;
/// a write that fails is overtaken by newer progress and never holds up the processing.
/// </summary>
internal sealed class ShardCheckpointer
{
    private static readonly TimeSpan s_firstRetry = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_maximumRetry = TimeSpan.FromSeconds(5);

    private readonly AsyncSignal _signal = new();
    private readonly HeldLease _lease;
    private readonly TimeSpan _interval;
    private readonly TimeProvider _time;
    private readonly Backoff _backoff;
    private readonly ConsumerMetrics _metrics;
    private readonly ShardTags _tags;
    private readonly ILogger _log;

    public ShardCheckpointer(HeldLease lease, TimeSpan interval, TimeProvider time, Random random, ConsumerMetrics metrics, ShardTags tags, ILogger log)
    {
        _lease = lease;
        _interval = interval;
        _time = time;
        _metrics = metrics;
        _tags = tags;
        _log = log;
        _backoff = new Backoff(s_firstRetry, s_maximumRetry, random);
        Progress = new ShardProgress(lease.Current.Checkpoint, _signal.Set);
        LastCheckpoint = new CheckpointId(lease.FencingToken, 0);
    }

    /// <summary>The shard's progress.</summary>
    public ShardProgress Progress { get; }

    /// <summary>Publishes the shard's throughput with the checkpoints; null where nobody weighs by it.</summary>
    public ThroughputGauge? Gauge { get; init; }

    /// <summary>The newest checkpoint that is durable.</summary>
    public CheckpointId LastCheckpoint { get; private set; }

    /// <summary>Writes checkpoints until cancelled or the lease is lost.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            TimeSpan wait = _interval;
            while (true)
            {
                await _signal.WaitAsync(wait, _time, cancellationToken);
                LeaseWriteResult result = await WriteAsync(isUrgent: Progress.IsAwaited, cancellationToken);
                switch (result.Outcome)
                {
                    case LeaseWriteOutcome.Refused:
                        return;
                    case LeaseWriteOutcome.Failed:
                        wait = _backoff.Next();
                        if (result.Error is not LeaseStoreException { IsThrottled: true })
                        {
                            // of throttles the renewer tells, for all shards together
                            ConsumerLog.CheckpointFailed(_log, _tags.Shard, Progress.Done, wait, result.Error);
                        }

                        break;
                    default:
                        _backoff.Reset();
                        wait = _interval;
                        break;
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // the last checkpoint is the flush's
        }
    }

    /// <summary>Writes until everything done is durable; false where the time is over first or the lease is lost.</summary>
    public async Task<bool> FlushAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                LeaseWriteResult result = await WriteAsync(isUrgent: true, cancellationToken);
                if (result.Outcome == LeaseWriteOutcome.Written)
                {
                    return true;
                }

                if (result.Outcome == LeaseWriteOutcome.Refused)
                {
                    return false;
                }

                await Task.Delay(_backoff.Next(), _time, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                ConsumerLog.FlushFailed(_log, _tags.Shard, Progress.Done, Progress.Durable);
                return false;
            }
        }
    }

    private async Task<LeaseWriteResult> WriteAsync(bool isUrgent, CancellationToken cancellationToken)
    {
        double? throughput = Gauge?.Measure(Progress.DoneBytes);
        // a shard that has run dry, or has had nothing yet, says so by a checkpoint where it stands
        if (Progress.Done <= Progress.Durable && (throughput is null || Progress.Durable.Kind == CheckpointKind.ShardEnd))
        {
            return new LeaseWriteResult(LeaseWriteOutcome.Written, _lease.Current);
        }

        CheckpointId id = LastCheckpoint.Next();
        CheckpointPosition position = default;
        LeaseWriteResult result = await _lease.WriteAsync(() => new LeaseNews(position = Progress.Done, throughput), isUrgent, cancellationToken);
        if (result.Outcome == LeaseWriteOutcome.Written)
        {
            LastCheckpoint = id;
            if (throughput is { } published)
            {
                Gauge!.Published(published);
            }

            Progress.MadeDurable(position);
            _metrics.Checkpointed(_tags);
            ConsumerLog.Checkpointed(_log, _tags.Shard, position);
        }

        return result;
    }
}
