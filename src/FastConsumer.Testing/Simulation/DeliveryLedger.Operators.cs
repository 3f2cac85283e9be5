using FastConsumer.Leases;
using FastConsumer.Operators;

namespace FastConsumer.Testing.Simulation;

/// <content>
/// What operators may do that workers may not. Each exemption is bound to a write of a process that was announced by
/// <see cref="Intends"/>, or to a command that such a process has written to the row.
/// </content>
internal sealed partial class DeliveryLedger
{
    private static readonly TimeSpan s_noticed = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, OperatorIntent> _operators = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (string? Session, long At)> _askedAt = new(StringComparer.Ordinal);
    private readonly HashSet<string> _freedBy = new(StringComparer.Ordinal);
    private readonly HashSet<(string Worker, string ShardId)> _takenAway = [];
    private readonly HashSet<(string ShardId, int Index)> _letters = [];

    /// <summary>How many records operators have left out, by a decision that is durable.</summary>
    public int LeftOutByDecision { get; private set; }

    /// <summary>How many checkpoints operators have set.</summary>
    public int Resets { get; private set; }

    /// <summary>How often a lease was taken away from a worker by an operator.</summary>
    public int TakenAway { get; private set; }

    /// <summary>A process of this name is an operator's, and is to do this alone.</summary>
    public void Intends(string name, OperatorIntent intent) => _operators.Add(name, intent);

    /// <summary>The sink has taken a dead letter.</summary>
    public void LetterWritten(string shardId, CheckpointPosition position)
    {
        int index = IndexOf(Shard(shardId), position);
        _loop.Trace.Add("", shardId, $"the dead letter of #{index} is written");
        _letters.Add((shardId, index));
    }

    /// <summary>
    /// A worker says that it has lost a lease. True where an operator has taken that very lease away from it since it took it: one such
    /// write excuses one loss.
    /// </summary>
    public bool ExcusesLoss(string worker, string shardId) => _takenAway.Remove((worker, shardId));

    /// <summary>The position of any record of a shard; null where it has none.</summary>
    public CheckpointPosition? AnyPosition(string shardId, Random random) =>
        Shard(shardId).Records is { Count: > 0 } records ? records[random.Next(records.Count)].Position : null;

    /// <summary>True where a shard holds records from a time on.</summary>
    public bool HoldsRecords(string shardId, DateTimeOffset from) => from == DateTimeOffset.MinValue
        ? Shard(shardId).Records.Count > 0
        : Shard(shardId).Records.Exists(record => record.ArrivalMs >= from.ToUnixTimeMilliseconds());

