using System.Buffers;
using System.Globalization;
using FastConsumer.Checkpoints;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.State.Format;

namespace FastConsumer.Savepoints;

/// <content>Makes a savepoint of what the leases name.</content>
/// <remarks>
/// What must hold: a table may have had the rows of a savepoint at one moment, but for the positions. So no row that is not finished has a
/// child among them, since a child begins with the whole of its parents and records would count twice; and the rows hold all hash keys.
/// Else rows of different moments go together: each has its own position, and the state at that position.
/// </remarks>
public sealed partial class SavepointStore
{
    /// <summary>So often all rows are read, where shards are split or merged meanwhile.</summary>
    private const int MostListings = 10;

    private static readonly TimeSpan s_listingInterval = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Makes a savepoint of what the leases name now. Workers may run: they are not asked for anything, and go on. The savepoint has the
    /// last checkpoint of each shard.
    /// </summary>
    /// <param name="name">The name: 1 to <see cref="MaxNameLength"/> characters.</param>
    /// <param name="leases">The lease table of the application.</param>
    /// <param name="progress">Is told of each snapshot that is copied; null for nobody.</param>
    /// <param name="cancellationToken">Ends the call: there is no savepoint then.</param>
    /// <exception cref="SavepointException">There is one of this name already, or nothing to make one of.</exception>
    /// <exception cref="CheckpointStoreException">An object cannot be read or written.</exception>
    /// <exception cref="InvalidDataException">A snapshot is damaged; the message names the object.</exception>
    /// <exception cref="LeaseStoreException">The leases cannot be read.</exception>
    public async Task<Savepoint> CreateAsync(
        string name,
        ILeaseStore leases,
        IProgress<SavepointProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(leases);
        if (await FindAsync(name, cancellationToken) is not null)
        {
            throw ThereIsOne(name);
        }

        string? problem = null;
        for (int listings = 1; listings <= MostListings; listings++)
        {
            if (listings > 1)
            {
                await Task.Delay(s_listingInterval, _time, cancellationToken);
            }

            IReadOnlyList<Lease> before = await leases.ListAsync(ReadConsistency.Strong, cancellationToken);
            IReadOnlyList<Lease> rows = await leases.ListAsync(ReadConsistency.Strong, cancellationToken);
            if (Holds(Rules.OneTable) && !Keys(before).SetEquals(Keys(rows)))
            {
                // a list is read page by page: of two that have the same rows, all were there at one moment
                problem = "Its leases change.";
                continue;
            }

            string lineage = LineageOf(rows, leases);
            var copy = new SnapshotCopy(
                _store,
                one => CheckpointPlace.NameOf(_root, lineage, one),
                one => ObjectOf(name, one),
                NewName(),
                static manifest => manifest);
            bool isDescribed = false;
            try
            {
                var copied = new CopiedRows(copy, leases, _time, progress);
                if (!await copied.CopyAsync(rows, cancellationToken))
                {
                    problem = "A lease was deleted meanwhile.";
                }
                else if ((problem = Holds(Rules.OneTable) ? ProblemOf(copied.Rows) : null) is null)
                {
                    Savepoint savepoint = Describe(name, copied, copy);
                    isDescribed = true;
                    await CompleteAsync(savepoint, cancellationToken);
                    return savepoint;
                }
            }
            catch when (!isDescribed)
            {
                // from the description on it may be there, whatever the call says
                await copy.DeleteAsync();
                throw;
            }

            await copy.DeleteAsync();
        }

        throw new SavepointException(
            $"No savepoint was made of {leases.Description}: {problem} Try again when no shard is being split or merged.");
    }

    private static HashSet<string> Keys(IReadOnlyList<Lease> rows) =>
        new(rows.Select(static row => row.LeaseKey), StringComparer.Ordinal);

    private bool Holds(Rules rule) => (Off & rule) == 0;

