using System.Collections.Immutable;
using System.Globalization;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Leases.Core;

namespace FastConsumer.Tests.Leases.Core;

/// <content>What commands do: to the table, to runs.</content>
internal sealed partial class LeaseWorld
{
    /// <summary>How long a record takes: each worker has done one a second.</summary>
    private static readonly TimeSpan s_record = TimeSpan.FromSeconds(1);

    /// <summary>Shards that end, and after how many records.</summary>
    public Dictionary<string, int> Lengths { get; init; } = new(StringComparer.Ordinal);

    /// <summary>How long a run takes to drain; null for never.</summary>
    public Func<string, TimeSpan?> DrainTime { get; init; } = static _ => TimeSpan.FromMilliseconds(50);

    /// <summary>How long the run of a lost lease takes to end.</summary>
    public TimeSpan LossTime { get; init; } = TimeSpan.FromSeconds(4);

    private void Execute(Worker worker, LeaseCommand command)
    {
        switch (command)
        {
            case LeaseCommand.List or LeaseCommand.Poll or LeaseCommand.WriteOne or LeaseCommand.Create:
                Send(worker, command, null);
                break;
            case LeaseCommand.Send send:
                List<LeaseEvent.Outgoing> writes = [];
                foreach (LeaseCommand.Renewal renewal in send.Leases)
                {
                    CheckpointPosition? position = ProgressOf(worker, renewal.Key, renewal.Epoch);
                    if (LeaseMachine.Renew(renewal, WithState(worker, renewal, position)) is { } write)
                    {
                        writes.Add(new LeaseEvent.Outgoing(renewal.Key, renewal.Epoch, write));
                    }
                }

                Schedule(Now, new Deliver(worker.Index, new LeaseEvent.Sent(send.Request, writes, Now)));
                if (writes.Count > 0)
                {
                    Send(worker, command, writes);
                }

                break;
            case LeaseCommand.Abandon abandon:
                worker.Abandoned.Add(abandon.Request);
                break;
            case LeaseCommand.Notify notify:
                Writes?.AddRange(notify.Writes);
                if (notify.Writes.FirstOrDefault(write => Find(write) is { } row && Holds(write, row)) is { } notification)
                {
                    Store(Changed(_rows[notification.LeaseKey], new(notification.Set, StringComparer.Ordinal)));
                }

                break;
            case LeaseCommand.Delete delete:
                foreach (Lease lease in delete.Leases
                    .Where(lease => _rows.TryGetValue(lease.LeaseKey, out Lease? row) && row.LeaseCounter == lease.LeaseCounter
                        && row.Lineage == lease.Lineage && !NotDeleted.Contains(lease.LeaseKey)))
                {
                    CheckDelete(_rows[lease.LeaseKey]);
                    Remove(lease.LeaseKey);
                    _deleted = _deleted.Add(lease.LeaseKey);
                }

                break;
            case LeaseCommand.ListStream list:
                Schedule(Now + (2 * Latency), new Deliver(worker.Index, new LeaseEvent.StreamListed(
                    _shards, list.WithCreation ? StreamCreatedAt : null, StreamCreatedAt + TimeSpan.FromDays(1), Now, null)));
                break;
            case LeaseCommand.ToRun run:
                Execute(worker, run);
                break;
            case LeaseCommand.Tell tell:
                worker.Told.Add(tell);
                worker.HasStopped |= tell is LeaseCommand.Tell.Stopped;
                break;
        }
    }

