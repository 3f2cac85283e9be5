namespace FastConsumer.Checkpoints;

/// <summary>
/// Which objects this process's snapshots have something in. An object that several shards share may be deleted by its last user here only
/// where no other process can name it: this process created it, and each shard with a part in it was this process's all the time. What
/// is left over is deleted by a sweep. Thread-safe.
/// </summary>
internal sealed class SegmentReferences
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (int Count, bool IsElsewhere)> _references = new(StringComparer.Ordinal);

    /// <summary>An object is about to be created, and a snapshot will have something in it.</summary>
    public void Create(string name)
    {
        lock (_lock)
        {
            _ = _references.TryGetValue(name, out (int Count, bool IsElsewhere) former);
            _references[name] = (former.Count + 1, former.IsElsewhere);
        }
    }

    /// <summary>A snapshot has something in these objects, whoever created them.</summary>
    public void Hold(IEnumerable<string> names)
    {
        lock (_lock)
        {
            foreach (string name in names)
            {
                _references[name] = _references.TryGetValue(name, out (int Count, bool IsElsewhere) former)
                    ? (former.Count + 1, former.IsElsewhere)
                    : (1, true);
            }
        }
    }

    /// <summary>No row names a snapshot any more, nor ever will.</summary>
    /// <returns>Those of its objects that nothing needs any more.</returns>
    public IReadOnlyList<string> Drop(IEnumerable<string> names)
    {
        List<string> unused = [];
        lock (_lock)
        {
            foreach (string name in names)
            {
                if (Remove(name, isElsewhere: false) is { IsElsewhere: false, Count: 0 })
                {
                    unused.Add(name);
                }
            }
        }

        return unused;
    }

    /// <summary>A snapshot goes on without this process: a row names it, or may come to name it.</summary>
    public void Leave(IEnumerable<string> names)
    {
        lock (_lock)
        {
            foreach (string name in names)
            {
                Remove(name, isElsewhere: true);
            }
        }
    }

    private (int Count, bool IsElsewhere) Remove(string name, bool isElsewhere)
    {
        if (!_references.Remove(name, out (int Count, bool IsElsewhere) former))
        {
            throw new InvalidOperationException($"Invariant violated: object {name} is given up, and nothing has held it.");
        }

        (int Count, bool IsElsewhere) left = (former.Count - 1, former.IsElsewhere || isElsewhere);
        if (left.Count > 0)
        {
            _references.Add(name, left);
        }

        return left;
    }
}
