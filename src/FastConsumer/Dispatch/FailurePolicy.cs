using FastConsumer.Diagnostics;
using FastConsumer.Operators;
using FastConsumer.Processors;
using FastConsumer.State;
using FastConsumer.Timing;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Dispatch;

/// <summary>The shard stops in front of a record: it can never succeed, or its error policy says so.</summary>
internal sealed class ShardStoppedException(string message, Exception cause) : Exception(message, cause);

/// <summary>What is to be done about a failure.</summary>
/// <param name="Action">Never Stop, which is an exception.</param>
/// <param name="Wait">The wait before a retry.</param>
internal readonly record struct FailureDecision(ErrorAction Action, TimeSpan Wait = default);

/// <summary>
/// What becomes of an exception that left a handler: what the rule says that fits it, or else the defaults. Never a silent
/// skip: without a rule, what cannot succeed later stops the shard and says so, and everything else is tried again with
/// back-off for ever, and the shard waits. One for each lane.
/// </summary>
internal sealed class FailurePolicy
{
    /// <summary>A record that has failed for so long is told to operators.</summary>
    private static readonly TimeSpan s_standsAfter = TimeSpan.FromSeconds(10);

    private readonly Dictionary<(CheckpointPosition Record, ErrorRule Rule), int> _failures = [];
    private readonly ShardContext _shard;
    private readonly Backoff _backoff;
    private readonly TimeProvider _time;
    private readonly ShardTelemetry _telemetry;
    private readonly Findings _findings;
    private readonly ILogger _log;
    private readonly IDeadLetterSink? _deadLetters;
    private readonly Action? _stopHost;
    private readonly HeldUntil? _held;
    private readonly Action? _standingChanged;
    private readonly string _scope;
    private volatile bool _isWaiting;
    private volatile Failure? _failing;
    private volatile Standing? _standing;

    /// <param name="shard">The shard.</param>
    /// <param name="backoff">The bounds of waits where a rule says none.</param>
    /// <param name="time">The clock of waits.</param>
    /// <param name="telemetry">Counts failures and what is left out.</param>
    /// <param name="findings">Told what lasts.</param>
    /// <param name="log">Told everything.</param>
    /// <param name="deadLetters">The sink; null where no rule needs one.</param>
    /// <param name="lane">The lane's number, where there are several.</param>
    /// <param name="stopHost">Stops the host gracefully, and returns at once; null where there is none.</param>
    /// <param name="held">Until when something may start.</param>
    /// <param name="standingChanged">Called where <see cref="Standing"/> has changed; returns at once.</param>
    public FailurePolicy(
        ShardContext shard,
        Backoff backoff,
        TimeProvider time,
        ShardTelemetry telemetry,
        Findings findings,
        ILogger log,
        IDeadLetterSink? deadLetters = null,
        int? lane = null,
        Action? stopHost = null,
        HeldUntil? held = null,
        Action? standingChanged = null)
    {
        _shard = shard;
        _backoff = backoff;
        _time = time;
        _telemetry = telemetry;
        _findings = findings;
        _log = log;
        _deadLetters = deadLetters;
        _stopHost = stopHost;
        _held = held;
        _standingChanged = standingChanged;
        _scope = $"{telemetry.Scope}{(lane is null ? "" : $"/lane {lane}")}";
    }

    /// <summary>The call of the user's code that its lane is in.</summary>
    public CallWatch Calls { get; } = new();

    /// <summary>What an operator has decided for this run; null for nothing.</summary>
    public Redrive? Redrive { get; init; }

    /// <summary>The record that fails now; null where none does. Any thread may ask.</summary>
    public CheckpointPosition? Failing => _failing?.Position;

    /// <summary>
    /// What operators are told of the record that fails: once it has for 10 s, or the shard has stopped. Any thread may ask.
    /// </summary>
    public Standing? Standing => _standing;

    /// <summary>
    /// True where an exception is the record's: not once its handler was told to end, nor where the shard is another worker's, nor where
    /// the sink's position is, nor where the state is not the shard's.
    /// </summary>
    public static bool Takes(Exception error, CancellationToken abort) =>
        !abort.IsCancellationRequested && error is not (LeaseLostException or SinkPositionException or SnapshotRefusedException);

