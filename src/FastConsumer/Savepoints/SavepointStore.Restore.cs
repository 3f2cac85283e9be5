using System.Globalization;
using FastConsumer.Checkpoints;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Leases.Core;
using FastConsumer.Operators;
using FastConsumer.State.Format;

namespace FastConsumer.Savepoints;

/// <content>Begins an application with a savepoint.</content>
/// <remarks>
/// <para>
/// The snapshots are copied once more, under a new lineage, and the rows are written to name the copies: so nothing that a former owner
/// still does reaches them, and the savepoint can be deleted.
/// </para>
/// <para>
/// What must hold: no worker goes on with some shards from the savepoint and others from before, or without any state. So the first write
/// is a row that is no shard's (<see cref="Lease.Names.RestoreKey"/>): while it is there, workers take and create nothing. It goes when
/// all rows are the planned ones, and all that they name is there. Each write is conditional on the row as it was read when nobody was
/// alive.
/// </para>
/// </remarks>
public sealed partial class SavepointStore
{
    private static readonly TimeSpan s_usualDuration = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Begins an application with a savepoint: copies the state, and writes the leases, which nobody owns then. Workers that start
    /// afterwards go on from there. A call that was broken off is repeated; until then, workers leave the table alone.
    /// </summary>
    /// <param name="savepoint">The savepoint; it stays as it is.</param>
    /// <param name="target">The application.</param>
    /// <param name="progress">Is told of each snapshot that is copied; null for nobody.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>The shards that have a lease now.</returns>
    /// <exception cref="SavepointException">It cannot be done; the message says why, and what to do.</exception>
    /// <exception cref="CheckpointStoreException">An object cannot be read or written.</exception>
    /// <exception cref="InvalidDataException">A snapshot is damaged; the message names the object.</exception>
    /// <exception cref="LeaseStoreException">The leases cannot be read or written.</exception>
    public async Task<IReadOnlyList<string>> RestoreAsync(
        Savepoint savepoint,
        SavepointTarget target,
        IProgress<SavepointProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(savepoint);
        ArgumentNullException.ThrowIfNull(target);
        OperatorTable.Check(target.By, target.Reason);
        List<Lease> rows = RowsOf(savepoint, target);
        Dictionary<string, Lease> former = await ListStoppedAsync(target, cancellationToken);

        string lineage = NewName();
        string root = CheckpointName.Escape(target.ApplicationName);
        string session = NewName();
        var copy = new SnapshotCopy(
            _store,
            one => ObjectOf(savepoint.Name, one),
            one => CheckpointPlace.NameOf(root, lineage, one),
            session,
            manifest => Restored(manifest, target, lineage));
        try
        {
            Dictionary<string, SnapshotHandle> copies = await CopyAllAsync(copy, rows, progress, cancellationToken);
            var place = new CheckpointPlace(_store, target.ApplicationName, session, target.TableName);
            await place.RequireTableAsync(lineage, cancellationToken);
            string? pauseOfAll = former.Values.Select(static row => row.Paused)
                .FirstOrDefault(static pause => OperatorNotes.ReadPause(pause) is { IsOfAll: true });
            rows =
            [
                .. rows.Select(row => Planned(
                    row, former.GetValueOrDefault(row.LeaseKey), pauseOfAll, target, copies, lineage)),
            ];
        }
        catch
        {
            await copy.DeleteAsync();
            throw;
        }

        (Lease mark, bool isFirst) = await MarkAsync(savepoint, target, cancellationToken);
        await RequireUnchangedAsync(target, former, isFirst ? mark : null, cancellationToken);
        await WriteRowsAsync(target, rows, former, cancellationToken);
        await RequireCompleteAsync(target, rows, one => CheckpointPlace.NameOf(root, lineage, one), copy.Objects, cancellationToken);
        await DeleteRowAsync(target, mark, rows.Count, rows.Count, cancellationToken);
        return [.. rows.Select(static row => row.LeaseKey)];
    }

    /// <summary>The rows that a restore writes, with the savepoint's own objects.</summary>
    /// <exception cref="SavepointException">The savepoint does not do for the layout.</exception>
    internal static List<Lease> RowsOf(Savepoint savepoint, SavepointTarget target) =>
        target.Layout is { } layout ? RowsOf(layout, savepoint, RowsOf(savepoint))
        : savepoint.StreamArn.Length > 0 ? RowsOf(savepoint)
        : throw new SavepointException(
            $"Savepoint '{savepoint.Name}' was written from elsewhere and has no positions. It has to be said where the shards of a stream "
                + "begin (--state-only, --from).");