    /// <summary>Hands a request to the network, which may do something to it.</summary>
    private void Send(Worker worker, LeaseCommand command, IReadOnlyList<LeaseEvent.Outgoing>? writes)
    {
        int number = Requests++;
        Fault fault = FaultAt?.Request == number ? FaultAt.Value.Fault : Decide?.Invoke(worker.Index, command) ?? Fault.None;
        bool isRead = command is LeaseCommand.List or LeaseCommand.Poll;
        TimeSpan slow = 0.6 * worker.State.Configuration.LeaseDuration;
        foreach (LeaseEvent.Outgoing outgoing in writes ?? (command is LeaseCommand.WriteOne one ? [one.Write] : []))
        {
            Writes?.Add(outgoing.Write);
            if (outgoing.Epoch != 0 && fault != Fault.ThrottleOrLag)
            {
                var key = (worker.Index, outgoing.Key, CounterOf(outgoing.Write));
                _sent[key] = _sent.GetValueOrDefault(key, []).Add(SentOf(outgoing.Write));
            }
        }

        switch (fault)
        {
            case Fault.LoseRequest:
                Schedule(Now + slow, new Deliver(worker.Index, FailureOf(command, writes, LeaseWrite.Outcome.Unknown)));
                break;
            case Fault.ThrottleOrLag when !isRead:
                Schedule(Now + (2 * Latency), new Deliver(worker.Index, FailureOf(command, writes, LeaseWrite.Outcome.NotWritten)));
                break;
            default:
                TimeSpan at = Now + (fault == Fault.Delay ? slow : Latency);
                TimeSpan late = command is LeaseCommand.WriteOne ? 0.45 * worker.State.Configuration.LeaseDuration
                    : 0.19 * worker.State.Configuration.LeaseDuration;
                Schedule(at, new Reach(worker.Index, command, writes, Now, fault != Fault.LoseAnswer, Lags: fault == Fault.ThrottleOrLag)
                {
                    AnswersAfter = fault == Fault.LateAnswer ? late : Latency,
                });
                break;
        }
    }

    private static LeaseEvent FailureOf(LeaseCommand command, IReadOnlyList<LeaseEvent.Outgoing>? writes, LeaseWrite.Outcome outcome)
    {
        var error = new LeaseStoreException("It did not answer.",
            isTransient: true)
        { IsThrottled = outcome == LeaseWrite.Outcome.NotWritten };
        LeaseWrite.Result result = new(outcome, null, error);
        return command switch
        {
            LeaseCommand.List => new LeaseEvent.ReadFailed(null, error),
            LeaseCommand.Poll poll => new LeaseEvent.ReadFailed(poll.Keys, error),
            LeaseCommand.WriteOne one => new LeaseEvent.Answered(one.Request, [result]),
            LeaseCommand.Create create => new LeaseEvent.Answered(create.Request, [.. create.Leases.Select(_ => result)]),
            LeaseCommand.Send send => new LeaseEvent.Answered(send.Request, [.. writes!.Select(_ => result)]),
            _ => throw new ArgumentException("It has no answer.", nameof(command)),
        };
    }

    private void Do(Item item)
    {
        if (item is Deliver deliver)
        {
            Step(_workers[deliver.Worker], deliver.Event);
            return;
        }

        if (item is RunEnds ends)
        {
            Worker runs = _workers[ends.Worker];
            if (runs.Runs.GetValueOrDefault(ends.Key)?.Epoch == ends.Epoch)
            {
                runs.Runs.Remove(ends.Key);
                Step(runs, new LeaseEvent.Ended(ends.Key, ends.Epoch));
            }

            return;
        }

        var reach = (Reach)item;
        Worker worker = _workers[reach.Worker];
        LeaseEvent answer = reach.Command switch
        {
            LeaseCommand.List list => new LeaseEvent.TableListed([.. RowsFor(reach).Values], reach.Begun, list.Consistency),
            LeaseCommand.Poll poll => new LeaseEvent.RowsRead(
                poll.Keys,
                [.. poll.Keys.Select(key =>
                    (poll.Consistency == ReadConsistency.Strong ? _rows : RowsFor(reach)).GetValueOrDefault(key)).OfType<Lease>()],
                reach.Begun,
                poll.Consistency),
            LeaseCommand.WriteOne one => new LeaseEvent.Answered(one.Request, [Apply(worker, one.Write, reach.Begun)]),
            LeaseCommand.Send send =>
                new LeaseEvent.Answered(send.Request, [.. reach.Writes!.Select(write => Apply(worker, write, reach.Begun))]),
            LeaseCommand.Create create => new LeaseEvent.Answered(create.Request, [.. create.Leases
                .Select(lease => Create(lease, create.WhileThere.GetValueOrDefault(lease.LeaseKey) ?? []))]),
            _ => throw new InvalidOperationException("It reaches no table."),
        };
        if (reach.IsAnswered)
        {
            Schedule(Now + reach.AnswersAfter, new Deliver(reach.Worker, answer));
        }
        else
        {
            Schedule(Now + (0.6 * worker.State.Configuration.LeaseDuration),
                new Deliver(reach.Worker, FailureOf(reach.Command, reach.Writes, LeaseWrite.Outcome.Unknown)));
        }
    }

