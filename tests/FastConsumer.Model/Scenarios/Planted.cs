namespace FastConsumer.Model;

/// <summary>Each mistake, in the smallest scenario that shows it, and the invariant by which it must be found.</summary>
internal static class Planted
{
    public static IReadOnlyList<(Config Config, string Invariant)> All { get; } =
    [
        .. Snapshots(), .. LeaseWrites(), .. Outputs(), .. Transactions(), .. Segments(), .. Reshards(), .. Versions(),
    ];

    private static Config Three => Layouts.Single.With(config =>
    {
        config.Stops = 1;
        config.Failures = 1;
    });

    private static Config Two => Layouts.Two.With(config =>
    {
        config.Faults = 1;
        config.Cuts = 2;
    });

    private static Config LateCreation => Layouts.Chain.With(config =>
    {
        config.Faults = 1;
        config.LateCreation = true;
    });

    private static IEnumerable<(Config Config, string Invariant)> Snapshots()
    {
        yield return (Three.With(Mistake.AppliesFailedAttempts), "I1");
        yield return (Three.With(Mistake.SerializesLiveValues), "I1");
        yield return (Three.With(config => config.Faults = 1).With(Mistake.LosesKeysOfFailedUpload), "I1");
        yield return (Three.With(Mistake.MarksDoneBeforeApply), "I1");
        yield return (Three.With(config =>
        {
            config.Key = [0, 1, 1];
            config.Takes = 1;
            config.Stops = 0;
            config.Cuts = 2;
        }).With(Mistake.ForgetsRestoredRuns), "I1");
        yield return (Three.With(config => config.Aligned = true).With(Mistake.StopsWithoutRuns), "I1");
        yield return (Two.With(Mistake.NamesBeforeUpload), "I2");
    }

    private static IEnumerable<(Config Config, string Invariant)> LeaseWrites()
    {
        yield return (Layouts.Single.With(config => config.Cuts = 2).With(Mistake.WritesPositionAlone), "I3");
        yield return (Three.With(config =>
        {
            config.ForeignSteps = 1;
            config.ForeignOnState = true;
        }).With(Mistake.IgnoresStamp), "I1");
        Config renewals = Layouts.Single.With(config =>
        {
            config.LateRenewals = true;
            config.Faults = 1;
            config.Cuts = 2;
        });
        yield return (renewals.With(Mistake.SettlesByPositionOnly), "I3");
        yield return (renewals.With(config =>
        {
            config.Records = [[0, 1]];
            config.Key = [0, Config.NoKey];
        }).With(Mistake.SettlesByHandleOnly), "I3");
        yield return (Two.With(config => config.HandDeletions = 1).With(Mistake.IgnoresLife), "I3");
        yield return (Two.With(config =>
        {
            config.Takes = 0;
            config.Restarts = 1;
        }).With(Mistake.RestartsUnderEpoch), "I3");
    }

    private static IEnumerable<(Config Config, string Invariant)> Outputs()
    {
        yield return (Two.With(Mistake.CommitsBeforeTheLease), "I4");
        yield return (Two.With(Mistake.AbortsInDoubt), "I4");
        yield return (Two.With(Mistake.RollsBackOnTimeout), "I4");
        yield return (Two.With(config => config.Faults = 2).With(Mistake.JudgesUnsentByOwnCheckpoint), "I4");
        yield return (Two.With(Mistake.NamesOwnTransactionsOnly), "I4");
        yield return (Two.With(config =>
        {
            config.Fenced = false;
            config.Expiries = 1;
        }).With(Mistake.TakesLostForDone), "I4");
        Config position = Layouts.Single.With(config =>
        {
            config.Sink = Sink.Position;
            config.Takes = 1;
            config.Crashes = 1;
        });
        yield return (position.With(config => config.Faults = 1).With(Mistake.IgnoresFormerNumber), "I4");
        yield return (position.With(Mistake.LetsOutputsOvertake), "I4");
        Config promoted = position.With(config =>
        {
            config.Records = [[0, 1]];
            config.Key = [0, 1];
            config.Crashes = 0;
            config.Promotions = 1;
        });
        yield return (promoted.With(Mistake.IgnoresLowerNumber), "I4");
        yield return (promoted.With(Mistake.ComparesNumberBeforeFence), "I4");
        yield return (promoted.With(config =>
        {
            config.Restarts = 2;
            config.Cuts = 0;
        }).With(Mistake.ComparesNumberOnly), "I4");
    }