    /// <summary>A write of an operator took effect.</summary>
    private void WrittenByOperator(OperatorIntent intent, TableWrite write)
    {
        Lease before = write.Before!;
        Lease after = write.After!;
        string shardId = before.LeaseKey;
        if (write.Operation != "release")
        {
            if (after.RequestedBy is not null && before.RequestedBy is null)
            {
                _askedAt[write.Worker] = (before.Session, _loop.Now);
            }

            bool isPause = intent.Deed is OperatorDeed.Pause or OperatorDeed.Resume;
            Require(
                "operator",
                after with { RequestedBy = null, Notification = null, Command = null, Paused = null }
                    == before with { RequestedBy = null, Notification = null, Command = null, Paused = null }
                    && (isPause || after.Paused == before.Paused)
                    && (intent.Deed == OperatorDeed.Decide || after.Command == before.Command),
                shardId,
                $"{write.Worker} is to {intent.Deed}, and its {write.Operation} changed the lease.");
            if (after.Paused != before.Paused)
            {
                Shard(shardId).PausedSince = OperatorNotes.ReadPause(after.Paused) is { Until: null } ? _loop.Now : null;
            }

            if (after.Paused != before.Paused && _current.GetValueOrDefault(shardId) is { Pauses.Count: > 0 } paused)
            {
                paused.Pauses.Add(OperatorNotes.ReadPause(after.Paused));
            }

            return;
        }

        // what frees a lease: by one write of a deed that is to free this one, and once
        Require(
            "operator",
            intent.Deed is OperatorDeed.Reset or OperatorDeed.Release or OperatorDeed.Evict && intent.ShardId == shardId,
            shardId,
            $"{write.Worker} is to {intent.Deed} {intent.ShardId}, and frees {shardId}.");
        Require("operator", _freedBy.Add(write.Worker), shardId, $"{write.Worker} frees the lease a second time.");
        Require(
            "operator",
            after is { LeaseOwner: null, TakenBy: null, Session: null, Standing: null, Command: null }
                && after.LeaseCounter == before.LeaseCounter + 1 && after.Paused == before.Paused && after.Decision == before.Decision,
            shardId,
            $"{write.Worker} frees the lease, and the row says: {after}.");
        bool isTakenAway = before.LeaseOwner is not null && _workers.ContainsKey(before.LeaseOwner);
        Require(
            "operator",
            !isTakenAway || intent.Deed is OperatorDeed.Reset or OperatorDeed.Evict,
            shardId,
            $"{write.Worker} releases the lease, and {before.LeaseOwner} has not handed it over.");
        (string? asked, long askedAt) = _askedAt.GetValueOrDefault(write.Worker);
        Require(
            "operator",
            !isTakenAway || intent.Deed != OperatorDeed.Reset
                || (asked == before.Session && _loop.Now - askedAt >= (_rules.LeaseDuration * 1.25).Ticks),
            shardId,
            $"{write.Worker} takes the lease from {before.LeaseOwner}, which has had no time to hand it over.");
        if (isTakenAway && _current.Remove(shardId, out Ownership? former))
        {
            // "one owner": it works on until it hears of it, beside the next owner; RequireAlive says for how long. Nothing that it writes
            // takes effect: "owner writes" and "one owner" hold for it as before
            former.TakenAwayAt = _loop.Now;
            TakenAway++;
            if (before.IsHeldByFastConsumer)
            {
                // "needless loss" of this lease by this worker is excused
                _takenAway.Add((former.Worker.Name, shardId));
            }
        }

        if (intent.Deed == OperatorDeed.Reset)
        {
            Reset(write.Worker, intent.Target!.Value, after);
        }
        else
        {
            Require(
                "operator",
                after.Checkpoint == before.Checkpoint && after.StartedAt == before.StartedAt && after.Reset == before.Reset,
                shardId,
                $"{write.Worker} frees the lease, and sets its checkpoint from {before.Checkpoint} to {after.Checkpoint}.");
        }
    }

    /// <summary>
    /// "checkpoint goes on", "no gap" and "duplicates" begin anew from the target: what lies before it may be left out from now on, and all
    /// that lies behind it must be done, whatever was done before.
    /// </summary>
    private void Reset(string name, ResetTarget target, Lease after)
    {
        ShardBook shard = Shard(after.LeaseKey);
        Require(
            "operator",
            after.Checkpoint == target.Position && after.StartedAt == target.Time && !after.HasPendingCheckpoint && after.Reset is not null,
            shard.Id,
            $"{name} resets to {target} ({target.Time:O}), and the row says {after.Checkpoint} ({after.StartedAt:O}).");
        Resets++;
        shard.LatestSince = null;
        shard.Required = target.Time is { } time
            ? (int.MaxValue, time.ToUnixTimeMilliseconds())
            : (IndexOf(shard, target.Position) + 1, long.MaxValue);
        shard.ResetAt = after.LeaseCounter;
        foreach (BookedRecord record in shard.Records.Where(shard.IsRequired))
        {
            record.Times = 0;
            record.IsLeftOut = false;
        }
    }

