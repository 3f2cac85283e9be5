using FastConsumer.Checkpoints;
using FastConsumer.Leases;
using FastConsumer.State.Format;

namespace FastConsumer.Savepoints;

/// <summary>Rows whose snapshots are copied, each as it was when its copy was made.</summary>
internal sealed class CopiedRows(
    SnapshotCopy copy, ILeaseStore leases, TimeProvider time, IProgress<SavepointProgress>? progress)
{
    /// <summary>
    /// So often the row of a shard is read whose snapshot its owner supersedes meanwhile. The oldest blocks are copied first, so it is
    /// rarely read twice.
    /// </summary>
    private const int MostReads = 8;

    private static readonly TimeSpan s_readInterval = TimeSpan.FromMilliseconds(200);

    private readonly Lock _lock = new();
    private readonly List<SavepointRow> _rows = [];
    private int _expected;

    // what two children have of one parent is copied once
    private readonly Dictionary<(string, long), Task<(SnapshotHandle Handle, SnapshotManifest Manifest)>> _copies = [];

    public IReadOnlyCollection<SavepointRow> Rows => _rows;

    public IEnumerable<SnapshotManifest> Manifests => _copies.Values.Select(static copied => copied.Result.Manifest);

    /// <summary>False where a row is gone: all are to be listed again.</summary>
    public async Task<bool> CopyAsync(IReadOnlyList<Lease> rows, CancellationToken cancellationToken)
    {
        _expected = rows.SelectMany(SnapshotHandle.AllOf).DistinctBy(static handle => (handle.Object, handle.Offset)).Count();
        bool areThere = true;
        await SavepointStore.ForEachAsync(rows, async row =>
        {
            SavepointRow? copied = await CopyRowAsync(row, cancellationToken);
            lock (_lock)
            {
                if (copied is null)
                {
                    areThere = false;
                }
                else
                {
                    _rows.Add(copied);
                }
            }
        });
        return areThere;
    }

    private async Task<SavepointRow?> CopyRowAsync(Lease row, CancellationToken cancellationToken)
    {
        for (int reads = 1; ; reads++)
        {
            try
            {
                return await CopyOnceAsync(row, cancellationToken);
            }
            catch (CheckpointObjectMissingException e)
            {
                if (reads == MostReads)
                {
                    throw new SavepointException(
                        $"No savepoint was made: the snapshot of shard {row.LeaseKey} was superseded {reads} times while it was copied, "
                            + "or an object of it is lost. Keep more of them (FastConsumer:Checkpointing:RetainedCheckpoints), or "
                            + $"stop the workers first. {e.Message}",
                        e);
                }
            }

            // its owner has written the next one
            await Task.Delay(s_readInterval, time, cancellationToken);
            IReadOnlyList<Lease> now = await leases.GetManyAsync(
                [row.LeaseKey], ReadConsistency.Strong, cancellationToken);
            if (now.Count == 0 || now[0].Problem is not null)
            {
                return null;
            }

            row = now[0];
        }
    }

    private async Task<SavepointRow> CopyOnceAsync(Lease row, CancellationToken cancellationToken)
    {
        string? snapshot = null;
        SnapshotManifest? own = null;
        if (row.Snapshot is not null)
        {
            SnapshotHandle handle = SnapshotHandle.Parse(row.Snapshot) ?? throw new SavepointException(
                $"No savepoint was made: the lease of shard {row.LeaseKey} in {leases.Description} names its state as "
                    + $"'{row.Snapshot}', which cannot be read.");
            (SnapshotHandle copied, own) = await CopyOnceAsync(handle, cancellationToken);
            snapshot = copied.ToString();
        }

        List<string> inherits = [];
        foreach ((string text, SnapshotHandle? parent) in row.Inherits.Zip(SnapshotHandle.Inherited(row).Parents))
        {
            // a parent without state says so in its text
            inherits.Add(parent is null
                ? text
                : SnapshotHandle.InheritFrom(text, (await CopyOnceAsync(parent, cancellationToken)).Handle));
        }

        // rows of KCL may not say their hash keys
        return SavepointRow.Of(row.HashKeyRange is null && own is not null ? row with { HashKeyRange = own.HashKeys } : row) with
        {
            Snapshot = snapshot,
            Inherits = inherits,
        };
    }

    private async Task<(SnapshotHandle Handle, SnapshotManifest? Manifest)> CopyOnceAsync(
        SnapshotHandle handle, CancellationToken cancellationToken)
    {
        if (handle.Object is null)
        {
            return (handle, null);
        }

        Task<(SnapshotHandle Handle, SnapshotManifest Manifest)>? copying;
        lock (_lock)
        {
            if (!_copies.TryGetValue((handle.Object, handle.Offset), out copying))
            {
                _copies.Add((handle.Object, handle.Offset), copying = copy.CopyAsync(handle, cancellationToken));
            }
        }

        try
        {
            (SnapshotHandle copied, SnapshotManifest manifest) = await copying;
            progress?.Report(new SavepointProgress(Copied(), Math.Max(Copied(), _expected), copy.Bytes));
            return (handle.MovedTo(copied), manifest);
        }
        catch
        {
            lock (_lock)
            {
                if (_copies.GetValueOrDefault((handle.Object, handle.Offset)) == copying)
                {
                    _copies.Remove((handle.Object, handle.Offset));
                }
            }

            throw;
        }
    }

    private int Copied()
    {
        lock (_lock)
        {
            return _copies.Values.Count(static copied => copied.IsCompletedSuccessfully);
        }
    }
}
