using System.Collections.Concurrent;
using System.Globalization;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Leases.Core;
using FastConsumer.Timing;
using Microsoft.Extensions.Logging;
using Tell = FastConsumer.Leases.Core.LeaseCommand.Tell;

namespace FastConsumer.Supervision;

/// <summary>
/// Puts what the lease loop tells into words: log entries and health conditions. The lease thread calls no logger, so all of it is written
/// on another scheduler, one after the other in the order in which it was told.
/// </summary>
internal sealed class LeaseReport
{
    private readonly ConcurrentQueue<Action> _waiting = new();
    private readonly Dictionary<string, RepeatedFailureLog> _failures = new(StringComparer.Ordinal);
    private readonly LeaseTableState.Settings _settings;
    private readonly string _application;
    private readonly string _processor;
    private readonly string _table;
    private readonly string _startPosition;
    private readonly Findings _findings;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly TaskScheduler _scheduler;
    private readonly Action _handedOver;
    private int _isWriting;

    /// <param name="settings">The lease loop's settings.</param>
    /// <param name="application">The application's name.</param>
    /// <param name="processor">The processor's name.</param>
    /// <param name="table">The lease table, for messages.</param>
    /// <param name="startPosition">The start position of the options, as messages write it.</param>
    /// <param name="findings">Where conditions are shown.</param>
    /// <param name="log">A logger that throws nothing.</param>
    /// <param name="time">The clock.</param>
    /// <param name="scheduler">Where the logger is called; it may block there.</param>
    /// <param name="handedOver">Counts a lease that was released to another worker.</param>
    public LeaseReport(
        LeaseTableState.Settings settings,
        string application,
        string processor,
        string table,
        string startPosition,
        Findings findings,
        ILogger log,
        TimeProvider time,
        TaskScheduler scheduler,
        Action handedOver)
    {
        _handedOver = handedOver;
        _settings = settings;
        _application = application;
        _processor = processor;
        _table = table;
        _startPosition = startPosition;
        _findings = findings;
        _log = log;
        _time = time;
        _scheduler = scheduler;
    }

    private string Me => _settings.WorkerId;

    /// <summary>Says it, after all that was told before. Returns at once; thread-safe.</summary>
    public void Write(Tell tell) => Write(() => Say(tell));

    /// <summary>A step that nobody waits for has failed.</summary>
    public void Failed(string step, Exception error) => Write(() => LeaseLog.StepFailed(_log, Me, step, error));

    /// <summary>Handlers still run when the first part of the stop is over.</summary>
    public void DrainTimedOut(TimeSpan drain) => Write(() => ConsumerLog.DrainTimedOut(_log, _processor, drain));

    /// <summary>Ends when all that was told before is said.</summary>
    public Task FlushAsync()
    {
        TaskCompletionSource said = ApartTask.Completion();
        Write(said.SetResult);
        return said.Task;
    }

    private void Write(Action say)
    {
        _waiting.Enqueue(say);
        if (Interlocked.Exchange(ref _isWriting, 1) == 0)
        {
            _ = ApartTask.StartOn(_scheduler, WriteAllAsync);
        }
    }

    private Task WriteAllAsync()
    {
        do
        {
            while (_waiting.TryDequeue(out Action? say))
            {
                say();
            }

            Volatile.Write(ref _isWriting, 0);
        }
        while (!_waiting.IsEmpty && Interlocked.Exchange(ref _isWriting, 1) == 0);

        return Task.CompletedTask;
    }

