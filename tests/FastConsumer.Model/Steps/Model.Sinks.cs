namespace FastConsumer.Model;

// Two-phase sinks: PREPARE, locks, sink sweep and fence; step 5 of a checkpoint, and the end of a restore.
internal abstract partial class Model
{
    /// <summary>The life that a scope's name bears.</summary>
    private int ScopeLife(int life) => Config.Makes(Mistake.RepeatsCheckpointIds) ? 0 : life;

    private bool IsFenced(ref World s, int shard, int life, int epoch) =>
        Config.Fenced && s.Fences[(ScopeLife(life) * Bounds.Shards) + shard] > epoch;

    private static void Fence(ref World s, int shard, int life, byte epoch)
    {
        ref byte fence = ref s.Fences[(life * Bounds.Shards) + shard];
        fence = Math.Max(fence, epoch);
    }

    private static void CloseScopes(ref World s, int shard, int lives)
    {
        for (int life = 0; life < lives; life++)
        {
            Fence(ref s, shard, life, Bounds.Closed);
        }
    }

    /// <summary>The transaction for whose lock outputs would wait, or -1.</summary>
    private int LockedBy(ref World s, ushort outputs)
    {
        for (int tx = 0; tx < s.NextTransaction; tx++)
        {
            if (s.Transactions[tx].HoldsLocks && ShareKey(s.Transactions[tx].Outputs, outputs))
            {
                return tx;
            }
        }

        return -1;
    }

    private bool ShareKey(ushort some, ushort others)
    {
        int keys = 0;
        int otherKeys = 0;
        for (int record = 0; record < Config.RecordCount; record++)
        {
            keys |= Count(some, record) != 0 ? 1 << Config.Key[record] : 0;
            otherKeys |= Count(others, record) != 0 ? 1 << Config.Key[record] : 0;
        }

        return (keys & otherKeys) != 0;
    }

    private void Prepare(ref World s, int worker, int shard)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        if (Config.Sink == Sink.Position)
        {
            return;
        }

        if (tenure.CutTransaction >= 0)
        {
            AskAgain(ref s, worker, shard);
            return;
        }

        if (s.NextTransaction >= Bounds.Transactions || (Config.Locks && LockedBy(ref s, tenure.CutOutputs) >= 0))
        {
            return;
        }

        World n = s;
        if (FindSameId(ref s, ref tenure, shard) is int same and >= 0)
        {
            PrepareAnswered(ref n, worker, shard, same);
        }
        else if (IsFenced(ref s, shard, tenure.Life, tenure.Epoch))
        {
            n.Transactions[n.NextTransaction++] = NewTransaction(ref tenure, shard, TxState.Aborted);
            Lose(ref n, worker, shard);
        }
        else
        {
            n.Transactions[n.NextTransaction] = NewTransaction(ref tenure, shard, TxState.Prepared);
            PrepareAnswered(ref n, worker, shard, n.NextTransaction++);
        }