    /// <summary>
    /// The table as an eventually consistent read may show it: as it was a quarter of a lease duration ago, where it lags.
    /// </summary>
    private ImmutableSortedDictionary<string, Lease> RowsFor(Reach read)
    {
        if (!read.Lags || read.Command is LeaseCommand.List { Consistency: ReadConsistency.Strong })
        {
            return _rows;
        }

        TimeSpan then = Now - (0.25 * _workers[read.Worker].State.Configuration.LeaseDuration);
        return _history.FindLast(entry => entry.At <= then) is { Rows: { } rows } ? rows : _rows;
    }

    private void Store(Lease row)
    {
        if (_history.Count == 0 || _history[^1].At < Now)
        {
            _history.Add((Now, _rows));
        }

        _rows = _rows.SetItem(row.LeaseKey, row);
        _history[^1] = (Now, _rows);
        _history.RemoveAll(entry => entry.At < Now - TimeSpan.FromSeconds(10));
    }

    private Lease? Find(LeaseWrite write) => _rows.GetValueOrDefault(write.LeaseKey);

    private static bool Holds(LeaseWrite write, Lease row) => write.If.All(condition =>
        condition.Value is { } value ? row.Attributes.TryGetValue(condition.Key, out Lease.Value found)
            && found == value : !row.Attributes.ContainsKey(condition.Key));

    private LeaseWrite.Result Create(Lease lease, IReadOnlyList<string> whileThere)
    {
        if (!whileThere.All(_rows.ContainsKey))
        {
            return new LeaseWrite.Result(LeaseWrite.Outcome.Refused, _rows.GetValueOrDefault(lease.LeaseKey));
        }

        if (_rows.TryGetValue(lease.LeaseKey, out Lease? there))
        {
            return new LeaseWrite.Result(LeaseWrite.Outcome.Refused, there);
        }

        if (lease.ParentShardIds.Any(parent => _rows.TryGetValue(parent, out Lease? row) && !row.IsFinished))
        {
            throw new BrokenException($"{lease.LeaseKey} is created before its parents are finished.");
        }

        CheckCreate(lease);
        Put(lease);
        return new LeaseWrite.Result(LeaseWrite.Outcome.Written, _rows[lease.LeaseKey]);
    }

    private LeaseWrite.Result Apply(Worker worker, LeaseEvent.Outgoing outgoing, TimeSpan begun)
    {
        LeaseWrite write = outgoing.Write;
        if (Find(write) is not { } row)
        {
            return new LeaseWrite.Result(LeaseWrite.Outcome.Refused);
        }

        if (IsStuck(write.LeaseKey))
        {
            if (outgoing.Epoch != 0)
            {
                var key = (worker.Index, outgoing.Key, CounterOf(write));
                _sent[key] = _sent.GetValueOrDefault(key, []).RemoveAll(sent => sent.At == begun);
            }

            return new LeaseWrite.Result(LeaseWrite.Outcome.NotWritten, null,
                new LeaseStoreException("It is too much for one key.", isTransient: true) { IsThrottled = true });
        }

        if (!Holds(write, row))
        {
            return new LeaseWrite.Result(LeaseWrite.Outcome.Refused, row);
        }

        Lease next = Changed(row, new(write.Set, StringComparer.Ordinal), [.. write.Remove]);
        CheckWrite(worker, row, next);
        CheckState(worker, write, row, next);
        Store(next);
        return new LeaseWrite.Result(LeaseWrite.Outcome.Written, next);
    }