    private void Say(Tell tell)
    {
        switch (tell)
        {
            case Tell.Condition condition:
                SayCondition(condition);
                break;
            case Tell.Taken:
                // the run says so, once it has started
                break;
            case Tell.ShardsFound found:
                string starts = StartReport.Describe(found.Leases, _startPosition, _settings.Start);
                if (StartReport.DescribeHeld(found.Leases, Me, _settings.LeaseDuration) is { } held)
                {
                    starts = $"{starts} {held}";
                }

                ConsumerLog.StartsAt(_log, _processor, _settings.StreamName, starts);
                break;
            case Tell.LeaseLost lost:
                LeaseLog.LeaseLost(_log, Me, lost.Key, lost.Reason);
                break;
            case Tell.HandingOff off when off.Why is LeaseTableState.Hold.Reason.Requested or LeaseTableState.Hold.Reason.TakeAnew:
                LeaseLog.HandingOff(_log, Me, off.Key, off.To ?? "nobody", Text(off.Why));
                break;
            case Tell.HandingOff:
                // a stop, the shard's end and a failure are said where they begin
                break;
            case Tell.Released released:
                LeaseLog.LeaseReleased(_log, Me, released.Key, released.To ?? "nobody");
                if (released.To is not null)
                {
                    _handedOver();
                }

                break;
            case Tell.ReleaseRetried retried:
                LeaseLog.ReleaseRetried(_log, Me, retried.Key, Reason(retried.Error), retried.Wait);
                break;
            case Tell.ReleaseGivenUp givenUp:
                LeaseLog.ReleaseFailed(_log, Me, givenUp.Key);
                break;
            case Tell.Requested requested:
                LeaseLog.LeasesRequested(_log, Me, requested.Count, requested.Owner);
                break;
            case Tell.Created created:
                LeaseLog.LeaseCreated(_log, created.Key, created.Position);
                break;
            case Tell.Deleting deleting:
                LeaseLog.LeasesDeleted(_log, string.Join(", ", deleting.Keys));
                break;
            case Tell.WriteFailed failed:
                FailureText failure = Failure("writes", failed.Error);
                LeaseLog.CheckpointFailed(_log, failed.Key, failure.Text, failed.Wait, failure.Error);
                break;
            case Tell.WritesThrottled throttled:
                LeaseLog.WritesThrottled(_log, Me, throttled.Waiting, throttled.Held, throttled.Longest);
                break;
            case Tell.FlushFailed failed:
                LeaseLog.FlushFailed(_log, failed.Key);
                break;
            case Tell.SuccessorsUnknown unknown:
                LeaseLog.SuccessorsUnknown(_log, Me, Reason(unknown.Error));
                break;
            case Tell.Stopped stopped:
                ConsumerLog.Stopped(_log, _processor, stopped.Leases);
                break;
            case Tell.StoodStill stood:
                LeaseLog.StoodStill(_log, Me, stood.Late);
                break;
            case Tell.Violated violated:
                SayViolated(violated);
                break;
            default:
                throw new InvalidOperationException($"{tell.GetType().Name} has no words.");
        }
    }

    private void SayViolated(Tell.Violated violated)
    {
        string consequence = violated.Key is { } key
            ? $"The lease of shard {key} is given up, and this worker leaves the shard alone for a while."
            : "This worker gives up all of its leases, and begins anew.";
        LeaseLog.InvariantViolated(_log, Me, violated.Invariant, consequence);
        _findings.Raise(
            FindingRules.LeaseRuleBroken,
            Scope(violated.Key ?? _processor),
            $"A rule of the lease table does not hold: {violated.Invariant} {consequence}");
    }

