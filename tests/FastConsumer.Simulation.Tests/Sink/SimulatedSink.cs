using FastConsumer.Processors;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests.Sink;

/// <summary>A transaction of the simulated sink: what it will show once it is committed.</summary>
internal sealed class SinkTransaction(int id, string worker)
{
    public int Id { get; } = id;

    public string Worker { get; } = worker;

    /// <summary>The records whose effects it holds.</summary>
    public List<CheckpointPosition> Effects { get; } = [];

    /// <summary>The values of outputs that it holds.</summary>
    public List<Positioned<CountedRow>> Rows { get; } = [];

    /// <summary>The row that its update has locked, and what the commit makes of it; null before the update.</summary>
    public (PositionKey Key, StoredPosition Next)? Locked { get; set; }

    /// <summary>True once it is committed or rolled back.</summary>
    public bool IsOver { get; set; }

    /// <summary>When it last did something.</summary>
    public long TouchedAt { get; set; }
}

/// <summary>
/// A database as its workers' effects see it: atomic transactions, a row per shard with its position, row locks, and sessions that are
/// ended when they idle inside a transaction. It judges each commit.
/// </summary>
internal class SimulatedSink(SimulatedCluster cluster)
{
    /// <summary>As <c>idle_in_transaction_session_timeout</c>.</summary>
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(5);

    private readonly Dictionary<PositionKey, StoredPosition> _rows = [];
    private readonly Dictionary<PositionKey, SinkTransaction> _locks = [];
    private readonly Dictionary<PositionKey, string> _owners = [];
    private readonly HashSet<(string Shard, CheckpointPosition Position)> _effects = [];
    private readonly HashSet<(string Shard, CheckpointPosition Position)> _passable = [];
    private int _transactions;

    /// <summary>How many transactions were committed.</summary>
    public int Commits { get; private set; }

    /// <summary>How many records have an effect.</summary>
    public virtual int Effects => _effects.Count;

    /// <summary>How many were refused, for their owner was not the last, or their number was taken.</summary>
    public int Refused { get; private set; }

    public SinkTransaction Begin(string worker) => new(++_transactions, worker) { TouchedAt = cluster.Loop.Now };

    public StoredPosition? Read(PositionKey key) => _rows.GetValueOrDefault(key);

    /// <summary>The row of a shard; null for none.</summary>
    public StoredPosition? RowOf(string shardId) => _rows.FirstOrDefault(row => row.Key.ShardId == shardId).Value;

    /// <summary>Values of outputs are written with a transaction.</summary>
    public void Insert(SinkTransaction transaction, IReadOnlyList<Positioned<CountedRow>> rows)
    {
        RequireOpen(transaction);
        transaction.Rows.AddRange(rows);
    }

    /// <summary>Null while another transaction has locked the row.</summary>
    public StoredPosition? SetEpoch(string worker, PositionKey key, long epoch)
    {
        if (IsLocked(key, null))
        {
            return null;
        }

        StoredPosition row = _rows.GetValueOrDefault(key) ?? new StoredPosition(epoch, 0, null);
        if (row.Epoch <= epoch)
        {
            row = row with { Epoch = epoch };
            _owners[key] = worker;
        }

        _rows[key] = row;
        Note(worker, key, $"epoch {epoch}: {Say(key, row)}");
        return row;
    }

    /// <summary>
    /// The update at a transaction's end: null while another has locked the row, false where its condition does not hold.
    /// </summary>
    public bool? Update(
        SinkTransaction transaction, PositionKey key, StoredPosition former, Func<StoredPosition, StoredPosition> next)
    {
        RequireOpen(transaction);
        if (IsLocked(key, transaction))
        {
            return null;
        }

        StoredPosition? row = _rows.GetValueOrDefault(key);
        if (row is null || row.Epoch != former.Epoch || row.Number != former.Number)
        {
            Refused++;
            Note(transaction.Worker, key, $"update of transaction {transaction.Id} is refused: {Say(key, row)}");
            return false;
        }

        transaction.Locked = (key, next(row) with { Epoch = row.Epoch, Number = row.Number + 1 });
        _locks[key] = transaction;
        return true;
    }

    public void Commit(SinkTransaction transaction)
    {
        RequireOpen(transaction);
        if (transaction.Locked is not var (key, next))
        {
            throw new InvalidOperationException("The transaction has no position.");
        }

        cluster.Ledger.Require(
            "only the owner commits",
            transaction.Worker == _owners[key],
            key.ShardId,
            $"{transaction.Worker} commits, and the row is {_owners[key]}'s: {Say(key, _rows[key])}.");
        Judge(transaction, key.ShardId, _rows[key], next);
        _rows[key] = next;
        Commits++;
        Note(transaction.Worker, key, $"transaction {transaction.Id} is committed: {Say(key, next)}");
        Release(transaction);
    }

    /// <summary>For deliberate mistakes: commits what a handler wrote although its position was refused.</summary>
    public void CommitWithoutPosition(SinkTransaction transaction, string shardId)
    {
        foreach (CheckpointPosition effect in transaction.Effects)
        {
            cluster.Ledger.Require(
                "once",
                _effects.Add((shardId, effect)),
                shardId,
                $"{transaction.Worker} commits the effect of {effect} a second time, and its position was refused.");
        }

        Release(transaction);
    }

