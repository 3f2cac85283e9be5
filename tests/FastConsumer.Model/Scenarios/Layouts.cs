namespace FastConsumer.Model;

/// <summary>Shards and records, with all budgets at nothing.</summary>
internal static class Layouts
{
    public static Config Single { get; } = new()
    {
        Name = "one shard",
        Shards = 1,
        Records = [[0, 1, 2]],
        Key = [0, 1, 0],
        Parents = [[]],
        KeysIn = [3],
        Crashes = 0,
        Takes = 0,
        Faults = 0,
        Stops = 0,
        Cuts = 1,
    };

    /// <summary>Two records of different keys; the shard may be taken from its owner once.</summary>
    public static Config Two { get; } = Single.With(config =>
    {
        config.Records = [[0, 1]];
        config.Key = [0, 1];
        config.Takes = 1;
    });

    /// <summary>Key a in shards 0 and 1, key b in 0 and 2.</summary>
    public static Config Split { get; } = Single.With(config =>
    {
        config.Name = "split";
        config.Shards = 3;
        config.Records = [[0], [1], [2]];
        config.Key = [0, 0, 1];
        config.Parents = [[], [0], [0]];
        config.KeysIn = [3, 1, 2];
        config.Cuts = 0;
        config.DeletesRows = true;
    });

    public static Config Merge { get; } = Split.With(config =>
    {
        config.Name = "merge";
        config.Records = [[0], [1], []];
        config.Key = [0, 1];
        config.Parents = [[], [], [0, 1]];
        config.KeysIn = [1, 2, 3];
    });

    /// <summary>A shard, its child and its grandchild.</summary>
    public static Config Chain { get; } = Split.With(config =>
    {
        config.Name = "chain";
        config.Workers = 1;
        config.Key = [0, 0, 0];
        config.Parents = [[], [0], [1]];
        config.KeysIn = [1, 1, 1];
    });

    /// <summary>The child is shard 0, so that a scan comes to its row first.</summary>
    public static Config ChildFirst { get; } = Split.With(config =>
    {
        config.Name = "child before its parent";
        config.Shards = 2;
        config.Workers = 1;
        config.Records = [[1], [0]];
        config.Key = [0, 1];
        config.Parents = [[1], []];
        config.KeysIn = [3, 3];
        config.Sweeps = 1;
    });

    /// <summary>Two shards whose outputs go into the same row of the sink.</summary>
    public static Config Pair { get; } = Single.With(config =>
    {
        config.Name = "two shards";
        config.Shards = 2;
        config.Records = [[0], [1]];
        config.Key = [0, 0];
        config.Parents = [[], []];
        config.KeysIn = [1, 1];
        config.Cuts = 0;
    });
}
