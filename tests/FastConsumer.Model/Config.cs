namespace FastConsumer.Model;

internal enum Sink
{
    None,
    TwoPhase,
    Position,
}

/// <summary>What a search explores: shards, records, workers, what may befall them, and the mistake that is planted.</summary>
internal sealed class Config
{
    /// <summary>The key of a record that changes no state and has no output.</summary>
    public const int NoKey = 2;

    public string Name { get; set; } = "";

    public int Shards { get; set; } = 1;

    public int Workers { get; set; } = 2;

    /// <summary>By shard.</summary>
    public int[][] Parents { get; set; } = [[]];

    /// <summary>By shard, in order.</summary>
    public int[][] Records { get; set; } = [[0, 1, 2]];

    /// <summary>By record: key 0 (a), key 1 (b) or <see cref="NoKey"/>.</summary>
    public int[] Key { get; set; } = [0, 1, 0];

    /// <summary>By shard, a bit per key: the keys of its range.</summary>
    public int[] KeysIn { get; set; } = [3];

    public Sink Sink { get; set; } = Sink.TwoPhase;

    /// <summary>Whether the sink refuses a PREPARE of a former owner.</summary>
    public bool Fenced { get; set; } = true;

    /// <summary>A prepared transaction locks the sink's rows of its keys.</summary>
    public bool Locks { get; set; }

    /// <summary>The sink tells by markers what was committed before, and deletes old ones.</summary>
    public bool Markers { get; set; }

    public bool Aligned { get; set; }

    // How often each may happen. A fault: an answer is lost, a message held up, a checkpoint times out. A cut: beside those that must come.
    public int Faults { get; set; } = 1;

    public int Crashes { get; set; } = 1;

    /// <summary>Takes from a live owner.</summary>
    public int Takes { get; set; } = 1;

    public int Stops { get; set; } = 1;

    public int Sweeps { get; set; }

    /// <summary>Failed attempts of a handler.</summary>
    public int Failures { get; set; }

    /// <summary>Steps of KCL.</summary>
    public int ForeignSteps { get; set; }

    public int Cuts { get; set; } = 4;

    /// <summary>Runs that break off in a live worker and start again.</summary>
    public int Restarts { get; set; }

    /// <summary>Rows that are deleted by hand and made anew.</summary>
    public int HandDeletions { get; set; }

    /// <summary>Prepared transactions that the sink's store removes.</summary>
    public int Expiries { get; set; }

    /// <summary>Promotions of a standby that lacks the sink's last transaction.</summary>
    public int Promotions { get; set; }

    public int Sweepers { get; set; } = 1;

    /// <summary>A row's creation may be held up.</summary>
    public bool LateCreation { get; set; }

    /// <summary>The rows of shards without parents are made by the workers too, and are not there from the start.</summary>
    public bool CreatesRoots { get; set; }

    /// <summary>KCL creates a child's row.</summary>
    public bool ForeignCreation { get; set; }

    /// <summary>KCL touches only rows that bear a handle or Inherits.</summary>
    public bool ForeignOnState { get; set; }

    /// <summary>Finished rows are deleted.</summary>
    public bool DeletesRows { get; set; }

    /// <summary>Shards without children end too.</summary>
    public bool LeavesEnd { get; set; }

    /// <summary>Handlers are not deterministic.</summary>
    public bool IsRandom { get; set; }

    /// <summary>Renewals may be held up.</summary>
    public bool LateRenewals { get; set; }

    /// <summary>A snapshot takes two segments: one for its blocks, the next for its manifest.</summary>
    public bool TwoSegments { get; set; }

    /// <summary>By worker: its StateVersion.</summary>
    public int[] Version { get; set; } = [0, 0, 0];

    /// <summary>An owner deletes the segment that its lease write has superseded; needs <see cref="Rewrite"/> = 1.</summary>
    public bool OwnerDeletes { get; set; }

    /// <summary>Each so many checkpoints all keys are written anew; 0: never.</summary>
    public int Rewrite { get; set; } = 2;

    public Mistake Mistake { get; set; }

    public int RecordCount => Key.Length;

    public bool Makes(Mistake mistake) => Mistake == mistake;

    public Config With(Mistake mistake) => With(config => config.Mistake = mistake);

    public Config Named(string name) => With(config => config.Name = name);

    public Config With(Action<Config> change)
    {
        Config config = (Config)MemberwiseClone();
        change(config);
        return config;
    }
}
