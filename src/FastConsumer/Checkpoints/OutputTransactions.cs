using FastConsumer.Processors;

namespace FastConsumer.Checkpoints;

/// <summary>
/// Outputs in transactions that also move the sink's row of the shard: it says of which records the outputs are there.
/// </summary>
/// <remarks>
/// What must hold: the row's records are exactly those whose outputs are committed; they only grow; and they are at least those of each
/// snapshot that the lease's row names, since a checkpoint waits for them. The snapshot leads and the row runs ahead of it: what it has is
/// left out when records are handled again.
/// </remarks>
internal sealed class OutputTransactions<TTransaction>(
    IPositionStore<TTransaction> store, IReadOnlyList<TransactionRoute<TTransaction>> routes) : OutputTarget
    where TTransaction : class
{
    private readonly SinkRow _row = new(store, isLeader: false);
    private string? _lineage;

    // the cut that is being written, and the row that will say so
    private (OutputCut Cut, StoredPosition Next)? _writing;

    public override string Description => store.Description;

    public override long? Number => _row.Known?.Number;

    public override async Task<(CheckpointPosition? Written, DoneRuns Runs)> TakeAsync(
        OutputOwner owner, CancellationToken cancellationToken)
    {
        StoredPosition row = await store.SetEpochAsync(owner.Key, owner.Epoch, cancellationToken);
        string shard = owner.Key.ShardId;
        _row.ThrowIfTakenByAnother(shard, row, owner.Epoch);
        if (row.Lineage is { } lineage && lineage != owner.Lineage)
        {
            throw new SinkPositionException(
                $"{store.Description} has outputs of shard {shard} from another life of its lease: the lease, or the whole table, was "
                    + "deleted and made anew. Records that run again would be left out, or be there twice. Look at what the sink has, and "
                    + $"go on from the lease: 'fastconsumer position adopt --shard {shard} --from lease'.");
        }

        if (row.Number < owner.LeastNumber)
        {
            throw new SinkPositionException(
                $"{store.Description} has {row.Number} transactions of shard {shard}, and its checkpoint was taken when there were "
                    + $"{owner.LeastNumber}: the sink has lost some, as a standby that lagged behind or a backup has. Connect the sink "
                    + "that has them, or go on without: 'fastconsumer checkpoint reset --drop-state' handles records again.");
        }

        _row.Take(owner.Key, row);
        _lineage = owner.Lineage;
        _writing = null;
        return (row.Position, Runs(row, shard));
    }

    public override async Task WriteAsync(OutputCut cut, CancellationToken cancellationToken)
    {
        if (_writing?.Cut != cut)
        {
            _writing = (cut, NextOf(cut));
        }
        else
        {
            // a statement that meets what a late commit has written would fail each time, before the row is looked at
            await _row.SettleAgainAsync(_writing.Value.Next, cancellationToken);
        }

        StoredPosition next = _writing.Value.Next;
        if (_row.Now == next)
        {
            // a try without an answer has succeeded
            _writing = null;
            return;
        }

        TTransaction transaction = await store.BeginAsync(cancellationToken);
        try
        {
            for (int i = 0; i < routes.Count; i++)
            {
                if (cut.Values[i].Count > 0)
                {
                    await routes[i].WriteAsync(transaction, cut.Values[i], cancellationToken);
                }
            }

            await _row.CommitAsync(
                next, token => store.CommitAsync(transaction, _row.Key, _row.Now, next, token), cancellationToken);
        }
        finally
        {
            await store.EndAsync(transaction);
        }

        // it holds the values
        _writing = null;
    }

    /// <summary>
    /// What the row has and what the cut has: after a crash the row is ahead of the cut at first.
    /// </summary>
    private StoredPosition NextOf(OutputCut cut)
    {
        CheckpointPosition? position = cut.Position.Kind is CheckpointKind.Record or CheckpointKind.ShardEnd ? cut.Position : null;
        if (position is null || position < _row.Now.Position)
        {
            position = _row.Now.Position;
        }

        DoneRuns runs = cut.Runs.UnionBehind(Runs(_row.Now, _row.Key.ShardId), position ?? CheckpointPosition.TrimHorizon);
        return _row.Now with { Number = _row.Now.Number + 1, Position = position, Runs = runs.ToText(), Lineage = _lineage };
    }

    private DoneRuns Runs(StoredPosition row, string shard)
    {
        try
        {
            return DoneRuns.Parse(row.Runs);
        }
        catch (FormatException e)
        {
            throw new SinkPositionException(
                $"The row of shard {shard} in {store.Description} cannot be read: {e.Message} Somebody has written to it. Correct its "
                    + "runs.");
        }
    }
}