    /// <summary>
    /// Moves the sink's position past records that nothing was written for, until that succeeds or a stop is requested.
    /// </summary>
    public async ValueTask PassAsync(
        SinkTransactions? transactions, CheckpointPosition position, CancellationToken stop, CancellationToken abort)
    {
        if (transactions is not null && !(transactions.Position >= position))
        {
            await RunAsync("the position store", () => transactions.MoveAsync(position, abort), stop, abort);
        }
    }

    /// <summary>
    /// A call has failed: whether the sink has what it wrote all the same. Asked before anything is decided, since a record whose effects
    /// are visible must neither be left out nor run again. Waits until the sink says so; null where a stop comes first.
    /// </summary>
    public async ValueTask<bool?> IsCommittedAsync(
        SinkTransactions? transactions, CheckpointPosition position, CancellationToken stop, CancellationToken abort)
    {
        if (transactions is not { IsInDoubt: true })
        {
            return transactions?.Position >= position;
        }

        bool isCommitted = false;
        return await RunAsync(
            "the position store", async () => isCommitted = await transactions.HasAsync(position, abort), stop, abort)
            ? isCommitted
            : null;
    }

    /// <summary>Decides on a failure, and says it.</summary>
    /// <param name="error">What the pipeline threw.</param>
    /// <param name="rule">The rule that fits it; null for the defaults.</param>
    /// <param name="position">The record, or the first of a batch that failed as a whole.</param>
    /// <param name="attempt">The attempt that failed, counted from 1.</param>
    /// <param name="inHandler">False where the payload could not be read.</param>
    /// <exception cref="ShardStoppedException">The shard is to stop.</exception>
    public FailureDecision Decide(Exception error, ErrorRule? rule, CheckpointPosition position, int attempt, bool inHandler)
    {
        _telemetry.Failed(error);
        Fails(error, position, attempt);
        if (IsUnreadableState(error))
        {
            // a rule for what the serializer throws is meant for payloads: it would skip each record of the key from here on
            throw Stop(
                error,
                position,
                attempt,
                "A stored value of its state does not deserialize, which no error policy takes",
                " The exception says what to do; the shard goes on with this record then.");
        }

        if (rule is null)
        {
            return inHandler || MayPass(error)
                ? Retry(error, position, attempt, _backoff.Next())
                : throw Stop(error, position, attempt, "The record can never succeed");
        }

        ErrorAction action = rule.Action;
        int failures = 0;
        if (action == ErrorAction.Retry)
        {
            failures = _failures[(position, rule)] = _failures.GetValueOrDefault((position, rule)) + 1;
            action = rule.MaxAttempts > 0 && failures >= rule.MaxAttempts ? rule.Then : ErrorAction.Retry;
        }

        return action switch
        {
            ErrorAction.Retry => Retry(error, position, attempt, _backoff.After(failures, rule.InitialBackoff, rule.MaxBackoff)),
            ErrorAction.Skip or ErrorAction.DeadLetter => new FailureDecision(action),
            ErrorAction.StopHost => throw StopHost(error, position, attempt),
            _ => throw Stop(error, position, attempt, failures > 0
                ? $"Its error policy allows {rule.MaxAttempts} attempt{(rule.MaxAttempts == 1 ? "" : "s")}"
                : "Its error policy says so"),
        };
    }

    /// <summary>
    /// Leaves out the record that an operator has decided about, without a call of its handler. Returns true when it counts as done, false
    /// where a stop came first; the caller then calls <see cref="Redrive.Complete"/>.
    /// </summary>
    public ValueTask<bool> LeaveOutDecidedAsync(KinesisRecord record, CancellationToken stop, CancellationToken abort) =>
        LeaveOutAsync(
            Redrive!.Action, new LeftOutByDecisionException(Redrive.Command), record, Redrive.Command.Attempts, stop, abort,
            Redrive.Command);