    /// <summary>What must hold of each write that takes effect, whatever its writer believes.</summary>
    private void CheckWrite(Worker writer, Lease before, Lease after)
    {
        string key = before.LeaseKey;
        Require(after.Checkpoint >= before.Checkpoint, $"the checkpoint of {key} goes back from {before.Checkpoint} to {after.Checkpoint}");
        Run? run = writer.Runs.GetValueOrDefault(key);
        Require(run is not { IsLost: true } || run.Session != after.Session
            || after.LeaseCounter == before.LeaseCounter, $"{writer.Name} writes {key}, which was taken from it");
        bool isOurs = before.Session?.StartsWith(writer.Name + "/", StringComparison.Ordinal) == true && before.LeaseOwner == writer.Id;
        if (after.LeaseCounter == before.LeaseCounter || isOurs)
        {
            return;
        }

        bool isTake = after.TakenBy == writer.Id && after.LeaseOwner == writer.Id;
        Worker? owner = _workers.Find(other => other != writer && other.Believes(key, Now));
        bool isSteal = isTake && (before.RequestedBy == writer.Id || owner?.Id == writer.Id);
        Require(owner is null || isSteal, $"{writer.Name} takes {key} from {owner?.Name}, which holds it");
        Require(
            isTake || before.LeaseOwner is null || (before.LeaseOwner == writer.Id && before.IsPassedOn) || before.TakenBy == writer.Id,
            $"{writer.Name} writes {key}, which is {before.LeaseOwner}'s");
        Require(
            isTake || before.Session is null || before.IsPassedOn || before.Session.StartsWith(writer.Name + "/", StringComparison.Ordinal),
            $"{writer.Name} releases {key} of another process of its id");
        Require(
            !isTake || before.ParentShardIds.All(parent => !_rows.TryGetValue(parent, out Lease? row) || row.IsFinished),
            $"{writer.Name} takes {key} before its parents are finished");
        if (owner is not null)
        {
            ForgetBeliefs(key);
        }
    }

    /// <summary>A lease was taken by force: that its owner still believes to hold it is known, and ends with its next write.</summary>
    private void ForgetBeliefs(string key)
    {
        foreach (Worker worker in _workers)
        {
            if (worker.Runs.TryGetValue(key, out Run? run))
            {
                worker.Runs[key] = run with { IsLost = true };
            }
        }
    }

    private static long CounterOf(LeaseWrite write) => write.If[Lease.Names.LeaseCounter]!.Value.WholeNumber!.Value;

    private bool IsStuck(string key) => _stuckUntil.TryGetValue(key, out TimeSpan until) && Now < until;

    /// <summary>The age of a lease counts from when one of its writes was sent that may have been the one that took effect.</summary>
    private void CheckAge(Worker worker, Lease row, TimeSpan renewedAt) => Require(
        _sent.GetValueOrDefault((worker.Index, row.LeaseKey, row.LeaseCounter - 1), []).Exists(sent => sent.At == renewedAt),
        $"{worker.Name} counts the age of {row.LeaseKey} from {renewedAt}, when nothing was sent that could have taken effect");

    /// <summary>At most one believes to hold a lease, and the table says so.</summary>
    private void CheckBeliefs()
    {
        foreach (Worker worker in _workers)
        {
            foreach ((string key, Run run) in worker.Runs)
            {
                if (worker.Believes(key, Now))
                {
                    Lease? row = _rows.GetValueOrDefault(key);
                    Require(row is not null && row.Session == run.Session
                        && row.LeaseOwner == worker.Id,
                            $"{worker.Name} believes to hold {key}, which is {row?.LeaseOwner}'s ({row?.Session})");
                }
            }

            if (worker is { IsAlive: true, IsPaused: false })
            {
                foreach (LeaseTableState.Entry entry in worker.State.Leases.Values.Where(static entry => entry.IsHeld))
                {
                    Require(
                        Now - entry.Own!.RenewedAt < (0.9 * worker.State.Configuration.LeaseDuration) + (2 * Latency),
                        $"{worker.Name} holds {entry.Key}, which it has not renewed since {entry.Own.RenewedAt}");
                }
            }

            // nothing lasts longer than its deadline, where the worker is able to look
            if (worker is { IsAlive: true, IsPaused: false })
            {
                Require(worker.State.Deadlines.Count == 0
                    || worker.State.Deadlines.Min.At >= Now - Latency, $"{worker.Name} lets a deadline pass");
            }
        }
    }

