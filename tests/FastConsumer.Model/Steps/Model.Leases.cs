namespace FastConsumer.Model;

// The lease write, which is the commit point: step 7 of a checkpoint.
internal abstract partial class Model
{
    private bool WriteRow(
        ref World s, int shard, int counter, int owner, int life, sbyte handle, int position, int version, bool isPositionOnly = false)
    {
        ref Row row = ref s.Rows[shard];
        bool isFormerLife = row.Life != life;
        if (!row.IsThere || row.Counter != counter || row.Owner != owner || (isFormerLife && !Config.Makes(Mistake.IgnoresLife)))
        {
            return false;
        }

        row.Counter++;
        sbyte former = row.Handle;
        if (isFormerLife)
        {
            Break($"I3: row s{shard}, in its life {row.Life + 1}, takes a write of its life {life + 1}");
        }

        if (position < row.Position)
        {
            Break($"I3: row s{shard} goes back from {row.Position} to {position}");
        }

        row.Position = (byte)position;
        if (isPositionOnly)
        {
            return true;
        }

        row.Handle = handle;
        row.Stamp = (sbyte)position;
        row.Version = (byte)version;
        row.Inherits0 = -1;
        row.Inherits1 = -1;
        ref Part part = ref s.Segments[handle].Parts[shard];
        if (former >= 0 && former != handle)
        {
            ref Part old = ref s.Segments[former].Parts[shard];
            if ((old.Epoch, old.Number).CompareTo((part.Epoch, part.Number)) >= 0)
            {
                Break($"I3: row s{shard} goes back from checkpoint {old.Epoch}.{old.Number} to {part.Epoch}.{part.Number}");
            }
        }

        s.EverNamed |= part.Named;
        CheckNamed(ref s, shard, handle);
        return true;
    }

    private static void RenewRow(ref World s, int shard, int counter, int owner)
    {
        ref Row row = ref s.Rows[shard];
        if (row.IsThere && row.Counter == counter && row.Owner == owner)
        {
            row.Counter++;
        }
    }

