using System.Buffers;
using System.Runtime.CompilerServices;

namespace FastConsumer.Buffers;

/// <summary>
/// The pool of answers. Arrays that are large enough to matter are kept in one place for all threads, the last one returned
/// on top: <see cref="ArrayPool{T}.Shared"/> keeps one for each thread that ever returned one, and finds none for a thread
/// that reads what another returns, which is how answers travel. Small ones are the shared pool's.
/// </summary>
/// <remarks>
/// Sizes go up in quarters of a power of two, so that an answer of 10 MiB takes 10 MiB and not 16. What lay unused between
/// two collections of the oldest generation is given up at the second.
/// </remarks>
internal sealed class PagePool<T> : ArrayPool<T>
{
    private const int SmallestKeptBytes = 64 * 1024;
    private const int StepsPerDoubling = 4;

    private static readonly int s_smallestKept = SmallestKeptBytes / Unsafe.SizeOf<T>();
    private static readonly int s_firstClass = ClassOf(s_smallestKept);

    private readonly Shelf[] _shelves = [.. Enumerable.Range(0, ClassOf(Array.MaxLength - 1) - s_firstClass + 1).Select(static _ => new Shelf())];

    private PagePool()
    {
    }

    /// <summary>The process's pool.</summary>
    public static new PagePool<T> Shared { get; } = CreateShared();

    /// <summary>A pool of its own, which nobody trims.</summary>
    internal static new PagePool<T> Create() => new();

    public override T[] Rent(int minimumLength)
    {
        if (minimumLength <= s_smallestKept)
        {
            return ArrayPool<T>.Shared.Rent(minimumLength);
        }

        int sizeClass = ClassOf(minimumLength);
        return _shelves[sizeClass - s_firstClass].TryTake() ?? GC.AllocateUninitializedArray<T>(LengthOf(sizeClass));
    }

    public override void Return(T[] array, bool clearArray = false)
    {
        int sizeClass = array.Length > s_smallestKept ? ClassOf(array.Length) : -1;
        if (sizeClass < 0 || LengthOf(sizeClass) != array.Length)
        {
            ArrayPool<T>.Shared.Return(array, clearArray);
            return;
        }

        if (clearArray)
        {
            Array.Clear(array);
        }

        _shelves[sizeClass - s_firstClass].Put(array);
    }

    /// <summary>Gives up what was not needed since the last call.</summary>
    internal void Trim()
    {
        foreach (Shelf shelf in _shelves)
        {
            shelf.Trim();
        }
    }

    private static PagePool<T> CreateShared()
    {
        var pool = new PagePool<T>();
        _ = new OldestGenerationWatch(pool);
        return pool;
    }

    /// <summary>The smallest class whose arrays hold so many.</summary>
    private static int ClassOf(int length)
    {
        int power = int.Log2(length - 1);
        int step = (int)((((long)(length - 1) - (1L << power)) * StepsPerDoubling) >> power);
        return (power * StepsPerDoubling) + step;
    }

    private static int LengthOf(int sizeClass)
    {
        (int power, int step) = Math.DivRem(sizeClass, StepsPerDoubling);
        return (int)Math.Min((1L << power) + (((step + 1L) << power) / StepsPerDoubling), Array.MaxLength);
    }

    /// <summary>Arrays of one length.</summary>
    private sealed class Shelf
    {
        private readonly Lock _lock = new();
        // the last one returned is the first to go: it may still be in a processor's cache
        private readonly List<T[]> _arrays = [];
        private int _leastSinceTrim;

        public T[]? TryTake()
        {
            lock (_lock)
            {
                if (_arrays.Count == 0)
                {
                    return null;
                }

                T[] array = _arrays[^1];
                _arrays.RemoveAt(_arrays.Count - 1);
                _leastSinceTrim = Math.Min(_leastSinceTrim, _arrays.Count);
                return array;
            }
        }

        public void Put(T[] array)
        {
            lock (_lock)
            {
                _arrays.Add(array);
            }
        }

        public void Trim()
        {
            lock (_lock)
            {
                _arrays.RemoveRange(0, _leastSinceTrim);
                _leastSinceTrim = _arrays.Count;
            }
        }
    }

    /// <summary>Nobody holds it, so it is finalized, and comes back, at each collection of its generation, which is soon the oldest.</summary>
    private sealed class OldestGenerationWatch(PagePool<T> pool)
    {
        ~OldestGenerationWatch()
        {
            if (Environment.HasShutdownStarted)
            {
                return;
            }

            if (GC.GetGeneration(this) == GC.MaxGeneration)
            {
                pool.Trim();
            }

            GC.ReRegisterForFinalize(this);
        }
    }
}