    private static void Require(bool holds, string message)
    {
        if (!holds)
        {
            throw new BrokenException(message);
        }
    }

    private void Execute(Worker worker, LeaseCommand.ToRun command)
    {
        string key = command.Key;
        Run? run = worker.Runs.GetValueOrDefault(key);
        switch (command)
        {
            case LeaseCommand.Start start:
                Require(run is null, $"{worker.Name} starts {key} beside a former run");
                CheckAge(worker, start.Taken, start.RenewedAt);
                worker.Runs[key] = new Run(start.Epoch, start.Taken.Session, start.Taken.Checkpoint, Now,
                    start.RenewedAt + (0.9 * worker.State.Configuration.LeaseDuration))
                {
                    Lineage = start.Taken.Lineage,
                    IsUnfit = KeepsState(worker) && !IsFit(start.Taken),
                };
                if (KeepsState(worker) && start.Taken.Snapshot is null)
                {
                    // a child has a snapshot of its own as soon as it can
                    Schedule(Now, new Deliver(worker.Index, new LeaseEvent.CheckpointWanted(key, start.Epoch, IsUrgent: true)));
                }

                if (Lengths.TryGetValue(key, out int length) && !worker.Runs[key].IsUnfit)
                {
                    long left = length - NumberOf(start.Taken.Checkpoint);
                    Schedule(Now + (left * s_record),
                        new Deliver(worker.Index,
                            new LeaseEvent.Drained(key, start.Epoch, new LeaseEvent.RunEnd.ShardEnd(ChildrenOf(key)))));
                }

                return;
            case LeaseCommand.Wrote wrote when run?.Epoch == wrote.Epoch:
                CheckAge(worker, wrote.Row, wrote.RenewedAt);
                CheckWrote(worker, wrote);
                worker.Runs[key] = run with { HeldUntil = wrote.RenewedAt + (0.9 * worker.State.Configuration.LeaseDuration) };
                return;
        }

        if (run is null || run.Epoch != command.Epoch)
        {
            return;
        }

        switch (command)
        {
            case LeaseCommand.Stop:
                worker.Runs[key] = Advance(run) with { IsStopping = true };
                if (DrainTime(key) is { } drain)
                {
                    Schedule(Now + drain,
                        new Deliver(worker.Index, new LeaseEvent.Drained(key, run.Epoch, new LeaseEvent.RunEnd.Stopped())));
                }

                break;
            case LeaseCommand.GiveUp:
                Schedule(Now, new Deliver(worker.Index, new LeaseEvent.Drained(key, run.Epoch, new LeaseEvent.RunEnd.Stopped())));
                break;
            case LeaseCommand.Finish:
                Require(run.IsStopping || Lengths.ContainsKey(key), $"{worker.Name} finishes {key}, whose handlers run");
                worker.Runs[key] = run with { IsOver = true };
                Schedule(Now + Latency, new RunEnds(worker.Index, key, run.Epoch));
                break;
            case LeaseCommand.Lose lose:
                Lease? row = _rows.GetValueOrDefault(key);
                bool isOurs = row is not null && row.Session == run.Session && row.LeaseOwner == worker.Id && !run.IsLost && !run.IsOver
                    && (run.Lineage is null || run.Lineage == row.Lineage);
                Require(!isOurs || Now >= run.HeldUntil
                    || run.IsStopping, $"{worker.Name} gives {key} up, which is its own: {lose.Reason}");
                worker.Runs[key] = run with { IsOver = true };
                Schedule(Now + LossTime, new RunEnds(worker.Index, key, run.Epoch));
                // what a run says late
                Schedule(Now + LossTime + (1.3 * worker.State.Configuration.LeaseDuration),
                    new Deliver(worker.Index, new LeaseEvent.Drained(key, run.Epoch, new LeaseEvent.RunEnd.Stopped())));
                break;
        }
    }