    private bool Write(ref World s, int worker, int shard, bool isPositionOnly = false)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        return WriteRow(ref s, shard, tenure.Counter, worker, tenure.Life, tenure.CutSegment, PositionOf(ref tenure, shard),
            Config.Version[worker], isPositionOnly);
    }

    private int PositionOf(ref Tenure tenure, int shard) =>
        (tenure.CutKind & CutKind.End) != 0 ? Bounds.End : Watermark(shard, tenure.CutDone);

    private void LeaseWrite(ref World s, int worker, int shard)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        World n;
        bool areBlocksThere = tenure.CutBlocks < 0 || s.Segments[tenure.CutBlocks].State != SegmentState.InFlight;
        bool isEarly = Config.Makes(Mistake.NamesBeforeUpload) && tenure.Stage == Stage.InRound && s.Open[worker] != tenure.CutSegment;
        if ((tenure.Stage == Stage.Uploaded && areBlocksThere) || isEarly)
        {
            Send(ref s, worker, shard);
        }

        if (tenure.Stage == Stage.InDoubt)
        {
            n = s;
            Settle(ref n, worker, shard, isFirst: false);
            Done(ref n, Step.Of(StepKind.Retry, worker, shard), true);
            if (Config.Makes(Mistake.AbortsInDoubt))
            {
                n = s;
                FailCheckpoint(ref n, worker, shard, aborts: true);
                Done(ref n, Step.Of(StepKind.AbortInDoubt, worker, shard), true);
            }
        }

        if (tenure.Stage == Stage.HalfWritten)
        {
            n = s;
            if (Write(ref n, worker, shard))
            {
                Written(ref n, worker, shard);
            }
            else
            {
                Refused(ref n, worker, shard, isDefinite: true);
            }

            Done(ref n, Step.Of(StepKind.SecondWrite, worker, shard), true);
        }
    }

    private void Send(ref World s, int worker, int shard)
    {
        World n = s;
        if (Config.Makes(Mistake.WritesPositionAlone))
        {
            if (Write(ref n, worker, shard, isPositionOnly: true))
            {
                ref Tenure half = ref TenureOf(ref n, worker, shard);
                half.Counter = n.Rows[shard].Counter;
                half.Stage = Stage.HalfWritten;
            }
            else
            {
                Refused(ref n, worker, shard, isDefinite: true);
            }

            Done(ref n, Step.Of(StepKind.Send, worker, shard), true);
            return;
        }

        Settle(ref n, worker, shard, isFirst: true);
        Done(ref n, Step.Of(StepKind.Send, worker, shard), true);
        if (s.Faults == 0)
        {
            return;
        }

        n = s;
        n.Faults--;
        Write(ref n, worker, shard);
        Doubt(ref n, worker, shard);
        Done(ref n, Step.Of(StepKind.SendLost, worker, shard), false);
        if (TryFindFree(ref s, out int message))
        {
            n = s;
            n.Faults--;
            ref Tenure tenure = ref TenureOf(ref n, worker, shard);
            n.Messages[message] = new Message
            {
                Kind = MessageKind.Checkpoint,
                Shard = (byte)shard,
                Counter = tenure.Counter,
                Life = tenure.Life,
                Owner = (sbyte)worker,
                Handle = tenure.CutSegment,
                Position = (byte)PositionOf(ref tenure, shard),
                Version = (byte)Config.Version[worker],
            };
            Doubt(ref n, worker, shard);
            Done(ref n, Step.Of(StepKind.SendLate, worker, shard), false);
        }
    }

    private static void Doubt(ref World s, int worker, int shard)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        tenure.Stage = Stage.InDoubt;
        tenure.Sent |= s.Segments[tenure.CutSegment].Parts[shard].Named;
    }

    /// <summary>One conditional write, and what the row says after a refusal.</summary>
    private void Settle(ref World s, int worker, int shard, bool isFirst)
    {
        if (Write(ref s, worker, shard))
        {
            Written(ref s, worker, shard);
            return;
        }

        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        ref Row row = ref s.Rows[shard];
        int position = PositionOf(ref tenure, shard);
        bool isNext = IsOwner(ref s, worker, shard) && row.Counter == tenure.Counter + 1;
        bool isThere = row.Handle == tenure.CutSegment && row.Position == position && row.Stamp == position;
        bool isTaken = Config.Mistake switch
        {
            Mistake.SettlesByPositionOnly => row.Position == position,
            Mistake.SettlesByHandleOnly => row.Handle == tenure.CutSegment,
            _ => isThere,
        };
        if (isNext && isTaken)
        {
            if (!isThere)
            {
                Break($"I3: {Letter(worker, 'A')} takes a renewal for checkpoint g{tenure.CutSegment} of s{shard}");
                return;
            }

            Written(ref s, worker, shard);
            return;
        }

        if (isNext)
        {
            // a late renewal of this worker came first: the write goes on top of it
            tenure.Counter = row.Counter;
            if (Write(ref s, worker, shard))
            {
                Written(ref s, worker, shard);
                return;
            }
        }

        Refused(ref s, worker, shard, isFirst);
    }

    private void Written(ref World s, int worker, int shard)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        ref Part part = ref s.Segments[tenure.CutSegment].Parts[shard];
        tenure.Counter = s.Rows[shard].Counter;
        if (Config.OwnerDeletes && tenure.Handle >= 0 && tenure.Handle != tenure.CutSegment && IsOnlyIn(ref s, tenure.Handle, shard))
        {
            // nobody can name the former snapshot any more; one of a worker's other shards may share its segment
            s.Segments[tenure.Handle].State = SegmentState.Deleted;
            s.Segments[tenure.Handle].Parts = default;
        }

        tenure.Durable = tenure.CutDone;
        tenure.RangeA = part.RangeA;
        tenure.RangeB = part.RangeB;
        tenure.Handle = tenure.CutSegment;
        tenure.Uncommitted |= (tenure.CutKind & CutKind.StampOnly) != 0 ? (ushort)0 : part.Named;
        tenure.Pending = 0;
        tenure.Sent = 0;
        tenure.Phase = (tenure.CutKind & CutKind.End) != 0 ? Phase.EndDurable
            : (tenure.CutKind & CutKind.Stop) != 0 ? Phase.StopDurable
            : tenure.Phase;
        tenure.ForgetCheckpoint();
    }

    private bool IsOnlyIn(ref World s, int segment, int shard)
    {
        for (int other = 0; other < Config.Shards; other++)
        {
            if (other != shard && s.Segments[segment].Parts[other].Kind != PartKind.None)
            {
                return false;
            }
        }

        return true;
    }

    private void Refused(ref World s, int worker, int shard, bool isDefinite)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        if (isDefinite && !Config.Makes(Mistake.KeepsRefusedTransactions))
        {
            // refused at its only send: no row names these transactions or ever will
            int own = tenure.CutTransaction >= 0 ? 1 << tenure.CutTransaction : 0;
            AbortAll(ref s, (tenure.Pending | own) & ~tenure.Sent & ~tenure.Uncommitted);
        }

        // after a send without an answer the row decides: its owner commits or aborts
        Forget(ref s, worker, shard);
    }
}
