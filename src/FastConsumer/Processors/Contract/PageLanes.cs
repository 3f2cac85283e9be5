using System.Buffers;

namespace FastConsumer.Processors;

/// <summary>
/// A page that several lanes share: which record follows which in its lane, which are done, and how many handlers are still to
/// return. Its arrays are pooled; they go back with the page, when the last record is finished or the shard is given up.
/// </summary>
internal sealed class PageLanes
{
    /// <summary>Behind the last record of a lane.</summary>
    public const int End = int.MaxValue;

    // returned by another thread than rents it, which the shared pool is slow to reuse
    private static readonly ArrayPool<int> s_pool = ArrayPool<int>.Create(maxArrayLength: 1 << 20, maxArraysPerBucket: 32);

    // links, then buckets, then a bit for each record that is done
    private readonly int[] _all;
    private readonly int _count;
    private readonly int[] _finishedByBucket;
    private int _unfinished;

    /// <param name="count">The page's records.</param>
    /// <param name="finishedByBucket">Counts what is finished of each bucket of keys. A bucket is in one lane at a time, so each count has
    /// one writer.</param>
    public PageLanes(int count, int[] finishedByBucket)
    {
        _count = count;
        _unfinished = count;
        _finishedByBucket = finishedByBucket;
        int words = (count + 31) / 32;
        _all = s_pool.Rent((2 * count) + words);
        Array.Clear(_all, 2 * count, words);
    }

    /// <summary>True when the handler of every record has returned: nothing looks at the page's bytes any more.</summary>
    public bool IsFinished => Volatile.Read(ref _unfinished) == 0;

    /// <summary>The record behind this one in its lane, or <see cref="End"/>.</summary>
    public int Next(int index) => _all[index];

    public void Link(int index, int next) => _all[index] = next;

    public int BucketOf(int index) => _all[_count + index];

    public void SetBucket(int index, int bucket) => _all[_count + index] = bucket;

    public bool IsDone(int index) => (Volatile.Read(ref Word(index)) & (1 << (index & 31))) != 0;

    /// <summary>The record counts as done, although its handler may not have returned yet.</summary>
    public void MarkDone(int index) => Interlocked.Or(ref Word(index), 1 << (index & 31));

    /// <summary>Before any lane knows the page: the record goes to none of them, and counts as done.</summary>
    public void LeaveOut(int index)
    {
        MarkDone(index);
        _unfinished--;
    }

    /// <summary>The record's handler has returned; true where it was the last of the page.</summary>
    public bool Finish(int index)
    {
        int bucket = _all[_count + index];
        Volatile.Write(ref _finishedByBucket[bucket], _finishedByBucket[bucket] + 1);
        return Interlocked.Decrement(ref _unfinished) == 0;
    }

    /// <summary>The first record at or behind <paramref name="from"/> that is not done, up to <paramref name="count"/>.</summary>
    public int FirstNotDone(int from, int count)
    {
        while (from < count)
        {
            int open = ~Volatile.Read(ref Word(from)) >>> (from & 31);
            if (open != 0)
            {
                return Math.Min(count, from + System.Numerics.BitOperations.TrailingZeroCount(open));
            }

            from = (from | 31) + 1;
        }

        return count;
    }

    /// <summary>Sets the bits of what is done.</summary>
    public void AddDone(int[] bits)
    {
        for (int word = 0; word < bits.Length; word++)
        {
            bits[word] |= Volatile.Read(ref Word(word << 5));
        }
    }

    public void Return() => s_pool.Return(_all);

    private ref int Word(int index) => ref _all[(2 * _count) + (index >> 5)];
}
