namespace FastConsumer.Operators;

/// <summary>
/// A record that a shard waits for: its handler fails on it again and again, or the shard has stopped in front of it. The lease's owner
/// writes it to the lease's row (fastConsumerStanding) once a record has failed for 10 s, or the shard stops, and removes it when the
/// record is done.
/// </summary>
public sealed record FailingRecord
{
    /// <summary>The processor.</summary>
    public required string ProcessorName { get; init; }

    /// <summary>The shard.</summary>
    public required string ShardId { get; init; }

    /// <summary>
    /// The record's sequence number; of a record of an aggregate, a colon and its sub-sequence number follow. Of a batch that failed as a
    /// whole, the first record of it.
    /// </summary>
    public required string Position { get; init; }

    /// <summary>The fencing token of the owner that fails on it. A decision for another owner's attempt is refused.</summary>
    public required long FencingToken { get; init; }

    /// <summary>The name of the exception's type.</summary>
    public required string Error { get; init; }

    /// <summary>How often it had been tried when it was written down, from 1.</summary>
    public required int Attempts { get; init; }

    /// <summary>True where the shard has stopped; false where the record is tried again and again.</summary>
    public required bool IsStopped { get; init; }

    /// <summary>The worker that holds the shard.</summary>
    public string? Owner { get; init; }
}

/// <summary>What is to become of a record that fails.</summary>
public enum RecordDecision
{
    /// <summary>The handler is called with it again, by a new instance of the processor. Attempts count from 1.</summary>
    Retry,

    /// <summary>It is left out: the handler is not called with it again.</summary>
    Skip,

    /// <summary>It is written to the dead-letter sink and left out. Refused where there is no sink.</summary>
    DeadLetter,
}

/// <summary>A decision about a record, and what became of it, as it stands in the lease's row.</summary>
public sealed record DecidedRecord
{
    /// <summary>The decision's own id.</summary>
    public required string Id { get; init; }

    /// <summary>The record (see <see cref="FailingRecord.Position"/>).</summary>
    public required string Position { get; init; }

    /// <summary>What was decided.</summary>
    public required RecordDecision Decision { get; init; }

    /// <summary>Who decided.</summary>
    public required string By { get; init; }

    /// <summary>Why, as far as it was said.</summary>
    public string? Reason { get; init; }

    /// <summary>When it was decided.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>
    /// Why it was refused, and nothing done; null where it was carried out: the checkpoint is at the record or behind it then, or, after
    /// <see cref="RecordDecision.Retry"/>, a new run of the shard has begun.
    /// </summary>
    public string? Refusal { get; init; }
}

/// <summary>A pause of a shard: its lease is kept, and none of its records is read until it is resumed.</summary>
public sealed record ShardPause
{
    /// <summary>Who paused it.</summary>
    public required string By { get; init; }

    /// <summary>Why, as far as it was said.</summary>
    public string? Reason { get; init; }

    /// <summary>Since when.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>When it ends by itself; null where only a resume ends it.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>True where all shards were paused: those that are made from this one begin paused too.</summary>
    public bool IsOfAll { get; init; }
}