        Done(ref n, Step.Of(StepKind.Prepare, worker, shard), true);
        if (s.Faults > 0)
        {
            n = s;
            n.Faults--;
            n.Transactions[n.NextTransaction] = NewTransaction(ref tenure, shard, TxState.Preparing);
            TenureOf(ref n, worker, shard).CutTransaction = (sbyte)n.NextTransaction++;
            Done(ref n, Step.Of(StepKind.PrepareLate, worker, shard), false);
        }
    }

    private static Tx NewTransaction(ref Tenure tenure, int shard, TxState state) => new()
    {
        State = state,
        Shard = (byte)shard,
        Life = tenure.Life,
        Epoch = tenure.Epoch,
        Number = tenure.Number,
        Outputs = state == TxState.Aborted ? (ushort)0 : tenure.CutOutputs,
    };

    /// <summary>The sink says of an id that it has that it was prepared before.</summary>
    private int FindSameId(ref World s, ref Tenure tenure, int shard)
    {
        bool mayRepeat = Config.Mistake is Mistake.RepeatsCheckpointIds or Mistake.RestartsUnderEpoch;
        for (int tx = 0; tx < s.NextTransaction && mayRepeat; tx++)
        {
            ref Tx other = ref s.Transactions[tx];
            if (other.State == TxState.Prepared && other.Shard == shard && other.Epoch == tenure.Epoch && other.Number == tenure.Number
                && ScopeLife(other.Life) == ScopeLife(tenure.Life))
            {
                return tx;
            }
        }

        return -1;
    }

    private static void PrepareAnswered(ref World s, int worker, int shard, int tx)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        tenure.CutTransaction = (sbyte)tx;
        tenure.CutOutputs = 0;
        tenure.Stage = Stage.Prepared;
    }

    private void PrepareLands(ref World s, int tx)
    {
        ref Tx transaction = ref s.Transactions[tx];
        if (IsFenced(ref s, transaction.Shard, transaction.Life, transaction.Epoch))
        {
            transaction.Abort();
        }
        else
        {
            transaction.State = TxState.Prepared;
        }
    }

    /// <summary>PREPARE was not answered: the same id is asked again, once the former try is over.</summary>
    private void AskAgain(ref World s, int worker, int shard)
    {
        int tx = TenureOf(ref s, worker, shard).CutTransaction;
        TxState state = s.Transactions[tx].State;
        World n = s;
        if (state == TxState.Prepared)
        {
            PrepareAnswered(ref n, worker, shard, tx);
            Done(ref n, Step.Of(StepKind.PrepareAnswer, worker, shard), true);
        }
        else if (state == TxState.Aborted)
        {
            Lose(ref n, worker, shard);
            Done(ref n, Step.Of(StepKind.PrepareAnswer, worker, shard), true);
        }

        if (Config.Makes(Mistake.RepeatsPrepareAtOnce) && state == TxState.Preparing)
        {
            // the repetition writes the same rows, and waits for the locks of the former try
            n = s;
            TenureOf(ref n, worker, shard).CutTransaction = -1;
            Done(ref n, Step.Of(StepKind.PrepareRepeated, worker, shard), true);
        }

        if (Config.Makes(Mistake.RewritesDoubtfulPrepare) && state is TxState.Preparing or TxState.Prepared)
        {
            // the writer begins a new transaction with the same outputs; the old one is rolled back where it is there already
            n = s;
            AbortAll(ref n, 1 << tx);
            TenureOf(ref n, worker, shard).CutTransaction = -1;
            Done(ref n, Step.Of(StepKind.PrepareGivenUp, worker, shard), true);
        }
    }

    /// <summary>The end of a restore: what no manifest names is aborted, and nobody can prepare below this epoch any more.</summary>
    private void SweepAndFence(ref World s, int worker, int shard)
    {
        if (!Config.Makes(Mistake.NeverSweeps))
        {
            SweepSink(ref s, worker, shard, withParents: true);
            if (Config.Fenced)
            {
                FenceScopes(ref s, ref TenureOf(ref s, worker, shard), shard);
            }
        }

        BeginInSink(ref s, worker, shard);
    }

    private void FenceScopes(ref World s, ref Tenure tenure, int shard)
    {
        int life = ScopeLife(tenure.Life);
        Fence(ref s, shard, life, tenure.Epoch);
        if (!Config.Makes(Mistake.LeavesFormerLife))
        {
            CloseScopes(ref s, shard, life);
        }

        foreach (int parent in Config.Parents[shard])
        {
            if (!Config.Makes(Mistake.ForgetsParentsTransactions))
            {
                CloseScopes(ref s, parent, Bounds.Lives);
            }
        }
    }

    private bool SweepSink(ref World s, int worker, int shard, bool withParents)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        bool any = false;
        int own = tenure.CutTransaction >= 0 ? 1 << tenure.CutTransaction : 0;
        int keep = tenure.Uncommitted | tenure.Pending | own;
        for (int tx = 0; tx < s.NextTransaction; tx++)
        {
            ref Tx transaction = ref s.Transactions[tx];
            bool isOwn = transaction.Shard == shard && (ScopeLife(transaction.Life) == ScopeLife(tenure.Life)
                ? transaction.Epoch < tenure.Epoch
                : transaction.Life < tenure.Life && !Config.Makes(Mistake.LeavesFormerLife));
            bool isParents = withParents && !Config.Makes(Mistake.ForgetsParentsTransactions) && IsParentOf(transaction.Shard, shard);
            if (transaction.State == TxState.Prepared && ((keep >> tx) & 1) == 0 && (isOwn || isParents))
            {
                transaction.Abort();
                any = true;
            }
        }

        return any;
    }
}