    /// <summary>A take: what stands in the row for this owner.</summary>
    private void TakeNotes(Ownership ownership, Lease before, Lease after)
    {
        ShardBook shard = Shard(after.LeaseKey);
        _takenAway.Remove((ownership.Worker.Name, shard.Id));
        Require(
            "operator",
            before.Reset is null || after.StartedAt == before.StartedAt,
            shard.Id,
            $"{ownership.Worker.Name} changed with its take the start that an operator has set.");
        if (OperatorNotes.ReadPause(after.Paused) is { } pause && !(pause.Until <= ownership.Worker.Process.Clock.GetUtcNow()))
        {
            ownership.Pauses.Add(pause);
        }

        // "no gap" and "order" let a record out that a command names. Only in the run that follows, at once and by the same worker, the one
        // that the command was written for: the row that it was taken from bears both. Whether the command was accepted is not seen here;
        // where the record is begun after all, it was not.
        if (OperatorNotes.ReadCommand(before.Command) is { } command
            && before.LeaseOwner == ownership.Worker.Name
            && before.Session is { } session
            && session.EndsWith($"/{command.Epoch}", StringComparison.Ordinal)
            && OperatorNotes.TryParsePosition(command.Position, out CheckpointPosition position))
        {
            ownership.Command = command;
            ownership.Decided = command.Decision == RecordDecision.Retry ? -1 : IndexOf(shard, position);
        }
    }

    /// <summary>
    /// A decision became durable: it names the record that may be left out, in one write with the checkpoint that passes it.
    /// </summary>
    private void Decided(Ownership ownership, Lease before, Lease after)
    {
        if (after.Decision == before.Decision)
        {
            return;
        }

        ShardBook shard = Shard(after.LeaseKey);
        string name = ownership.Worker.Name;
        DecidedRecord? decided = OperatorNotes.ReadDecision(after.Decision);
        Require("decision", decided is not null, shard.Id, $"{name} wrote a decision that cannot be read: {after.Decision}.");
        if (decided!.Refusal is not null)
        {
            return;
        }

        Require(
            "decision",
            ownership.Command is { } command
                && (command.Id, command.Position, command.Decision) == (decided.Id, decided.Position, decided.Decision),
            shard.Id,
            $"{name} carried out {decided.Decision} of {decided.Position}, which was not decided for it.");
        if (decided.Decision == RecordDecision.Retry)
        {
            return;
        }

        _ = OperatorNotes.TryParsePosition(decided.Position, out CheckpointPosition position);
        int index = IndexOf(shard, position);
        Require(
            "decision",
            after.Checkpoint >= position,
            shard.Id,
            $"{name} says that #{index} is left out, and the checkpoint does not pass it.");
        Require(
            "decision",
            decided.Decision != RecordDecision.DeadLetter || _letters.Contains((shard.Id, index)),
            shard.Id,
            $"{name} left #{index} out, and its dead letter was not written.");
        shard.Records[index].IsLeftOut = true;
        ownership.LeftOut = index;
        LeftOutByDecision++;
    }

    /// <summary>What operators forbid: a record of a paused shard, or of a lease that was taken away long ago.</summary>
    private void RequireAllowed(Ownership ownership)
    {
        SimulatedWorker worker = ownership.Worker;
        if (ownership.Pauses.Count > 0)
        {
            // a date that was set since may have ended it; and where another one has taken its place, it is not known which one was read
            bool mayBegin = ownership.Pauses.Exists(pause => pause is null || (pause.Until is { } until
                && (until <= worker.Process.Clock.GetUtcNow() || worker.Process.Clock.SetAt > ownership.TakenAt)));
            Require("paused", mayBegin, ownership.ShardId, $"{worker.Name} begins a record of a shard that was paused when it took it.");
        }

        if (Shard(ownership.ShardId).PausedSince is { } pausedSince && pausedSince > ownership.TakenAt)
        {
            // it lists the table every few seconds, whether or not it was notified
            TimeSpan most = s_noticed + (2 * _rules.LeaseDuration);
            var late = TimeSpan.FromTicks(_loop.Now - pausedSince);
            Require(
                "paused",
                late <= most || !worker.IsUntroubledFor(most),
                ownership.ShardId,
                $"{worker.Name} begins a record {late} after the shard was paused.");
        }

        if (ownership.TakenAwayAt is { } since)
        {
            // its next renewal at the latest tells it, where nothing keeps that from it
            var late = TimeSpan.FromTicks(_loop.Now - since);
            Require(
                "evicted",
                late <= _rules.LeaseDuration * 0.75 || !worker.IsUntroubledFor(_rules.LeaseDuration * 2),
                ownership.ShardId,
                $"{worker.Name} begins a record {late} after an operator has taken the lease away.");
        }
    }
}
