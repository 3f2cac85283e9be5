namespace FastConsumer.Model;

/// <summary>Scenarios in which nothing may be found.</summary>
internal static class Clean
{
    public static IReadOnlyList<Config> All { get; } = [.. OneShard(), .. Reshards(), .. Owners(), .. Rules(), .. RulesTogether()];

    private static IEnumerable<Config> OneShard()
    {
        Config two = Layouts.Two;
        yield return two.Named("1: 2 records, fault, crash, take").With(config =>
        {
            config.Cuts = 2;
            config.Faults = 1;
            config.Crashes = 1;
        });
        yield return Layouts.Single.Named("2: 3 records, fault, take, stop").With(config =>
        {
            config.Takes = 1;
            config.Faults = 1;
            config.Stops = 1;
        });
        yield return two.Named("3: 2 records, fault, take, sweep").With(config =>
        {
            config.Faults = 1;
            config.Sweeps = 1;
        });
        yield return two.Named("4: 2 records, 2 faults, take, late renewals").With(config =>
        {
            config.Faults = 2;
            config.LateRenewals = true;
        });
        yield return Layouts.Single.Named("5: 3 records, aligned, take, stop, failed attempt").With(config =>
        {
            config.Takes = 1;
            config.Stops = 1;
            config.Failures = 1;
            config.Aligned = true;
        });
        yield return two.Named("6: 2 records, position sink, fault, take").With(config =>
        {
            config.Sink = Sink.Position;
            config.Faults = 1;
        });
        yield return two.Named("7: 2 records, sink without a fence, fault, take").With(config =>
        {
            config.Fenced = false;
            config.Faults = 1;
        });
        yield return two.Named("8: 2 records, two phases, handlers not deterministic, crash, take").With(config =>
        {
            config.IsRandom = true;
            config.Crashes = 1;
        });
        yield return Layouts.Single.Named("9: two sweepers").With(config =>
        {
            config.Workers = 1;
            config.Key = [0, 1, 1];
            config.Cuts = 3;
            config.Sweeps = 2;
            config.Sweepers = 2;
            config.Rewrite = 0;
        });
    }

    private static IEnumerable<Config> Reshards()
    {
        Config oneKey = Layouts.Split.With(config =>
        {
            config.Records = [[0], [1], []];
            config.Key = [0, 0];
        });
        Config oneWorker = oneKey.With(config =>
        {
            config.Workers = 1;
            config.Faults = 1;
        });
        yield return Layouts.Split.Named("10: split");
        yield return Layouts.Split.Named("11: split, crash, rows stay").With(config =>
        {
            config.Crashes = 1;
            config.DeletesRows = false;
        });
        yield return oneKey.Named("12: split, take").With(config => config.Takes = 1);
        yield return oneWorker.Named("13: split, fault, crash, 1 worker").With(config => config.Crashes = 1);
        yield return oneWorker.Named("14: split, fault, sweep, 1 worker").With(config => config.Sweeps = 1);
        yield return Layouts.Split.Named("15: split, KCL creates the child's row").With(config =>
        {
            config.ForeignSteps = 1;
            config.ForeignCreation = true;
        });
        yield return oneKey.Named("16: split, KCL moves a row").With(config =>
        {
            config.ForeignSteps = 1;
            config.ForeignOnState = true;
        });
        yield return Layouts.Split.Named("17: split, versions").With(config => config.Version = [0, 1, 0]);
        yield return Layouts.Merge.Named("18: merge, take").With(config => config.Takes = 1);
        yield return Layouts.Merge.Named("19: merge, fault, crash, 1 worker").With(config =>
        {
            config.Workers = 1;
            config.Faults = 1;
            config.Crashes = 1;
        });
        yield return Layouts.Chain.Named("20: chain, late creation").With(config =>
        {
            config.Faults = 1;
            config.LateCreation = true;
        });
        yield return Layouts.Chain.Named("21: chain, sink without a fence, take").With(config =>
        {
            config.Workers = 2;
            config.Takes = 1;
            config.Fenced = false;
        });
        yield return Layouts.Chain.Named("22: chain that ends, crash").With(config =>
        {
            config.LeavesEnd = true;
            config.Crashes = 1;
        });
        yield return Layouts.ChildFirst.Named("23: child before its parent, sweep");
    }

    private static IEnumerable<Config> Owners()
    {
        Config deletes = Layouts.Two.With(config =>
        {
            config.OwnerDeletes = true;
            config.Rewrite = 1;
            config.Cuts = 2;
        });
        yield return deletes.Named("24: whole snapshots, owners delete what they have superseded").With(config => config.Faults = 1);
        yield return deletes.Named("25: the same, and a sweep").With(config => config.Sweeps = 1);
    }

