namespace FastConsumer.Model;

// What a worker does. A worker whose step is not chosen is frozen, so freezing and waking need no steps of their own.
internal abstract partial class Model
{
    private void WorkerSteps(ref World s, int worker)
    {
        World n;
        if (s.Sessions[worker] < 0)
        {
            n = s;
            n.Sessions[worker] = (sbyte)n.NextSession++;
            n.SegmentNumbers[worker] = 0;
            Done(ref n, Step.Of(StepKind.Restart, worker), true);
            return;
        }

        if (s.Crashes > 0)
        {
            n = s;
            n.Crashes--;
            Crash(ref n, worker);
            Done(ref n, Step.Of(StepKind.Crash, worker), false);
        }

        for (int shard = 0; shard < Config.Shards; shard++)
        {
            if (TenureOf(ref s, worker, shard).Phase == Phase.None)
            {
                Take(ref s, worker, shard);
            }
            else
            {
                TenureSteps(ref s, worker, shard);
            }
        }

        Round(ref s, worker);
    }

    private void Crash(ref World s, int worker)
    {
        for (int shard = 0; shard < Config.Shards; shard++)
        {
            TenureOf(ref s, worker, shard) = default;
        }

        if (s.Open[worker] >= 0)
        {
            s.Segments[s.Open[worker]].State = SegmentState.Deleted;
            s.Open[worker] = -1;
        }

        s.Sessions[worker] = -1;
    }

    private static bool IsOwner(ref World s, int worker, int shard)
    {
        ref Row row = ref s.Rows[shard];
        return row.IsThere && row.Owner == worker && row.Session == s.Sessions[worker];
    }

    private void Take(ref World s, int worker, int shard)
    {
        ref Row row = ref s.Rows[shard];
        if (!row.IsThere || row.Position == Bounds.End || !AreParentsFinished(ref s, shard)
            || (row.Version > Config.Version[worker] && !Config.Makes(Mistake.IgnoresStateVersion)))
        {
            return;
        }

        bool isLive = false;
        for (int other = 0; other < Config.Workers; other++)
        {
            isLive |= TenureOf(ref s, other, shard).Phase is not (Phase.None or Phase.Halted) && IsOwner(ref s, other, shard);
        }

        if (isLive && s.Takes == 0)
        {
            return;
        }

        World n = s;
        n.Takes -= (byte)(isLive ? 1 : 0);
        TakeRow(ref n, worker, shard);
        Begin(ref n, worker, shard, n.Rows[shard].Counter);
        Done(ref n, Step.Of(StepKind.Take, worker, shard), !isLive);
        if (s.Faults > 0)
        {
            n = s;
            n.Faults--;
            TakeRow(ref n, worker, shard);
            Done(ref n, Step.Of(StepKind.TakeLost, worker, shard), false);
        }
    }

    private static void TakeRow(ref World s, int worker, int shard)
    {
        ref Row row = ref s.Rows[shard];
        row.Owner = (sbyte)worker;
        row.Session = s.Sessions[worker];
        row.Counter++;
    }

    private static void Begin(ref World s, int worker, int shard, byte epoch)
    {
        ref Row row = ref s.Rows[shard];
        TenureOf(ref s, worker, shard) = new Tenure
        {
            Phase = Phase.Taken,
            Epoch = epoch,
            Counter = row.Counter,
            Life = row.Life,
            StartPosition = row.Position,
            Handle = row.Handle,
            Stamp = row.Stamp,
            Inherits0 = row.Inherits0,
            Inherits1 = row.Inherits1,
            RangeA = -1,
            RangeB = -1,
            CutSegment = -1,
            CutBlocks = -1,
            CutTransaction = -1,
        };
    }

    private void TenureSteps(ref World s, int worker, int shard)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        if (tenure.Phase == Phase.Halted)
        {
            return;
        }

        Loss(ref s, worker, shard);
        if (tenure.Phase is Phase.Taken or Phase.Loaded)
        {
            Restore(ref s, worker, shard);
            return;
        }

        World n;
        if (s.Stops > 0 && tenure.Phase == Phase.Running)
        {
            n = s;
            n.Stops--;
            TenureOf(ref n, worker, shard).Phase = Phase.Stopping;
            Done(ref n, Step.Of(StepKind.Stop, worker, shard), false);
        }

        if (tenure.Phase == Phase.Running)
        {
            Records(ref s, worker, shard);
        }

        Cuts(ref s, worker, shard);
        Upload(ref s, worker, shard);
        LeaseWrite(ref s, worker, shard);
        Commit(ref s, worker, shard);
        Release(ref s, worker, shard);
        if (Config.LateRenewals && s.Faults > 0 && TryFindFree(ref s, out int message))
        {
            n = s;
            n.Faults--;
            n.Messages[message] = new Message
            {
                Kind = MessageKind.Renewal,
                Shard = (byte)shard,
                Counter = tenure.Counter,
                Owner = (sbyte)worker,
            };
            Done(ref n, Step.Of(StepKind.Renew, worker, shard), false);
        }

