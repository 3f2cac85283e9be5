namespace FastConsumer.Model;

// Cuts and rounds: steps 1 to 6 of a checkpoint.
internal abstract partial class Model
{
    /// <summary>A child's first snapshot needs no progress: until it is there, its parents' rows and segments must stay.</summary>
    private static bool HasNews(ref Tenure tenure) => tenure.Done != tenure.Durable || (tenure.Handle < 0 && tenure.Inherits);

    private void Cuts(ref World s, int worker, int shard)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        if (tenure.Stage != Stage.None || tenure.SmallInDoubt != 0)
        {
            return;
        }

        World n;
        bool hasRoom = s.NextSegment < Bounds.Segments && s.NextTransaction < Bounds.Transactions;
        bool isAll = tenure.Done == All(shard);
        bool isLeaf = IsLeaf(shard);
        if (tenure.Phase == Phase.Running && isAll && tenure.Half == 0 && hasRoom && (!isLeaf || HasNews(ref tenure)))
        {
            n = s;
            Cut(ref n, worker, shard, tenure.Done, isLeaf ? CutKind.Ordinary : CutKind.End);
            Done(ref n, Step.Of(isLeaf ? StepKind.Cut : StepKind.EndCut, worker, shard), true);
        }

        bool isAligned = !HasRuns(shard, tenure.Done) && (tenure.Done & ~tenure.Durable) != 0;
        if (tenure.Phase == Phase.Running && s.Cuts > 0 && HasNews(ref tenure) && !(isAll && isLeaf) && hasRoom
            && (!Config.Aligned || isAligned))
        {
            n = s;
            n.Cuts--;
            Cut(ref n, worker, shard, tenure.Done, CutKind.Ordinary);
            Done(ref n, Step.Of(StepKind.Cut, worker, shard), false);
        }

