using System.Buffers;
using System.Runtime.CompilerServices;
using FastConsumer.Checkpoints;

namespace FastConsumer.Testing.Checkpoints;

/// <summary>
/// A store of checkpoints on an <see cref="InMemoryCheckpointDatabase"/>, with faults on demand. Its members are virtual: derive from it to
/// let calls last. It has no thread and no clock of its own. Thread-safe.
/// </summary>
public class InMemoryCheckpointStore : ICheckpointStore
{
    private readonly InMemoryCheckpointDatabase _database;
    private readonly Lock _lock = new();
    private readonly Dictionary<CheckpointOperation, int> _failures = [];
    private readonly Dictionary<CheckpointOperation, int> _losses = [];
    private readonly HashSet<CheckpointOperation> _denied = [];

    /// <summary>A store on a database; stores on the same one share its objects, and each has faults of its own.</summary>
    /// <param name="database">Where the objects are; null for one of the store's own.</param>
    public InMemoryCheckpointStore(InMemoryCheckpointDatabase? database = null) =>
        _database = database ?? new InMemoryCheckpointDatabase();

    /// <inheritdoc/>
    public virtual string Description => "in-memory checkpoints";

    /// <summary>Lets the next calls fail without an effect; the same call may succeed later.</summary>
    /// <param name="operation">Which calls.</param>
    /// <param name="times">How many; <see cref="int.MaxValue"/> for all until <see cref="ClearFaults"/>.</param>
    public void FailNext(CheckpointOperation operation, int times = 1) => Add(_failures, operation, times);

    /// <summary>Lets the next calls take effect and then fail, as where an answer is lost.</summary>
    /// <param name="operation">Which calls.</param>
    /// <param name="times">How many; <see cref="int.MaxValue"/> for all until <see cref="ClearFaults"/>.</param>
    public void LoseNextAnswer(CheckpointOperation operation, int times = 1) => Add(_losses, operation, times);

    /// <summary>Refuses calls as not allowed, until <see cref="ClearFaults"/>.</summary>
    /// <param name="operation">Which calls.</param>
    public void Deny(CheckpointOperation operation)
    {
        lock (_lock)
        {
            _denied.Add(operation);
        }
    }

    /// <summary>Forgets all faults that are left.</summary>
    public void ClearFaults()
    {
        lock (_lock)
        {
            _failures.Clear();
            _losses.Clear();
            _denied.Clear();
        }
    }

    /// <inheritdoc/>
    public virtual Task PrepareAsync(CancellationToken cancellationToken)
    {
        Begin(CheckpointOperation.Prepare, cancellationToken);
        End(CheckpointOperation.Prepare);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public virtual Task CreateAsync(string name, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
    {
        CheckpointName.ThrowIfInvalid(name);
        try
        {
            Begin(CheckpointOperation.Create, cancellationToken);
            byte[] bytes = content.ToArray();
            // a caller that gives up while its bytes are read gets nothing created
            cancellationToken.ThrowIfCancellationRequested();
            byte[] there = _database.GetOrAdd(name, bytes);
            if (!there.AsSpan().SequenceEqual(bytes))
            {
                throw new CheckpointObjectConflictException(name, Description);
            }

            End(CheckpointOperation.Create);
            return Task.CompletedTask;
        }
        catch (Exception exception) when (exception is CheckpointStoreException or OperationCanceledException)
        {
            return Failed(exception, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public virtual Task ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        CheckpointName.ThrowIfInvalid(name);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        try
        {
            Begin(CheckpointOperation.Read, cancellationToken);
            byte[] bytes = _database.Get(name) ?? throw new CheckpointObjectMissingException(name, Description);
            if (offset > bytes.Length - destination.Length)
            {
                throw new CheckpointObjectTooShortException(name, Description, bytes.Length, offset + destination.Length);
            }

            bytes.AsMemory((int)offset, destination.Length).CopyTo(destination);
            End(CheckpointOperation.Read);
            return Task.CompletedTask;
        }
        catch (Exception exception) when (exception is CheckpointStoreException or OperationCanceledException)
        {
            return Failed(exception, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public virtual async IAsyncEnumerable<CheckpointObject> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        CheckpointName.ThrowIfInvalidPrefix(prefix);
        Begin(CheckpointOperation.List, cancellationToken);
        await Task.CompletedTask;
        foreach ((string name, ReadOnlyMemory<byte> bytes) in _database.Snapshot())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (name.StartsWith(prefix, StringComparison.Ordinal) && CheckpointName.IsValid(name))
            {
                yield return new CheckpointObject(name, bytes.Length);
            }
        }

        // as where a page after the first does not arrive
        End(CheckpointOperation.List);
    }

    /// <inheritdoc/>
    public virtual Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        CheckpointName.ThrowIfInvalid(name);
        try
        {
            Begin(CheckpointOperation.Delete, cancellationToken);
            _database.Delete(name);
            End(CheckpointOperation.Delete);
            return Task.CompletedTask;
        }
        catch (Exception exception) when (exception is CheckpointStoreException or OperationCanceledException)
        {
            return Failed(exception, cancellationToken);
        }
    }

    private static Task Failed(Exception exception, CancellationToken cancellationToken) =>
        exception is OperationCanceledException ? Task.FromCanceled(cancellationToken) : Task.FromException(exception);

    private void Begin(CheckpointOperation operation, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            if (_denied.Contains(operation))
            {
                throw new CheckpointStoreException(
                    $"{operation} is not allowed in {Description}: a test denied it.", isTransient: false);
            }
        }

        if (TryTake(_failures, operation))
        {
            throw new CheckpointStoreException($"{operation} failed in {Description}: a test wanted it.", isTransient: true);
        }
    }

    private void End(CheckpointOperation operation)
    {
        if (TryTake(_losses, operation))
        {
            throw new CheckpointStoreException(
                $"The answer to {operation} of {Description} was lost: a test wanted it.", isTransient: true);
        }
    }

    private void Add(Dictionary<CheckpointOperation, int> faults, CheckpointOperation operation, int times)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(times, 1);
        lock (_lock)
        {
            faults[operation] = (int)Math.Min(int.MaxValue, (long)faults.GetValueOrDefault(operation) + times);
        }
    }

    private bool TryTake(Dictionary<CheckpointOperation, int> faults, CheckpointOperation operation)
    {
        lock (_lock)
        {
            int left = faults.GetValueOrDefault(operation);
            if (left is > 0 and < int.MaxValue)
            {
                faults[operation] = left - 1;
            }

            return left > 0;
        }
    }
}