    private static IEnumerable<(Config Config, string Invariant)> Transactions()
    {
        yield return (Layouts.Split.With(config =>
        {
            config.Crashes = 1;
            config.DeletesRows = false;
        }).With(Mistake.ForgetsParentsTransactions), "I5");
        yield return (Two.With(config => config.Crashes = 1).With(Mistake.NeverSweeps), "I5");
        yield return (Two.With(Mistake.RewritesDoubtfulPrepare), "I5");
        yield return (Layouts.Chain.With(config =>
        {
            config.LeavesEnd = true;
            config.Crashes = 1;
        }).With(Mistake.DeletesRowUncommitted), "I5");
        yield return (Layouts.Chain.With(config =>
        {
            config.Workers = 2;
            config.Takes = 1;
            config.Fenced = false;
        }).With(Mistake.KeepsRefusedTransactions), "I5");
        Config locks = Two.With(config =>
        {
            config.Locks = true;
            config.Takes = 0;
            config.Key = [0, 0];
        });
        yield return (locks.With(Mistake.CarriesLockedTransactions), "I5");
        yield return (locks.With(Mistake.RepeatsPrepareAtOnce), "I5");
        Config recreated = Two.With(config =>
        {
            config.Takes = 0;
            config.HandDeletions = 1;
        });
        yield return (recreated.With(config => config.Workers = 1).With(Mistake.RepeatsCheckpointIds), "I5");
        yield return (recreated.With(Mistake.LeavesFormerLife), "I5");
        yield return (Two.With(config => config.Markers = true).With(Mistake.DeletesNamedMarkers), "I5");
    }

    private static IEnumerable<(Config Config, string Invariant)> Segments()
    {
        Config swept = Two.With(config => config.Sweeps = 1);
        yield return (swept.With(Mistake.SweepsByAge), "I6");
        yield return (swept.With(config => config.Faults = 0).With(Mistake.ListsRowsFirst), "I6");
        yield return (Layouts.Single.With(config =>
        {
            config.Workers = 1;
            config.Key = [0, 1, 1];
            config.Cuts = 3;
            config.Sweeps = 2;
            config.Sweepers = 2;
            config.Rewrite = 0;
        }).With(Mistake.UnreadableNamesNothing), "I6");
        yield return (Layouts.ChildFirst.With(Mistake.ChildNamesParentsRanges), "I6");
        yield return (Layouts.Pair.With(config =>
        {
            config.Workers = 1;
            config.Records = [[0], [1, 2]];
            config.Key = [0, 0, 0];
            config.Sink = Sink.None;
            config.Cuts = 1;
            config.Sweeps = 1;
            config.TwoSegments = true;
        }).With(Mistake.FooterListsManifestsOnly), "I6");
        yield return (swept.With(config =>
        {
            config.Takes = 2;
            config.Faults = 0;
            config.Rewrite = 1;
        }).With(Mistake.ReportsLossUnasked), "I9");
    }

    private static IEnumerable<(Config Config, string Invariant)> Reshards()
    {
        yield return (Layouts.Split.With(Mistake.StartsChildEmpty), "I7");
        yield return (Layouts.Split.With(Mistake.GivesKeyToBoth), "I7");
        yield return (Layouts.Split.With(config =>
        {
            config.ForeignSteps = 1;
            config.ForeignCreation = true;
        }).With(Mistake.StartsForeignRowEmpty), "I7");
        Config touched = Layouts.Split.With(config =>
        {
            config.ForeignSteps = 1;
            config.ForeignOnState = true;
            config.Records = [[0], [1], []];
            config.Key = [0, 0];
        });
        yield return (touched.With(config =>
        {
            config.Takes = 1;
            config.Cuts = 1;
            config.Records = [[0, 1], [2], []];
            config.Key = [0, 0, 0];
        }).With(Mistake.InheritsUnfinishedParent), "I7");
        yield return (touched.With(Mistake.InheritsWithoutStamp), "I7");
        yield return (LateCreation.With(Mistake.CreatesUnconditionally), "I7");
        yield return (LateCreation.With(Mistake.DeletesRowBeforeParents), "I7");
        yield return (LateCreation.With(config => config.CreatesRoots = true).With(Mistake.DeletesListedRoot), "I7");
    }

    private static IEnumerable<(Config Config, string Invariant)> Versions()
    {
        yield return (Three.With(config => config.Version = [1, 0, 0]).With(Mistake.IgnoresStateVersion), "I8");
        yield return (Layouts.Split.With(config => config.Version = [0, 1, 0]).With(Mistake.ForgetsParentsVersion), "I8");
    }
}