    /// <summary>Leaves a record out as decided: returns true when it counts as done, false where a stop came first.</summary>
    public async ValueTask<bool> LeaveOutAsync(
        ErrorAction action, Exception error, KinesisRecord record, int attempts, CancellationToken stop, CancellationToken abort,
        OperatorCommand? decided = null)
    {
        if (action == ErrorAction.Skip)
        {
            _telemetry.Skipped();
            ConsumerLog.Skipped(_log, _shard.ProcessorName, _shard.ShardId, record.Position, attempts, error);
            return true;
        }

        IDeadLetterSink sink = _deadLetters ?? throw new InvalidOperationException($"{_shard.ProcessorName} has no dead-letter sink.");
        var letter = new DeadLetter(record, _shard, error, attempts) { DecidedBy = decided?.By, Reason = decided?.Reason };
        for (int failures = 1; ; failures++)
        {
            if (!await MayStartAsync(stop))
            {
                return false;
            }

            try
            {
                Calls.Enter("the dead-letter sink", position: letter.Position);
                try
                {
                    await sink.WriteAsync(letter, abort);
                }
                finally
                {
                    Calls.Leave();
                }

                _telemetry.DeadLettered();
                ConsumerLog.DeadLettered(_log, _shard.ProcessorName, _shard.ShardId, letter.Position, attempts, error);
                return true;
            }
            catch (DeadLetterRefusedException e)
            {
                throw Stop(
                    e,
                    letter.Position,
                    attempts,
                    $"Its dead letter can never be written: {e.Message.TrimEnd('.')}. Set a second place for such letters "
                        + "(UseDeadLetterFallbackToFile and the like) and restart",
                    "");
            }
            catch (Exception e) when (Takes(e, abort))
            {
                TimeSpan wait = _backoff.After(failures, initial: null, maximum: null);
                ConsumerLog.DeadLetterFailed(_log, _shard.ProcessorName, _shard.ShardId, letter.Position, wait, e);
                _findings.Raise(FindingRules.DeadLetterSinkFails, _scope, $"{_shard.ProcessorName} cannot write the dead letter of "
                    + $"record {letter.Position} of shard {_shard.ShardId}: {e.GetType().Name}. The shard waits and tries again.");
                await WaitAsync(wait, stop);
                if (stop.IsCancellationRequested)
                {
                    return false;
                }
            }
        }
    }

    /// <summary>True while it waits for the next try.</summary>
    public bool IsWaiting => _isWaiting;

    /// <summary>Waits; a stop ends it without an exception.</summary>
    public async ValueTask WaitAsync(TimeSpan wait, CancellationToken stop)
    {
        _telemetry.Time.RetryBegins();
        _isWaiting = true;
        try
        {
            await Task.Delay(wait, _time, stop);
        }
        catch (OperationCanceledException)
        {
            // the caller looks at the token
        }
        finally
        {
            _isWaiting = false;
            _telemetry.Time.RetryEnds();
        }
    }

    /// <summary>Runs a life-cycle method until it succeeds or a stop is requested; true where it succeeded.</summary>
    public async ValueTask<bool> RunAsync(string method, Func<ValueTask> call, CancellationToken stop, CancellationToken abort)
    {
        for (int attempt = 1; ; attempt++)
        {
            if (!await MayStartAsync(stop))
            {
                return false;
            }

            try
            {
                Calls.Enter(method);
                try
                {
                    await call();
                }
                finally
                {
                    Calls.Leave();
                }

                Succeeded();
                return true;
            }
            catch (Exception e) when (Takes(e, abort))
            {
                TimeSpan wait = _backoff.Next();
                ConsumerLog.LifeCycleFailed(_log, _shard.ProcessorName, method, _shard.ShardId, attempt, wait, e);
                _findings.Raise(
                    FindingRules.RecordRetried,
                    _scope,
                    $"{_shard.ProcessorName}: {method} of shard {_shard.ShardId} fails (attempt {attempt}): {e.GetType().Name}. The shard "
                        + "waits and tries again.");
                await WaitAsync(wait, stop);
                if (stop.IsCancellationRequested)
                {
                    return false;
                }
            }
        }
    }

    /// <summary>What failed is done.</summary>
    public void Succeeded()
    {
        _backoff.Reset();
        _failures.Clear();
        Clear();
        _failing = null;
        if (_standing is not null)
        {
            _standing = null;
            _standingChanged?.Invoke();
        }
    }

    /// <summary>The shard is no longer this worker's to report on.</summary>
    public void Clear() => _findings.ClearScope(
        _scope, FindingRules.RecordRetried, FindingRules.ShardStopped, FindingRules.DeadLetterSinkFails);

