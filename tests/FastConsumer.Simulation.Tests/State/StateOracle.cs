using System.Text;
using FastConsumer.Checkpoints;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.State.Format;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests.State;

/// <summary>
/// Reads the snapshot that a lease's row names, at each write of the row, and compares it with the fold of exactly the records that the
/// row's position covers.
/// </summary>
internal sealed class StateOracle(SimulatedCluster cluster, SimulatedObjects objects)
{
    private static readonly TallySerializer s_tallies = new();
    private static readonly CountSerializer s_counts = new();

    /// <summary>How many snapshots were judged.</summary>
    public int Judged { get; private set; }

    /// <summary>How many of them were the first ones of children.</summary>
    public int Inherited { get; private set; }

    /// <summary>How many of them had records that were done behind one that was not.</summary>
    public int WithRuns { get; private set; }

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

    private void Judge(TableWrite write, Lease row, SnapshotHandle handle, byte[] segment)
    {
        Judged++;
        Inherited += write.Before?.Inherits.Count > 0 ? 1 : 0;
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
            Require("named is whole", false, row, $"{write.Worker} named {handle.Object}: {e.Message}");
        }

        WithRuns += runs.Count > 0 ? 1 : 0;
        Dictionary<string, Folded> expected = Fold(row.LeaseKey, row.Checkpoint, runs);
        foreach ((string key, Folded fold) in expected)
        {
            Require("state is the fold", stored.TryGetValue(key, out Folded? there) && there.Says == fold.Says, row,
                $"{write.Worker} named {handle.Object} at {cluster.Ledger.Name(row.LeaseKey, row.Checkpoint)}, and {key} is "
                    + $"{there?.Says ?? "missing"} instead of {fold.Says}.");
        }

        Require("state is the fold", stored.Count == expected.Count, row,
            $"{write.Worker} named {handle.Object}, which has {string.Join(", ", stored.Keys.Except(expected.Keys))} too.");
    }

    /// <summary>The fold of a shard's records up to a position, and of those in the runs, on that of its parents.</summary>
    private Dictionary<string, Folded> Fold(string shardId, CheckpointPosition upTo, DoneRuns runs)
    {
        HashKeyRange range = cluster.Shards().First(shard => shard.ShardId == shardId).HashKeyRange;
        Dictionary<string, Folded> folds = new(StringComparer.Ordinal);
        foreach (string parent in cluster.ParentsOf(shardId))
        {
            foreach ((string key, Folded fold) in Fold(parent, CheckpointPosition.ShardEnd, DoneRuns.None))
            {
                if (range.Contains(HashKeys.Of(Encoding.UTF8.GetBytes(key))))
                {
                    folds[key] = fold;
                }
            }
        }

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

    private Dictionary<string, Folded> Read(SnapshotManifest manifest)
    {
        Dictionary<string, Folded> folds = new(StringComparer.Ordinal);
        foreach (SnapshotRange range in manifest.Ranges)
        {
            byte[] bytes = objects.Find(range.Segment)!.AsSpan((int)range.Offset, range.Length).ToArray();
            for (int at = 0; at < bytes.Length;)
            {
                BlockReader block = SegmentReader.ReadBlock(bytes, ref at, manifest.StateVersion);
                while (block.TryRead(out StateEntry entry))
                {
                    Folded fold = Of(folds, Encoding.UTF8.GetString(entry.Key));
                    if (block.State == "tallies")
                    {
                        fold.Tally = s_tallies.Read(entry.Value);
                    }
                    else
                    {
                        fold.Digits[entry.SubKey[0] % StateHandler.DigitCount] = s_counts.Read(entry.Value);
                    }
                }
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

    private sealed class Folded
    {
        public Tally Tally { get; set; }

        public long[] Digits { get; } = new long[StateHandler.DigitCount];

        public string Says => $"{Tally.Count} records ({Tally.Order:x}), digits {string.Join('/', Digits)}";

        public void Add(int number)
        {
            Tally = Tally.With(number);
            Digits[number % StateHandler.DigitCount]++;
        }
    }
}