    public void Rollback(SinkTransaction transaction)
    {
        if (!transaction.IsOver)
        {
            Release(transaction);
        }
    }

    /// <summary>A handler has said that these records need no effect: its error policy leaves them out.</summary>
    public void MayPass(string shardId, IEnumerable<CheckpointPosition> positions) =>
        _passable.UnionWith(positions.Select(position => (shardId, position)));

    /// <summary>The lease follows: its checkpoint is never ahead of what is committed.</summary>
    public void LeaseWritten(TableWrite write)
    {
        if (write.After is not { Checkpoint: { Kind: CheckpointKind.Record or CheckpointKind.ShardEnd } checkpoint } row)
        {
            return;
        }

        CheckpointPosition? position = RowOf(row.LeaseKey)?.Position;
        CheckpointPosition? last = checkpoint.Kind == CheckpointKind.Record ? checkpoint : LastNeeded(row.LeaseKey);
        cluster.Ledger.Require(
            "lease follows",
            last is null || position >= last,
            row.LeaseKey,
            $"{write.Worker} wrote {checkpoint} into the lease, and the sink is at {position?.ToString() ?? "nothing"}.");
    }

    /// <summary>All that must be there is there, once the world is quiet and has recovered.</summary>
    public virtual void RequireAll(IEnumerable<string> shards)
    {
        foreach (string shard in shards)
        {
            foreach (BookedRecord record in cluster.Ledger.RecordsOf(shard))
            {
                cluster.Ledger.Require(
                    "effects",
                    IsPassed(shard, record) || _effects.Contains((shard, record.Position)),
                    shard,
                    $"the effect of #{record.Index} is missing.");
            }
        }
    }

    private CheckpointPosition? LastNeeded(string shardId) => cluster.Ledger.RecordsOf(shardId) is [.., var last] ? last.Position : null;

    /// <summary>A transaction holds the effects of exactly the records between two positions, and none twice.</summary>
    protected virtual void Judge(SinkTransaction transaction, string shardId, StoredPosition former, StoredPosition next)
    {
        CheckpointPosition? from = former.Position;
        CheckpointPosition to = next.Position!.Value;
        cluster.Ledger.Require(
            "position goes on", !(to <= from), shardId, $"{transaction.Worker} moved the sink from {from} back to {to}.");
        List<BookedRecord> covered = [.. cluster.Ledger.RecordsOf(shardId)
            .Where(record => record.Position <= to && !(record.Position <= from))];
        foreach (CheckpointPosition effect in transaction.Effects)
        {
            cluster.Ledger.Require(
                "once", _effects.Add((shardId, effect)), shardId, $"{transaction.Worker} commits the effect of {effect} a second time.");
            cluster.Ledger.Require(
                "covered",
                covered.Exists(record => record.Position == effect),
                shardId,
                $"{transaction.Worker} commits the effect of {effect}, which does not lie between {from} and {to}.");
        }

        foreach (BookedRecord record in covered)
        {
            cluster.Ledger.Require(
                "effects",
                IsPassed(shardId, record) || transaction.Effects.Contains(record.Position),
                shardId,
                $"{transaction.Worker} moves the sink past #{record.Index} without its effect.");
        }
    }

    private bool IsPassed(string shardId, BookedRecord record) =>
        SinkHandler.IsFiltered(record.Data) || _passable.Contains((shardId, record.Position));

    private bool IsLocked(PositionKey key, SinkTransaction? own)
    {
        if (!_locks.TryGetValue(key, out SinkTransaction? holder) || holder == own)
        {
            return false;
        }

        if (cluster.Loop.Now - holder.TouchedAt > s_idle.Ticks)
        {
            Note(holder.Worker, key, $"transaction {holder.Id} has idled too long and is ended");
            Release(holder);
            return false;
        }

        return true;
    }

    private void RequireOpen(SinkTransaction transaction)
    {
        if (!transaction.IsOver && cluster.Loop.Now - transaction.TouchedAt > s_idle.Ticks)
        {
            Release(transaction);
        }

        if (transaction.IsOver)
        {
            throw new IOException("The session was ended, for it idled inside a transaction (25P03).");
        }

        transaction.TouchedAt = cluster.Loop.Now;
    }

    private void Release(SinkTransaction transaction)
    {
        transaction.IsOver = true;
        if (transaction.Locked is var (key, _) && _locks.GetValueOrDefault(key) == transaction)
        {
            _locks.Remove(key);
        }
    }

    private void Note(string worker, PositionKey key, string text) => cluster.Loop.Trace.Add(worker, key.ShardId, $"sink: {text}");

    private string Say(PositionKey key, StoredPosition? row) => row is null
        ? "no row"
        : $"epoch {row.Epoch}, number {row.Number}, {(row.Position is { } at ? cluster.Ledger.Name(key.ShardId, at) : "nothing")}"
            + (row.Runs is null ? "" : $" and {DoneRuns.Parse(row.Runs).Count} runs");
}
