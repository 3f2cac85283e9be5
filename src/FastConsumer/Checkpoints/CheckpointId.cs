namespace FastConsumer.Checkpoints;

/// <summary>
/// The number of a checkpoint: the lease's counter at take-over (the fencing epoch), then a count inside the epoch. Later
/// checkpoints of a shard compare greater, whoever took them.
/// </summary>
/// <param name="Epoch">The fencing token of the owner that took it.</param>
/// <param name="Number">Counts from 1 inside the epoch.</param>
internal readonly record struct CheckpointId(long Epoch, long Number) : IComparable<CheckpointId>
{
    /// <summary>The next checkpoint of the same owner.</summary>
    public CheckpointId Next() => this with { Number = Number + 1 };

    /// <inheritdoc/>
    public int CompareTo(CheckpointId other) => (Epoch, Number).CompareTo((other.Epoch, other.Number));

    /// <summary>Order in time.</summary>
    public static bool operator <(CheckpointId left, CheckpointId right) => left.CompareTo(right) < 0;

    /// <summary>Order in time.</summary>
    public static bool operator <=(CheckpointId left, CheckpointId right) => left.CompareTo(right) <= 0;

    /// <summary>Order in time.</summary>
    public static bool operator >(CheckpointId left, CheckpointId right) => left.CompareTo(right) > 0;

    /// <summary>Order in time.</summary>
    public static bool operator >=(CheckpointId left, CheckpointId right) => left.CompareTo(right) >= 0;
}
