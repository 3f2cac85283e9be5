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
    IPositionStore<TTransaction> store, IReadOnlyList<TransactionRoute<TTransaction>> routes)
    : OutputTarget([.. routes.Select(static route => route.Name)])
    where TTransaction : class
{
    private readonly SinkRow _row = new(store, isLeader: false);
    private string? _lineage;

    // the cut that is being written, and the row that will say so
    private (OutputCut Cut, StoredPosition Next)? _writing;

    public override string Description => store.Description;

    public override int MostValues => store.MaxOutputs is >= 1 and int most ? most : throw new InvalidOperationException(
        $"{store.Description} takes {store.MaxOutputs} values in a transaction (MaxOutputs): at least 1 is needed.");

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
        // a statement that meets what a late commit has written would fail each time, before the row is looked at
        if (_writing is not null && await HasLandedAsync(cut, cancellationToken))
        {
            return;
        }

        StoredPosition next = NextOf(cut);
        bool isRepeated = _writing is not null;
        _writing = (cut, next);
        TTransaction transaction = await store.BeginAsync(cancellationToken);
        try
        {
            for (int i = 0; i < routes.Count; i++)
            {
                TransactionRoute<TTransaction> route = routes[i];
                await WriteAsync(cut, i, values => route.WriteAsync(transaction, values, cancellationToken));
            }

            await _row.CommitAsync(
                next, token => store.CommitAsync(transaction, _row.Key, _row.Now, next, token), cancellationToken);
        }
        catch (RejectedOutputException) when (isRepeated && !cancellationToken.IsCancellationRequested)
        {
            // what it has met may be what a former try has written, which came in since the row was read
            if (await HasLandedAsync(cut, cancellationToken))
            {
                return;
            }

            throw;
        }
        catch (Exception e) when (e is IUnrepeatable { IsUnrepeatable: true } && !cancellationToken.IsCancellationRequested)
        {
            // the cut says always the same; that of a new run has what is done by then
            throw new NotCheckpointedException(e.Message, e);
        }
        finally
        {
            await store.EndAsync(transaction);
        }

        // it holds the values
        _writing = null;
    }

    /// <summary>True where a former try, which had no answer, has written the cut.</summary>
    private async ValueTask<bool> HasLandedAsync(OutputCut cut, CancellationToken cancellationToken)
    {
        (OutputCut former, StoredPosition next) = _writing!.Value;
        await _row.SettleAgainAsync(next, cancellationToken);
        if (_row.Now != next)
        {
            return false;
        }

        _writing = null;
        return former.IsOfSameRecords(cut) ? true : throw new SinkPositionException(
            $"{store.Description} has taken more outputs of shard {_row.Key.ShardId} than this worker knows of: a transaction that was not "
                + "answered came in late. The shard starts again from there.")
        {
            NeedsOperator = false,
        };
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