        if (Config.Sink == Sink.Position && tenure.Phase is Phase.Running or Phase.Stopping)
        {
            SmallCuts(ref s, worker, shard);
        }
    }

    private void Loss(ref World s, int worker, int shard)
    {
        World n;
        if (!IsOwner(ref s, worker, shard))
        {
            n = s;
            Lose(ref n, worker, shard);
            Done(ref n, Step.Of(StepKind.LearnLost, worker, shard), true);
            return;
        }

        if (s.Takes > 0)
        {
            n = s;
            n.Takes--;
            Lose(ref n, worker, shard);
            Done(ref n, Step.Of(StepKind.BelieveLost, worker, shard), false);
        }

        if (s.Restarts > 0)
        {
            // the run breaks off; its worker takes its own lease anew before it runs again
            n = s;
            n.Restarts--;
            byte epoch = TenureOf(ref n, worker, shard).Epoch;
            Lose(ref n, worker, shard);
            if (Config.Makes(Mistake.RestartsUnderEpoch))
            {
                Begin(ref n, worker, shard, epoch);
            }
            else
            {
                TakeRow(ref n, worker, shard);
                Begin(ref n, worker, shard, n.Rows[shard].Counter);
            }

            Done(ref n, Step.Of(StepKind.RunRestarts, worker, shard), false);
        }
    }

    private void Records(ref World s, int worker, int shard)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        foreach (int record in Config.Records[shard])
        {
            int bit = 1 << record;
            if ((tenure.Done & bit) == 0 && IsNext(shard, record, tenure.Done & ~tenure.Half))
            {
                Handle(ref s, worker, shard, record);
            }
            else if ((tenure.Half & bit) != 0)
            {
                World n = s;
                TenureOf(ref n, worker, shard).Half &= (byte)~bit;
                Apply(ref n, worker, shard, record, 1);
                Done(ref n, Step.Of(StepKind.Apply, worker, shard, record), true);
            }
        }
    }

    private void Handle(ref World s, int worker, int shard, int record)
    {
        World n;
        if (Config.Makes(Mistake.MarksDoneBeforeApply))
        {
            n = s;
            ref Tenure tenure = ref TenureOf(ref n, worker, shard);
            tenure.Done |= (byte)(1 << record);
            tenure.Half |= (byte)(1 << record);
            Done(ref n, Step.Of(StepKind.Mark, worker, shard, record), true);
        }
        else
        {
            // a handler that is not deterministic has two outcomes
            for (int outcome = 1; outcome <= (Config.IsRandom ? 2 : 1); outcome++)
            {
                n = s;
                Apply(ref n, worker, shard, record, outcome);
                Done(ref n, Step.Of(StepKind.Apply, worker, shard, record), true);
            }
        }

        if (s.Failures > 0)
        {
            n = s;
            n.Failures--;
            if (Config.Makes(Mistake.AppliesFailedAttempts))
            {
                Write(ref TenureOf(ref n, worker, shard), record, 1);
            }

            Done(ref n, Step.Of(StepKind.Fail, worker, shard, record), false);
        }
    }

    private void Apply(ref World s, int worker, int shard, int record, int outcome)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        tenure.Done |= (byte)(1 << record);
        if (Config.Key[record] == Config.NoKey)
        {
            return;
        }

        Write(ref tenure, record, outcome);
        if (Config.Sink != Sink.None && (tenure.InSink & (1 << record)) == 0)
        {
            tenure.Outputs = Add(tenure.Outputs, record, outcome);
        }
    }

    private void Write(ref Tenure tenure, int record, int outcome)
    {
        int key = Config.Key[record];
        if (key == 0)
        {
            tenure.ValueA = Add(tenure.ValueA, record, outcome);
        }
        else if (key == 1)
        {
            tenure.ValueB = Add(tenure.ValueB, record, outcome);
        }

        tenure.Dirty |= (byte)(key < Config.NoKey ? 1 << key : 0);
    }

    private void Release(ref World s, int worker, int shard)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        bool mustCommit = Config.LeavesEnd && tenure.Phase == Phase.EndDurable && tenure.Uncommitted != 0;
        if (tenure.Phase is not (Phase.EndDurable or Phase.StopDurable) || tenure.Stage != Stage.None || tenure.SmallInDoubt != 0
            || mustCommit)
        {
            return;
        }

        World n = s;
        ref Row row = ref n.Rows[shard];
        if (row.IsThere && row.Owner == worker && row.Counter == tenure.Counter)
        {
            row.Owner = -1;
            row.Session = -1;
            row.Counter++;
        }

        Forget(ref n, worker, shard);
        Done(ref n, Step.Of(StepKind.Release, worker, shard), true);
    }

    /// <summary>The owner hears that it has lost the shard: it aborts what is unsent.</summary>
    private void Lose(ref World s, int worker, int shard)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        int own = tenure.CutTransaction >= 0 && s.Transactions[tenure.CutTransaction].State == TxState.Prepared
            ? 1 << tenure.CutTransaction
            : 0;
        int unsent = Config.Makes(Mistake.JudgesUnsentByOwnCheckpoint)
            ? tenure.Pending | (tenure.Stage is Stage.None or Stage.InDoubt or Stage.HalfWritten ? 0 : own)
            : (tenure.Pending | own) & ~tenure.Sent;
        AbortAll(ref s, unsent & ~tenure.Uncommitted);
        Forget(ref s, worker, shard);
    }

    private static void Forget(ref World s, int worker, int shard)
    {
        LeaveRound(ref s, worker, shard);
        TenureOf(ref s, worker, shard) = default;
    }
}
