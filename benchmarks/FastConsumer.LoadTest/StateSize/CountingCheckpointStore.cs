using System.Buffers;
using System.Collections.Concurrent;
using FastConsumer.Checkpoints;

namespace FastConsumer.LoadTest.StateSize;

/// <summary>Counts what is written to another store, and what of it is there.</summary>
internal sealed class CountingCheckpointStore(ICheckpointStore inner) : ICheckpointStore
{
    private readonly ConcurrentDictionary<string, long> _objects = new(StringComparer.Ordinal);
    private long _puts;
    private long _written;
    private long _kept;

    public string Description => inner.Description;

    /// <summary>Objects that were written.</summary>
    public long Puts => Interlocked.Read(ref _puts);

    /// <summary>Bytes that were written.</summary>
    public long Written => Interlocked.Read(ref _written);

    /// <summary>Bytes that are there.</summary>
    public long Kept => Interlocked.Read(ref _kept);

    /// <summary>Objects that are there.</summary>
    public int Objects => _objects.Count;

    public Task PrepareAsync(CancellationToken cancellationToken) => inner.PrepareAsync(cancellationToken);

    public async Task CreateAsync(string name, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
    {
        // before it is there: a store in memory takes the bytes inside of the call
        if (_objects.TryAdd(name, content.Length))
        {
            Interlocked.Add(ref _kept, content.Length);
        }

        await inner.CreateAsync(name, content, cancellationToken);
        Interlocked.Increment(ref _puts);
        Interlocked.Add(ref _written, content.Length);
    }

    public Task ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        inner.ReadAsync(name, offset, destination, cancellationToken);

    public IAsyncEnumerable<CheckpointObject> ListAsync(string prefix, CancellationToken cancellationToken) =>
        inner.ListAsync(prefix, cancellationToken);

    public async Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        await inner.DeleteAsync(name, cancellationToken);
        if (_objects.TryRemove(name, out long length))
        {
            Interlocked.Add(ref _kept, -length);
        }
    }
}
