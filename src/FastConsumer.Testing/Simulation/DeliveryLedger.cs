using FastConsumer.Kinesis;

namespace FastConsumer.Testing.Simulation;

/// <summary>
/// Keeps book of what was put, handled and checkpointed by whom, and holds it against what must always be so: see
/// docs/simulation.md for the list. Fed by the world, not by the workers' own view of it.
/// </summary>
internal sealed partial class DeliveryLedger
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

    /// <summary>How many user records were put.</summary>
    public int Put { get; private set; }

    /// <summary>How many of them belong to another shard than they were put into, and are not to be delivered.</summary>
    public int LeftOut { get; private set; }

    /// <summary>How often a lease was taken at a checkpoint inside an aggregate.</summary>
    public int TakesInside { get; private set; }

    /// <summary>How many records were handled once more than needed.</summary>
    public int Duplicates { get; private set; }

    /// <summary>The shards a shard was made from.</summary>
    public required Func<string, IReadOnlyList<string>> ParentsOf { get; init; }

    public void Add(SimulatedWorker worker) => _workers.Add(worker.Name, worker);

    /// <summary>A record is in the stream, with its user records: itself, or those of an aggregate.</summary>
    public void RecordPut(string shardId, SequenceNumber number, IReadOnlyList<PutUserRecord> records)
    {
        Shard(shardId).Add(number, records, _rules.StreamClock().ToUnixTimeMilliseconds());
        Put += records.Count;
        LeftOut += records.Count(static record => record.IsLeftOut);
    }

    /// <summary>The record of the stream behind another, where there is one.</summary>
    public SequenceNumber? NumberAfter(string shardId, SequenceNumber number) => Shard(shardId).NumberAfter(number);

    /// <summary>The user records of a shard that are to be delivered.</summary>
    public IReadOnlyList<BookedRecord> RecordsOf(string shardId) => Shard(shardId).Records;

    /// <summary>The shards that records were put into.</summary>
    public IReadOnlyCollection<string> Shards => _shards.Keys;

    /// <summary>True where an aggregate goes on behind a position.</summary>
    public bool GoesOnInside(string shardId, CheckpointPosition position) => Shard(shardId).GoesOnInside(position);

    /// <summary>The last record that a worker has begun on its shard; null where it has begun none.</summary>
    public CheckpointPosition? LastBegun(string shardId, string worker) =>
        _current.GetValueOrDefault(shardId) is { } ownership && ownership.Worker.Name == worker && ownership.Last >= 0
            ? Shard(shardId).Records[ownership.Last].Position
            : null;

    /// <summary>The furthest record that a worker has done on its shard, whatever is open before it; null where it has done none.</summary>
    public CheckpointPosition? FurthestDone(string shardId, string worker) =>
        _current.GetValueOrDefault(shardId) is { Done.Count: > 0 } ownership && ownership.Worker.Name == worker
            ? Shard(shardId).Records[ownership.Done.Keys.Max()].Position
            : null;

    /// <summary>The service has told somebody where to begin.</summary>
    public void IteratorGiven(string shardId, StartingPosition position)
    {
        ShardBook shard = Shard(shardId);
        if (shard.LatestSince is not { } since)
        {
            return;
        }

        // all counts from the start that the lease bears, but for LATEST itself: that is now, and comes at once, and once
        shard.LatestSince = null;
        if (position.Type == ShardIteratorType.Latest)
        {
            var late = TimeSpan.FromTicks(_loop.Now - since);
            bool isTroubled = _current.GetValueOrDefault(shardId) is { } ownership && !ownership.Worker.IsUntroubledFor(late);
            Require(
                "first start",
                late <= _rules.LatestLasts || isTroubled,
                shardId,
                $"LATEST was asked for {late} after the lease was created.");
            shard.Required = (shard.Records.Count, long.MaxValue);
        }
        else
        {
            shard.Required ??= (int.MaxValue, position.Timestamp.ToUnixTimeMilliseconds());
        }
    }

    /// <summary>A handler begins with a record.</summary>
    public void Begun(SimulatedWorker worker, string shardId, long token, KinesisRecord record, int attempt)
    {
        ShardBook shard = Shard(shardId);
        Ownership ownership = Find(worker, shardId, token);
        int index = IndexOf(shard, record.Position);
        RequireAsPut(worker, shard, index, record);
        _loop.Trace.Add(worker.Name, shardId, $"begins #{index} {shard.Records[index].Key} (token {token}, attempt {attempt})");
        RequireAlive(ownership);
        RequireAllowed(ownership);
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

        if (index == ownership.Decided)
        {
            // the command was not accepted
            ownership.Decided = -1;
        }

        ownership.Begun.Add(index);
        ownership.Last = Math.Max(ownership.Last, index);
    }

    /// <summary>A handler is through with a record.</summary>
    public void Done(SimulatedWorker worker, string shardId, long token, CheckpointPosition position)
    {
        ShardBook shard = Shard(shardId);
        Ownership ownership = Find(worker, shardId, token);
        int index = IndexOf(shard, position);
        if (!ownership.Done.TryAdd(index, _loop.Now))
        {
            return;
        }

        _loop.Trace.Add(worker.Name, shardId, $"has done #{index}");
        BookedRecord record = shard.Records[index];
        if (token < shard.ResetAt)
        {
            // an operator wants it done again, by whoever has the shard since
        }
        else if (record.Times++ > 0)
        {
            Duplicates++;
            // whoever did it before must have lost the shard since: what it had done for certain is never done again
            Require(
                "duplicates",
                ownership.IsAhead(index),
                shardId,
                $"{worker.Name} did #{index}, which was checkpointed when it took the shard.");
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
                Require("checkpoint interval", age <= longest, shardId, $"#{ownership.Durable + 1} was done by {worker.Name} {age} ago and "
                    + $"is in no checkpoint; the interval is {worker.CheckpointInterval}.");
            }
        }
    }

    /// <summary>How long ago anybody has last written the shard's lease.</summary>
    public TimeSpan SinceWritten(string shardId) => TimeSpan.FromTicks(_loop.Now - _moved.GetValueOrDefault(shardId).Since);

    /// <summary>True where every record that must be handled is done, as far as the ledger sees it.</summary>
    public bool IsAllDone => !_rules.SeesHandlers
        || _shards.Values.All(static shard => shard.Records.TrueForAll(record => record.IsDone || !shard.IsRequired(record)));

    /// <summary>The first shard with required records behind its checkpoint; null where there is none.</summary>
    public string? FirstNotCheckpointed() => _rules.Rows().FirstOrDefault(row =>
    {
        ShardBook shard = Shard(row.LeaseKey);
        return shard.Records.Count > 0 && shard.IsRequired(shard.Records[^1]) && IndexOf(shard, row.Checkpoint) < shard.Records.Count - 1;
    })?.LeaseKey;

    /// <summary>What is not done, in words.</summary>
    public string Missing() => string.Join("; ", _shards.Values
        .Select(static shard => (shard.Id, Open: shard.Records.FindAll(record => !record.IsDone && shard.IsRequired(record))))
        .Where(static shard => shard.Open.Count > 0)
        .Select(static shard => $"{shard.Id}: {shard.Open.Count} from #{shard.Open[0].Index} on"));

    /// <summary>The first shard of which something is not done.</summary>
    public string? FirstMissing() =>
        _shards.Values.FirstOrDefault(static shard => shard.Records.Exists(record => !record.IsDone && shard.IsRequired(record)))?.Id;

    public string Name(string shardId, CheckpointPosition position) =>
        position.Kind == CheckpointKind.Record && Shard(shardId).TryFind(position, out int index) ? $"#{index}" : position.ToString();

    public void Require(string invariant, bool holds, string? shardId, string message)
    {
        if (!holds)
        {
            var violated = new InvariantViolatedException(invariant, message, shardId);
            _loop.Fail(violated);
            throw violated;
        }
    }

    /// <summary>A handler sees the user record itself, and none that belongs to another shard.</summary>
    private void RequireAsPut(SimulatedWorker worker, ShardBook shard, int index, KinesisRecord record)
    {
        BookedRecord? put = index < 0 ? null : shard.Records[index];
        Require(
            "foreign",
            put?.Position == record.Position,
            shard.Id,
            $"{worker.Name} begins {record.Position}, which belongs to another shard.");
        string seen = $"{record.PartitionKey} {Convert.ToHexString(record.DataSpan)}";
        string right = $"{put!.Key} {Convert.ToHexString(put.Data)}";
        Require(
            "content",
            put.Key == record.PartitionKey && record.DataSpan.SequenceEqual(put.Data),
            shard.Id,
            $"{worker.Name} begins #{index} as {seen}; it was put as {right}.");
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
            $"{worker.Name} begins a record although its last write to the lease took effect {now - ownership.RenewedAt} "
                + "ago by its own clock.");
    }

    private void RequireNext(ShardBook shard, Ownership ownership, int index)
    {
        string name = ownership.Worker.Name;
        BookedRecord record = shard.Records[index];
        Require(
            "duplicates", ownership.IsAhead(index), shard.Id, $"{name} begins #{index}, which was checkpointed when it took the shard.");
        ownership.First = Math.Min(ownership.First, index);

        if (_rules.KeepsShardOrder)
        {
            if (ownership.Last >= 0)
            {
                bool isNext = index == ownership.Last + 1 || (index == ownership.Last + 2 && index - 1 == ownership.Decided);
                Require("order", isNext, shard.Id, $"{name} begins #{index} behind #{ownership.Last}.");
                Require(
                    "order",
                    !_rules.OneByOne || ownership.Done.ContainsKey(ownership.Last),
                    shard.Id,
                    $"{name} begins #{index} before #{ownership.Last} is done.");
            }
            else
            {
                RequireNothingBefore(shard, ownership, index, static _ => true);
            }

            return;
        }

        if (ownership.LastOfKey.TryGetValue(record.Key, out int last))
        {
            int next = shard.AfterInKey(last);
            bool isNext = next == index || (next >= 0 && next == ownership.Decided && shard.AfterInKey(next) == index);
            Require("order", isNext, shard.Id, $"{name} begins #{index} of {record.Key} behind #{last}.");
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
            bool isNeeded = i != ownership.Decided && (ownership.KnowsStart || (shard.IsRequired(earlier) && !earlier.IsDone));
            Require(
                "no gap", !isNeeded || !sameOrder(earlier), shard.Id, $"{ownership.Worker.Name} begins at #{index} and leaves out #{i}.");
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
            BookedRecord? open = book.Records.Find(record => !record.IsDone && book.IsLeased && book.IsRequired(record));
            Require(
                "parents first",
                open is null,
                shardId,
                $"#{index} of {shardId} begins before #{open?.Index} of its parent {parent} is done.");
        }

        Shard(shardId).HasParentsDone = true;
    }

    private Ownership Find(SimulatedWorker worker, string shardId, long token)
    {
        _ = _ownerships.TryGetValue((shardId, token), out Ownership? ownership);
        Require(
            "one owner", ownership?.Worker == worker, shardId, $"{worker.Name} works with token {token}, which the table never gave it.");
        return ownership!;
    }

    private int IndexOf(ShardBook shard, CheckpointPosition position) => position.Kind switch
    {
        CheckpointKind.Record => IndexOfRecord(shard, position),
        CheckpointKind.ShardEnd => shard.Records.Count - 1,
        _ => -1,
    };

    private int IndexOfRecord(ShardBook shard, CheckpointPosition position)
    {
        bool isKnown = shard.TryFind(position, out int index);
        Require("positions", isKnown, shard.Id, $"{position} is no record's.");
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
}
