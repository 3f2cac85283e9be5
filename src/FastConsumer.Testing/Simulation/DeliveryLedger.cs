using FastConsumer.Kinesis;
using FastConsumer.Leases;

namespace FastConsumer.Testing.Simulation;

/// <summary>
/// Keeps book of what was put, handled and checkpointed by whom, and holds it against what must always be so: see
/// docs/simulation.md for the list. Fed by the world, not by the workers' own view of it.
/// </summary>
internal sealed class DeliveryLedger
{
    private readonly SimulationLoop _loop;
    private readonly LedgerRules _rules;
    private readonly Dictionary<string, ShardBook> _shards = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Shard, long Token), Ownership> _ownerships = [];
    private readonly Dictionary<string, Ownership> _current = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (long Counter, long Since)> _moved = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SortedDictionary<long, int>> _held = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _wroteAt = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SimulatedWorker> _workers = new(StringComparer.Ordinal);

    public DeliveryLedger(SimulationLoop loop, LedgerRules rules)
    {
        _loop = loop;
        _rules = rules;
    }

    /// <summary>How many records were put.</summary>
    public int Put { get; private set; }

    /// <summary>How many records were handled once more than needed.</summary>
    public int Duplicates { get; private set; }

    /// <summary>The shards a shard was made from.</summary>
    public required Func<string, IReadOnlyList<string>> ParentsOf { get; init; }

    public void Add(SimulatedWorker worker) => _workers.Add(worker.Name, worker);

    /// <summary>A record is in the stream.</summary>
    public void RecordPut(string shardId, SequenceNumber number, string key)
    {
        ShardBook shard = Shard(shardId);
        var record = new BookedRecord(shard.Records.Count, number, key, _rules.StreamClock().ToUnixTimeMilliseconds());
        shard.Records.Add(record);
        shard.ByNumber.Add(number, record.Index);
        shard.NextOfKey(key, record.Index);
        Put++;
    }

    /// <summary>The record behind another, where there is one.</summary>
    public SequenceNumber? NumberAfter(string shardId, SequenceNumber number) =>
        Shard(shardId) is { } shard && shard.ByNumber.TryGetValue(number, out int index) && index + 1 < shard.Records.Count ? shard.Records[index + 1].Number : null;

    /// <summary>The last record that a worker has begun on its shard; null where it has begun none.</summary>
    public CheckpointPosition? LastBegun(string shardId, string worker) =>
        _current.GetValueOrDefault(shardId) is { } ownership && ownership.Worker.Name == worker && ownership.Last >= 0
            ? CheckpointPosition.At(Shard(shardId).Records[ownership.Last].Number)
            : null;

    /// <summary>The service has told somebody where to begin.</summary>
    public void IteratorGiven(string shardId, StartingPosition position)
    {
        ShardBook shard = Shard(shardId);
        if (shard.Required is null && shard.StartsLate)
        {
            // with LATEST all counts from the first time that somebody asked for it
            shard.Required = position.Type == ShardIteratorType.AtTimestamp
                ? (int.MaxValue, position.Timestamp.ToUnixTimeMilliseconds())
                : (shard.Records.Count, long.MaxValue);
        }
    }

    /// <summary>A write to the lease table took effect.</summary>
    public void Written(TableWrite write)
    {
        string shardId = (write.After ?? write.Before)!.LeaseKey;
        switch (write.Operation)
        {
            case "create":
                Created(write.After!);
                break;
            case "take":
                Taken(write.Worker, write.Before!, write.After!);
                break;
            case "update":
                Updated(write.Worker, write.Before!, write.After!);
                break;
            case "release":
                Released(write.Worker, write.Before!, write.After!);
                break;
            case "children" or "request" or "ring":
                Require("table", write.After!.LeaseCounter == write.Before!.LeaseCounter && write.After.Checkpoint == write.Before.Checkpoint && write.After.LeaseOwner == write.Before.LeaseOwner, shardId, $"a write of {write.Operation} changed the lease.");
                return;
            case "delete":
                Deleted(write.Worker, write.Before!);
                break;
        }

        if (write.After is { } row)
        {
            _moved[shardId] = (row.LeaseCounter, _loop.Now);
        }

        if (write.Operation is "take" or "update")
        {
            _wroteAt[write.Worker] = _loop.Now;
        }

        CountHeld(write.Before?.Owner);
        CountHeld(write.After?.Owner);
    }

    /// <summary>A handler begins with a record.</summary>
    public void Begun(SimulatedWorker worker, string shardId, long token, SequenceNumber number, int attempt)
    {
        ShardBook shard = Shard(shardId);
        Ownership ownership = Find(worker, shardId, token);
        int index = IndexOf(shard, number);
        _loop.Trace.Add(worker.Name, shardId, $"begins #{index} {shard.Records[index].Key} (token {token}, attempt {attempt})");
        RequireAlive(ownership);
        Require("order", !ownership.Done.ContainsKey(index), shardId, $"{worker.Name} begins #{index} again after it has done it.");
        if (attempt == 1)
        {
            RequireNext(shard, ownership, index);
            RequireParentsDone(shardId, index);
        }
        else
        {
            Require("order", ownership.Begun.Contains(index), shardId, $"{worker.Name} tries #{index} again, which it has never tried.");
        }

        ownership.Begun.Add(index);
        ownership.Last = Math.Max(ownership.Last, index);
    }

    /// <summary>A handler is through with a record.</summary>
    public void Done(SimulatedWorker worker, string shardId, long token, SequenceNumber number)
    {
        ShardBook shard = Shard(shardId);
        Ownership ownership = Find(worker, shardId, token);
        int index = IndexOf(shard, number);
        if (!ownership.Done.TryAdd(index, _loop.Now))
        {
            return;
        }

        _loop.Trace.Add(worker.Name, shardId, $"has done #{index}");
        BookedRecord record = shard.Records[index];
        if (record.Times++ > 0)
        {
            Duplicates++;
            // whoever did it before must have lost the shard since: what it had done for certain is never done again
            Require("duplicates", ownership.IsAhead(index), shardId, $"{worker.Name} did #{index}, which was checkpointed when it took the shard.");
        }

        ownership.Advance();
    }

    /// <summary>A worker is about to vanish: what it has done must have been checkpointed within the interval.</summary>
    public void Crashing(SimulatedWorker worker)
    {
        TimeSpan longest = worker.CheckpointInterval + _rules.CheckpointSlack;
        if (!_rules.CheckpointsInTime || !worker.IsUntroubledFor(longest + _rules.CheckpointSlack + _rules.CheckpointSlack))
        {
            return;
        }

        foreach ((string shardId, Ownership ownership) in _current)
        {
            bool isHeld = worker.Process.Clock.Elapsed - ownership.RenewedAt <= _rules.LeaseDuration;
            if (ownership.Worker == worker && isHeld && ownership.Durable + 1 < ownership.Contiguous
                && ownership.Done.TryGetValue(ownership.Durable + 1, out long doneAt))
            {
                TimeSpan age = TimeSpan.FromTicks(_loop.Now - doneAt);
                Require("checkpoint interval", age <= longest, shardId, $"#{ownership.Durable + 1} was done by {worker.Name} {age} ago and is in no checkpoint; the interval is {worker.CheckpointInterval}.");
            }
        }
    }

    /// <summary>How long ago anybody has last written the shard's lease.</summary>
    public TimeSpan SinceWritten(string shardId) => TimeSpan.FromTicks(_loop.Now - _moved.GetValueOrDefault(shardId).Since);

    /// <summary>True where every record that must be handled is done.</summary>
    public bool IsAllDone => _shards.Values.All(static shard => shard.Records.TrueForAll(record => record.Times > 0 || !shard.IsRequired(record)));

    /// <summary>The first shard with required records behind its checkpoint; null where there is none.</summary>
    public string? FirstNotCheckpointed() => _rules.Rows().FirstOrDefault(row =>
    {
        ShardBook shard = Shard(row.LeaseKey);
        return shard.Records.Count > 0 && shard.IsRequired(shard.Records[^1]) && IndexOf(shard, row.Checkpoint) < shard.Records.Count - 1;
    })?.LeaseKey;

    /// <summary>What is not done, in words.</summary>
    public string Missing() => string.Join("; ", _shards.Values
        .Select(static shard => (shard.Id, Open: shard.Records.FindAll(record => record.Times == 0 && shard.IsRequired(record))))
        .Where(static shard => shard.Open.Count > 0)
        .Select(static shard => $"{shard.Id}: {shard.Open.Count} from #{shard.Open[0].Index} on"));

    /// <summary>The first shard of which something is not done.</summary>
    public string? FirstMissing() => _shards.Values.FirstOrDefault(static shard => shard.Records.Exists(record => record.Times == 0 && shard.IsRequired(record)))?.Id;

    public string Name(string shardId, CheckpointPosition position) =>
        position.Kind == CheckpointKind.Record && Shard(shardId).ByNumber.TryGetValue(position.SequenceNumber, out int index) ? $"#{index}" : position.ToString();

    public void Require(string invariant, bool holds, string? shardId, string message)
    {
        if (!holds)
        {
            var violated = new InvariantViolatedException(invariant, message, shardId);
            _loop.Fail(violated);
            throw violated;
        }
    }

    private void Created(Lease row)
    {
        ShardBook shard = Shard(row.LeaseKey);
        Require("created once", !shard.IsLeased, row.LeaseKey, "the shard has had a lease before.");
        shard.IsLeased = true;
        shard.StartsLate = row.Checkpoint.Kind == CheckpointKind.Latest;
        shard.Required = row.Checkpoint.Kind switch
        {
            CheckpointKind.Latest => null,
            CheckpointKind.AtTimestamp => (int.MaxValue, row.StartedAt!.Value.ToUnixTimeMilliseconds()),
            _ => (0, long.MinValue),
        };
    }

    private void Taken(string name, Lease before, Lease after)
    {
        string shardId = after.LeaseKey;
        SimulatedWorker worker = _workers[name];
        Require("one owner", after.LeaseCounter == before.LeaseCounter + 1, shardId, $"{name} took the lease from counter {before.LeaseCounter} to {after.LeaseCounter}.");
        Require("table", after.Checkpoint == before.Checkpoint, shardId, $"{name} changed the checkpoint with its take.");
        if (before.Owner is { } former && former != name)
        {
            (_, long since) = _moved.GetValueOrDefault(shardId);
            bool isExpired = _loop.Now - since >= (_rules.LeaseDuration * 0.95).Ticks;
            bool isLevelling = _held.GetValueOrDefault(former) is { } history && history.Any(entry => entry.Value >= 2);
            // nobody reads what was passed on and never taken: it does not wait another duration for one who has been silent that long
            bool isUnclaimed = before.IsPassedOn
                && _loop.Now - since >= (_rules.LeaseDuration / 4 * 0.95).Ticks
                && _loop.Now - _wroteAt.GetValueOrDefault(former) >= (_rules.LeaseDuration * 0.95).Ticks;
            Require("live lease", isExpired || isLevelling || isUnclaimed, shardId, $"{name} took the lease of {former}, which had written it {TimeSpan.FromTicks(_loop.Now - since)} before and had no other.");
        }

        var ownership = new Ownership(worker, shardId, after.LeaseCounter, IndexOf(Shard(shardId), after.Checkpoint), worker.Process.Clock.Elapsed)
        {
            KnowsStart = after.Checkpoint.Kind is CheckpointKind.Record or CheckpointKind.TrimHorizon,
            BeginsInOrder = _rules.KeepsShardOrder,
        };
        Require("one owner", _ownerships.TryAdd((shardId, after.LeaseCounter), ownership), shardId, $"two owners have had counter {after.LeaseCounter}.");
        _current[shardId] = ownership;
    }

    private void Updated(string name, Lease before, Lease after)
    {
        string shardId = after.LeaseKey;
        Require("owner writes", before.LeaseOwner == name && after.LeaseOwner == name, shardId, $"{name} wrote the lease of {before.LeaseOwner ?? "nobody"}.");
        Require("one owner", after.LeaseCounter == before.LeaseCounter + 1, shardId, $"{name} renewed the lease from counter {before.LeaseCounter} to {after.LeaseCounter}.");
        Require("checkpoint goes on", after.Checkpoint >= before.Checkpoint, shardId, $"{name} moved the checkpoint from {Name(shardId, before.Checkpoint)} back to {Name(shardId, after.Checkpoint)}.");
        Ownership ownership = _current[shardId];
        ownership.RenewedAt = ownership.Worker.Process.Clock.Elapsed;
        if (after.Checkpoint == before.Checkpoint)
        {
            return;
        }

        ShardBook shard = Shard(shardId);
        int to = after.Checkpoint.Kind == CheckpointKind.ShardEnd ? shard.Records.Count - 1 : IndexOf(shard, after.Checkpoint);
        for (int i = Math.Max(0, ownership.Durable + 1); i <= to; i++)
        {
            Require(
                "checkpoint is done",
                ownership.Done.ContainsKey(i) || !shard.IsRequired(shard.Records[i]) || (!ownership.KnowsStart && i < ownership.First),
                shardId,
                $"{name} checkpointed {Name(shardId, after.Checkpoint)}, and #{i} is not done.");
        }

        if (after.Checkpoint.Kind == CheckpointKind.ShardEnd)
        {
            Require("shard end", _rules.IsClosed(shardId), shardId, $"{name} wrote SHARD_END of an open shard.");
        }

        ownership.Durable = Math.Max(ownership.Durable, to);
        ownership.Advance();
    }

    /// <summary>Only what is done with, and what nobody will ask for to know whether its children may begin.</summary>
    private void Deleted(string name, Lease before)
    {
        Require("deleted done", before.IsFinished, before.LeaseKey, $"{name} deleted the lease at {Name(before.LeaseKey, before.Checkpoint)}.");
        foreach (string child in _shards.Keys.Where(shard => ParentsOf(shard).Contains(before.LeaseKey)))
        {
            Require("deleted done", Shard(child).IsLeased, before.LeaseKey, $"{name} deleted the lease before its child {child} had one.");
        }
    }

    private void Released(string name, Lease before, Lease after)
    {
        string shardId = after.LeaseKey;
        if (before.TakenBy != before.LeaseOwner)
        {
            // it was passed on to a worker that has not taken it, and is given to whoever comes first
            Require("table", after.LeaseOwner is null && after.Checkpoint == before.Checkpoint, shardId, $"{name} took the lease back from {before.LeaseOwner} and gave it to {after.LeaseOwner ?? "nobody"}.");
            return;
        }

        Require("owner writes", before.LeaseOwner == name, shardId, $"{name} released the lease of {before.LeaseOwner ?? "nobody"}.");
        Require("table", after.Checkpoint == before.Checkpoint, shardId, $"{name} changed the checkpoint with its release.");
        Ownership ownership = _current[shardId];
        ownership.IsReleased = true;
        _current.Remove(shardId);
        if (ownership.Worker.IsUntroubledFor(_rules.StopTimeout + _rules.LeaseDuration) && !ownership.Worker.GaveHandlerUp)
        {
            Require(
                "released clean",
                ownership.Durable + 1 >= ownership.Contiguous,
                shardId,
                $"{name} released the shard at {Name(shardId, after.Checkpoint)} although it has done all up to #{ownership.Contiguous - 1}: that is done again now.");
        }
    }

    /// <summary>A new record begins only while the lease is this worker's for certain.</summary>
    private void RequireAlive(Ownership ownership)
    {
        SimulatedWorker worker = ownership.Worker;
        Require("released", !ownership.IsReleased, ownership.ShardId, $"{worker.Name} goes on with the shard after it released it.");
        TimeSpan now = worker.Process.Clock.Elapsed;
        bool hasJustResumed = worker.ResumedAt is { } resumed && now - resumed <= _rules.LeaseDuration / 8;
        Require(
            "dead owner",
            now - ownership.RenewedAt <= _rules.LeaseDuration || hasJustResumed,
            ownership.ShardId,
            $"{worker.Name} begins a record although its last write to the lease took effect {now - ownership.RenewedAt} ago by its own clock.");
    }

    private void RequireNext(ShardBook shard, Ownership ownership, int index)
    {
        string name = ownership.Worker.Name;
        BookedRecord record = shard.Records[index];
        Require("duplicates", ownership.IsAhead(index), shard.Id, $"{name} begins #{index}, which was checkpointed when it took the shard.");
        ownership.First = Math.Min(ownership.First, index);

        if (_rules.KeepsShardOrder)
        {
            if (ownership.Last >= 0)
            {
                Require("order", index == ownership.Last + 1, shard.Id, $"{name} begins #{index} behind #{ownership.Last}.");
                Require("order", !_rules.OneByOne || ownership.Done.ContainsKey(ownership.Last), shard.Id, $"{name} begins #{index} before #{ownership.Last} is done.");
            }
            else
            {
                RequireNothingBefore(shard, ownership, index, static _ => true);
            }

            return;
        }

        if (ownership.LastOfKey.TryGetValue(record.Key, out int last))
        {
            Require("order", shard.AfterInKey(last) == index, shard.Id, $"{name} begins #{index} of {record.Key} behind #{last}.");
            Require("order", ownership.Done.ContainsKey(last), shard.Id, $"{name} begins #{index} of {record.Key} before #{last} is done.");
        }
        else
        {
            RequireNothingBefore(shard, ownership, index, other => other.Key == record.Key);
        }

        ownership.LastOfKey[record.Key] = index;
    }

    private void RequireNothingBefore(ShardBook shard, Ownership ownership, int index, Func<BookedRecord, bool> sameOrder)
    {
        for (int i = Math.Max(0, ownership.Start + 1); i < index; i++)
        {
            BookedRecord earlier = shard.Records[i];
            bool isNeeded = ownership.KnowsStart || (shard.IsRequired(earlier) && earlier.Times == 0);
            Require("no gap", !isNeeded || !sameOrder(earlier), shard.Id, $"{ownership.Worker.Name} begins at #{index} and leaves out #{i}.");
        }
    }

    private void RequireParentsDone(string shardId, int index)
    {
        if (Shard(shardId).HasParentsDone)
        {
            return;
        }

        foreach (string parent in ParentsOf(shardId))
        {
            ShardBook book = Shard(parent);
            BookedRecord? open = book.Records.Find(record => record.Times == 0 && book.IsLeased && book.IsRequired(record));
            Require("parents first", open is null, shardId, $"#{index} of {shardId} begins before #{open?.Index} of its parent {parent} is done.");
        }

        Shard(shardId).HasParentsDone = true;
    }

    private void CountHeld(string? worker)
    {
        if (worker is null)
        {
            return;
        }

        if (!_held.TryGetValue(worker, out SortedDictionary<long, int>? history))
        {
            _held[worker] = history = [];
        }

        // what somebody may act upon who read the table a while ago
        long forgotten = _loop.Now - TimeSpan.FromSeconds(20).Ticks;
        foreach (long old in history.Keys.TakeWhile(time => time < forgotten).SkipLast(1).ToList())
        {
            history.Remove(old);
        }

        history[_loop.Now] = _rules.Rows().Count(row => row.Owner == worker && !row.IsFinished);
    }

    private Ownership Find(SimulatedWorker worker, string shardId, long token)
    {
        _ = _ownerships.TryGetValue((shardId, token), out Ownership? ownership);
        Require("one owner", ownership?.Worker == worker, shardId, $"{worker.Name} works with token {token}, which the table never gave it.");
        return ownership!;
    }

    private int IndexOf(ShardBook shard, CheckpointPosition position) => position.Kind switch
    {
        CheckpointKind.Record => IndexOf(shard, position.SequenceNumber),
        CheckpointKind.ShardEnd => shard.Records.Count - 1,
        _ => -1,
    };

    private int IndexOf(ShardBook shard, SequenceNumber number)
    {
        bool isKnown = shard.ByNumber.TryGetValue(number, out int index);
        Require("positions", isKnown, shard.Id, $"{number} is no record's.");
        return index;
    }

    private ShardBook Shard(string shardId)
    {
        if (!_shards.TryGetValue(shardId, out ShardBook? shard))
        {
            _shards[shardId] = shard = new ShardBook(shardId);
        }

        return shard;
    }

    private sealed class BookedRecord(int index, SequenceNumber number, string key, long arrivalMs)
    {
        public int Index { get; } = index;

        public SequenceNumber Number { get; } = number;

        public string Key { get; } = key;

        public long ArrivalMs { get; } = arrivalMs;

        /// <summary>By how many owners it was done.</summary>
        public int Times { get; set; }
    }

    private sealed class ShardBook(string id)
    {
        private readonly Dictionary<string, int> _lastOfKey = new(StringComparer.Ordinal);
        private readonly Dictionary<int, int> _afterInKey = [];

        public string Id { get; } = id;

        public List<BookedRecord> Records { get; } = [];

        public Dictionary<SequenceNumber, int> ByNumber { get; } = [];

        public bool IsLeased { get; set; }

        public bool StartsLate { get; set; }

        public bool HasParentsDone { get; set; }

        /// <summary>From which record, or from which time on, nothing may be left out; null while that is open.</summary>
        public (int Index, long Ms)? Required { get; set; }

        public bool IsRequired(BookedRecord record) => Required is { } from && (record.Index >= from.Index || record.ArrivalMs >= from.Ms);

        public void NextOfKey(string key, int index)
        {
            if (_lastOfKey.TryGetValue(key, out int last))
            {
                _afterInKey[last] = index;
            }

            _lastOfKey[key] = index;
        }

        public int AfterInKey(int index) => _afterInKey.GetValueOrDefault(index, -1);
    }

    /// <summary>A worker's time with a shard, from a take to the next.</summary>
    private sealed class Ownership(SimulatedWorker worker, string shardId, long token, int start, TimeSpan takenAt)
    {
        public SimulatedWorker Worker { get; } = worker;

        public string ShardId { get; } = shardId;

        public long Token { get; } = token;

        /// <summary>The last record that was done when it began.</summary>
        public int Start { get; } = start;

        /// <summary>False where it began at a time, not at a record.</summary>
        public bool KnowsStart { get; init; }

        public bool BeginsInOrder { get; init; }

        public int First { get; set; } = int.MaxValue;

        public int Last { get; set; } = -1;

        public Dictionary<string, int> LastOfKey { get; } = new(StringComparer.Ordinal);

        public HashSet<int> Begun { get; } = [];

        public Dictionary<int, long> Done { get; } = [];

        public int Durable { get; set; } = start;

        /// <summary>The end of the contiguous run of what it has done.</summary>
        public int Contiguous { get; private set; } = start + 1;

        public TimeSpan RenewedAt { get; set; } = takenAt;

        public bool IsReleased { get; set; }

        public bool IsAhead(int index) => index > Start;

        public void Advance()
        {
            if (!KnowsStart && !BeginsInOrder && Durable < 0)
            {
                // what stands before the first that was begun may come yet, in another lane
                return;
            }

            int from = KnowsStart || First == int.MaxValue ? 0 : First;
            Contiguous = Math.Max(Math.Max(Contiguous, from), Durable + 1);
            while (Done.ContainsKey(Contiguous))
            {
                Contiguous++;
            }
        }
    }
}

/// <summary>What a ledger has to know of the world that it keeps book of.</summary>
internal sealed record LedgerRules
{
    public required TimeSpan LeaseDuration { get; init; }

    public required TimeSpan StopTimeout { get; init; }

    /// <summary>True where a shard's records are handled in their order; else only those of a key are.</summary>
    public required bool KeepsShardOrder { get; init; }

    /// <summary>True where a record begins only when the one before it is done.</summary>
    public required bool OneByOne { get; init; }

    /// <summary>True where nothing but trouble can put off a checkpoint.</summary>
    public required bool CheckpointsInTime { get; init; }

    /// <summary>How much later than its interval a checkpoint may be.</summary>
    public TimeSpan CheckpointSlack { get; init; } = TimeSpan.FromSeconds(4);

    public required Func<string, bool> IsClosed { get; init; }

    public required Func<DateTimeOffset> StreamClock { get; init; }

    public required Func<IReadOnlyList<Lease>> Rows { get; init; }
}
