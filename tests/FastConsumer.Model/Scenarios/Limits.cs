namespace FastConsumer.Model;

/// <summary>Outside of what the design promises: what is found here is a limit that docs/model.md names.</summary>
internal static class Limits
{
    public static IReadOnlyList<Config> All { get; } =
    [
        Layouts.Single.Named("position sink, handlers not deterministic").With(config =>
        {
            config.Sink = Sink.Position;
            config.IsRandom = true;
            config.Takes = 1;
            config.Faults = 1;
            config.Crashes = 1;
        }),
        Layouts.Chain.Named("sink without a fence, its former owner crashes after PREPARE").With(config =>
        {
            config.Workers = 2;
            config.Takes = 1;
            config.Crashes = 1;
            config.Fenced = false;
        }),
    ];

    /// <summary>For random walks: larger than a search can exhaust. Needs -p:Size=Big.</summary>
    public static IEnumerable<Config> Large()
    {
        Config large = new()
        {
            Shards = 3,
            Workers = 3,
            DeletesRows = true,
            Faults = 4,
            Crashes = 2,
            Takes = 3,
            Stops = 2,
            Cuts = 4,
            Sweeps = 3,
            LateRenewals = true,
        };
        yield return large.Named("split, 3 workers, 6 records").With(config =>
        {
            config.Records = [[0, 1, 2], [3, 4], [5]];
            config.Key = [0, 1, 0, 0, 0, 1];
            config.Parents = [[], [0], [0]];
            config.KeysIn = [3, 1, 2];
        });
        yield return large.Named("merge, 3 workers, 6 records").With(config =>
        {
            config.Records = [[0, 1], [2, 3], [4, 5]];
            config.Key = [0, 0, 1, 1, 0, 1];
            config.Parents = [[], [], [0, 1]];
            config.KeysIn = [1, 2, 3];
        });
        Config single = large.Named("one shard, 3 workers, 4 records").With(config =>
        {
            config.Shards = 1;
            config.Records = [[0, 1, 2, 3]];
            config.Key = [0, 1, 1, 0];
            config.Faults = 5;
            config.Takes = 4;
            config.Cuts = 6;
            config.Sweeps = 4;
        });
        yield return single;
        yield return single.Named(single.Name + ", position sink").With(config => config.Sink = Sink.Position);
        yield return single.Named(single.Name + ", locks, markers, two segments, records without effect, broken run").With(config =>
        {
            config.Key = [0, Config.NoKey, 1, 0];
            config.Locks = true;
            config.Markers = true;
            config.TwoSegments = true;
            config.Restarts = 2;
            config.HandDeletions = 1;
        });
    }
}
