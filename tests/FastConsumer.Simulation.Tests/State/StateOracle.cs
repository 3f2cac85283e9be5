using System.Text;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.State.Format;
using FastConsumer.Testing.Simulation;
using FastConsumer.Processors;

namespace FastConsumer.Simulation.Tests.State;

/// <summary>
/// Reads the snapshot that a lease's row names, at each write of the row, and compares it with the fold of exactly the records that the
/// row's position covers.
/// </summary>
internal sealed class StateOracle(SimulatedCluster cluster, SimulatedObjects objects)
{
    private static readonly TallySerializer s_tallies = new();
    private static readonly CountSerializer s_counts = new();
    private readonly Dictionary<string, ShardFold> _folds = [];

    /// <summary>How many snapshots were judged.</summary>
    public int Judged { get; private set; }

    /// <summary>How many of them were the first ones of children.</summary>
    public int Inherited { get; private set; }

    /// <summary>How many of them had records that were done behind one that was not.</summary>
    public int WithRuns { get; private set; }

    /// <summary>How often a key was in both of two shards that were merged.</summary>
    public int Met { get; private set; }

    /// <summary>Told of each snapshot that a row begins to name: with the records behind its position that it holds.</summary>
    public Action<Lease, DoneRuns>? Named { get; set; }

    /// <summary>The object that a row's handle names, be it its own or a parent's.</summary>
    public static string? ObjectOf(string handle) =>
        handle.Contains('>', StringComparison.Ordinal) ? handle.Split('>')[1].Split(':')[0] : SnapshotHandle.Parse(handle)?.Object;

    /// <summary>A row was written.</summary>
    public void LeaseWritten(TableWrite write)
    {
        if (write.After is not { } row)
        {
            return;
        }

        bool hasMoved = write.Before is { } before && before.Checkpoint != row.Checkpoint;
        Require("state moves along", !hasMoved || row.Snapshot != write.Before!.Snapshot, row,
            $"{write.Worker} moved the position to {row.Checkpoint} and left the state where it was.");
        Require("version stays", !(row.StateVersion < write.Before?.StateVersion), row, "the version of the state has fallen.");
        if (row.Snapshot is null || row.Snapshot == write.Before?.Snapshot)
        {
            return;
        }

        SnapshotHandle? handle = SnapshotHandle.Parse(row.Snapshot);
        Require("named is whole", handle?.Object is not null, row, $"{write.Worker} named its state as {row.Snapshot}.");
        Require("state moves along", handle!.Stamp == SnapshotHandle.StampOf(row.Checkpoint), row, "the stamp is another position's.");
        byte[]? segment = objects.Find(handle.Object!);
        Require("named is whole", segment is not null, row, $"{write.Worker} named {handle.Object}, which is not there.");
        Judge(write, row, handle, segment!);
    }

    /// <summary>A segment that no row leads to; null for none.</summary>
    public string? FirstLeftOver()
    {
        HashSet<string> named = [.. cluster.Table.Rows.SelectMany(objects.NamedBy)];
        return objects.All.Keys.FirstOrDefault(name => name.StartsWith("simulation/", StringComparison.Ordinal)
            && !name.StartsWith("simulation/savepoints/", StringComparison.Ordinal)
            && name.IndexOf("/seg/", StringComparison.Ordinal) is >= 0 and int at
            && !named.Contains(name[(at + "/seg/".Length)..]));
    }

    /// <summary>I6. All that rows lead to is there.</summary>
    public void RequireAllThere()
    {
        foreach (Lease row in cluster.Table.Rows)
        {
            string? missing = objects.NamedBy(row).FirstOrDefault(named => objects.Find(named) is null);
            Require("nothing named is deleted", missing is null, row, $"it leads to {missing}, which is not there.");
        }
    }

