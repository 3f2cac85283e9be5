namespace FastConsumer.Model;

internal enum Presence : byte
{
    Never,
    There,
    Deleted,
}

/// <summary>What a worker is doing with a shard.</summary>
internal enum Phase : byte
{
    None,
    Taken,
    Loaded,
    Running,
    Stopping,
    EndDurable,
    StopDurable,

    /// <summary>Stopped by a check: an operator has to look.</summary>
    Halted,
}

/// <summary>How far the checkpoint under way has come.</summary>
internal enum Stage : byte
{
    None,
    Cut,
    Prepared,
    InRound,
    Uploaded,
    InDoubt,

    /// <summary>The position is written, the handle not (a planted mistake).</summary>
    HalfWritten,

    /// <summary>The blocks are in a segment, the manifest goes into the next.</summary>
    BlocksInRound,
}

internal enum SegmentState : byte
{
    /// <summary>Free, or still open in its worker's memory.</summary>
    Open,
    InFlight,
    Whole,
    Deleted,
}

internal enum PartKind : byte
{
    None,
    Manifest,
    BlocksOnly,
}

internal enum TxState : byte
{
    Free,

    /// <summary>PREPARE is on its way.</summary>
    Preparing,
    Prepared,

    /// <summary>Committed; its marker is there.</summary>
    Committed,
    Aborted,

    /// <summary>Committed; its marker has been deleted.</summary>
    CommittedUnmarked,

    /// <summary>Removed by the store, before anybody committed it.</summary>
    Expired,
}

internal enum MessageKind : byte
{
    None,
    Checkpoint,
    Renewal,
    Creation,
    SmallCut,
}

/// <summary>What a cut is for.</summary>
[Flags]
internal enum CutKind : byte
{
    Ordinary = 0,
    End = 1,
    Stop = 2,

    /// <summary>Only the position has moved: the row's attributes are rewritten, and nothing is uploaded.</summary>
    StampOnly = 4,
}

internal enum SweepState : byte
{
    Idle,
    ReadsRows,
    Follows,
}
