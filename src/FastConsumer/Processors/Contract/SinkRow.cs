namespace FastConsumer.Processors;

/// <summary>
/// The row of one shard in a sink, while this worker has the shard, and what is known of a commit that had no answer. One caller at a time,
/// but for <see cref="Known"/>.
/// </summary>
/// <param name="store">The sink.</param>
/// <param name="isLeader">True where the row leads and the lease follows; for outputs it is the other way round.</param>
internal sealed class SinkRow(IPositionStore store, bool isLeader = true)
{
    private volatile StoredPosition? _row;
    private PositionKey? _key;

    // the row as a commit without an answer would leave it
    private StoredPosition? _inDoubt;

    /// <summary>The row; null before it is taken. Any thread may ask.</summary>
    public StoredPosition? Known => _row;

    public StoredPosition Now => _row ?? throw NotTaken();

    public PositionKey Key => _key ?? throw NotTaken();

    /// <summary>True while it is not known what the last commit came to.</summary>
    public bool IsInDoubt => _inDoubt is not null;

    /// <summary>The row is this owner's.</summary>
    public void Take(PositionKey key, StoredPosition row) => (_key, _row, _inDoubt) = (key, row, null);

    /// <summary>Commits, and finds out what it came to. A failure may leave it in doubt.</summary>
    /// <param name="next">The row that the commit leaves.</param>
    /// <param name="commit">Commits; false where the row was another.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="SinkPositionException">The row is not as it was left, or takes nothing.</exception>
    public async ValueTask CommitAsync(
        StoredPosition next, Func<CancellationToken, Task<bool>> commit, CancellationToken cancellationToken)
    {
        _inDoubt = next;
        bool isCommitted;
        try
        {
            isCommitted = await commit(cancellationToken);
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            if (await WasCommittedAsync(next, cancellationToken))
            {
                return;
            }

            throw;
        }

        if (isCommitted)
        {
            _row = next;
            _inDoubt = null;
            return;
        }

        // a former try may have come first; any other reason ends the run
        await SettleAsync(cancellationToken);
        if (_row != next)
        {
            throw new SinkPositionException(
                $"{store.Description} does not take position {next.Position} of shard {Key.ShardId}, although its row is as this worker "
                    + "left it. Nothing was committed. Look for what hides or keeps the row in a handler's transaction: a trigger, row "
                    + "security, a role or a search_path that the handler sets.");
        }
    }

    /// <summary>
    /// Reads what a commit without an answer came to; does nothing where there is none. It may still be on its way: then it and the next
    /// one have the same number, and the sink lets one through.
    /// </summary>
    /// <exception cref="SinkPositionException">The row is neither as before nor as the commit would leave it.</exception>
    public async ValueTask SettleAsync(CancellationToken cancellationToken)
    {
        if (_inDoubt is null)
        {
            return;
        }

        StoredPosition? read = await store.ReadAsync(Key, cancellationToken);
        if (read is not null)
        {
            ThrowIfTakenByAnother(Key.ShardId, read, Now.Epoch);
        }

        if (read != Now && read != _inDoubt)
        {
            throw new SinkPositionException(
                $"The position of shard {Key.ShardId} in {store.Description} is {Say(read)}, and this worker left {Say(Now)}. An operator "
                    + "or another program has changed it: the shard starts again from there.")
            {
                NeedsOperator = false,
            };
        }

        _row = read;
        _inDoubt = null;

        static string Say(StoredPosition? row) => row is null ? "gone" : $"{row.Position?.ToString() ?? "none"} (number {row.Number})";
    }

    /// <summary>Reads the row before a commit is repeated: the former try may have landed since the row was read.</summary>
    /// <param name="next">The row that the commit leaves.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="SinkPositionException">The row is neither as before nor as the commit would leave it.</exception>
    public ValueTask SettleAgainAsync(StoredPosition next, CancellationToken cancellationToken)
    {
        _inDoubt = next;
        return SettleAsync(cancellationToken);
    }

    /// <summary>A higher epoch is that of an owner who came later.</summary>
    /// <exception cref="SinkPositionException">There was one.</exception>
    public void ThrowIfTakenByAnother(string shardId, StoredPosition row, long epoch)
    {
        if (row.Epoch > epoch)
        {
            throw new SinkPositionException(
                $"{store.Description} knows an owner of shard {shardId} with fencing token {row.Epoch}; this one has {epoch}. If no other "
                    + "worker has the shard, its lease was created anew after that: 'fastconsumer position adopt --shard "
                    + $"{shardId} --from {(isLeader ? "sink' goes on from the sink's position" : "lease' goes on from the lease's")}.");
        }
    }

    /// <summary>True where the row says that a commit that has failed was made all the same. Else it stays in doubt.</summary>
    private async ValueTask<bool> WasCommittedAsync(StoredPosition next, CancellationToken cancellationToken)
    {
        try
        {
            await SettleAsync(cancellationToken);
        }
        catch (Exception e) when (e is not SinkPositionException)
        {
            // the failure of the commit is the one to tell; the row is read again before the next transaction
            return false;
        }

        return _row == next;
    }

    private static InvalidOperationException NotTaken() => new("The position of the shard was not taken.");
}