    private void Judge(TableWrite write, Lease row, SnapshotHandle handle, byte[] segment)
    {
        Judged++;
        Inherited += write.Before?.Inherits.Count > 0 ? 1 : 0;
        DoneRuns runs = Judge(write.Worker, row, handle, segment, row.Checkpoint, row.LeaseKey);
        WithRuns += runs.Count > 0 ? 1 : 0;
        Named?.Invoke(row, runs);
    }

    /// <summary>A copy of a table's rows was made: each names what it named before, and together they are as one table's.</summary>
    public void JudgeCopy(string by, IReadOnlyList<Lease> rows)
    {
        HashSet<string> keys = [.. rows.Select(static row => row.LeaseKey)];
        foreach (Lease row in rows)
        {
            string? child = row.IsFinished ? null : keys.FirstOrDefault(key => AncestorsOf(key).Contains(row.LeaseKey));
            Require("a copy is of one table", child is null, row, $"{by} has it at {row.Checkpoint}, and its descendant {child} too.");
            foreach (SnapshotHandle handle in SnapshotHandle.AllOf(row))
            {
                byte[]? segment = objects.Find(handle.Object!);
                Require("named is whole", segment is not null, row, $"{by} names {handle.Object}, which is not there.");
                if (row.Snapshot is not null)
                {
                    Judge(by, row, handle, segment!, row.Checkpoint, row.LeaseKey);
                }
                else
                {
                    string parent = SegmentReader.ReadManifest(
                        segment.AsSpan((int)handle.Offset, handle.Length).ToArray()).Shard;
                    Require("a copy is of one table", cluster.ParentsOf(row.LeaseKey).Contains(parent), row, $"{by} has it from {parent}.");
                    Judge(by, row, handle, segment!, CheckpointPosition.ShardEnd, parent);
                }
            }
        }

        IReadOnlyList<HashKeyRange> holes = HashKeyRanges.Holes(rows.Select(static row => row.HashKeyRange!));
        Require("a copy is of one table", holes.Count == 0, rows[0], $"{by} has no row for some hash keys.");
    }

    private IEnumerable<string> AncestorsOf(string shardId) =>
        cluster.ParentsOf(shardId).SelectMany(parent => AncestorsOf(parent).Append(parent));

    private DoneRuns Judge(
        string by, Lease row, SnapshotHandle handle, byte[] segment, CheckpointPosition position, string shard)
    {
        Dictionary<string, Folded> stored = [];
        DoneRuns runs = DoneRuns.None;
        try
        {
            SnapshotManifest manifest = SegmentReader.ReadManifest(segment.AsSpan((int)handle.Offset, handle.Length).ToArray());
            runs = DoneRuns.Of(manifest);
            stored = Read(manifest);
        }
        catch (Exception e) when (e is SnapshotDamagedException or ArgumentOutOfRangeException)
        {
            Require("named is whole", false, row, $"{by} named {handle.Object}: {e.Message}");
        }

        Dictionary<string, Folded> expected = Fold(shard, position, runs);
        foreach ((string key, Folded fold) in expected)
        {
            Require("state is the fold", stored.TryGetValue(key, out Folded? there) && there.Says == fold.Says, row,
                $"{by} named {handle.Object} at {cluster.Ledger.Name(shard, position)}, and {key} is "
                    + $"{there?.Says ?? "missing"} instead of {fold.Says}.");
        }

        Require("state is the fold", stored.Count == expected.Count, row,
            $"{by} named {handle.Object}, which has {string.Join(", ", stored.Keys.Except(expected.Keys))} too.");
        return runs;
    }

    /// <summary>What the tally of a record's key is once the record is handled.</summary>
    public Tally TallyAt(string shardId, CheckpointPosition position)
    {
        if (!_folds.TryGetValue(shardId, out ShardFold? fold))
        {
            // a child begins when its parents have ended
            _folds[shardId] = fold = new ShardFold(FoldOfParents(shardId));
        }

        IReadOnlyList<BookedRecord> records = cluster.Ledger.RecordsOf(shardId);
        for (; fold.Records < records.Count; fold.Records++)
        {
            BookedRecord record = records[fold.Records];
            int number = BitConverter.ToInt32(record.Data);
            if (!StateHandler.IsLeftOut(number))
            {
                Folded folded = Of(fold.Now, record.Key);
                folded.Add(number);
                fold.Tallies.Add(record.Position, folded.Tally.Value);
            }
        }

        return fold.Tallies.GetValueOrDefault(position);
    }

