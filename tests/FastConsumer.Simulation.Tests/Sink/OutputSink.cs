using FastConsumer.Leases;
using FastConsumer.Simulation.Tests.State;
using FastConsumer.Testing.Simulation;
using FastConsumer.Processors;

namespace FastConsumer.Simulation.Tests.Sink;

/// <summary>A value of the simulated output.</summary>
/// <param name="Key">The record's key.</param>
/// <param name="Number">What the record says.</param>
/// <param name="Tally">What the state of the key has come to with it.</param>
internal sealed record CountedRow(string Key, int Number, Tally Tally)
{
    /// <summary>Of a value that is about a whole batch, the last of whose records it belongs to: what all of them say. Else null.</summary>
    public IReadOnlyList<int>? Batch { get; init; }
}

/// <summary>Writes the output over a worker's link to the sink.</summary>
internal sealed class CountedRowWriter(SimulatedPositionStore store) : IOutputWriter<CountedRow, SinkTransaction>
{
    public Task WriteAsync(
        SinkTransaction transaction, ReadOnlyMemory<Positioned<CountedRow>> outputs, CancellationToken cancellationToken) =>
        store.InsertAsync(transaction, outputs, cancellationToken);
}

/// <summary>
/// The sink of outputs beside state. It judges at each commit that its row of the shard says exactly the records whose outputs are there,
/// and at each write of a lease's row that it has the outputs of all records that the snapshot covers.
/// </summary>
internal sealed class OutputSink(SimulatedCluster cluster, StateOracle oracle) : SimulatedSink(cluster)
{
    private readonly SimulatedCluster _cluster = cluster;
    private readonly HashSet<(string Shard, CheckpointPosition Position)> _there = [];
    private readonly HashSet<(string Shard, int Number)> _inBatches = [];
    private readonly Dictionary<(string Shard, string Key), CheckpointPosition?> _last = [];

    /// <summary>True where each record has to be in one value that is about a batch.</summary>
    public bool HasBatches { get; init; }

    /// <summary>The most values that a transaction takes.</summary>
    public int MaxOutputs { get; init; } = int.MaxValue;

    public override int Effects => _there.Count;

    /// <summary>How many commits had as many values as a transaction takes.</summary>
    public int Full { get; private set; }

    /// <summary>How many commits left a row with runs.</summary>
    public int WithRuns { get; private set; }

    /// <summary>How often a lease named a snapshot that has less than the sink.</summary>
    public int Ahead { get; private set; }

    /// <summary>A row of the leases begins to name a snapshot: the sink has the outputs of all of its records.</summary>
    public void SnapshotNamed(Lease row, DoneRuns runs)
    {
        bool isAhead = false;
        StoredPosition? there = RowOf(row.LeaseKey);
        foreach (BookedRecord record in _cluster.Ledger.RecordsOf(row.LeaseKey).Where(MakesOutput))
        {
            bool isThere = there is not null && IsIn(there, record.Position);
            bool isNamed = record.Position <= row.Checkpoint || runs.Contains(record.Position);
            isAhead |= isThere && !isNamed;
            Require(
                "lease follows",
                isThere || !isNamed,
                row.LeaseKey,
                $"the lease of {row.Owner} names a snapshot at {_cluster.Ledger.Name(row.LeaseKey, row.Checkpoint)} that has "
                    + $"#{record.Index}, and the output of that is not in the sink.");
        }

        Ahead += isAhead ? 1 : 0;
    }

    public override void RequireAll(IEnumerable<string> shards)
    {
        foreach (string shard in shards)
        {
            foreach (BookedRecord record in _cluster.Ledger.RecordsOf(shard).Where(MakesOutput))
            {
                Require("effects", _there.Contains((shard, record.Position)), shard, $"the output of #{record.Index} is missing.");
                Require(
                    "effects",
                    !HasBatches || _inBatches.Contains((shard, NumberOf(record))),
                    shard,
                    $"the output of the batch that had #{record.Index} is missing.");
            }
        }
    }

    protected override void Judge(SinkTransaction transaction, string shardId, StoredPosition former, StoredPosition next)
    {
        string worker = transaction.Worker;
        WithRuns += next.Runs is null ? 0 : 1;
        Full += transaction.Rows.Count == MaxOutputs ? 1 : 0;
        Require("small", transaction.Rows.Count <= MaxOutputs, shardId, $"{worker} commits {transaction.Rows.Count} values at once.");
        Require("one by one", next.Number == former.Number + 1, shardId, $"{worker} leaves number {next.Number} behind {former.Number}.");
        Dictionary<CheckpointPosition, BookedRecord> records = _cluster.Ledger.RecordsOf(shardId)
            .ToDictionary(static record => record.Position);
        foreach (Positioned<CountedRow> row in transaction.Rows)
        {
            if (row.Value.Batch is { } batch)
            {
                JudgeBatch(worker, shardId, batch, next, records.Values);
                continue;
            }

            string name = _cluster.Ledger.Name(shardId, row.Position);
            Require("once", _there.Add((shardId, row.Position)), shardId, $"{worker} commits the output of {name} a second time.");
            Require(
                "order",
                !(_last.GetValueOrDefault((shardId, row.Value.Key)) >= row.Position),
                shardId,
                $"{worker} commits the output of {name} behind that of a later record of its key.");
            _last[(shardId, row.Value.Key)] = row.Position;
            Require("covered", IsIn(next, row.Position), shardId, $"{worker} commits the output of {name}, which its row does not say.");
            Require(
                "right value",
                row.ShardId == shardId && row.Number == 0 && records.TryGetValue(row.Position, out BookedRecord? record)
                    && MakesOutput(record) && row.Value.Key == record.Key && row.Value.Number == NumberOf(record),
                shardId,
                $"{worker} commits {row.Value} as the output of {name}, which has another or none.");
            Tally tally = oracle.TallyAt(shardId, row.Position);
            Require(
                "right value",
                row.Value.Tally == tally,
                shardId,
                $"{worker} commits {row.Value} as the output of {name}, and the fold of its key is {tally}.");
        }

        foreach (BookedRecord record in records.Values)
        {
            bool isIn = IsIn(next, record.Position);
            Require(
                "row goes on", isIn || !IsIn(former, record.Position), shardId, $"{worker} takes #{record.Index} out of the sink's row.");
            Require(
                "effects",
                !isIn || !MakesOutput(record) || _there.Contains((shardId, record.Position)),
                shardId,
                $"{worker} says in the sink's row that #{record.Index} is done, and its output is not there.");
        }
    }

    private void JudgeBatch(
        string worker, string shardId, IReadOnlyList<int> batch, StoredPosition next, IEnumerable<BookedRecord> records)
    {
        foreach (BookedRecord record in records.Where(record => batch.Contains(NumberOf(record))))
        {
            Require(
                "once",
                _inBatches.Add((shardId, NumberOf(record))),
                shardId,
                $"{worker} commits the output of a batch that has #{record.Index}, which the output of another batch has.");
            Require(
                "covered",
                IsIn(next, record.Position),
                shardId,
                $"{worker} commits the output of a batch that has #{record.Index}, which its row does not say.");
        }
    }

    private static bool IsIn(StoredPosition row, CheckpointPosition position) =>
        position <= row.Position || DoneRuns.Parse(row.Runs).Contains(position);

    private static int NumberOf(BookedRecord record) => BitConverter.ToInt32(record.Data);

    private static bool MakesOutput(BookedRecord record) => StateHandler.MakesOutput(NumberOf(record));

    private void Require(string invariant, bool holds, string shardId, string otherwise) =>
        _cluster.Ledger.Require(invariant, holds, shardId, otherwise);
}