    private void SayCondition(Tell.Condition condition)
    {
        (FindingRule? rule, string scope) = RuleOf(condition);
        if (condition.IsOver)
        {
            if (rule is not null && _findings.Holds(rule, scope))
            {
                _findings.Clear(rule, scope);
                LeaseLog.ConditionOver(_log, Text(condition));
            }

            _failures.Remove(condition.GetType().Name);
            return;
        }

        switch (condition)
        {
            case Tell.TableFailed failed:
                FailureText table = Failure(condition.GetType().Name, failed.Error);
                if (failed.Error is LeaseStoreException { IsThrottled: true })
                {
                    LeaseLog.TableThrottled(_log, Me, failed.Wait, table.Text);
                }
                else
                {
                    LeaseLog.TableFailed(_log, Me, table.Text, failed.Wait, table.Error);
                }

                Report(
                    failed.Error,
                    $"{_processor} cannot read the {_table}: {Reason(failed.Error)} Its leases are kept as long as they can be renewed.");
                break;
            case Tell.StreamFailed failed:
                FailureText stream = Failure(condition.GetType().Name, failed.Error);
                LeaseLog.StreamFailed(_log, _settings.StreamName, stream.Text, failed.Wait, stream.Error);
                // whatever forbids it: what has a lease is read, and moves
                Report(
                    FindingSeverity.Degraded,
                    $"{_processor} cannot list the shards of {_settings.StreamName}, or create their leases: "
                        + $"{Reason(failed.Error)} Shards that have a lease are read; those that a split or merge makes are not.");
                break;
            case Tell.Block block:
                string why = Text(block);
                LeaseLog.Blocked(_log, Me, why);
                Report(null, why);
                break;
            case Tell.Unreadable unreadable:
                LeaseLog.LeaseUnreadable(_log, unreadable.Key, unreadable.Problem ?? "");
                Report(null, $"The lease of shard {unreadable.Key} in the {_table} cannot be read: {unreadable.Problem} The shard, "
                    + "and those that are made from it, are not read.");
                break;
            case Tell.StateLeft left:
                string stays = Text(left);
                LeaseLog.StateLeft(_log, Me, stays);
                Report(null, stays);
                break;
            case Tell.WorkerIdInUse inUse:
                LeaseLog.WorkerIdInUse(_log, Me, inUse.Session ?? "");
                Report(null, $"Another process ({inUse.Session}) runs with the WorkerId '{Me}', and has taken leases of this one. "
                    + "Do not set FastConsumer:WorkerId, or give each process its own.");
                break;
            case Tell.ListingIncomplete incomplete:
                LeaseLog.ListingIncomplete(_log, _settings.StreamName, Text(incomplete.Holes));
                Report(
                    FindingSeverity.Degraded,
                    $"The listing of {_settings.StreamName} has no open shard for the hash keys {Text(incomplete.Holes)}. "
                        + $"{_processor} lists the stream again, and reads no new shard until the listing is complete.");
                break;
            case Tell.HashKeysUnread unread:
                LeaseLog.HashKeysUnread(_log, _settings.StreamName, Text(unread.Holes));
                Report(null, $"{_processor} reads no shard of {_settings.StreamName} for the hash keys {Text(unread.Holes)}: "
                    + "their leases were finished or deleted while their shards go on. Records with these keys are not processed.");
                break;
            case Tell.BudgetTooSmall small:
                SayBudget(small);
                break;
            case Tell.BackingOff backingOff:
                // what failed is in health already, in its own words
                LeaseLog.BackingOff(_log, Me, backingOff.Key, backingOff.Wait);
                break;
            case Tell.RunNotEnded notEnded:
                LeaseLog.RunNotEnded(_log, Me, notEnded.Key);
                Report(
                    FindingSeverity.Degraded,
                    $"The lease of shard {notEnded.Key} was lost, and a handler of it has not returned since. "
                        + $"{Me} does not take this shard before it has.");
                break;
            case Tell.AtMaxLeases full:
                LeaseLog.AtMaxLeases(_log, Me, full.Unread);
                Report(null, $"Nobody takes {full.Unread} leases of {_settings.StreamName}: this worker holds as many as MaxLeases allows. "
                    + "Start more workers, or set MaxLeases higher.");
                break;
            default:
                throw new InvalidOperationException($"{condition.GetType().Name} has no words.");
        }

        void Report(object? cause, string message) => _findings.Raise(
            rule!,
            scope,
            message,
            severity: cause switch
            {
                FindingSeverity severity => severity,
                Exception error => FailureAdvice.SeverityOf(error),
                _ => FindingSeverity.Unhealthy,
            });
    }

    private void SayBudget(Tell.BudgetTooSmall small)
    {
        double needed = Math.Round(small.Needed, 1);
        _findings.Raise(
            FindingRules.TableTooSmall,
            Scope(_processor),
            $"The {_table} bears {small.Units} write units a second, and the renewal of {small.Leases} leases needs {needed}.",
            [new FindingFigure("write units", small.Units, "{unit}/s"), new FindingFigure("needed", needed, "{unit}/s")]);
        if (small.IsConfigured)
        {
            LeaseLog.BudgetTooSmall(_log, small.Units, small.Leases, _settings.LeaseDuration, needed, small.Longer);
        }
        else
        {
            LeaseLog.TableTooSmall(_log, small.Units, small.Leases, _settings.LeaseDuration, needed, small.Longer);
        }
    }

    private FailureText Failure(string what, Exception? error)
    {
        if (error is null)
        {
            return new FailureText("There was no answer in time.", null);
        }

        if (!_failures.TryGetValue(what, out RepeatedFailureLog? log))
        {
            _failures[what] = log = new RepeatedFailureLog(_time);
        }

        return log.Next(error);
    }

    private string Scope(string what) => $"{_application}/{_settings.StreamName}/{what}";

    /// <summary>The finding of a condition; of a shard that is left alone, the one that its run has raised.</summary>
    private (FindingRule? Rule, string Scope) RuleOf(Tell.Condition condition) => condition switch
    {
        Tell.Unreadable row => (FindingRules.RowUnreadable, Scope(row.Key)),
        Tell.StateLeft => (FindingRules.ShardCannotRun, Scope(_processor)),
        Tell.RunNotEnded run => (FindingRules.CancellationIgnored, Scope(run.Key)),
        Tell.BackingOff backingOff => (FindingRules.ShardCannotRun, Scope(backingOff.Key)),
        Tell.TableFailed => (FindingRules.TableUnread, Scope(_processor)),
        Tell.StreamFailed => (FindingRules.ShardsNotFollowed, Scope(_processor)),
        Tell.ListingIncomplete => (FindingRules.ListingIncomplete, Scope(_processor)),
        Tell.HashKeysUnread => (FindingRules.HashKeysUnread, Scope(_processor)),
        Tell.WorkerIdInUse => (FindingRules.WorkerIdInUse, Scope(_processor)),
        Tell.Block { Why: Tell.Block.Reason.KclFleetRuns } => (FindingRules.KclFleetRuns, Scope(_processor)),
        Tell.Block => (FindingRules.TableRefused, Scope(_processor)),
        Tell.BudgetTooSmall => (FindingRules.TableTooSmall, Scope(_processor)),
        Tell.AtMaxLeases => (FindingRules.AtMaxLeases, Scope(_processor)),
        _ => (null, ""),
    };