    /// <summary>The fold of a shard's records up to a position, and of those in the runs, on that of its parents.</summary>
    private Dictionary<string, Folded> Fold(string shardId, CheckpointPosition upTo, DoneRuns runs)
    {
        Dictionary<string, Folded> folds = FoldOfParents(shardId);
        foreach (BookedRecord record in cluster.Ledger.RecordsOf(shardId)
            .Where(record => record.Position <= upTo || runs.Contains(record.Position)))
        {
            int number = BitConverter.ToInt32(record.Data);
            if (!StateHandler.IsLeftOut(number))
            {
                Of(folds, record.Key).Add(number);
            }
        }

        return folds;
    }

    /// <summary>The fold of all records of a shard's parents, as far as their keys are the shard's.</summary>
    private Dictionary<string, Folded> FoldOfParents(string shardId)
    {
        HashKeyRange range = RangeOf(shardId);
        Dictionary<string, Folded> folds = new(StringComparer.Ordinal);
        foreach (string parent in cluster.ParentsOf(shardId).OrderBy(parent => RangeOf(parent).StartingHashKey))
        {
            HashKeyRange former = RangeOf(parent);
            bool isSplit = !range.Contains(former.StartingHashKey) || !range.Contains(former.EndingHashKey);
            foreach ((string key, Folded fold) in Fold(parent, CheckpointPosition.ShardEnd, DoneRuns.None))
            {
                UInt128 hashKey = HashKeys.Of(Encoding.UTF8.GetBytes(key));
                if (isSplit && !range.Contains(hashKey))
                {
                    if (former.Contains(hashKey))
                    {
                        // the other child's
                        continue;
                    }

                    fold.Copy(parent);
                }

                if (folds.TryGetValue(key, out Folded? other))
                {
                    Met++;
                    other.Unite(fold);
                }
                else
                {
                    folds[key] = fold;
                }
            }
        }

        return folds;
    }

    private HashKeyRange RangeOf(string shardId) => cluster.Shards().First(shard => shard.ShardId == shardId).HashKeyRange;

    private Dictionary<string, Folded> Read(SnapshotManifest manifest)
    {
        Dictionary<string, Folded> folds = new(StringComparer.Ordinal);
        HashSet<(string, string, int)> seen = [];
        // a later range counts before an earlier one, and one that is whole for a group is all that counts for it
        ulong whole = 0;
        foreach (SnapshotRange range in manifest.Ranges.Reverse())
        {
            byte[] bytes = (objects.Find(range.Segment) ?? throw new SnapshotDamagedException($"{range.Segment} is not there"))
                .AsSpan((int)range.Offset, range.Length).ToArray();
            SegmentReader.CheckRange(range, bytes);
            for (int at = 0; at < bytes.Length;)
            {
                BlockReader block = SegmentReader.ReadBlock(bytes, ref at, manifest.StateVersion);
                while (block.TryRead(out StateEntry entry))
                {
                    string key = Encoding.UTF8.GetString(entry.Key);
                    if (HashKeyGroups.Contains(whole, HashKeyGroups.Of(entry.HashKey))
                        || !seen.Add((block.State, key, entry.SubKey.IsEmpty ? 0 : entry.SubKey[0]))
                        || !entry.Exists)
                    {
                        continue;
                    }

                    Folded fold = Of(folds, key);
                    if (block.State == "tallies")
                    {
                        fold.Tally.Value = s_tallies.Read(entry.Value);
                    }
                    else
                    {
                        fold.Digits[entry.SubKey[0] % StateHandler.DigitCount].Value = s_counts.Read(entry.Value);
                    }
                }
            }

            for (int group = range.FirstGroup; range.IsWhole && group <= range.LastGroup; group++)
            {
                whole |= 1UL << group;
            }
        }

        return folds;
    }

