using FastConsumer.Leases;
using FastConsumer.State;
using FastConsumer.State.Format;

namespace FastConsumer.Checkpoints;

/// <summary>
/// Deletes the segments that crashes, lost answers and failed uploads leave in the store, and those of parents whose rows are gone. Owners
/// delete what their own writes supersede; all else is this one's. One caller at a time; sweeps of several workers may overlap.
/// </summary>
/// <remarks>
/// <para>
/// What must hold (I6): nothing is deleted that a row leads to, or can come to lead to. So a segment goes only where both are true:
/// </para>
/// <list type="bullet">
/// <item>
/// It was listed before any row was read, and no row leads to it: by its handle, by what it inherits, by the snapshots before that are
/// kept, or by a range of one of these manifests, which may lie in older segments.
/// </item>
/// <item>
/// For each shard that its footer lists, be it with a manifest or with blocks only: the shard's row is gone, or bears another session than
/// the segment's, or names a later segment of that session. Each write of a lease is conditional on the row's session, and a process
/// names its segments in the order of their numbers. So no write that names this one can take effect any more, however late.
/// </item>
/// </list>
/// <para>
/// The second holds for good once it holds, so rows may be read one by one, and over a long time; and it holds without clocks: a process
/// that was frozen for a week and goes on writes nothing. What cannot be read may name anything, so it ends the sweep. A child's first
/// snapshot is whole, so the sweep may miss both rows of a split, the child's before it is there and the parent's when it is gone.
/// </para>
/// </remarks>
/// <param name="place">Where the snapshots are.</param>
/// <param name="leases">The table of the rows.</param>
internal sealed class SegmentSweep(CheckpointPlace place, ILeaseStore leases)
{
    /// <summary>
    /// So often a row is read again whose snapshot its owner has superseded meanwhile. With many shards that is so for most of them.
    /// </summary>
    private const int MostReads = 5;

    /// <summary>The objects without a readable footer whose session the sweep before this one has found in no row.</summary>
    private HashSet<string> _withoutFooter = [];

    /// <summary>Rules that tests switch off, to show that the checks miss them. None in production.</summary>
    [Flags]
    internal enum Rules
    {
        /// <summary>All rules hold.</summary>
        None = 0,

        /// <summary>Rows are read after the segments were listed.</summary>
        RowsLast = 1,

        /// <summary>The objects are those of this lease table.</summary>
        OneTable = 1 << 1,

        /// <summary>A manifest that cannot be read ends the sweep.</summary>
        UnreadableEnds = 1 << 2,

        /// <summary>What a write that is under way may name stays, whatever its age.</summary>
        LateWrites = 1 << 3,

        /// <summary>A footer counts for shards of which the segment has blocks only, too.</summary>
        BlocksCount = 1 << 4,

        /// <summary>A manifest leads to the segments of its ranges.</summary>
        RangesCount = 1 << 5,

        /// <summary>A row leads to what it inherits.</summary>
        InheritsCount = 1 << 6,

        /// <summary>So many snapshots before the named one are kept.</summary>
        Retention = 1 << 7,

        /// <summary>A footer that lists no shard says nothing of who may name the segment.</summary>
        NoShardStays = 1 << 8,

        /// <summary>An object without a footer stays until two sweeps in a row have found its session in no row.</summary>
        FooterlessTwice = 1 << 9,

        /// <summary>A row that cannot be read ends the sweep.</summary>
        RowsAreReadable = 1 << 10,
    }

    /// <summary>The rules that do not hold.</summary>
    public Rules Off { get; init; }

    /// <summary>How many objects the last sweep has deleted, also where it has failed.</summary>
    public int Deleted { get; private set; }

    /// <summary>How many bytes they had.</summary>
    public long DeletedBytes { get; private set; }

    /// <summary>Sweeps once.</summary>
    /// <param name="lineage">The lineage whose segments are swept.</param>
    /// <param name="retained">How many snapshots of a shard are kept, counting the named one.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>Null where the sweep went to its end; else why it has deleted nothing, in full sentences.</returns>
    /// <exception cref="CheckpointStoreException">The store cannot be asked now.</exception>
    /// <exception cref="LeaseStoreException">The rows cannot be read now.</exception>
    public async Task<string?> SweepAsync(string lineage, int retained, CancellationToken cancellationToken)
    {
        (Deleted, DeletedBytes) = (0, 0);
        if (Holds(Rules.OneTable))
        {
            try
            {
                await place.RequireTableAsync(lineage, cancellationToken);
            }
            catch (SnapshotRefusedException e)
            {
                return e.Message;
            }
        }

        var survey = new Survey();
        if (Holds(Rules.RowsLast))
        {
            await ListSegmentsAsync(survey, lineage, cancellationToken);
        }

        foreach (Lease row in await leases.ListAsync(ReadConsistency.Strong, cancellationToken))
        {
            survey.Add(row);
        }

        if (!survey.Rows.Values.Any(row => row.TableLineage == lineage))
        {
            return $"No row of {leases.Description} bears lineage {lineage}.";
        }

        // what rows are read again for changes the rows
        foreach (string key in survey.Rows.Keys.ToList())
        {
            if (await FollowRowAsync(survey, key, retained, cancellationToken) is { } problem)
            {
                return problem;
            }
        }

        if (!Holds(Rules.RowsLast))
        {
            await ListSegmentsAsync(survey, lineage, cancellationToken);
        }

        await DeleteUnnamedAsync(survey, lineage, cancellationToken);
        return null;
    }

