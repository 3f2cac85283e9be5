using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Timing;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Reading;

/// <summary>What a shard's reader does about errors that no other request helps against: it says them, and waits.</summary>
internal sealed class ReadRecovery
{
    private static readonly TimeSpan s_slowRetry = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_throttledRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_firstRetry = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_maximumRetry = TimeSpan.FromSeconds(10);

    private readonly ShardTags _shard;
    private readonly TimeProvider _time;
    private readonly ConsumerHealth _health;
    private readonly ILogger _log;
    private readonly Backoff _backoff;
    private readonly string _place;

    public ReadRecovery(ShardTags shard, TimeProvider time, Random random, ConsumerHealth health, ILogger log)
    {
        _shard = shard;
        _time = time;
        _health = health;
        _log = log;
        _backoff = new Backoff(s_firstRetry, s_maximumRetry, random);
        _place = $"{shard.Application}/{shard.Stream}/{shard.Shard}/read";
    }

    /// <summary>Records come: what was wrong is over.</summary>
    public void Succeeded()
    {
        _backoff.Reset();
        _health.Clear(_place);
    }

    /// <summary>Nobody reads any more.</summary>
    public void End() => _health.Clear(_place);

    /// <summary>Waits until the next try is due: long where somebody must act, else with a jittered back-off.</summary>
    public Task WaitAsync(KinesisException error, CancellationToken cancellationToken)
    {
        TimeSpan wait;
        if (error.Kind is KinesisErrorKind.Denied or KinesisErrorKind.NotFound or KinesisErrorKind.Client)
        {
            wait = s_slowRetry;
            _health.Report(_place, ConditionSeverity.Unhealthy, error.Message);
            ConsumerLog.ReadRefused(_log, _shard.Shard, wait, error);
        }
        else
        {
            wait = _backoff.Next() + (error.Kind == KinesisErrorKind.Throttled ? s_throttledRetry : TimeSpan.Zero);
            _health.Report(_place, ConditionSeverity.Degraded, error.Message);
            ConsumerLog.ReadFailed(_log, _shard.Shard, wait, error);
        }

        return Task.Delay(wait, _time, cancellationToken);
    }
}