        if (tenure.Phase == Phase.Stopping)
        {
            FinalCut(ref s, worker, shard, hasRoom);
        }
    }

    private void FinalCut(ref World s, int worker, int shard, bool hasRoom)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        World n = s;
        if (!HasNews(ref tenure) || !hasRoom)
        {
            TenureOf(ref n, worker, shard).Phase = Phase.StopDurable;
            Done(ref n, Step.Of(StepKind.FinalCut, worker, shard, 1), true);
            return;
        }

        int done = Config.Makes(Mistake.StopsWithoutRuns) ? UpTo(shard, Watermark(shard, tenure.Done)) : tenure.Done;
        Cut(ref n, worker, shard, done, CutKind.Stop);
        Done(ref n, Step.Of(StepKind.FinalCut, worker, shard), true);
    }

    private void Cut(ref World s, int worker, int shard, int done, CutKind kind)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        if (Config.Makes(Mistake.ForgetsRestoredRuns))
        {
            int watermark = UpTo(shard, Watermark(shard, done));
            done = watermark | (done & ~tenure.Restored);
        }

        tenure.CutDone = (byte)done;
        if (IsStampOnly(ref s, ref tenure, shard, done, kind))
        {
            tenure.CutKind = kind | CutKind.StampOnly;
            tenure.CutSegment = tenure.Handle;
            tenure.CutBlocks = -1;
            tenure.CutTransaction = -1;
            tenure.Stage = Stage.Uploaded;
            return;
        }

        tenure.Number++;
        tenure.CutKind = kind;
        tenure.CutKeys = tenure.Dirty;
        if (Config.Rewrite > 0 && tenure.Number % Config.Rewrite == 0)
        {
            tenure.CutKeys |= (byte)((tenure.ValueA != 0 ? 1 : 0) | (tenure.ValueB != 0 ? 2 : 0));
        }

        tenure.CutA = tenure.ValueA;
        tenure.CutB = tenure.ValueB;
        tenure.Dirty = 0;
        tenure.CutOutputs = Config.Sink == Sink.None ? (ushort)0 : tenure.Outputs;
        tenure.Outputs = 0;
        tenure.CutSegment = -1;
        tenure.CutBlocks = -1;
        tenure.CutTransaction = -1;
        tenure.Stage = tenure.CutOutputs == 0 && Config.Sink != Sink.Position ? Stage.Prepared : Stage.Cut;
    }

    /// <summary>The position has moved while state, outputs and runs have not.</summary>
    private bool IsStampOnly(ref World s, ref Tenure tenure, int shard, int done, CutKind kind)
    {
        int moved = done & ~tenure.Durable;
        return moved != 0 && (moved & ~WithoutEffect()) == 0 && tenure.Handle >= 0 && (kind & CutKind.End) == 0 && tenure.Dirty == 0
            && tenure.Outputs == 0 && tenure.Pending == 0 && !HasRuns(shard, done)
            && !HasRuns(shard, s.Segments[tenure.Handle].Parts[shard].Done);
    }

    private void Upload(ref World s, int worker, int shard)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        World n;
        if (tenure.Stage == Stage.Cut)
        {
            Prepare(ref s, worker, shard);
        }

        bool hasRoom = s.Open[worker] >= 0 || s.NextSegment < Bounds.Segments;
        bool mayJoin = tenure.Stage == Stage.Prepared || (tenure.Stage == Stage.BlocksInRound && s.Open[worker] != tenure.CutBlocks);
        if (mayJoin && hasRoom)
        {
            n = s;
            Join(ref n, worker, shard);
            Done(ref n, Step.Of(StepKind.Join, worker, shard), true);
        }

        if (s.Faults > 0 && tenure.IsUnsent)
        {
            n = s;
            n.Faults--;
            FailCheckpoint(ref n, worker, shard, Config.Makes(Mistake.RollsBackOnTimeout));
            Done(ref n, Step.Of(StepKind.CheckpointFails, worker, shard), false);
        }

        if (Config.Makes(Mistake.CommitsBeforeTheLease) && tenure.Stage is Stage.Prepared or Stage.InRound or Stage.Uploaded)
        {
            CommitEarly(ref s, worker, shard);
        }
    }

    private void Join(ref World s, int worker, int shard)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        if (s.Open[worker] < 0)
        {
            s.Open[worker] = (sbyte)s.NextSegment++;
            s.SegmentNumbers[worker]++;
            s.Segments[s.Open[worker]] = new Segment
            {
                State = SegmentState.Open,
                Session = (byte)s.Sessions[worker],
                Number = (byte)s.SegmentNumbers[worker],
            };
        }

        int segment = s.Open[worker];
        ref Part part = ref s.Segments[segment].Parts[shard];
        part = new Part
        {
            Kind = PartKind.Manifest,
            Epoch = tenure.Epoch,
            Number = tenure.Number,
            RangeA = tenure.RangeA,
            RangeB = tenure.RangeB,
        };
        if (tenure.CutBlocks >= 0)
        {
            part.RangeA = (tenure.CutKeys & 1) != 0 ? (sbyte)((tenure.CutBlocks << 2) | shard) : part.RangeA;
            part.RangeB = (tenure.CutKeys & 2) != 0 ? (sbyte)((tenure.CutBlocks << 2) | shard) : part.RangeB;
        }
        else
        {
            PutBlocks(ref part, ref tenure, segment, shard);
            if (Config.TwoSegments && tenure.CutKeys != 0)
            {
                part.Kind = PartKind.BlocksOnly;
                tenure.CutBlocks = (sbyte)segment;
                tenure.Stage = Stage.BlocksInRound;
                return;
            }
        }

        part.Done = tenure.CutDone;
        part.IsEnd = (byte)((tenure.CutKind & CutKind.End) != 0 ? 1 : 0);
        part.Version = (byte)Config.Version[worker];
        part.SinkNumber = Config.Sink == Sink.Position && Config.Promotions > 0 ? tenure.SmallNumber : (byte)0;
        int own = tenure.CutTransaction >= 0 ? 1 << tenure.CutTransaction : 0;
        int open = Config.Makes(Mistake.NamesOwnTransactionsOnly) ? 0 : tenure.Uncommitted;
        part.Named = (ushort)(own | tenure.Pending | open);
        tenure.CutSegment = (sbyte)segment;
        tenure.Stage = Stage.InRound;
    }

    private void PutBlocks(ref Part part, ref Tenure tenure, int segment, int shard)
    {
        bool isLive = Config.Makes(Mistake.SerializesLiveValues);
        if ((tenure.CutKeys & 1) != 0)
        {
            part.ValueA = isLive ? tenure.ValueA : tenure.CutA;
            part.RangeA = (sbyte)((segment << 2) | shard);
        }

        if ((tenure.CutKeys & 2) != 0)
        {
            part.ValueB = isLive ? tenure.ValueB : tenure.CutB;
            part.RangeB = (sbyte)((segment << 2) | shard);
        }
    }

    /// <summary>What a shard has put into a round that is still open goes.</summary>
    private static void LeaveRound(ref World s, int worker, int shard)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        int segment = tenure.Stage switch
        {
            Stage.InRound => tenure.CutSegment,
            Stage.BlocksInRound => tenure.CutBlocks,
            _ => -1,
        };
        if (segment >= 0 && s.Open[worker] == segment)
        {
            s.Segments[segment].Parts[shard] = default;
        }
    }

    private void FailCheckpoint(ref World s, int worker, int shard, bool aborts)
    {
        LeaveRound(ref s, worker, shard);
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        if (!Config.Makes(Mistake.LosesKeysOfFailedUpload))
        {
            tenure.Dirty |= tenure.CutKeys;
        }

        if (tenure.CutTransaction < 0)
        {
            tenure.Outputs |= tenure.CutOutputs;
        }
        else if (aborts)
        {
            AbortAll(ref s, 1 << tenure.CutTransaction);
        }
        else if (Config.Locks && !Config.Makes(Mistake.CarriesLockedTransactions))
        {
            // rolled back because of its locks: the outputs, which were kept, go into the next transaction
            tenure.Outputs |= s.Transactions[tenure.CutTransaction].Outputs;
            AbortAll(ref s, 1 << tenure.CutTransaction);
        }
        else
        {
            tenure.Pending |= (ushort)(1 << tenure.CutTransaction);
        }

        tenure.ForgetCheckpoint();
    }

    private void Round(ref World s, int worker)
    {
        World n;
        int open = s.Open[worker];
        if (open >= 0)
        {
            bool isEmpty = true;
            for (int shard = 0; shard < Config.Shards; shard++)
            {
                isEmpty &= s.Segments[open].Parts[shard].Kind == PartKind.None;
            }

            n = s;
            n.Open[worker] = -1;
            n.Segments[open].State = isEmpty ? SegmentState.Deleted : SegmentState.Whole;
            AnswerPut(ref n, worker, open);
            Done(ref n, Step.Of(StepKind.Close, worker, 0, isEmpty ? 1 : 0), true);
            if (!isEmpty && s.Faults > 0)
            {
                n = s;
                n.Faults--;
                n.Segments[open].State = SegmentState.InFlight;
                n.Open[worker] = -1;
                Done(ref n, Step.Of(StepKind.CloseLate, worker), false);
            }
        }

        for (int segment = 0; segment < s.NextSegment; segment++)
        {
            if (s.Segments[segment].State == SegmentState.Whole && s.Segments[segment].Session == s.Sessions[worker])
            {
                n = s;
                if (AnswerPut(ref n, worker, segment))
                {
                    Done(ref n, Step.Of(StepKind.PutAnswer, worker, 0, segment), true);
                }
            }
        }
    }

    private bool AnswerPut(ref World s, int worker, int segment)
    {
        bool isAwaited = false;
        for (int shard = 0; shard < Config.Shards; shard++)
        {
            ref Tenure tenure = ref TenureOf(ref s, worker, shard);
            if (tenure.Stage == Stage.InRound && tenure.CutSegment == segment)
            {
                tenure.Stage = Stage.Uploaded;
                isAwaited = true;
            }
        }

        return isAwaited;
    }
}
