using System.Globalization;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Leases;

/// <summary>
/// What a row says of the state that belongs to its checkpoint (<see cref="Lease.Names.Snapshot"/>): where the snapshot's manifest stands,
/// and the stamp of the position that was written together with it. Short, since a row of more than 1,024 bytes costs two write units.
/// </summary>
/// <param name="Object">
/// The object that holds the manifest, <c>session/number</c> below the table's objects; null for the empty state.
/// </param>
/// <param name="Offset">Where the manifest begins in it, in bytes.</param>
/// <param name="Length">How long the manifest is, in bytes.</param>
/// <param name="Stamp">The stamp of the position (<see cref="StampOf"/>).</param>
internal sealed record SnapshotHandle(string? Object, long Offset, int Length, string Stamp)
{
    private const string Empty = "-";
    private const char Committed = 'c';

    /// <summary>True where nothing that the snapshot names is left to commit.</summary>
    public bool IsCommitted { get; init; } = true;

    /// <summary>The time up to which the shard is known to be done, in whole seconds; null where nothing is known.</summary>
    public DateTimeOffset? Seen { get; init; }

    /// <summary>The stream's time at the position: the latest arrival up to it, in milliseconds; null before the first record.</summary>
    public DateTimeOffset? StreamTime { get; init; }

    /// <summary>The state of a position at which there is none: what an operator has reset begins so.</summary>
    public static SnapshotHandle EmptyAt(CheckpointPosition position) => new(null, 0, 0, StampOf(position));

    /// <summary>
    /// Eight hexadecimal digits that differ where a position was moved by somebody who does not know of the state, such as KCL.
    /// </summary>
    public static string StampOf(CheckpointPosition position)
    {
        ulong hash = Fnv1a.Start;
        string text = string.Create(CultureInfo.InvariantCulture, $"{position.ToCheckpointString()}/{position.SubSequenceNumber}");
        foreach (char c in text)
        {
            hash = Fnv1a.Add(hash, c);
        }

        return ((uint)Fnv1a.Mix(hash)).ToString("x8", CultureInfo.InvariantCulture);
    }

    /// <summary>
    /// What a child's row says of one parent: the parent's handle, and the stamp of the position at which the child begins.
    /// </summary>
    /// <param name="parent">The parent's row.</param>
    /// <param name="start">Where the child begins.</param>
    public static string Inherit(Lease parent, CheckpointPosition start)
    {
        // a row of the table that never had state was finished before there was any; any other without a handle was finished by somebody
        // who does not know of the state, and the child's start finds that out
        SnapshotHandle? handle = parent is { HasState: false, Lineage: not null } ? EmptyAt(parent.Checkpoint) : Parse(parent.Snapshot);
        string number = parent.LeaseKey[(parent.LeaseKey.LastIndexOf('-') + 1)..].TrimStart('0');
        return $"{number}>{handle?.Place}>{handle?.Stamp}>{StampOf(start)}";
    }

    /// <summary>What a child's row says of one parent, where the child's position is moved.</summary>
    public static string InheritAt(string text, CheckpointPosition position) => $"{text[..text.LastIndexOf('>')]}>{StampOf(position)}";

    /// <summary>What a child's row says of one parent, where the parent's snapshot is in another place.</summary>
    public static string InheritFrom(string text, SnapshotHandle parent)
    {
        string[] parts = text.Split('>');
        return $"{parts[0]}>{parent.Place}>{parent.Stamp}>{parts[^1]}";
    }

    /// <summary>What the row of a shard says of a snapshot that it begins with as a child does, and that is no parent's.</summary>
    /// <param name="snapshot">The snapshot, which says that it is at its shard's end.</param>
    /// <param name="start">Where the shard begins.</param>
    public static string InheritSnapshot(SnapshotHandle snapshot, CheckpointPosition start) =>
        $">{snapshot.Place}>{StampOf(CheckpointPosition.ShardEnd)}>{StampOf(start)}";

    /// <summary>The handles of the parents that a child's row bears, and whether the row still stands at its start.</summary>
    /// <param name="row">The child's row.</param>
    /// <returns>
    /// The parents' handles, null for one that has none, each as not committed: nobody knows. And false where the row has moved since it
    /// was made.
    /// </returns>
    public static (IReadOnlyList<SnapshotHandle?> Parents, bool IsAtStart) Inherited(Lease row)
    {
        List<SnapshotHandle?> parents = [];
        bool isAtStart = true;
        foreach (string text in row.Inherits)
        {
            string[] parts = text.Split('>');
            parents.Add(parts.Length == 4 && parts[1].Length > 0 ? Parse($"{parts[1]}:{parts[2]}:::") : null);
            isAtStart &= parts.Length == 4 && parts[3] == StampOf(row.Checkpoint);
        }

        return (parents, isAtStart);
    }

    /// <summary>The same of a copy, which says where it is.</summary>
    public SnapshotHandle MovedTo(SnapshotHandle copy) => this with { Object = copy.Object, Offset = copy.Offset, Length = copy.Length };

    /// <summary>All handles of a row that name an object: those of its parents, and its own.</summary>
    public static IEnumerable<SnapshotHandle> AllOf(Lease row) => Inherited(row).Parents
        .Append(Parse(row.Snapshot))
        .OfType<SnapshotHandle>()
        .Where(static handle => handle.Object is not null);

    /// <summary>The handle that a row bears; null where it bears none, or one that cannot be read.</summary>
    public static SnapshotHandle? Parse(string? text)
    {
        string[] parts = text?.Split(':') ?? [];
        if (parts.Length != 7
            || !long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long offset)
            || !int.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out int length)
            || parts[0].Length == 0
            || !TryTime(parts[5], TimeSpan.FromSeconds(1), out DateTimeOffset? seen)
            || !TryTime(parts[6], TimeSpan.FromMilliseconds(1), out DateTimeOffset? streamTime))
        {
            return null;
        }

        return new SnapshotHandle(parts[0] == Empty ? null : parts[0], offset, length, parts[3])
        {
            IsCommitted = parts[4].Contains(Committed, StringComparison.Ordinal),
            Seen = seen,
            StreamTime = streamTime,
        };
    }

    /// <summary>The handle as the row bears it.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Place}:{Stamp}:{(IsCommitted ? "c" : "")}:{Seen?.ToUnixTimeSeconds()}:{StreamTime?.ToUnixTimeMilliseconds()}");

    private string Place => string.Create(CultureInfo.InvariantCulture, $"{Object ?? Empty}:{Offset}:{Length}");

    private static bool TryTime(string text, TimeSpan unit, out DateTimeOffset? time)
    {
        time = null;
        if (text.Length == 0)
        {
            return true;
        }

        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long units)
            || units > (DateTimeOffset.MaxValue - DateTimeOffset.UnixEpoch).Ticks / unit.Ticks)
        {
            return false;
        }

        time = DateTimeOffset.UnixEpoch.AddTicks(units * unit.Ticks);
        return true;
    }
}