    /// <summary>Writes the description, from which on the savepoint is there, and makes sure that its objects are.</summary>
    private async Task CompleteAsync(Savepoint savepoint, CancellationToken cancellationToken)
    {
        for (int writes = 1; ; writes++)
        {
            try
            {
                await _store.CreateAsync(
                    DescriptionOf(savepoint.Name), new ReadOnlySequence<byte>(savepoint.ToJson()), cancellationToken);
                break;
            }
            catch (CheckpointObjectConflictException) when (writes == 1)
            {
                // it is somebody else's, which has other objects
                foreach (string one in savepoint.Objects)
                {
                    await _store.DeleteAsync(ObjectOf(savepoint.Name, one), cancellationToken);
                }

                throw ThereIsOne(savepoint.Name);
            }
            catch (CheckpointObjectConflictException)
            {
                throw ThereIsOne(savepoint.Name);
            }
            catch (CheckpointStoreException e) when (e.IsTransient && writes < MostWrites)
            {
                // a write without an answer may have been made, or may still be: the same bytes do no harm
                await Task.Delay(s_writeInterval * writes, _time, cancellationToken);
            }
        }

        if (MissingOf(savepoint, await ListObjectsAsync(savepoint.Name, cancellationToken)) is not null)
        {
            await _store.DeleteAsync(DescriptionOf(savepoint.Name), cancellationToken);
            throw new SavepointException(
                $"No savepoint was made: somebody has deleted '{savepoint.Name}' in {_store.Description} meanwhile.");
        }
    }

    /// <summary>Why the rows cannot be those of one table; null where they can.</summary>
    private static string? ProblemOf(IReadOnlyCollection<SavepointRow> rows)
    {
        HashSet<string> parents = new(rows.SelectMany(static row => row.Parents), StringComparer.Ordinal);
        string end = CheckpointPosition.ShardEnd.ToCheckpointString();
        if (rows.FirstOrDefault(row => row.Position != end && parents.Contains(row.Shard)) is { } unfinished)
        {
            return $"Shard {unfinished.Shard} is not finished, and a child of it has a lease.";
        }

        IReadOnlyList<HashKeyRange?> ranges = [.. rows.Select(static row => row.HashKeys)];
        IReadOnlyList<HashKeyRange> holes = ranges.Contains(null) ? [] : HashKeyRanges.Holes(ranges.OfType<HashKeyRange>());
        return holes.Count == 0 ? null : string.Create(
            CultureInfo.InvariantCulture,
            $"No lease holds the hash keys from {holes[0].StartingHashKey} to {holes[0].EndingHashKey}.");
    }

    private static string LineageOf(IReadOnlyList<Lease> rows, ILeaseStore leases)
    {
        if (rows.FirstOrDefault(static row => row.LeaseKey == Lease.Names.RestoreKey) is { } mark)
        {
            throw new SavepointException(
                $"No savepoint was made: one is being restored into {leases.Description} {mark.StreamName}, or was not restored to "
                    + "the end.");
        }

        if (rows.FirstOrDefault(static row => row.Problem is not null) is { } unreadable)
        {
            throw new SavepointException($"No savepoint was made. {unreadable.Problem}");
        }

        string[] lineages = [.. rows.Where(static row => row.HasState).Select(static row => row.TableLineage).OfType<string>().Distinct()];
        return lineages.Length switch
        {
            1 => lineages[0],
            0 => throw new SavepointException(
                $"No savepoint was made: no lease in {leases.Description} names a state. Either the processor keeps none ([State]), or "
                    + "none was checkpointed yet."),
            _ => throw new SavepointException(
                $"No savepoint was made: {leases.Description} holds the state of {lineages.Length} lineages, {lineages[0]} and "
                    + $"{lineages[1]}. Rows were copied from another table: delete these first."),
        };
    }

    private Savepoint Describe(string name, CopiedRows copied, SnapshotCopy copy)
    {
        SnapshotManifest[] manifests = [.. copied.Manifests];
        SnapshotManifest about = manifests.FirstOrDefault() ?? throw new SavepointException(
            "No savepoint was made: the state of all shards is empty.");
        if (manifests.FirstOrDefault(other => other.Processor != about.Processor || other.StreamArn != about.StreamArn) is { } other)
        {
            throw new SavepointException(
                $"No savepoint was made: shard {about.Shard} has the state of {about.Processor} on {about.StreamArn}, and shard "
                    + $"{other.Shard} that of {other.Processor} on {other.StreamArn}.");
        }

        return new Savepoint
        {
            Name = name,
            Application = about.Application,
            Processor = about.Processor,
            StateVersion = Math.Max(
                manifests.Max(static manifest => manifest.StateVersion), copied.Rows.Max(static row => row.StateVersion)),
            StreamArn = about.StreamArn,
            StreamCreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(about.StreamCreated),
            CreatedAt = _time.GetUtcNow(),
            Bytes = copy.Bytes,
            Objects = copy.Objects,
            Rows = [.. copied.Rows.OrderBy(static row => row.Shard, StringComparer.Ordinal)],
        };
    }

    private SavepointException ThereIsOne(string name) => new(
        $"There is a savepoint '{name}' in {_store.Description} already, or one is being deleted. Choose another name, or delete it "
            + "first.");
}