    private async Task ListSegmentsAsync(Survey survey, string lineage, CancellationToken cancellationToken)
    {
        string prefix = place.PrefixOf(lineage);
        await foreach (CheckpointObject found in place.Store.ListAsync(prefix, cancellationToken))
        {
            // what has another name was put there by somebody else
            if (CheckpointPlace.TryParse(found.Name[prefix.Length..], out string? session, out long number))
            {
                survey.Segments.Add(new Segment(found.Name, session, number, found.Length));
            }
        }

        Require(survey.Rows.Count == 0 || !Holds(Rules.RowsLast), "segments were listed when rows had been read");
        survey.Segments.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
    }

    /// <summary>
    /// Notes all that a row leads to. Where the owner has gone on since the row was read, and has deleted what it named, the row is read
    /// again: a sweep reads rows one by one in any case, and this one is read later.
    /// </summary>
    /// <returns>Why that cannot be known; null where it is.</returns>
    private async Task<string?> FollowRowAsync(Survey survey, string key, int retained, CancellationToken cancellationToken)
    {
        for (int reads = 1; ; reads++)
        {
            Lease row = survey.Rows[key];
            (string? problem, bool isMissing) = await FollowAsync(survey, row, retained, cancellationToken);
            if (problem is null || !Holds(Rules.UnreadableEnds))
            {
                return null;
            }

            if (!isMissing || reads == MostReads)
            {
                return problem;
            }

            if (await leases.GetManyAsync([key], ReadConsistency.Strong, cancellationToken) is not [{ } now])
            {
                survey.Rows.Remove(key);
                return null;
            }

            if (now.Snapshot == row.Snapshot && now.Inherits.SequenceEqual(row.Inherits))
            {
                return problem;
            }

            survey.Add(now);
        }
    }

    private async Task<(string? Problem, bool IsMissing)> FollowAsync(
        Survey survey, Lease row, int retained, CancellationToken cancellationToken)
    {
        if (row.Problem is { } problem && Holds(Rules.RowsAreReadable))
        {
            return (problem, false);
        }

        if (!row.HasState)
        {
            return default;
        }

        if (row.TableLineage is not { } lineage)
        {
            return ($"The row '{row.LeaseKey}' names a state and bears no lineage.", false);
        }

        if (row.Snapshot is { } text)
        {
            (string? Problem, bool IsMissing) own = SnapshotHandle.Parse(text) is { } handle
                ? await FollowAsync(survey, lineage, handle, retained, cancellationToken)
                : (Unreadable(row, text), false);
            if (own.Problem is not null)
            {
                return own;
            }
        }

        if (!Holds(Rules.InheritsCount))
        {
            return default;
        }

        foreach ((SnapshotHandle? parent, string said) in SnapshotHandle.Inherited(row).Parents.Zip(row.Inherits))
        {
            // a parent that was finished by a program that does not know of the state has no handle, which its text says
            (string? Problem, bool IsMissing) inherited =
                parent is not null ? await FollowAsync(survey, lineage, parent, retained: 1, cancellationToken)
                : said.Split('>') is [_, "", _, _] ? default
                : (Unreadable(row, said), false);
            if (inherited.Problem is not null)
            {
                return inherited;
            }
        }

        return default;
    }

    /// <summary>Notes what a snapshot leads to, and those before it.</summary>
    private async Task<(string? Problem, bool IsMissing)> FollowAsync(
        Survey survey, string lineage, SnapshotHandle named, int retained, CancellationToken cancellationToken)
    {
        SnapshotHandle? handle = named;
        for (int left = Holds(Rules.Retention) ? retained : 1; left > 0 && handle?.Object is { } @object; left--)
        {
            string name = place.NameOf(lineage, @object);
            SnapshotManifest manifest;
            try
            {
                survey.Named.Add(name);
                byte[] frame = new byte[handle.Length];
                await place.Store.ReadAsync(name, handle.Offset, frame, cancellationToken);
                manifest = SegmentReader.ReadManifest(frame);
            }
            catch (CheckpointObjectMissingException) when (handle != named)
            {
                // it was deleted when fewer were to be kept, or the row has gone on since it was read
                return default;
            }
            catch (SnapshotDamagedException e)
            {
                return ($"Object '{name}' in {place.Store.Description}: {e.Message}.", false);
            }
            catch (CheckpointStoreException e) when (!e.IsTransient)
            {
                return (e.Message, e is CheckpointObjectMissingException);
            }

            if (Holds(Rules.RangesCount))
            {
                survey.Named.UnionWith(manifest.Ranges.Select(range => place.NameOf(lineage, range.Segment)));
            }

            handle = SnapshotHandle.Parse(manifest.Predecessor);
            if (left > 1 && handle is null && manifest.Predecessor is not null)
            {
                return ($"Object '{name}' in {place.Store.Description} names the snapshot before it as '{manifest.Predecessor}'.", false);
            }
        }

        return default;
    }

