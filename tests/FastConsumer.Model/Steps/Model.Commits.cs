namespace FastConsumer.Model;

// Two-phase sinks: commit, markers, abort; step 8 of a checkpoint.
internal abstract partial class Model
{
    private void Commit(ref World s, int worker, int shard)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        DeleteMarkers(ref s, worker, shard);
        if (tenure.Uncommitted != 0)
        {
            World n = s;
            CommitNamed(ref n, worker, shard);
            TenureOf(ref n, worker, shard).Uncommitted = 0;
            Done(ref n, Step.Of(StepKind.Commit, worker, shard), true);
            if (s.Faults > 0)
            {
                n = s;
                n.Faults--;
                CommitNamed(ref n, worker, shard);
                Done(ref n, Step.Of(StepKind.CommitLost, worker, shard), false);
            }
        }

        if (tenure.Phase == Phase.Running && !Config.Fenced && !Config.Makes(Mistake.NeverSweeps))
        {
            // a sink without a fence is swept by an owner that goes on, too
            World n = s;
            if (SweepSink(ref n, worker, shard, withParents: false))
            {
                Done(ref n, Step.Of(StepKind.SinkSweep, worker, shard), true);
            }
        }
    }

    private void CommitEarly(ref World s, int worker, int shard)
    {
        int tx = TenureOf(ref s, worker, shard).CutTransaction;
        if (tx < 0 || s.Transactions[tx].State != TxState.Prepared)
        {
            return;
        }

        World n = s;
        n.Transactions[tx].State = TxState.Committed;
        Publish(ref n, n.Transactions[tx].Outputs);
        if ((n.EverNamed & (1 << tx)) == 0)
        {
            Break("I4: committed before the lease write");
        }

        Done(ref n, Step.Of(StepKind.EarlyCommit, worker, shard), true);
    }

    /// <summary>Commits what a durable manifest names. Who finds a commit lost asks the row whether the shard is still its own.</summary>
    private void CommitNamed(ref World s, int worker, int shard)
    {
        ref Tenure tenure = ref TenureOf(ref s, worker, shard);
        for (int tx = 0; tenure.Uncommitted >> tx != 0; tx++)
        {
            TxState state = s.Transactions[tx].State;
            bool isLost = state == TxState.CommittedUnmarked
                || (state == TxState.Expired && !Config.Makes(Mistake.TakesLostForDone));
            if (((tenure.Uncommitted >> tx) & 1) == 0 || !isLost)
            {
                continue;
            }

            if (!IsOwner(ref s, worker, shard))
            {
                Lose(ref s, worker, shard);
                return;
            }

            if (state == TxState.Expired)
            {
                Halt(ref s, worker, shard);
                return;
            }
        }

        CommitAll(ref s, tenure.Uncommitted, tenure.Life);
        tenure.MarkersDue = Config.Markers ? tenure.Uncommitted : (ushort)0;
    }

    private void CommitAll(ref World s, int named, int life)
    {
        for (int tx = 0; named >> tx != 0; tx++)
        {
            if (((named >> tx) & 1) != 0)
            {
                CommitOne(ref s, tx, life);
            }
        }
    }

    private void CommitOne(ref World s, int tx, int life)
    {
        ref Tx transaction = ref s.Transactions[tx];
        bool isFormerLife = life < s.Rows[transaction.Shard].Life;
        switch (transaction.State)
        {
            case TxState.Committed or TxState.Expired:
                return;
            case TxState.CommittedUnmarked:
                Break($"I5: t{tx} was committed and its marker is gone: its shard stops, and what it has prepared stays");
                return;
            case not TxState.Prepared:
                if (!isFormerLife)
                {
                    Break($"I4: t{tx} is to be committed and is not there (lost output)");
                }

                return;
        }

        if ((s.EverNamed & (1 << tx)) == 0)
        {
            Break($"I4: t{tx} committed before a row named it");
        }

        transaction.State = TxState.Committed;
        if (!isFormerLife)
        {
            Publish(ref s, transaction.Outputs);
        }

        transaction.Outputs = 0;
    }

    /// <summary>After a commit the markers below the lowest id that its own manifest names are deleted.</summary>
    private void DeleteMarkers(ref World s, int worker, int shard)
    {
        int named = TenureOf(ref s, worker, shard).MarkersDue;
        if (named != 0)
        {
            World n = s;
            TenureOf(ref n, worker, shard).MarkersDue = 0;
            DeleteMarkers(ref n, named);
            Done(ref n, Step.Of(StepKind.MarkersDeleted, worker, shard), true);
        }
    }

    private void DeleteMarkers(ref World s, int named)
    {
        for (int tx = 0; tx < s.NextTransaction; tx++)
        {
            ref Tx transaction = ref s.Transactions[tx];
            if (transaction.State != TxState.Committed || ((named >> tx) & 1) != 0)
            {
                continue;
            }

            int lowest = int.MaxValue;
            for (int other = 0; named >> other != 0; other++)
            {
                if (((named >> other) & 1) != 0 && s.Transactions[other].Shard == transaction.Shard)
                {
                    lowest = Math.Min(lowest, s.Transactions[other].Id);
                }
            }

            if (lowest != int.MaxValue && (transaction.Id < lowest || Config.Makes(Mistake.DeletesNamedMarkers)))
            {
                transaction.State = TxState.CommittedUnmarked;
            }
        }
    }

    private void Publish(ref World s, ushort outputs)
    {
        for (int record = 0; record < Config.RecordCount; record++)
        {
            int count = Count(outputs, record);
            if (count == 0)
            {
                continue;
            }

            s.Visible = Config.IsRandom
                ? (ushort)((s.Visible & ~(3 << (2 * record))) | (count << (2 * record)))
                : Add(s.Visible, record, count);
        }
    }

    private static void AbortAll(ref World s, int transactions)
    {
        for (int tx = 0; transactions >> tx != 0; tx++)
        {
            if (((transactions >> tx) & 1) != 0 && s.Transactions[tx].State == TxState.Prepared)
            {
                s.Transactions[tx].Abort();
            }
        }
    }
}
