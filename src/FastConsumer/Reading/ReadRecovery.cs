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

    private readonly ShardTelemetry _shard;
    private readonly StreamKey? _key;
    private readonly TimeProvider _time;
    private readonly Findings _findings;
    private readonly ILogger _log;
    private readonly Backoff _backoff;
    private readonly string _scope;
    private FindingRule? _failure;
    private int _refusals;
    private long _refusedAt;
    private int _stuck;

    public ReadRecovery(ShardReaderSettings settings, TimeProvider time, Random random, Findings findings, ILogger log)
    {
        ShardTelemetry shard = settings.Shard;
        _shard = shard;
        _key = settings.Key;
        _time = time;
        _findings = findings;
        _log = log;
        _backoff = new Backoff(s_firstRetry, s_maximumRetry, random);
        _scope = shard.Scope;
    }

    /// <summary>Records come: what was wrong is over.</summary>
    /// <param name="isSettled">False where a refusal may follow at once: those before still count.</param>
    public void Succeeded(bool isSettled = true)
    {
        _backoff.Reset();
        ClearFailure();
        if (isSettled && _refusals > 0)
        {
            _refusals = 0;
            _findings.Clear(FindingRules.RefusedBesideOthers, _scope);
        }
    }

    /// <summary>Nobody reads any more.</summary>
    public void End()
    {
        ClearFailure();
        _findings.Clear(FindingRules.RefusedBesideOthers, _scope);
        _findings.Clear(FindingRules.SubscriptionStuck, _scope);
    }

    /// <summary>The position has moved.</summary>
    public void Advanced()
    {
        if (_stuck > 0)
        {
            _stuck = 0;
            _findings.Clear(FindingRules.SubscriptionStuck, _scope);
        }
    }

    /// <summary>What was to come did not: said where it happens again at the same position.</summary>
    public void StoodStill(string message)
    {
        if (++_stuck > 1)
        {
            _findings.Raise(
                FindingRules.SubscriptionStuck,
                _scope,
                $"Shard {_shard.ShardId} of {_shard.Stream} has stood still {_stuck} times in a row. {message}");
        }
    }

    /// <summary>The shard was trimmed before its end was read: what was left in it is lost. That is shown until somebody says so.</summary>
    public void Gone(CheckpointPosition position) => _findings.Raise(
        FindingRules.RecordsLost,
        _scope,
        $"Shard {_shard.ShardId} of {_shard.Stream} was deleted by the stream's retention before its end was read. The last position that "
            + $"was read is {position}; records behind it may be lost.");

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

        _findings.Raise(
            FindingRules.RefusedBesideOthers,
            _scope,
            $"Shard {_shard.ShardId} of {_shard.Stream} is refused again and again. {error.Message}{remedy}",
            [new FindingFigure("refusals in a row", _refusals, "{call}")]);
        if (_refusals == LastingRefusals)
        {
            ConsumerLog.ReadKeepsBeingRefused(_log, _shard.ShardId, _refusals, error.Message, remedy);
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
            Failed(ErrorCatalog.IsKey(error.ErrorCode) ? FindingRules.KeyDenied : FindingRules.ReadDenied, error);
            ConsumerLog.ReadRefused(_log, _shard.ShardId, wait, error);
        }
        else
        {
            wait = _backoff.Next() + (error.Kind == KinesisErrorKind.Throttled ? s_throttledRetry : TimeSpan.Zero);
            Failed(FindingRules.ReadsFail, error);
            ConsumerLog.ReadFailed(_log, _shard.ShardId, wait, error);
        }

        await Task.Delay(wait, _time, cancellationToken);
    }

    private void Failed(FindingRule rule, KinesisException error)
    {
        if (_failure != rule)
        {
            ClearFailure();
        }

        _failure = rule;
        _findings.Raise(rule, _scope, error.Message);
    }

    private void ClearFailure()
    {
        if (_failure is { } rule)
        {
            _failure = null;
            _findings.Clear(rule, _scope);
        }
    }
}