    private async Task DeleteUnnamedAsync(Survey survey, string lineage, CancellationToken cancellationToken)
    {
        HashSet<string> withoutFooter = [];
        foreach (Segment segment in survey.Segments.Where(segment => !survey.Named.Contains(segment.Name)))
        {
            IReadOnlyList<SegmentShard>? shards;
            try
            {
                shards = await SegmentFooters.ReadAsync(place.Store, segment.Name, segment.Length, cancellationToken);
            }
            catch (CheckpointObjectMissingException)
            {
                // its owner, or another sweep, was faster
                continue;
            }

            if (shards is null)
            {
                if (survey.Rows.Values.Any(row => CheckpointPlace.IsOf(segment.Session, row.Session)))
                {
                    continue;
                }

                if (Holds(Rules.FooterlessTwice) && !_withoutFooter.Contains(segment.Name))
                {
                    withoutFooter.Add(segment.Name);
                    continue;
                }
            }
            else if ((shards.Count == 0 && Holds(Rules.NoShardStays)) || shards.Any(shard => MayBeNamed(survey, lineage, segment, shard)))
            {
                continue;
            }

            await DeleteAsync(survey, lineage, segment, shards, cancellationToken);
        }

        _withoutFooter = withoutFooter;
    }

    /// <summary>True where a write of the segment's process that makes the shard's row lead to it can still take effect.</summary>
    private bool MayBeNamed(Survey survey, string lineage, Segment segment, SegmentShard shard)
    {
        if (!Holds(Rules.LateWrites) || (shard.Length == 0 && !Holds(Rules.BlocksCount))
            || !survey.Rows.TryGetValue(shard.Shard, out Lease? row) || !CheckpointPlace.IsOf(segment.Session, row.Session))
        {
            return false;
        }

        bool namesLater = row.TableLineage == lineage
            && SnapshotHandle.Parse(row.Snapshot)?.Object is { } named
            && CheckpointPlace.TryParse(named, out string? session, out long number)
            && session == segment.Session
            && number > segment.Number;
        return !namesLater;
    }

    /// <summary>Deletes a segment, after a last look at what must hold.</summary>
    private async Task DeleteAsync(
        Survey survey, string lineage, Segment segment, IReadOnlyList<SegmentShard>? shards, CancellationToken cancellationToken)
    {
        Require(
            segment.Name.StartsWith(place.PrefixOf(lineage), StringComparison.Ordinal),
            $"object '{segment.Name}' is no segment of lineage {lineage}");
        Require(!survey.Named.Contains(segment.Name), $"segment '{segment.Name}' is named");
        Require(
            shards?.All(shard => !MayBeNamed(survey, lineage, segment, shard))
                ?? !survey.Rows.Values.Any(row => CheckpointPlace.IsOf(segment.Session, row.Session)),
            $"a write that names segment '{segment.Name}' may be under way");
        await place.Store.DeleteAsync(segment.Name, cancellationToken);
        Deleted++;
        DeletedBytes += segment.Length;
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"Invariant violated: in a sweep {otherwise}.");
        }
    }

    private bool Holds(Rules rule) => (Off & rule) == 0;

    private static string Unreadable(Lease row, string text) =>
        $"The row '{row.LeaseKey}' names a state as '{text}', which cannot be read.";

    /// <summary>What one sweep has seen.</summary>
    private sealed class Survey
    {
        /// <summary>The rows, each as it was read last.</summary>
        public SortedDictionary<string, Lease> Rows { get; } = new(StringComparer.Ordinal);

        /// <summary>The segments as they were listed.</summary>
        public List<Segment> Segments { get; } = [];

        /// <summary>The names of all segments that rows lead to.</summary>
        public HashSet<string> Named { get; } = new(StringComparer.Ordinal);

        public void Add(Lease row) => Rows[row.LeaseKey] = row;
    }

    /// <param name="Name">Its name in the store.</param>
    /// <param name="Session">The session of the process that wrote it, as names have it.</param>
    /// <param name="Number">Its number in the process.</param>
    /// <param name="Length">How long it is, in bytes.</param>
    private readonly record struct Segment(string Name, string Session, long Number, long Length);
}
