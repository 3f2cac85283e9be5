using FastConsumer.Processors;

namespace FastConsumer;

/// <summary>
/// Takes what <see cref="ErrorAction.DeadLetter"/> leaves out. A record's checkpoint passes it only after its letter is written: while the
/// sink throws, it is tried again with back-off, and the shard waits. A sink that can never take a letter throws <see
/// cref="DeadLetterRefusedException"/>. After a crash a letter may be written twice.
/// </summary>
public interface IDeadLetterSink
{
    /// <summary>Returns when the letter is durable. Shards and lanes call it in parallel.</summary>
    /// <param name="letter">Borrowed until the call returns; <see cref="KinesisRecord.ToOwned"/> copies what must live longer.</param>
    /// <param name="cancellationToken">Cancelled when the shard is lost, or the time for a graceful stop is over.</param>
    /// <exception cref="DeadLetterRefusedException">The sink can never take the letter.</exception>
    ValueTask WriteAsync(DeadLetter letter, CancellationToken cancellationToken);
}

/// <summary>A record that its processor gives up, and why.</summary>
public sealed class DeadLetter
{
    internal DeadLetter(KinesisRecord record, ShardContext shard, Exception exception, int attempts)
    {
        Record = record;
        Shard = shard;
        Exception = exception;
        Attempts = attempts;
        Position = record.Position;
    }

    /// <summary>The record, borrowed until the sink's call returns.</summary>
    public KinesisRecord Record { get; }

    /// <summary>The shard it came from, with processor, application and stream.</summary>
    public ShardContext Shard { get; }

    /// <summary>What the last attempt failed with.</summary>
    public Exception Exception { get; }

    /// <summary>How often the record was tried, from 1.</summary>
    public int Attempts { get; }

    /// <summary>Who has decided that the record is left out; null where its error policy has.</summary>
    public string? DecidedBy { get; internal init; }

    /// <summary>Why, as far as whoever decided has said; null otherwise.</summary>
    public string? Reason { get; internal init; }

    /// <summary>The record's place in its shard.</summary>
    public CheckpointPosition Position { get; }

    /// <summary>
    /// The letter's id: a letter that is written twice, after a crash, has the same one again. See <see cref="RecordContext.OutputId"/>.
    /// </summary>
    public Guid Id => OutputIds.Of(Shard.OutputScope, Position, OutputIds.DeadLetter);
}
