using System.Diagnostics.CodeAnalysis;

namespace FastConsumer;

/// <summary>What an <see cref="IStateReader"/> can say of a key.</summary>
public enum StateReadStatus
{
    /// <summary>
    /// Nobody holds the key's shard, as far as this worker knows: it is about to be taken, its owner has died, or this worker has not seen
    /// the lease table yet. Ask again.
    /// </summary>
    Unowned = 0,

    /// <summary>Another worker holds the shard: <see cref="StateReading{T}.WorkerId"/>. Ask that one.</summary>
    Elsewhere = 1,

    /// <summary>
    /// This worker holds the shard, and its state is not there: it is being restored, or the shard is paused, stops or may be lost. Ask
    /// again.
    /// </summary>
    NotReady = 2,

    /// <summary>At the last cut there was no value.</summary>
    Absent = 3,

    /// <summary>At the last cut there was a value: <see cref="StateReading{T}.Value"/>.</summary>
    Found = 4,
}

/// <summary>
/// The moment that an answer is of: a cut, which is the effect of exactly the records that were done then. Two answers are of the same
/// moment where these are equal.
/// </summary>
public sealed record StateAsOf
{
    /// <summary>The shard.</summary>
    public required string ShardId { get; init; }

    /// <summary>The take of the shard's lease: <see cref="ShardContext.FencingToken"/>. Grows from owner to owner.</summary>
    public long FencingToken { get; init; }

    /// <summary>The number of the cut since then: 0 for the state that the shard began with here.</summary>
    public long Number { get; init; }

    /// <summary>
    /// The position up to which all records had been done. With lanes, some behind it had been too, and their effects are in the answer.
    /// </summary>
    public CheckpointPosition Position { get; init; }

    /// <summary>The stream's time at the position: the latest arrival of the records up to it. Null where there were none.</summary>
    public DateTimeOffset? StreamTime { get; init; }

    /// <summary>When the cut was taken, by this process's clock; null for the state that the shard began with here.</summary>
    public DateTimeOffset? TakenAt { get; init; }
}

/// <summary>What an <see cref="IStateReader"/> says of a key.</summary>
/// <typeparam name="T">The type of the value.</typeparam>
public readonly record struct StateReading<T>
{
    /// <summary>Whether there was a value, or who can say so.</summary>
    public StateReadStatus Status { get; init; }

    /// <summary>True where there was a value.</summary>
    [MemberNotNullWhen(true, nameof(Value), nameof(AsOf))]
    public bool IsFound => Status == StateReadStatus.Found;

    /// <summary>The value; the type's default where there was none, or nobody here can say so. It must not be changed.</summary>
    public T? Value { get; init; }

    /// <summary>The shard that the key belongs to; null where it is not known.</summary>
    public string? ShardId { get; init; }

    /// <summary>
    /// The worker that holds the shard (<c>FastConsumerOptions.WorkerId</c>), as far as this one knows; null for nobody.
    /// </summary>
    public string? WorkerId { get; init; }

    /// <summary>The cut that the answer is of; null where it is neither found nor absent.</summary>
    public StateAsOf? AsOf { get; init; }
}
