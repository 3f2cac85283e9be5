namespace FastConsumer.Testing.Simulation;

/// <summary>What a simulated world does to the workers. When it does what, and to whom, is the seed's to decide.</summary>
[Flags]
public enum SimulatedFaults
{
    /// <summary>Nothing goes wrong.</summary>
    None = 0,

    /// <summary>A worker vanishes without a last checkpoint; another starts within 10 s.</summary>
    Crash = 1,

    /// <summary>
    /// A worker stands still for up to three lease durations, while its clock goes on: a long garbage collection, a starved CPU.
    /// </summary>
    Pause = 2,

    /// <summary>A worker stands still for up to three lease durations, and its clock with it: a virtual machine that is moved.</summary>
    FrozenPause = 4,

    /// <summary>A worker reaches the lease table, Kinesis or both of them no more, for up to two lease durations.</summary>
    Cut = 8,

    /// <summary>A worker's network is 5 to 105 times slower than usual, for up to 20 s.</summary>
    Slowness = 16,

    /// <summary>Writes to the lease table take effect, and their answers are lost.</summary>
    LostAnswers = 32,

    /// <summary>The lease table has but 1 to 7 write units a second, for up to 20 s.</summary>
    Throttling = 64,

    /// <summary>A shard is split, or two are merged. There are six open shards at most.</summary>
    Reshard = 128,

    /// <summary>A worker is stopped gracefully, and another starts after it.</summary>
    Restart = 256,

    /// <summary>A worker is stopped gracefully, or one more starts. There are six workers at most.</summary>
    Scale = 512,

    /// <summary>Clocks go up to 1 % wrong, their dates are up to 5 minutes off, and are set while the worker runs.</summary>
    ClockJump = 1024,

    /// <summary>The stream's shards cannot be listed, for up to a minute; where none is made any more, for good.</summary>
    ControlPlane = 2048,

    /// <summary>All of them.</summary>
    All = 4095,
}
