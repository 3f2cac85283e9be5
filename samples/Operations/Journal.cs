using System.Collections.Concurrent;

namespace Operations;

/// <summary>What was put into the stream, and what became of it.</summary>
public sealed class Journal
{
    private readonly ConcurrentDictionary<int, bool> _handled = new();
    private int _put;
    private int _decided;

    /// <summary>Records that were left out by decision.</summary>
    public int Decided => _decided;

    /// <summary>Records that were put, and neither handled nor left out by decision.</summary>
    public int Lost => _put - _handled.Count - _decided;

    /// <summary>A record is put; returns its number, from 1.</summary>
    public int Put() => Interlocked.Increment(ref _put);

    /// <summary>A handler is through with a record; it may come again.</summary>
    public void Handled(int id) => _handled[id] = true;

    public void LeftOut() => Interlocked.Increment(ref _decided);
}