    private static Folded Of(Dictionary<string, Folded> folds, string key)
    {
        if (!folds.TryGetValue(key, out Folded? fold))
        {
            folds[key] = fold = new Folded();
        }

        return fold;
    }

    private void Require(string invariant, bool holds, Lease row, string otherwise) =>
        cluster.Ledger.Require(invariant, holds, row.LeaseKey, otherwise);

    /// <summary>The fold of a shard's records as they were put.</summary>
    private sealed class ShardFold(Dictionary<string, Folded> now)
    {
        public Dictionary<string, Folded> Now { get; } = now;

        /// <summary>How many records it has taken in.</summary>
        public int Records { get; set; }

        /// <summary>What the tally of its key was behind each of them.</summary>
        public Dictionary<CheckpointPosition, Tally> Tallies { get; } = [];
    }

    private sealed class Folded
    {
        public Folded()
        {
            Tally = new Kept<Tally>(State.Tally.Unite);
            Digits = [.. Enumerable.Range(0, StateHandler.DigitCount).Select(static _ =>
                new Kept<long>(static (a, b, common) => a + b - common))];
        }

        public Kept<Tally> Tally { get; }

        public Kept<long>[] Digits { get; }

        public string Says => $"{Tally.Value.Count} records ({Tally.Value.Order:x}), digits "
            + string.Join('/', Digits.Select(static digit => digit.Value));

        public void Add(int number)
        {
            Tally.Write(Tally.Value.With(number));
            Kept<long> digit = Digits[number % StateHandler.DigitCount];
            digit.Write(digit.Value + 1);
        }

        /// <summary>A shard was split, and both children get it.</summary>
        public void Copy(string parent)
        {
            Tally.Copy(parent);
            Array.ForEach(Digits, digit => digit.Copy(parent));
        }

        /// <summary>Two shards were merged, and this was in the one with the lower hash keys.</summary>
        public void Unite(Folded other)
        {
            Tally.Unite(other.Tally);
            for (int i = 0; i < Digits.Length; i++)
            {
                Digits[i].Unite(other.Digits[i]);
            }
        }
    }

    /// <summary>One value, with what it came from by splits: the newest first.</summary>
    private sealed class Kept<T>(Func<T, T, T, T> merge)
        where T : struct
    {
        private List<(string Parent, T Value)> _bases = [];
        private bool _exists;
        private bool _isCopy;

        public T Value { get; set; }

        public void Write(T value)
        {
            Value = value;
            _exists = true;
            _isCopy = false;
        }

        public void Copy(string parent)
        {
            if (_exists && !_isCopy)
            {
                _bases.Insert(0, (parent, Value));
                _isCopy = true;
            }
        }

        public void Unite(Kept<T> other)
        {
            if (!other._exists || (_exists && other._isCopy && Has(other._bases[0].Parent)))
            {
                return;
            }

            int common = _bases.FindIndex(one => other.Has(one.Parent));
            if (!_exists || (_isCopy && (other.Has(_bases[0].Parent) || (common < 0 && !other._isCopy))))
            {
                (Value, _exists, _isCopy, _bases) = (other.Value, other._exists, other._isCopy, other._bases);
            }
            else if (common >= 0 || (!_isCopy && !other._isCopy))
            {
                Write(merge(Value, other.Value, common < 0 ? default : _bases[common].Value));
                string[] both = [.. _bases.Select(static one => one.Parent).Where(other.Has)];
                _bases =
                [
                    .. _bases.Concat(other._bases).Where(one => !both.Contains(one.Parent)),
                    .. _bases.Where(one => both.Contains(one.Parent)),
                ];
            }
        }

        private bool Has(string parent) => _bases.Exists(one => one.Parent == parent);
    }
}
