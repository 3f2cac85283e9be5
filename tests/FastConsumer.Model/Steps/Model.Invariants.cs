namespace FastConsumer.Model;

// What must hold in every state, in every snapshot that a row names, and when all is over.
internal abstract partial class Model
{
    private void CheckState(ref World s)
    {
        for (int shard = 0; shard < Config.Shards; shard++)
        {
            ref Row row = ref s.Rows[shard];
            if (row.IsThere)
            {
                CheckNamedSegments(ref s, ref row, shard);
                CheckPosition(ref s, ref row, shard);
            }
        }

        for (int record = 0; record < Config.RecordCount && !Config.IsRandom; record++)
        {
            if (Count(s.Visible, record) > 1)
            {
                Break($"I4: output of r{record} visible twice");
            }
        }
    }

    private void CheckNamedSegments(ref World s, ref Row row, int shard)
    {
        int named = SegmentsOf(ref s, shard, row.Handle);
        int[] parents = Config.Parents[shard];
        for (int i = 0; i < parents.Length; i++)
        {
            named |= SegmentsOf(ref s, parents[i], i == 0 ? row.Inherits0 : row.Inherits1);
        }

        for (int segment = 0; named >> segment != 0; segment++)
        {
            SegmentState state = s.Segments[segment].State;
            if (((named >> segment) & 1) != 0 && state != SegmentState.Whole)
            {
                Break(state == SegmentState.Deleted
                    ? $"I6: row s{shard} names g{segment}, which was deleted"
                    : $"I2: row s{shard} names g{segment}, which is not there");
            }
        }
    }

    private void CheckPosition(ref World s, ref Row row, int shard)
    {
        bool isTouched = s.ForeignSteps != Config.ForeignSteps;
        if (row.Handle < 0 || isTouched || s.Segments[row.Handle].State != SegmentState.Whole)
        {
            return;
        }

        ref Part part = ref s.Segments[row.Handle].Parts[shard];
        int position = part.IsEnd != 0 ? Bounds.End : Watermark(shard, part.Done);
        if (position == row.Position)
        {
            return;
        }

        // the position may go on by itself, over records that changed nothing, where there are no runs
        bool isMovedAlone = position < row.Position && row.Position != Bounds.End && row.Stamp == row.Position
            && !HasRuns(shard, part.Done) && (UpTo(shard, row.Position) & ~part.Done & ~WithoutEffect()) == 0;
        if (!isMovedAlone)
        {
            Break($"I3: row s{shard} has position {row.Position}, its manifest {position}");
        }
    }

    private void CheckNamed(ref World s, int shard, int handle)
    {
        ref Part part = ref s.Segments[handle].Parts[shard];
        if (Config.IsRandom)
        {
            CheckAttempts(ref s, ref part);
            return;
        }

        for (int key = 0; key < 2; key++)
        {
            sbyte range = key == 0 ? part.RangeA : part.RangeB;
            ushort value = ValueAt(ref s, range, key);
            if (!IsKeyOf(shard, key))
            {
                if (value != 0)
                {
                    Break($"I7: s{shard} has key {Letter(key, 'a')}, which is not its own");
                }

                continue;
            }

            ushort expected = Expected(shard, key, part.Done);
            if (value != expected && IsWhole(ref s, range))
            {
                Break($"I1: named snapshot of s{shard}: key {Letter(key, 'a')} holds {Text(value)}, expected {Text(expected)}");
            }
        }
    }

    /// <summary>What is visible and what the state holds must come from the same attempt.</summary>
    private void CheckAttempts(ref World s, ref Part part)
    {
        for (int record = 0; record < Config.RecordCount; record++)
        {
            int key = Config.Key[record];
            int visible = Count(s.Visible, record);
            int held = Count(ValueAt(ref s, key == 0 ? part.RangeA : part.RangeB, key), record);
            if (visible != 0 && held != 0 && visible != held)
            {
                Break($"I4: visible output of r{record} and the named state come from different attempts");
            }
        }
    }

    /// <summary>A state from which nothing goes on by itself: everything must have come to its end.</summary>
    public void CheckTerminal(ref World s)
    {
        if (s.IsHalted != 0)
        {
            return;
        }

        CheckLocks(ref s);
        if (HasUnnoticedLoss(ref s))
        {
            return;
        }

        for (int shard = 0; shard < Config.Shards; shard++)
        {
            if (!IsOver(ref s, shard))
            {
                return; // cut off by a bound
            }
        }

        if (Config.Sink == Sink.None || s.ForeignSteps < Config.ForeignSteps)
        {
            return;
        }

        for (int tx = 0; tx < s.NextTransaction; tx++)
        {
            ref Tx transaction = ref s.Transactions[tx];
            if (transaction.HoldsLocks)
            {
                Break($"I5: t{tx} (s{transaction.Shard}, epoch {transaction.Epoch}) is left prepared when all is over");
            }
        }

        for (int record = 0; record < Config.RecordCount && !Config.IsRandom; record++)
        {
            if (Config.Key[record] != Config.NoKey && Count(s.Visible, record) == 0)
            {
                Break($"I4: output of r{record} never became visible");
            }
        }
    }

    private bool IsOver(ref World s, int shard)
    {
        if (s.Rows[shard].Presence == Presence.Never)
        {
            return false;
        }

        bool isOver = false;
        for (int worker = 0; worker < Config.Workers; worker++)
        {
            ref Tenure tenure = ref TenureOf(ref s, worker, shard);
            bool isIdle = tenure.Phase == Phase.Running && tenure.Durable == All(shard) && tenure.Done == tenure.Durable
                && tenure.Uncommitted == 0 && tenure.Stage == Stage.None && tenure.Outputs == 0 && tenure.SmallInDoubt == 0;
            if (tenure.Phase != Phase.None && !(isIdle && IsLeaf(shard)))
            {
                return false;
            }

            isOver |= isIdle;
        }

        return IsLeaf(shard) ? isOver : !s.Rows[shard].IsThere || s.Rows[shard].Position == Bounds.End;
    }

    /// <summary>After a promotion an owner finds out when it writes or starts, and not before.</summary>
    private bool HasUnnoticedLoss(ref World s)
    {
        bool any = false;
        for (int worker = 0; worker < Config.Workers && Config.Promotions > 0; worker++)
        {
            for (int shard = 0; shard < Config.Shards; shard++)
            {
                ref Tenure tenure = ref TenureOf(ref s, worker, shard);
                ref SinkRow row = ref s.Sink[shard];
                any |= tenure.Phase == Phase.Running && (tenure.SmallNumber != row.Number || tenure.Epoch != row.Epoch);
            }
        }

        return any;
    }

    /// <summary>A write that waits for a transaction which nothing will commit or abort waits for ever.</summary>
    private void CheckLocks(ref World s)
    {
        if (!Config.Locks || s.NextSegment >= Bounds.Segments || s.NextTransaction >= Bounds.Transactions)
        {
            return;
        }

        for (int worker = 0; worker < Config.Workers; worker++)
        {
            for (int shard = 0; shard < Config.Shards; shard++)
            {
                ref Tenure tenure = ref TenureOf(ref s, worker, shard);
                if (tenure.Stage == Stage.Cut && tenure.CutTransaction < 0 && LockedBy(ref s, tenure.CutOutputs) is int tx and >= 0)
                {
                    Break($"I5: s{shard}'s outputs wait for a lock of t{tx}, which nothing frees");
                }
            }
        }
    }
}