    /// <summary>How far a run is; null where it is over.</summary>
    private CheckpointPosition? ProgressOf(Worker worker, string key, long epoch)
    {
        if (worker.Runs.GetValueOrDefault(key) is not { IsUnfit: false } run || run.Epoch != epoch)
        {
            return null;
        }

        run = Advance(run);
        worker.Runs[key] = run;
        if (Lengths.TryGetValue(key, out int length) && NumberOf(run.From) + run.Done >= length)
        {
            return CheckpointPosition.ShardEnd;
        }

        return run.Done == 0 ? null
            : CheckpointPosition.At(SequenceNumber.Parse((NumberOf(run.From) + run.Done).ToString(CultureInfo.InvariantCulture)));
    }

    private Run Advance(Run run)
    {
        if (run.IsStopping || run.IsLost || run.IsOver || Now >= run.HeldUntil)
        {
            return run;
        }

        long records = (Now - run.DoneAt).Ticks / s_record.Ticks;
        return run with { Done = run.Done + records, DoneAt = run.DoneAt + (records * s_record) };
    }

    private static long NumberOf(CheckpointPosition position) =>
        position.Kind == CheckpointKind.Record ? long.Parse(position.SequenceNumber.ToString(), CultureInfo.InvariantCulture) : 0;

    private ChildShard[] ChildrenOf(string key) =>
        [.. _shards.Where(shard => shard.ParentShardId == key || shard.AdjacentParentShardId == key)
        .Select(shard => new ChildShard(shard.ShardId, [key], shard.HashKeyRange))];

    private static string Text(LeaseEvent e) => e switch
    {
        LeaseEvent.TableListed listed => $"listed {string.Join(' ', listed.Rows.Select(Text))} begun {listed.Begun.TotalSeconds:0.000}",
        LeaseEvent.RowsRead read => $"read {string.Join(' ', read.Rows.Select(Text))} begun {read.Begun.TotalSeconds:0.000}",
        LeaseEvent.Answered answered =>
            $"answered {answered.Request} "
            + string.Join(' ', answered.Results.Select(static result => $"{result.Outcome} {Text(result.Row)}")),
        LeaseEvent.Sent sent =>
            $"sent {sent.Request} {string.Join(' ', sent.Writes.Select(static write => $"{write.Key}/{write.Epoch}:{string.Join(',',
                write.Write.Set.Keys)}"))}",
        _ => e.ToString()!,
    };

    private static string Text(LeaseCommand command) => command switch
    {
        LeaseCommand.Send send =>
            $"send {send.Request} "
            + string.Join(' ', send.Leases.Select(static lease => $"{lease.Key}/{lease.Epoch} if {lease.Row.LeaseCounter}")),
        LeaseCommand.WriteOne one =>
            $"write {one.Request} {one.Write.Key}: "
            + string.Join(',', one.Write.Write.Set.Select(static set => $"{set.Key}={set.Value}"))
            + $" - {string.Join(',', one.Write.Write.Remove)}",
        LeaseCommand.Poll poll => $"poll {string.Join(' ', poll.Keys)} {poll.Consistency}",
        LeaseCommand.Start start => $"START {start.Key}/{start.Epoch} from {start.From}",
        LeaseCommand.Wrote wrote => $"wrote {wrote.Key} {wrote.Position} renewed {wrote.RenewedAt.TotalSeconds:0.000}",
        _ => command.ToString()!,
    };

    private static string Text(Lease? row) => row is null ? "-"
        : $"[{row.LeaseKey} n{row.LeaseCounter} {row.LeaseOwner} {row.Session} by {row.TakenBy} @{row.Checkpoint} req {row.RequestedBy}]";
}