    /// <summary>Each shard of a layout begins with the snapshots that have hash keys of it, as a child does with its parents'.</summary>
    private static List<Lease> RowsOf(SavepointLayout layout, Savepoint savepoint, List<Lease> source)
    {
        List<Lease> current = [.. SnapshotReader.Current(source)];
        if (ProblemOf(current, source) is { } problem)
        {
            throw new SavepointException(
                $"Savepoint '{savepoint.Name}' can begin the same shards only: {problem} Make another one for other shards.");
        }

        IReadOnlyList<Lease> begun = LeasePlan.Missing(
            [.. layout.Shards.Select(LeasePlan.ShardNode.Of)], [], layout.Start, layout.StartedAt);
        if (HashKeyRanges.Holes(begun.Select(static row => row.HashKeyRange!)).Count > 0)
        {
            throw new SavepointException(
                $"The shards of {layout.StreamArn} are being split or merged, and those that are listed do not hold all hash keys. Try "
                    + "again in a minute.");
        }

        return [.. begun.Select(row => row with
        {
            StreamName = StreamIdentifier.Parse(layout.StreamArn).Name,
            StreamCreatedAt = layout.StreamCreatedAt,
            StateVersion = savepoint.StateVersion,
            Inherits =
            [
                .. current
                    .Where(had => SnapshotHandle.Parse(had.Snapshot)?.Object is not null && Overlap(had.HashKeyRange!, row.HashKeyRange!))
                    .Select(had => SnapshotHandle.InheritSnapshot(SnapshotHandle.Parse(had.Snapshot)!, row.Checkpoint)),
            ],
        })];
    }