    private static string Text(Tell.Condition condition) => condition switch
    {
        Tell.Unreadable row => $"the lease of shard {row.Key} can be read",
        Tell.StateLeft => "the state of all shards can be read",
        Tell.RunNotEnded run => $"the handler of shard {run.Key} has returned",
        Tell.BackingOff backingOff => $"shard {backingOff.Key} runs again",
        Tell.TableFailed => "the lease table can be read",
        Tell.StreamFailed => "the shards are followed",
        Tell.ListingIncomplete => "the listing is complete",
        Tell.HashKeysUnread => "all hash keys have a lease",
        Tell.WorkerIdInUse => "no other process runs with this worker id",
        Tell.Block => "leases are taken again",
        Tell.AtMaxLeases => "all leases are taken",
        Tell.BudgetTooSmall => "the lease table's write units suffice",
        _ => condition.GetType().Name,
    };

    private string Text(Tell.Block block) => block.Why switch
    {
        Tell.Block.Reason.SeveralStreams =>
            $"The {_table} is that of a KCL application of several streams (lease {block.Key}), whose leases are not taken over. "
            + "Choose another application name (FastConsumer:ApplicationName); the shards are then read from the start position.",
        Tell.Block.Reason.AnotherStream =>
            $"The leases in the {_table} belong to the stream '{block.Found}' (lease {block.Key}), "
            + $"and this worker reads '{block.Expected}'. Two streams cannot share one table, whose rows are named after shards. "
            + "Give each an application name of its own (FastConsumer:ApplicationName).",
        Tell.Block.Reason.StreamMadeAgain =>
            $"The leases in the {_table} belong to a stream '{_settings.StreamName}' created at {block.Found} (lease {block.Key}), "
            + $"and the stream of this name was created at {block.Expected}: it was deleted and created again, and the checkpoints mean "
            + "nothing in it. Choose another application name, or delete the table to begin at the start position.",
        Tell.Block.Reason.SeveralLineages =>
            $"The {_table} holds state of two tables: lease {block.Key} is of lineage {block.Found}, others are of {block.Expected}. Rows "
            + "were copied from another table. Delete the copied rows, or choose another application name "
            + "(FastConsumer:ApplicationName).",
        Tell.Block.Reason.RestoreUnderWay =>
            $"A savepoint is being restored into the {_table} {block.Found}. Wait until that has ended, and do not start workers before. "
            + "Where it was broken off, repeat it: 'fastconsumer savepoint restore'.",
        _ => $"The {_table} refuses this worker: {block.Found} It is tried again.",
    };

    private string Text(Tell.StateLeft left)
    {
        string newer = left.Newer.Length == 0 ? ""
            : $"{_processor} leaves the shards {left.Newer} alone: their state is of version {left.Version}, and this worker's is "
                + $"{(_settings.StateVersion == 0 ? "none" : $"of version {_settings.StateVersion}")}. Deploy the later version again, "
                + "or give the state up: 'fastconsumer checkpoint reset --drop-state'.";
        string foreign = left.Foreign.Length == 0 ? ""
            : $"{_processor} leaves the shards {left.Foreign} alone: their leases in the {_table} were created by a worker that does not "
                + "know of its state (KCL, or a version without [State]), so nobody knows what state they begin with. Stop such workers. "
                + "Then give the shards a start without state: 'fastconsumer checkpoint reset --drop-state'.";
        return string.Join(' ', new[] { newer, foreign }.Where(static text => text.Length > 0));
    }

    private static string Text(LeaseTableState.Hold.Reason why) => why switch
    {
        LeaseTableState.Hold.Reason.Requested => "it was asked for",
        LeaseTableState.Hold.Reason.TakeAnew => "it is taken again with a new fencing token",
        LeaseTableState.Hold.Reason.ShardEnd => "the shard has ended",
        LeaseTableState.Hold.Reason.Failed => "it could not be run",
        _ => "the worker stops",
    };

    private static string Reason(Exception? error) => error?.Message ?? "There was no answer in time.";

    private static string Text(IEnumerable<HashKeyRange> ranges) => string.Join(
        ", ",
        ranges.Select(static range => string.Create(CultureInfo.InvariantCulture, $"{range.StartingHashKey} to {range.EndingHashKey}")));
}
