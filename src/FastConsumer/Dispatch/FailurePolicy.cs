using FastConsumer.Diagnostics;
using FastConsumer.Timing;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Dispatch;

/// <summary>A record that can never succeed: the shard stops in front of it.</summary>
internal sealed class ShardStoppedException(string message, Exception cause) : Exception(message, cause);

/// <summary>
/// What becomes of an exception that left a handler. Never a silent skip: what cannot succeed later stops the shard and says
/// so; everything else is tried again with back-off for ever, and the shard waits.
/// </summary>
internal sealed class FailurePolicy
{
    private readonly ShardContext _shard;
    private readonly Backoff _backoff;
    private readonly TimeProvider _time;
    private readonly ConsumerMetrics _metrics;
    private readonly ConsumerHealth _health;
    private readonly ILogger _log;

    public FailurePolicy(ShardContext shard, Backoff backoff, TimeProvider time, ConsumerMetrics metrics, ConsumerHealth health, ILogger log)
    {
        _shard = shard;
        _backoff = backoff;
        _time = time;
        _metrics = metrics;
        _health = health;
        _log = log;
    }

    private string Place => $"{_shard.ApplicationName}/{_shard.StreamName}/{_shard.ShardId}/handler";

    private ShardTags Tags => new(_shard.ApplicationName, _shard.StreamName, _shard.ShardId);

    /// <summary>
    /// True where an exception is the record's: not once its handler was told to end, nor where the shard is another worker's.
    /// </summary>
    public static bool Takes(Exception error, CancellationToken abort) => !abort.IsCancellationRequested && error is not LeaseLostException;

    /// <summary>A record or batch failed. Returns when it is to be tried again.</summary>
    /// <param name="error">What the pipeline threw.</param>
    /// <param name="position">The record, or the first of the batch.</param>
    /// <param name="attempt">The attempt that failed, counted from 1.</param>
    /// <param name="inHandler">False where the payload could not be read.</param>
    /// <param name="stop">A stop ends the wait.</param>
    /// <exception cref="ShardStoppedException">It can never succeed.</exception>
    public async ValueTask WaitToRetryAsync(Exception error, CheckpointPosition position, int attempt, bool inHandler, CancellationToken stop)
    {
        _metrics.Failed(Tags);
        if (!inHandler && !MayPass(error))
        {
            string message = $"{_shard.ProcessorName} stopped shard {_shard.ShardId} of {_shard.StreamName} at record {position}: {error.GetType().Name}: {error.Message} "
                + "The record can never succeed and is not skipped: correct the processor or the record's producer and restart.";
            ConsumerLog.ShardStopped(_log, _shard.ProcessorName, _shard.ShardId, position, error);
            _health.Report(Place, ConditionSeverity.Unhealthy, message);
            throw new ShardStoppedException(message, error);
        }

        TimeSpan wait = _backoff.Next();
        ConsumerLog.HandlerFailed(_log, _shard.ProcessorName, _shard.ShardId, position, attempt, wait, error);
        _health.Report(Place, ConditionSeverity.Degraded, $"{_shard.ProcessorName} fails on record {position} of shard {_shard.ShardId} (attempt {attempt}): {error.GetType().Name}: {error.Message} The shard waits and tries again.");
        await WaitAsync(wait, stop).ConfigureAwait(false);
    }

    /// <summary>Runs a life-cycle method until it succeeds or a stop is requested; true where it succeeded.</summary>
    public async ValueTask<bool> RunAsync(string method, Func<ValueTask> call, CancellationToken stop, CancellationToken abort)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await call().ConfigureAwait(false);
                Succeeded();
                return true;
            }
            catch (Exception e) when (Takes(e, abort))
            {
                TimeSpan wait = _backoff.Next();
                ConsumerLog.LifeCycleFailed(_log, _shard.ProcessorName, method, _shard.ShardId, attempt, wait, e);
                _health.Report(Place, ConditionSeverity.Degraded, $"{_shard.ProcessorName}: {method} of shard {_shard.ShardId} fails (attempt {attempt}): {e.Message} The shard waits.");
                await WaitAsync(wait, stop).ConfigureAwait(false);
                if (stop.IsCancellationRequested)
                {
                    return false;
                }
            }
        }
    }

    /// <summary>The record that failed is done.</summary>
    public void Succeeded()
    {
        _backoff.Reset();
        Clear();
    }

    /// <summary>The shard is no longer this worker's to report on.</summary>
    public void Clear() => _health.Clear(Place);

    /// <summary>The handler has checkpointed the record before it threw: it counts as done.</summary>
    public void FailedAfterCheckpoint(Exception error, CheckpointPosition position)
    {
        _metrics.Failed(Tags);
        ConsumerLog.FailedAfterCheckpoint(_log, _shard.ProcessorName, _shard.ShardId, position, error);
    }

    // A custom deserializer may ask others (a schema registry): what is theirs may pass.
    private static bool MayPass(Exception error) => error is TimeoutException or IOException or HttpRequestException or OperationCanceledException;

    private async ValueTask WaitAsync(TimeSpan wait, CancellationToken stop)
    {
        try
        {
            await Task.Delay(wait, _time, stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // the caller looks at the token
        }
    }
}
