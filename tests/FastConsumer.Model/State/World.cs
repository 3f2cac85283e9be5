using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastConsumer.Model;

/// <summary>
/// One state of the model: rows, segments, transactions, what each worker holds of each shard, messages under way, sweeps, and what is
/// left of each budget. All of it is bytes of a fixed size, so that a state is copied and hashed as it is.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct World
{
    public Rows Rows;
    public Segments Segments;
    public Transactions Transactions;
    public Tenures Tenures;
    public Messages Messages;

    /// <summary>By worker: its session (-1: crashed), its open segment, and the number of its last one.</summary>
    public PerWorker Sessions, Open, SegmentNumbers;

    /// <summary>By life and shard: the epoch below which the sink refuses a PREPARE.</summary>
    public Fences Fences;

    /// <summary>The sink's rows (position sink), now and before the last transaction, as a standby that lags has them.</summary>
    public SinkRows Sink, Standby;

    /// <summary>How often the output of each record is visible, 2 bits a record.</summary>
    public ushort Visible, VisibleOnStandby;

    /// <summary>The transactions that a row has named.</summary>
    public ushort EverNamed;
    public byte NextSession, NextSegment, NextTransaction;
    public byte Faults, Crashes, Takes, Stops, SweepsLeft, Failures, ForeignSteps, Cuts, Restarts, HandDeletions, Expiries, Promotions;

    /// <summary>A bit per shard that has left the listing.</summary>
    public byte Unlisted;

    /// <summary>Some shard was stopped by a check.</summary>
    public byte IsHalted;
    public Sweeps Sweeps;
}

[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Row
{
    public Presence Presence;
    public sbyte Owner, Session; // -1: nobody
    public byte Counter, Position;
    public sbyte Handle, Stamp, Inherits0, Inherits1; // -1: none
    public byte Version, Life;

    public static Row Empty(Presence presence) =>
        new() { Presence = presence, Owner = -1, Session = -1, Handle = -1, Stamp = -1, Inherits0 = -1, Inherits1 = -1 };

    public readonly bool IsThere => Presence == Presence.There;

    public readonly bool Inherits => Inherits0 >= 0 || Inherits1 >= 0;
}

/// <summary>What a segment holds of one shard.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Part
{
    public PartKind Kind;
    public byte Epoch, Number, Done, IsEnd, Version, SinkNumber;

    /// <summary>What each key holds, 2 bits a record.</summary>
    public ushort ValueA, ValueB;

    /// <summary>Where the bytes of each key are: segment * 4 + shard, -1 nowhere.</summary>
    public sbyte RangeA, RangeB;

    /// <summary>The transactions that the manifest names.</summary>
    public ushort Named;
}

[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Segment
{
    public SegmentState State;
    public byte Session, Number;
    public Parts Parts;
}

[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Tx
{
    public TxState State;
    public byte Shard, Epoch, Number, Life;
    public ushort Outputs;

    public readonly int Id => (Life << 16) | (Epoch << 8) | Number;

    public readonly bool HoldsLocks => State is TxState.Preparing or TxState.Prepared;

    public void Abort()
    {
        State = TxState.Aborted;
        Outputs = 0;
    }
}

/// <summary>What a worker knows of a shard that it holds or believes to hold.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Tenure
{
    public Phase Phase;
    public byte Epoch, Counter, Life, StartPosition;
    public sbyte Handle, Stamp, Inherits0, Inherits1;
    public ushort ValueA, ValueB;

    /// <summary>Records, a bit each: done; done at the restore; done in the last durable checkpoint.</summary>
    public byte Done, Restored, Durable;

    /// <summary>Keys written since the last cut.</summary>
    public byte Dirty;

    /// <summary>Records marked done whose effects are not applied yet (a planted mistake).</summary>
    public byte Half;

    /// <summary>Records whose outputs the sink's row has (position sink).</summary>
    public byte InSink;
    public sbyte RangeA, RangeB;

    /// <summary>Outputs since the last cut.</summary>
    public ushort Outputs;

    /// <summary>Transactions: of failed checkpoints; durable and not known to be committed; named by a write that was sent.</summary>
    public ushort Pending, Uncommitted, Sent;
    public byte Number;

    /// <summary>Transactions that were committed, and whose older markers are still to be deleted.</summary>
    public ushort MarkersDue;

    // the checkpoint under way
    public Stage Stage;
    public byte CutDone, CutKeys;
    public CutKind CutKind;
    public ushort CutA, CutB, CutOutputs;
    public sbyte CutSegment, CutBlocks, CutTransaction;

    // position sink: the transaction under way
    public byte SmallInDoubt, SmallNumber, SmallDone;
    public ushort SmallOutputs;

    public readonly bool Inherits => Inherits0 >= 0 || Inherits1 >= 0;

    /// <summary>A checkpoint that has not been sent yet, after its PREPARE was answered.</summary>
    public readonly bool IsUnsent => Stage is Stage.Prepared or Stage.BlocksInRound or Stage.InRound or Stage.Uploaded;

    public void ForgetCheckpoint()
    {
        Stage = Stage.None;
        CutDone = 0;
        CutKind = CutKind.Ordinary;
        CutKeys = 0;
        CutA = 0;
        CutB = 0;
        CutOutputs = 0;
        CutSegment = -1;
        CutBlocks = -1;
        CutTransaction = -1;
    }
}

[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Message
{
    public MessageKind Kind;
    public byte Shard, Counter, Version, Life;
    public sbyte Owner, Handle, Inherits0, Inherits1;
    public byte Position, Epoch, Number, Done;
    public ushort Outputs;
}

[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct SinkRow
{
    public byte Epoch, Number, Done;
}

[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Sweep
{
    public SweepState State;
    public byte Next;
    public ushort Listed, Keep;
    public sbyte Inherits0, Inherits1;

    /// <summary>What the rows said: -1 nobody's, -2 the row is gone.</summary>
    public PerShard Sessions, Handles;
}

[InlineArray(Bounds.Shards)]
internal struct Rows
{
    private Row _first;
}

[InlineArray(Bounds.Shards)]
internal struct Parts
{
    private Part _first;
}

[InlineArray(Bounds.Segments)]
internal struct Segments
{
    private Segment _first;
}

[InlineArray(Bounds.Transactions)]
internal struct Transactions
{
    private Tx _first;
}

[InlineArray(Bounds.Shards * Bounds.Workers)]
internal struct Tenures
{
    private Tenure _first;
}

[InlineArray(Bounds.Messages)]
internal struct Messages
{
    private Message _first;
}

[InlineArray(Bounds.Workers)]
internal struct PerWorker
{
    private sbyte _first;
}

[InlineArray(Bounds.Shards * Bounds.Lives)]
internal struct Fences
{
    private byte _first;
}

[InlineArray(Bounds.Shards)]
internal struct SinkRows
{
    private SinkRow _first;
}

[InlineArray(Bounds.Shards)]
internal struct PerShard
{
    private sbyte _first;
}

[InlineArray(2)]
internal struct Sweeps
{
    private Sweep _first;
}
