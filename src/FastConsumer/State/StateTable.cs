using FastConsumer.State.Format;

namespace FastConsumer.State;

/// <summary>The sub-key of states that have none.</summary>
internal readonly record struct NoSubKey;

/// <summary>One state of a shard, whatever its values are. See <see cref="StateTable{TSub, T}"/>.</summary>
internal abstract class StateTable(string name, StateKind kind, long? ttl)
{
    public string Name { get; } = name;

    public StateKind Kind { get; } = kind;

    /// <summary>In milliseconds of stream time.</summary>
    public long? Ttl { get; } = ttl;

    /// <summary>Entries of keys outside of the shard's range that were not written since a split gave them to both children.</summary>
    public abstract int Copies { get; }

    /// <summary>The memory it takes, about.</summary>
    public abstract long Bytes { get; }

    /// <summary>Inside the gate: makes the attempt's effects part of the state.</summary>
    public abstract void Apply();

    /// <summary>Inside the gate: forgets the attempt's effects.</summary>
    public abstract void Discard();

    /// <summary>Inside the gate: looks at a few entries, and removes those that have expired.</summary>
    public abstract void Sweep(long streamTime);

    /// <summary>True where the next cut must be whole: more was removed than is noted one by one. While the gate is closed.</summary>
    public abstract bool NeedsWhole { get; }

    /// <summary>While the gate is closed: what the table holds now is what <see cref="WriteFrozen"/> will write.</summary>
    /// <param name="streamTime">The stream's time at the cut.</param>
    /// <param name="cut">What readers are told of the cut; null where cuts are not kept for readers.</param>
    /// <param name="whole">
    /// The groups that are written whole, a bit each; of the others only what has changed since the last stored cut.
    /// </param>
    public abstract void Freeze(long streamTime, object? cut, ulong whole);

    /// <summary>On any one thread: looks what was frozen. All groups are written next.</summary>
    public abstract void BeginWriting();

    /// <summary>Writes what was frozen of one group: all, or what has changed.</summary>
    public abstract void WriteFrozen(int group, SegmentWriter writer);

    /// <summary>All was written, or nothing will be: nothing is frozen any more, unless the cut is kept for readers.</summary>
    public abstract void Release();

    /// <summary>A store has what was written of the last cut, so that the next one need not write it again.</summary>
    public abstract void Stored();

    /// <summary>Before the first record: adds an entry of a snapshot, unless a later range of it had the same one.</summary>
    /// <param name="entry">The entry; borrowed, the stored value too.</param>
    /// <param name="from">Where it comes from.</param>
    public abstract void Load(in StateEntry entry, in LoadedRange from);

    /// <summary>Before the first record: all ranges of one snapshot were loaded.</summary>
    public abstract void EndLoading();
}

/// <summary>The part of a snapshot that an entry is loaded from. The ranges of one come from the last to the first.</summary>
/// <param name="Parent">Which of the shards it is: the lower number has the lower hash keys.</param>
/// <param name="Age">The range's place before the end of the manifest, below zero: the greater one is newer.</param>
/// <param name="StreamTime">The stream time of the snapshot's position.</param>
/// <param name="RestoredTime">The stream time of the position that is restored: the greatest of all.</param>
/// <param name="Keys">Keeps the keys.</param>
/// <param name="Values">Keeps the values until they are touched.</param>
internal readonly record struct LoadedRange(
    int Parent, int Age, long StreamTime, long RestoredTime, LoadedBytes Keys, LoadedBytes Values);