    private static IEnumerable<Config> Rules()
    {
        Config two = Layouts.Two.With(config => config.Faults = 1);
        Config oneKey = two.With(config =>
        {
            config.Key = [0, 0];
            config.Locks = true;
        });
        yield return oneKey.Named("26: prepared transactions hold locks, fault, take");
        yield return Layouts.Pair.Named("27: two shards, one row of the sink, locks, fault, 1 worker").With(config =>
        {
            config.Workers = 1;
            config.Locks = true;
            config.Faults = 1;
            config.Cuts = 1;
        });
        yield return Layouts.Pair.Named("28: two shards, snapshots of two segments, sweep, 1 worker").With(config =>
        {
            config.Workers = 1;
            config.Records = [[0], [1, 2]];
            config.Key = [0, 0, 0];
            config.Sink = Sink.None;
            config.Cuts = 1;
            config.Faults = 1;
            config.Sweeps = 1;
            config.TwoSegments = true;
        });
        yield return Layouts.Chain.Named("29: root rows are created late").With(config =>
        {
            config.Faults = 1;
            config.LateCreation = true;
            config.CreatesRoots = true;
        });
        yield return two.Named("30: records without effect, late renewals, fault").With(config =>
        {
            config.Records = [[0, 1, 2]];
            config.Key = [0, Config.NoKey, 1];
            config.LateRenewals = true;
            config.Takes = 0;
            config.Cuts = 2;
        });
        yield return two.Named("31: row deleted by hand, fault").With(config =>
        {
            config.Takes = 0;
            config.HandDeletions = 1;
        });
        yield return two.Named("32: run that breaks off, fault").With(config =>
        {
            config.Takes = 0;
            config.Restarts = 1;
        });
        yield return two.Named("33: markers, fault, take").With(config => config.Markers = true);
        yield return two.Named("34: the store removes an upload, fault").With(config =>
        {
            config.Takes = 0;
            config.Fenced = false;
            config.Expiries = 1;
        });
        yield return two.Named("35: position sink, standby promoted, take").With(config =>
        {
            config.Sink = Sink.Position;
            config.Faults = 0;
            config.Promotions = 1;
        });
    }

    private static IEnumerable<Config> RulesTogether()
    {
        Config two = Layouts.Two.With(config => config.Faults = 1);
        yield return two.Named("36: locks, 2 faults, crash, take").With(config =>
        {
            config.Key = [0, 0];
            config.Locks = true;
            config.Faults = 2;
            config.Crashes = 1;
        });
        yield return Layouts.Pair.Named("37: two shards, one row of the sink, locks, fault, take, 2 workers").With(config =>
        {
            config.Locks = true;
            config.Faults = 1;
            config.Takes = 1;
        });
        yield return two.Named("38: snapshots of two segments, fault, take, sweep").With(config =>
        {
            config.Sink = Sink.None;
            config.Sweeps = 1;
            config.TwoSegments = true;
            config.Cuts = 2;
        });
        yield return Layouts.Split.Named("39: split, snapshots of two segments, sweep, fault, 1 worker").With(config =>
        {
            config.Workers = 1;
            config.Sink = Sink.None;
            config.Faults = 1;
            config.Sweeps = 1;
            config.TwoSegments = true;
        });
        yield return two.Named("40: records without effect, fault, take, sweep").With(config =>
        {
            config.Records = [[0, 1, 2]];
            config.Key = [0, Config.NoKey, Config.NoKey];
            config.Sweeps = 1;
            config.Cuts = 2;
        });
        yield return two.Named("41: records without effect, owners delete what they have superseded, 2 faults").With(config =>
        {
            config.Records = [[0, 1, 2]];
            config.Key = [0, Config.NoKey, 1];
            config.OwnerDeletes = true;
            config.Rewrite = 1;
            config.Faults = 2;
            config.Takes = 0;
            config.Cuts = 3;
        });
        yield return two.Named("42: row deleted by hand, fault, take, crash").With(config =>
        {
            config.HandDeletions = 1;
            config.Crashes = 1;
        });
        yield return two.Named("43: run that breaks off, fault, take, crash").With(config =>
        {
            config.Restarts = 1;
            config.Crashes = 1;
        });
        yield return two.Named("44: markers, fault, 2 takes").With(config =>
        {
            config.Markers = true;
            config.Takes = 2;
        });
        yield return Layouts.Split.Named("45: split, markers, take").With(config =>
        {
            config.Markers = true;
            config.Takes = 1;
        });
        yield return Layouts.Merge.Named("46: merge, root rows are created late, 1 worker").With(config =>
        {
            config.Workers = 1;
            config.Faults = 1;
            config.LateCreation = true;
            config.CreatesRoots = true;
        });
        yield return two.Named("47: row deleted by hand, sweep, take").With(config =>
        {
            config.HandDeletions = 1;
            config.Faults = 0;
            config.Sweeps = 1;
        });
        yield return two.Named("48: the store removes an upload, take, crash").With(config =>
        {
            config.Fenced = false;
            config.Faults = 0;
            config.Crashes = 1;
            config.Expiries = 1;
        });
        yield return Layouts.Split.Named("49: split, children write the rows that their parent wrote, locks, take").With(config =>
        {
            config.Locks = true;
            config.Takes = 1;
            config.Records = [[0], [1], []];
            config.Key = [0, 0];
        });
        yield return two.Named("50: position sink, standby promoted, fault, take").With(config =>
        {
            config.Sink = Sink.Position;
            config.Promotions = 1;
        });
    }
}
