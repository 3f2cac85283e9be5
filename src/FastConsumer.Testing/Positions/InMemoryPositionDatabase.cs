namespace FastConsumer.Testing.Positions;

/// <summary>
/// Positions in memory: what a database is to workers in several processes, this is to workers of one process. Thread-safe; it lives as
/// long as somebody refers to it.
/// </summary>
public sealed class InMemoryPositionDatabase
{
    private readonly Lock _lock = new();
    private readonly Dictionary<PositionKey, StoredPosition> _rows = [];

    /// <summary>All rows at this moment.</summary>
    public IReadOnlyDictionary<PositionKey, StoredPosition> Snapshot()
    {
        lock (_lock)
        {
            return new Dictionary<PositionKey, StoredPosition>(_rows);
        }
    }

    /// <summary>Puts a row in place without any condition, as an operator's hand would; null deletes it.</summary>
    /// <param name="key">The shard.</param>
    /// <param name="row">The row.</param>
    public void Put(PositionKey key, StoredPosition? row)
    {
        ArgumentNullException.ThrowIfNull(key);
        lock (_lock)
        {
            if (row is null)
            {
                _rows.Remove(key);
            }
            else
            {
                _rows[key] = row;
            }
        }
    }

    internal StoredPosition? Get(PositionKey key)
    {
        lock (_lock)
        {
            return _rows.GetValueOrDefault(key);
        }
    }

    /// <summary>
    /// The row becomes what <paramref name="next"/> makes of it; null leaves it as it is. The answer is the row after that.
    /// </summary>
    internal StoredPosition? Change(PositionKey key, Func<StoredPosition?, StoredPosition?> next)
    {
        lock (_lock)
        {
            StoredPosition? row = _rows.GetValueOrDefault(key);
            if (next(row) is not { } changed)
            {
                return row;
            }

            return _rows[key] = changed;
        }
    }
}