    /// <summary>The handler has checkpointed the record before it threw: it counts as done.</summary>
    public void FailedAfterCheckpoint(Exception error, CheckpointPosition position)
    {
        _telemetry.Failed(error);
        ConsumerLog.FailedAfterCheckpoint(_log, _shard.ProcessorName, _shard.ShardId, position, error);
    }

    /// <summary>False where a stop comes before the lease is known to be held.</summary>
    private async ValueTask<bool> MayStartAsync(CancellationToken stop)
    {
        if (_held is not { IsOver: true })
        {
            return true;
        }

        await _held.WaitAsync(stop);
        return !stop.IsCancellationRequested;
    }

    // A custom deserializer may ask others (a schema registry): what is theirs may pass.
    private static bool MayPass(Exception error) =>
        error is TimeoutException or IOException or HttpRequestException or OperationCanceledException;

    // also where the handler has wrapped it
    private static bool IsUnreadableState(Exception? error)
    {
        for (; error is not null; error = error.InnerException)
        {
            if (error is StateUnreadableException
                || (error is AggregateException several && several.InnerExceptions.Any(IsUnreadableState)))
            {
                return true;
            }
        }

        return false;
    }

    private void Fails(Exception error, CheckpointPosition position, int attempt)
    {
        if (_failing is not { } failing || (failing.Position != position && failing.Attempt != attempt))
        {
            _failing = new Failure(position, attempt, _time.GetTimestamp());
            if (_standing is not null)
            {
                _standing = null;
                _standingChanged?.Invoke();
            }
        }
        else if (failing.Position == position)
        {
            // of a batch's records that fail in one attempt, the first one counts
            _failing = failing with { Attempt = attempt };
            if (_standing is null && _time.GetElapsedTime(failing.Since) >= s_standsAfter)
            {
                Stands(error, position, attempt, isStopped: false);
            }
        }
    }

    private void Stands(Exception error, CheckpointPosition position, int attempt, bool isStopped)
    {
        _standing = new Standing(_shard.FencingToken, position.ToString(), error.GetType().Name, attempt, isStopped);
        _standingChanged?.Invoke();
    }

    private FailureDecision Retry(Exception error, CheckpointPosition position, int attempt, TimeSpan wait)
    {
        ConsumerLog.HandlerFailed(_log, _shard.ProcessorName, _shard.ShardId, position, attempt, wait, error);
        _findings.Raise(
            FindingRules.RecordRetried,
            _scope,
            $"{_shard.ProcessorName} fails on record {position} of shard {_shard.ShardId} of {_shard.StreamName} (attempt {attempt}): "
                + $"{error.GetType().Name}. The shard waits and tries again.",
            [new FindingFigure("attempts", attempt, "{attempt}")]);
        return new FailureDecision(ErrorAction.Retry, wait);
    }

    private ShardStoppedException StopHost(Exception error, CheckpointPosition position, int attempt)
    {
        ConsumerLog.HostStopped(_log, _shard.ProcessorName, _shard.ShardId, position, error);
        _stopHost?.Invoke();
        return Stop(error, position, attempt, "Its error policy says to stop the host");
    }

    private ShardStoppedException Stop(
        Exception error,
        CheckpointPosition position,
        int attempt,
        string reason,
        string remedy = " Correct the processor or the record's producer and restart: the shard goes on with this record.")
    {
        string message = $"{_shard.ProcessorName} stopped shard {_shard.ShardId} of {_shard.StreamName} at record {position}: "
            + $"{error.GetType().Name}. {reason}. The record is not skipped.{remedy}";
        ConsumerLog.ShardStopped(
            _log, _shard.ProcessorName, _shard.ShardId, position, char.ToLowerInvariant(reason[0]) + reason[1..], remedy, error);
        // nothing is tried again any more
        _findings.ClearScope(_scope, FindingRules.RecordRetried, FindingRules.DeadLetterSinkFails);
        _findings.Raise(FindingRules.ShardStopped, _scope, message);
        _failing = new Failure(position, attempt, _time.GetTimestamp());
        Stands(error, position, attempt, isStopped: true);
        return new ShardStoppedException(message, error);
    }

    private sealed record Failure(CheckpointPosition Position, int Attempt, long Since);
}