    /// <summary>Why the snapshots of rows are not all of the state, each for its hash keys; null where they are.</summary>
    private static string? ProblemOf(List<Lease> current, List<Lease> all)
    {
        if (current.Find(static row => row.Inherits.Count > 0) is { } heir)
        {
            return $"it was made while shards were split or merged, and shard {heir.LeaseKey} had not taken over the state yet.";
        }

        if (current.Find(row => !row.HasState && all.Exists(other => other.HasState && row.ParentShardIds.Contains(other.LeaseKey))) is
            { } without)
        {
            return $"the lease of shard {without.LeaseKey} was created by a program that does not know of its parents' state, such as KCL.";
        }

        if (current.Find(static row => row.HashKeyRange is null) is { } unknown)
        {
            return $"the lease of shard {unknown.LeaseKey} does not say its hash keys, as rows of older versions of KCL do not.";
        }

        return HashKeyRanges.Holes(current.Select(static row => row.HashKeyRange!)) is [{ } hole, ..]
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"it was made while shards were split or merged, and has no state for the hash keys from {hole.StartingHashKey} on.")
            : null;
    }

    private static bool Overlap(HashKeyRange one, HashKeyRange other) =>
        one.StartingHashKey <= other.EndingHashKey && other.StartingHashKey <= one.EndingHashKey;

    private static SnapshotManifest Restored(SnapshotManifest manifest, SavepointTarget target, string lineage)
    {
        SnapshotManifest restored = manifest with
        {
            Application = target.ApplicationName,
            Lineage = lineage,
            // another application has rows of its own in the sinks, which begin with nothing
            Sinks = target.ApplicationName == manifest.Application ? manifest.Sinks : null,
        };
        return target.Layout is not { } layout ? restored : restored with
        {
            StreamArn = layout.StreamArn,
            StreamCreated = layout.StreamCreatedAt.ToUnixTimeMilliseconds(),
            Position = CheckpointPosition.ShardEnd.ToCheckpointString(),
            SubSequenceNumber = 0,
            Runs = [],
            Sinks = null,
        };
    }

    internal static void ThrowIfThereAreLeases(SavepointTarget target, IReadOnlyList<Lease> rows)
    {
        if (rows.Count > 0 && !target.ReplacesLeases && !rows.Any(static row => row.LeaseKey == Lease.Names.RestoreKey))
        {
            throw new SavepointException(
                $"{target.Leases.Description} has {rows.Count} leases, and nothing was said of replacing them. Name another application, "
                    + "or say that these are to be replaced: their positions and state are given up then.");
        }
    }

    /// <summary>The rows that are there, of which nobody's is alive.</summary>
    private async Task<Dictionary<string, Lease>> ListStoppedAsync(SavepointTarget target, CancellationToken cancellationToken)
    {
        IReadOnlyList<Lease> rows = await target.Leases.ListAsync(ReadConsistency.Strong, cancellationToken);
        ThrowIfThereAreLeases(target, rows);
        if (rows.FirstOrDefault(static row => row.Problem is not null) is { } unreadable)
        {
            throw new SavepointException($"Nothing was changed. {unreadable.Problem}");
        }

        TimeSpan longest = rows.Where(static row => row.Owner is not null)
            .Select(static row => row.Duration ?? s_usualDuration)
            .DefaultIfEmpty()
            .Max();
        if (longest > TimeSpan.Zero)
        {
            // an owner that lives writes within this time
            await Task.Delay(longest + TimeSpan.FromSeconds(1), _time, cancellationToken);
            Dictionary<string, long> before = rows.ToDictionary(static row => row.LeaseKey, static row => row.LeaseCounter);
            rows = await target.Leases.ListAsync(ReadConsistency.Strong, cancellationToken);
            if (rows.FirstOrDefault(row => before.GetValueOrDefault(row.LeaseKey, -1) != row.LeaseCounter) is { } alive)
            {
                throw new SavepointException(
                    $"Shard {alive.LeaseKey} of {target.Leases.Description} is held by {alive.Owner ?? "a worker"}, which lives. Stop all "
                        + "workers of the application, and restore then.");
            }
        }

        return rows.Where(static row => row.LeaseKey != Lease.Names.RestoreKey)
            .ToDictionary(static row => row.LeaseKey, StringComparer.Ordinal);
    }

    private static async Task<Dictionary<string, SnapshotHandle>> CopyAllAsync(
        SnapshotCopy copy, List<Lease> rows, IProgress<SavepointProgress>? progress, CancellationToken cancellationToken)
    {
        Dictionary<string, SnapshotHandle> copies = new(StringComparer.Ordinal);
        List<SnapshotHandle> handles = [.. rows.SelectMany(SnapshotHandle.AllOf).DistinctBy(PlaceOf)];
        await ForEachAsync(handles, async handle =>
        {
            (SnapshotHandle copied, _) = await copy.CopyAsync(handle, cancellationToken);
            lock (copies)
            {
                copies.Add(PlaceOf(handle), copied);
                progress?.Report(new SavepointProgress(copies.Count, handles.Count, copy.Bytes));
            }
        });
        return copies;
    }

    private static string PlaceOf(SnapshotHandle handle) =>
        string.Create(CultureInfo.InvariantCulture, $"{handle.Object}:{handle.Offset}");

    /// <summary>The row that is written: the copies' places, a new life, and a note of who did it.</summary>
    private Lease Planned(
        Lease row,
        Lease? former,
        string? pauseOfAll,
        SavepointTarget target,
        Dictionary<string, SnapshotHandle> copies,
        string lineage) => row with
        {
            LeaseCounter = Math.Max(row.LeaseCounter, former?.LeaseCounter ?? 0) + 1,
            Lineage = $"{lineage}.{NewName()[..8]}",
            Snapshot = SnapshotHandle.Parse(row.Snapshot) is { } handle ? Moved(handle, copies).ToString() : row.Snapshot,
            Inherits = [.. row.Inherits.Zip(SnapshotHandle.Inherited(row).Parents).Select(pair => pair.Second is null
                ? pair.First
                : SnapshotHandle.InheritFrom(pair.First, Moved(pair.Second, copies)))],
            Paused = former?.Paused ?? pauseOfAll,
            // it also keeps a row without progress from following the start position of the options, which the state does not belong to
            Reset = OperatorNotes.Write(new CheckpointReset(
                target.By,
                target.Reason,
                _time.GetUtcNow(),
                former?.Checkpoint.ToString() ?? "",
                row.Checkpoint.ToString(),
                row.FirstStart)),
        };

    private static SnapshotHandle Moved(SnapshotHandle handle, Dictionary<string, SnapshotHandle> copies) =>
        handle.Object is null ? handle : handle.MovedTo(copies[PlaceOf(handle)]);
}
