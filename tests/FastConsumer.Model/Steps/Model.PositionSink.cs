namespace FastConsumer.Model;

// The position sink: outputs, position and runs go into the sink in one transaction, a small cut.
internal abstract partial class Model
{
    private void BeginInSink(ref World s, int worker, int shard)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        tenure.Phase = Phase.Running;
        if (Config.Sink != Sink.Position)
        {
            return;
        }

        ref SinkRow row = ref s.Sink[shard];
        if (row.Epoch > tenure.Epoch)
        {
            Lose(ref s, worker, shard);
            return;
        }

        // compared with the statement that sets the epoch: later the row can only go back under a running owner, whom its next write tells
        bool isOlder = Config.Promotions > 0 && tenure.Handle >= 0
            && IsOlder(row, s.Segments[tenure.Handle].Parts[shard], Config.Makes(Mistake.ComparesNumberOnly));
        row.Epoch = tenure.Epoch;
        if (isOlder && Config.Mistake is not (Mistake.IgnoresLowerNumber or Mistake.ComparesNumberBeforeFence))
        {
            Halt(ref s, worker, shard);
            return;
        }

        tenure.InSink = row.Done;
        tenure.SmallNumber = row.Number;
    }

    /// <summary>A former owner may bring the number up again, but not the epoch.</summary>
    private static bool IsOlder(SinkRow row, Part manifest, bool isByNumberOnly) =>
        row.Number < manifest.SinkNumber || (row.Epoch < manifest.Epoch && !isByNumberOnly);

    private void SmallCuts(ref World s, int worker, int shard)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        World n = s;
        if (tenure.SmallInDoubt != 0)
        {
            Resolve(ref n, worker, shard);
            Done(ref n, Step.Of(StepKind.SmallResolve, worker, shard), true);
        }
        else if (tenure.Stage != Stage.Cut)
        {
            SmallCut(ref s, worker, shard, tenure.Outputs, isSealed: false);
        }
        else if (tenure.CutOutputs == 0)
        {
            TenureOf(ref n, worker, shard).Stage = Stage.Prepared;
            Done(ref n, Step.Of(StepKind.Prepare, worker, shard), true);
            SmallCut(ref s, worker, shard, OvertakingOutputs(ref tenure), isSealed: false);
        }
        else
        {
            SmallCut(ref s, worker, shard, tenure.CutOutputs, isSealed: true);
            SmallCut(ref s, worker, shard, OvertakingOutputs(ref tenure), isSealed: false);
        }
    }

    /// <summary>What a cut has sealed goes before what came after it.</summary>
    private ushort OvertakingOutputs(ref Tenure tenure) => Config.Makes(Mistake.LetsOutputsOvertake) ? tenure.Outputs : (ushort)0;

    /// <summary>After a lost answer the owner looks at the sink's row; what is not there is written again.</summary>
    private void Resolve(ref World s, int worker, int shard)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        bool isWritten = s.Sink[shard].Epoch == tenure.Epoch && (s.Sink[shard].Number >= tenure.SmallNumber
            || CommitSmall(ref s, shard, tenure.Epoch, tenure.SmallNumber, tenure.SmallDone, tenure.SmallOutputs));
        if (!isWritten)
        {
            Lose(ref s, worker, shard);
            return;
        }

        tenure.SmallInDoubt = 0;
        tenure.SmallDone = 0;
        tenure.SmallOutputs = 0;
        if (tenure.Stage == Stage.Cut)
        {
            tenure.Stage = Stage.Prepared;
            tenure.CutOutputs = 0;
        }
    }

    private void SmallCut(ref World s, int worker, int shard, ushort outputs, bool isSealed)
    {
        if (outputs == 0)
        {
            return;
        }

        World n = s;
        ref Tenure tenure = ref SealSmall(ref n, worker, shard, isSealed);
        byte done = isSealed ? tenure.CutDone : tenure.Done;
        if (!CommitSmall(ref n, shard, tenure.Epoch, tenure.SmallNumber, done, outputs))
        {
            Lose(ref n, worker, shard);
        }
        else if (isSealed)
        {
            tenure.Stage = Stage.Prepared;
        }

        Done(ref n, Step.Of(StepKind.Small, worker, shard), isSealed);
        if (s.Faults == 0 || !TryFindFree(ref s, out int message))
        {
            return;
        }

        n = s;
        n.Faults--;
        tenure = ref SealSmall(ref n, worker, shard, isSealed);
        tenure.SmallInDoubt = 1;
        tenure.SmallDone = done;
        tenure.SmallOutputs = outputs;
        n.Messages[message] = new Message
        {
            Kind = MessageKind.SmallCut,
            Shard = (byte)shard,
            Epoch = tenure.Epoch,
            Number = tenure.SmallNumber,
            Done = done,
            Outputs = outputs,
        };
        Done(ref n, Step.Of(StepKind.SmallLate, worker, shard), false);
    }

    private static ref Tenure SealSmall(ref World s, int worker, int shard, bool isSealed)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        if (isSealed)
        {
            tenure.CutOutputs = 0;
        }
        else
        {
            tenure.Outputs = 0;
        }

        tenure.SmallNumber++;
        return ref tenure;
    }

    /// <summary>The transaction of a small cut: UPDATE ... WHERE epoch = mine AND number = former.</summary>
    private bool CommitSmall(ref World s, int shard, int epoch, int number, int done, ushort outputs)
    {
        ref SinkRow row = ref s.Sink[shard];
        if (row.Epoch != epoch || (row.Number != number - 1 && !Config.Makes(Mistake.IgnoresFormerNumber)))
        {
            return false;
        }

        if (Config.Promotions > 0)
        {
            s.Standby = s.Sink;
            s.VisibleOnStandby = s.Visible;
        }

        row.Number = (byte)number;
        row.Done |= (byte)done;
        Publish(ref s, outputs);
        return true;
    }

    /// <summary>What befalls the sinks' stores.</summary>
    private void StoreSteps(ref World s)
    {
        World n;
        for (int tx = 0; tx < s.NextTransaction && s.Expiries > 0; tx++)
        {
            if (s.Transactions[tx].State == TxState.Prepared)
            {
                n = s;
                n.Expiries--;
                n.Transactions[tx].Abort();
                n.Transactions[tx].State = TxState.Expired;
                Done(ref n, Step.Of(StepKind.Expire, 0, 0, tx), false);
            }
        }

        if (s.Promotions > 0)
        {
            n = s;
            n.Promotions--;
            n.Sink = s.Standby;
            n.Visible = s.VisibleOnStandby;
            Done(ref n, Step.Of(StepKind.Promote), false);
        }
    }
}
