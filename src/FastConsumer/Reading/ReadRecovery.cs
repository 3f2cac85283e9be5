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

    /// <summary>So many refusals in a row are no accident any more: whoever shares a shard is refused now and then.</summary>
    private const int LastingRefusals = 5;

    /// <summary>A refusal so long ago has nothing to do with the next.</summary>
    private static readonly TimeSpan s_refusalLasts = TimeSpan.FromMinutes(5);

    private readonly ShardTags _shard;
    private readonly StreamKey? _key;
    private readonly TimeProvider _time;
    private readonly ConsumerHealth _health;
    private readonly ILogger _log;
    private readonly Backoff _backoff;
    private readonly string _place;
    private readonly string _refusedPlace;
    private readonly string _stuckPlace;
    private int _refusals;
    private long _refusedAt;
    private int _stuck;

    public ReadRecovery(ShardReaderSettings settings, TimeProvider time, Random random, ConsumerHealth health, ILogger log)
    {
        ShardTags shard = settings.Shard;
        _shard = shard;
        _key = settings.Key;
        _time = time;
        _health = health;
        _log = log;
        _backoff = new Backoff(s_firstRetry, s_maximumRetry, random);
        _place = $"{shard.Application}/{shard.Stream}/{shard.Shard}/read";
        _refusedPlace = $"{_place}/refused";
        _stuckPlace = $"{_place}/stuck";
    }

    /// <summary>Records come: what was wrong is over.</summary>
    /// <param name="isSettled">False where a refusal may follow at once: those before still count.</param>
    public void Succeeded(bool isSettled = true)
    {
        _backoff.Reset();
        _health.Clear(_place);
        if (isSettled && _refusals > 0)
        {
            _refusals = 0;
            _health.Clear(_refusedPlace);
        }
    }

    /// <summary>Nobody reads any more.</summary>
    public void End()
    {
        _health.Clear(_place);
        _health.Clear(_refusedPlace);
        _health.Clear(_stuckPlace);
    }

    /// <summary>The position has moved.</summary>
    public void Advanced()
    {
        if (_stuck > 0)
        {
            _stuck = 0;
            _health.Clear(_stuckPlace);
        }
    }

    /// <summary>What was to come did not: said where it happens again at the same position.</summary>
    public void StoodStill(string message)
    {
        if (++_stuck > 1)
        {
            _health.Report(
                _stuckPlace,
                ConditionSeverity.Degraded,
                $"Shard {_shard.Shard} of {_shard.Stream} has stood still {_stuck} times in a row. {message}");
        }
    }

    /// <summary>The service refused a call for now. Said where that goes on.</summary>
    /// <param name="error">How it did.</param>
    /// <param name="remedy">What the reader of the message can do, where more is known than the error says.</param>
    public void Refused(KinesisException error, string remedy = "")
    {
        _refusals = _refusals > 0 && _time.GetElapsedTime(_refusedAt) >= s_refusalLasts ? 1 : _refusals + 1;
        _refusedAt = _time.GetTimestamp();
        if (_refusals < LastingRefusals)
        {
            return;
        }

        _health.Report(
            _refusedPlace,
            ConditionSeverity.Degraded,
            $"Shard {_shard.Shard} of {_shard.Stream} is refused again and again. {error.Message}{remedy}");
        if (_refusals == LastingRefusals)
        {
            ConsumerLog.ReadKeepsBeingRefused(_log, _shard.Shard, _refusals, error.Message, remedy);
        }
    }

    /// <summary>Waits until the next try is due: long where somebody must act, else with a jittered back-off.</summary>
    public async Task WaitAsync(KinesisException error, CancellationToken cancellationToken)
    {
        if (_key is not null && ErrorCatalog.IsKey(error.ErrorCode))
        {
            error = await _key.NameInAsync(error, cancellationToken);
        }

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

        await Task.Delay(wait, _time, cancellationToken);
    }
}
