namespace FastConsumer.Testing.Checkpoints;

/// <summary>
/// Objects in memory: what a bucket is to workers in several processes, this is to workers of one process. Thread-safe; it lives as long as
/// somebody refers to it.
/// </summary>
public sealed class InMemoryCheckpointDatabase
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, byte[]> _objects = new(StringComparer.Ordinal);

    /// <summary>All objects at this moment, by name. The bytes are not copied: leave them as they are.</summary>
    public IReadOnlyDictionary<string, ReadOnlyMemory<byte>> Snapshot()
    {
        lock (_lock)
        {
            return _objects.ToDictionary(
                static pair => pair.Key, static pair => (ReadOnlyMemory<byte>)pair.Value, StringComparer.Ordinal);
        }
    }

    /// <summary>Puts an object in place of what is there, as another program's hand would.</summary>
    /// <param name="name">The name; one that stores refuse is fine here.</param>
    /// <param name="content">The bytes; copied.</param>
    public void Put(string name, ReadOnlySpan<byte> content)
    {
        ArgumentNullException.ThrowIfNull(name);
        byte[] copy = content.ToArray();
        lock (_lock)
        {
            _objects[name] = copy;
        }
    }

    /// <summary>Cuts an object off.</summary>
    /// <param name="name">The name.</param>
    /// <param name="length">How many bytes remain.</param>
    /// <exception cref="KeyNotFoundException">There is no such object.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The object is not as long.</exception>
    public void Truncate(string name, int length) => Change(name, bytes => bytes.AsSpan(0, length).ToArray());

    /// <summary>Inverts one byte of an object.</summary>
    /// <param name="name">The name.</param>
    /// <param name="offset">Which one, from the object's start.</param>
    /// <exception cref="KeyNotFoundException">There is no such object.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The object is not as long.</exception>
    public void Alter(string name, int offset) => Change(name, bytes =>
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(offset, bytes.Length);
        byte[] altered = [.. bytes];
        altered[offset] ^= 0xFF;
        return altered;
    });

    /// <summary>Deletes an object; false where there is none.</summary>
    /// <param name="name">The name.</param>
    public bool Delete(string name)
    {
        lock (_lock)
        {
            return _objects.Remove(name);
        }
    }

    /// <summary>The bytes of an object; null where there is none.</summary>
    internal byte[]? Get(string name)
    {
        lock (_lock)
        {
            return _objects.GetValueOrDefault(name);
        }
    }

    /// <summary>Adds an object unless there is one of this name. The answer is what is there after that.</summary>
    internal byte[] GetOrAdd(string name, byte[] content)
    {
        lock (_lock)
        {
            if (_objects.TryGetValue(name, out byte[]? there))
            {
                return there;
            }

            _objects.Add(name, content);
            return content;
        }
    }

    private void Change(string name, Func<byte[], byte[]> change)
    {
        lock (_lock)
        {
            _objects[name] = change(_objects.TryGetValue(name, out byte[]? bytes)
                ? bytes
                : throw new KeyNotFoundException($"There is no object '{name}'."));
        }
    }
}
