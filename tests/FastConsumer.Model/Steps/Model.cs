namespace FastConsumer.Model;

/// <summary>
/// The steps of the design and its invariants. <see cref="Successors"/> emits every step that is possible in a state; where one breaks an
/// invariant, <see cref="Violation"/> says so.
/// </summary>
internal abstract partial class Model(Config config)
{
    protected Config Config { get; } = config;

    /// <summary>What the last step broke.</summary>
    public string? Violation { get; private set; }

    /// <param name="next">The state after the step.</param>
    /// <param name="step">See <see cref="Step"/>.</param>
    /// <param name="isProgress">The step comes by itself, and is not counted against a budget.</param>
    protected abstract void Emit(ref World next, int step, bool isProgress);

    public World Initial()
    {
        World world = default;
        for (int shard = 0; shard < Config.Shards; shard++)
        {
            world.Rows[shard] = Row.Empty(IsRoot(shard) && !Config.CreatesRoots ? Presence.There : Presence.Never);
        }

        for (int worker = 0; worker < Config.Workers; worker++)
        {
            world.Sessions[worker] = (sbyte)world.NextSession++;
            world.Open[worker] = -1;
        }

        world.Faults = (byte)Config.Faults;
        world.Crashes = (byte)Config.Crashes;
        world.Takes = (byte)Config.Takes;
        world.Stops = (byte)Config.Stops;
        world.SweepsLeft = (byte)Config.Sweeps;
        world.Failures = (byte)Config.Failures;
        world.ForeignSteps = (byte)Config.ForeignSteps;
        world.Cuts = (byte)Config.Cuts;
        world.Restarts = (byte)Config.Restarts;
        world.HandDeletions = (byte)Config.HandDeletions;
        world.Expiries = (byte)Config.Expiries;
        world.Promotions = (byte)Config.Promotions;
        return world;
    }

    public void Successors(ref World s)
    {
        for (int worker = 0; worker < Config.Workers; worker++)
        {
            WorkerSteps(ref s, worker);
        }

        Network(ref s);
        for (int shard = 0; shard < Config.Shards; shard++)
        {
            RowSteps(ref s, shard);
        }

        StoreSteps(ref s);
        for (int sweep = 0; sweep < Config.Sweepers; sweep++)
        {
            SegmentSweep(ref s, sweep);
        }
    }

    private void Network(ref World s)
    {
        World n;
        for (int segment = 0; segment < s.NextSegment; segment++)
        {
            if (s.Segments[segment].State == SegmentState.InFlight)
            {
                n = s;
                n.Segments[segment].State = SegmentState.Whole;
                Done(ref n, Step.Of(StepKind.PutLands, 0, 0, segment), true);
            }
        }

        for (int tx = 0; tx < s.NextTransaction; tx++)
        {
            if (s.Transactions[tx].State == TxState.Preparing)
            {
                n = s;
                PrepareLands(ref n, tx);
                Done(ref n, Step.Of(StepKind.PrepareLands, 0, 0, tx), true);
            }
        }

        for (int message = 0; message < Bounds.Messages; message++)
        {
            if (s.Messages[message].Kind == MessageKind.None)
            {
                continue;
            }

            n = s;
            Message m = n.Messages[message];
            n.Messages[message] = default;
            switch (m.Kind)
            {
                case MessageKind.Checkpoint:
                    WriteRow(ref n, m.Shard, m.Counter, m.Owner, m.Life, m.Handle, m.Position, m.Version);
                    break;
                case MessageKind.Renewal:
                    RenewRow(ref n, m.Shard, m.Counter, m.Owner);
                    break;
                case MessageKind.Creation:
                    CreateRow(ref n, m.Shard, m.Inherits0, m.Inherits1, m.Version);
                    break;
                case MessageKind.SmallCut:
                    CommitSmall(ref n, m.Shard, m.Epoch, m.Number, m.Done, m.Outputs);
                    break;
            }

            Done(ref n, Step.Of(StepKind.MessageLands, 0, 0, message), true);
        }
    }

    private void Done(ref World next, int step, bool isProgress)
    {
        if (Violation is null)
        {
            CheckState(ref next);
        }

        Emit(ref next, step, isProgress);
    }

    private void Break(string what) => Violation ??= what;

    private static ref Tenure TenureOf(ref World s, int worker, int shard) => ref s.Tenures[(worker * Bounds.Shards) + shard];

    private static bool TryFindFree(ref World s, out int message)
    {
        for (message = 0; message < Bounds.Messages; message++)
        {
            if (s.Messages[message].Kind == MessageKind.None)
            {
                return true;
            }
        }

        return false;
    }
}
