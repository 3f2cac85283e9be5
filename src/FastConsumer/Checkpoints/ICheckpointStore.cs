using System.Buffers;

namespace FastConsumer.Checkpoints;

/// <summary>
/// Keeps the objects in which snapshots of processors' state are written. Objects are immutable: each is written once, under a name of its
/// own, read in ranges, listed and deleted. Which of them count is said elsewhere: a lease's row names a snapshot in the same conditional
/// write that moves the position. Register an implementation in the host's services, keyed by the consumer's name
/// (<see cref="Hosting.FastConsumerBuilder.Name"/>).
/// </summary>
/// <remarks>
/// <para>
/// What a store must hold to, beside what its members say:
/// </para>
/// <list type="bullet">
/// <item>
/// <b>Whole or not at all.</b> A reader and a listing see an object with all of its bytes or do not see it, on any host, also while it is
/// written, after the writer's crash and after a loss of power. What a crash leaves half-written has no name.
/// </item>
/// <item>
/// <b>Never over another.</b> Of several writers of one name, on any hosts, with different bytes, exactly one wins. A store that cannot
/// refuse atomically must not be used: a writer that was frozen in the middle of a call, and wakes up hours later, would write over what
/// its successors rely on.
/// </item>
/// <item>
/// <b>Read after write.</b> What was created before a call began is read and listed by that call, on any host. What was deleted before is
/// neither.
/// </item>
/// <item>
/// <b>A call that throws leaves doubt.</b> A creation or deletion that threw, or was cancelled, may have taken effect, and may still take
/// effect later, when a request that was held up lands. Callers allow for it: a name never gets other bytes, whoever gave up writes the
/// same again or goes on to the next name, and an object that comes late is one that nothing names.
/// </item>
/// <item>
/// <b>Nothing is repaired silently.</b> A damaged or short object is an error. Objects that the store did not write, and names outside of
/// <see cref="CheckpointName"/>'s rules, are not listed.
/// </item>
/// </list>
/// <para>
/// All members may be called by several callers at a time. They throw <see cref="CheckpointStoreException"/> with a complete message for
/// what the store's medium does, <see cref="ArgumentException"/> for a name or prefix that breaks the rules, and
/// <see cref="OperationCanceledException"/> where the caller's token was cancelled.
/// <c>CheckpointStoreConformance</c> in FastConsumer.Testing has the cases that every store must pass.
/// </para>
/// </remarks>
public interface ICheckpointStore
{
    /// <summary>
    /// The place for logs and messages, such as <c>s3://bucket/prefix</c> or <c>the folder /var/lib/orders</c>. It holds no secret. To ask
    /// for it reaches nothing.
    /// </summary>
    string Description { get; }

    /// <summary>
    /// Makes sure that the store can be used: that it is reachable, that each of the other calls is allowed, and that it refuses to write
    /// over what is there. Called at start, and may be called again, also by several hosts at a time. It leaves no object that is listed.
    /// </summary>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="CheckpointStoreException">The store cannot be used; the message says what to do.</exception>
    Task PrepareAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Creates an object, durably: when the task is done, the object outlasts a crash of everything that the store is meant to outlast.
    /// Where an object of this name is there already, with the same bytes, the call succeeds: it is taken for a repetition after an answer
    /// that was lost. The object is durable then too.
    /// </summary>
    /// <param name="name">The name, by the rules of <see cref="CheckpointName"/>.</param>
    /// <param name="content">
    /// The bytes, up to some hundred MB; none is fine. They stay the caller's, who leaves them unchanged until the task is done. The store
    /// does not touch them after that, however the task ended.
    /// </param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="CheckpointObjectConflictException">An object of this name with other bytes is there; it stays as it is.</exception>
    /// <exception cref="CheckpointStoreException">The object may be there or not, or come later.</exception>
    Task CreateAsync(string name, ReadOnlySequence<byte> content, CancellationToken cancellationToken);

    /// <summary>Fills <paramref name="destination"/> with the bytes of an object from <paramref name="offset"/> on.</summary>
    /// <param name="name">The name, by the rules of <see cref="CheckpointName"/>.</param>
    /// <param name="offset">Where to begin, in bytes from the object's start.</param>
    /// <param name="destination">
    /// Filled to its end; its content is undefined where the call throws. It stays the caller's, and the store does not touch it once the
    /// task is done. With an empty one the call only makes sure that the object is there and reaches to <paramref name="offset"/>.
    /// </param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="CheckpointObjectMissingException">There is no such object.</exception>
    /// <exception cref="CheckpointObjectTooShortException">The object ends before <paramref name="destination"/> is full.</exception>
    /// <exception cref="CheckpointStoreException">The object cannot be read.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative.</exception>
    Task ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken);

    /// <summary>
    /// Lists the objects whose names begin with <paramref name="prefix"/>, in no order. What is created or deleted while the listing goes
    /// on is in it or not; all else is in it exactly once.
    /// </summary>
    /// <param name="prefix">
    /// The beginning of the names, such as <c>orders/AbCdEfGhIjk/seg/</c>; empty for all. It need not end at a '/'.
    /// </param>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="CheckpointStoreException">The store cannot be listed. What came before is no complete list.</exception>
    IAsyncEnumerable<CheckpointObject> ListAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>Deletes an object. Where there is none, the call succeeds.</summary>
    /// <param name="name">The name, by the rules of <see cref="CheckpointName"/>.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="CheckpointStoreException">The object may be gone or not.</exception>
    Task DeleteAsync(string name, CancellationToken cancellationToken);
}

/// <summary>An object of a <see cref="ICheckpointStore"/>, as a listing shows it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Length">Its length in bytes.</param>
public readonly record struct CheckpointObject(string Name, long Length);
