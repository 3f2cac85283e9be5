namespace FastConsumer.Model;

// A start: the checks of the row, the snapshot or what is inherited, the commits, the sink sweep.
internal abstract partial class Model
{
    private void Restore(ref World s, int worker, int shard)
    {
        World n = s;
        ref Tenure tenure = ref TenureOf(ref n, worker, shard);
        if (tenure.Phase == Phase.Taken)
        {
            Load(ref n, worker, shard);
            Done(ref n, Step.Of(StepKind.Load, worker, shard), true);
        }
        else if (tenure.Uncommitted != 0)
        {
            CommitNamed(ref n, worker, shard);
            TenureOf(ref n, worker, shard).Uncommitted = 0;
            Done(ref n, Step.Of(StepKind.RestoreCommit, worker, shard), true);
        }
        else
        {
            SweepAndFence(ref n, worker, shard);
            Done(ref n, Step.Of(StepKind.RestoreSweep, worker, shard), true);
        }
    }

    private void Load(ref World s, int worker, int shard)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        bool isLoaded = tenure.Handle >= 0 ? LoadSnapshot(ref s, worker, shard) : LoadInherited(ref s, worker, shard);
        if (!isLoaded)
        {
            return;
        }

        tenure.Restored = tenure.Done;
        for (int key = 0; key < 2 && !Config.IsRandom; key++)
        {
            ushort value = key == 0 ? tenure.ValueA : tenure.ValueB;
            ushort expected = Expected(shard, key, tenure.Done);
            if (value != expected)
            {
                string invariant = tenure.Handle < 0 && !IsRoot(shard) ? "I7" : "I1";
                Break($"{invariant}: {Letter(worker, 'A')} starts s{shard} with key {Letter(key, 'a')} = {Text(value)}, "
                    + $"expected {Text(expected)}");
            }
        }

        tenure.Phase = Phase.Loaded;
    }

    private bool LoadSnapshot(ref World s, int worker, int shard)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        if (tenure.Stamp != tenure.StartPosition && !Config.Makes(Mistake.IgnoresStamp))
        {
            Halt(ref s, worker, shard);
            return false;
        }

        if (!IsReadable(ref s, tenure.Handle, shard))
        {
            ReportUnreadable(ref s, worker, shard);
            return false;
        }

        ref Part part = ref s.Segments[tenure.Handle].Parts[shard];
        if (part.Version > Config.Version[worker])
        {
            Break($"I8: {Letter(worker, 'A')} (version {Config.Version[worker]}) holds s{shard} with a snapshot of version {part.Version}");
            return false;
        }

        if (Config.Makes(Mistake.ComparesNumberBeforeFence) && IsOlder(s.Sink[shard], part, isByNumberOnly: false))
        {
            Halt(ref s, worker, shard);
            return false;
        }

        tenure.Done = (byte)(part.Done | UpTo(shard, tenure.StartPosition));
        tenure.Durable = tenure.Done;
        tenure.ValueA = ValueAt(ref s, part.RangeA, 0);
        tenure.ValueB = ValueAt(ref s, part.RangeB, 1);
        tenure.RangeA = part.RangeA;
        tenure.RangeB = part.RangeB;
        tenure.Uncommitted = part.Named;
        return true;
    }

    private bool LoadInherited(ref World s, int worker, int shard)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        if (!MayBegin(ref s, ref tenure, shard))
        {
            Halt(ref s, worker, shard);
            return false;
        }

        int[] parents = Config.Parents[shard];
        for (int i = 0; i < parents.Length; i++)
        {
            sbyte handle = i == 0 ? tenure.Inherits0 : tenure.Inherits1;
            if (handle < 0)
            {
                continue;
            }

            if (!IsReadable(ref s, handle, parents[i]))
            {
                ReportUnreadable(ref s, worker, shard);
                return false;
            }

            ref Part part = ref s.Segments[handle].Parts[parents[i]];
            if (part.Version > Config.Version[worker])
            {
                Break($"I8: {Letter(worker, 'A')} (version {Config.Version[worker]}) holds s{shard} with an inherited snapshot of version "
                    + part.Version);
                return false;
            }

            if (part.IsEnd == 0 && !Config.Makes(Mistake.InheritsUnfinishedParent))
            {
                Halt(ref s, worker, shard);
                return false;
            }

            tenure.Uncommitted |= Config.Makes(Mistake.ForgetsParentsTransactions) ? (ushort)0 : part.Named;
            Unite(ref s, ref tenure, ref part, shard);
        }

        tenure.Done = (byte)UpTo(shard, tenure.StartPosition);
        return true;
    }

    private bool MayBegin(ref World s, ref Tenure tenure, int shard)
    {
        if (tenure.Inherits)
        {
            return tenure.StartPosition == 0 || Config.Makes(Mistake.InheritsWithoutStamp);
        }

        foreach (int parent in Config.Parents[shard])
        {
            if (s.Rows[parent].IsThere && s.Rows[parent].Handle >= 0 && !Config.Makes(Mistake.StartsForeignRowEmpty))
            {
                return false;
            }
        }

        return true;
    }

    private void Unite(ref World s, ref Tenure tenure, ref Part parent, int shard)
    {
        for (int key = 0; key < 2 && !Config.Makes(Mistake.StartsChildEmpty); key++)
        {
            sbyte range = key == 0 ? parent.RangeA : parent.RangeB;
            ushort value = ValueAt(ref s, range, key);
            if (value == 0 || (!IsKeyOf(shard, key) && !Config.Makes(Mistake.GivesKeyToBoth)))
            {
                continue;
            }

            if (key == 0)
            {
                tenure.ValueA |= value;
            }
            else
            {
                tenure.ValueB |= value;
            }

            if (!Config.Makes(Mistake.ChildNamesParentsRanges))
            {
                tenure.Dirty |= (byte)(1 << key);
            }
            else if (key == 0)
            {
                tenure.RangeA = range;
            }
            else
            {
                tenure.RangeB = range;
            }
        }
    }

    private static void Halt(ref World s, int worker, int shard)
    {
        TenureOf(ref s, worker, shard) = new Tenure { Phase = Phase.Halted };
        s.IsHalted = 1;
    }

    /// <summary>The owner writes the lease before it reports: a former owner is refused, and nothing is wrong.</summary>
    private void ReportUnreadable(ref World s, int worker, int shard)
    {
        ref Row row = ref s.Rows[shard];
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        if (IsOwner(ref s, worker, shard) && row.Handle == tenure.Handle && row.Inherits0 == tenure.Inherits0
            && row.Inherits1 == tenure.Inherits1)
        {
            Break($"I6: {Letter(worker, 'A')} cannot read what row s{shard} names");
        }
        else if (Config.Makes(Mistake.ReportsLossUnasked))
        {
            Break($"I9: {Letter(worker, 'A')} reports the loss of s{shard}'s snapshot, and is not its owner");
        }
        else
        {
            Lose(ref s, worker, shard);
        }
    }
}
