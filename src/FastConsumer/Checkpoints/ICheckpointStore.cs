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

/// <summary>
/// Keeps snapshots of processors' state, apart from <see cref="Leases.ILeaseStore"/>, which keeps ownership and position:
/// the lease names the snapshot by its handle in the same conditional write that moves the position.
/// </summary>
internal interface ICheckpointStore
{
    /// <summary>Writes a snapshot durably and returns the handle by which it is found again.</summary>
    Task<string> SaveAsync(string shardId, CheckpointId checkpoint, ReadOnlyMemory<byte> snapshot, CancellationToken cancellationToken);

    /// <summary>Reads a snapshot; null where the handle names none.</summary>
    Task<ReadOnlyMemory<byte>?> LoadAsync(string handle, CancellationToken cancellationToken);

    /// <summary>Deletes a snapshot that no lease and no savepoint names any more.</summary>
    Task DeleteAsync(string handle, CancellationToken cancellationToken);
}

/// <summary>Takes part in checkpoints: state and sinks. Called at a barrier, when every lane of the shard has reached it.</summary>
internal interface ICheckpointParticipant
{
    /// <summary>Freezes what belongs to the checkpoint and returns it, or nothing.</summary>
    ValueTask<ReadOnlyMemory<byte>> PrepareAsync(CheckpointId checkpoint, CheckpointPosition position, CancellationToken cancellationToken);

    /// <summary>The checkpoint is durable: makes everything prepared up to it final. Idempotent.</summary>
    ValueTask CommitAsync(CheckpointId checkpoint, CancellationToken cancellationToken);

    /// <summary>The checkpoint will not be: drops what was prepared for it.</summary>
    ValueTask AbortAsync(CheckpointId checkpoint, CancellationToken cancellationToken);

    /// <summary>Before the shard's first record: restores what a former owner prepared.</summary>
    ValueTask RecoverAsync(CheckpointId checkpoint, ReadOnlyMemory<byte> snapshot, CancellationToken cancellationToken);
}
