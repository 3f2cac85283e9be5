using System.Buffers;
using System.Runtime.CompilerServices;

namespace FastConsumer.Buffers;

/// <summary>
/// The pool of answers. Arrays that are large enough to matter are kept in one place for all threads, the last one returned
/// on top: <see cref="ArrayPool{T}.Shared"/> keeps one for each thread that ever returned one, and finds none for a thread
/// that reads what another returns, which is how answers travel. Small ones are the shared pool's.
/// </summary>
/// <remarks>
/// Sizes go up in quarters of a power of two, so that an answer of 10 MiB takes 10 MiB and not 16. What lay unused for a whole
/// <see cref="TrimInterval"/> is given up at its end. Where that was much, a collection is asked for: a process with little to do would not
/// collect by itself for hours, nor give free memory back to the system before many collections, and keep that of a burst for as long.
/// </remarks>
internal sealed class PagePool<T> : ArrayPool<T>
{
    private const int SmallestKeptBytes = 64 * 1024;
    private const int StepsPerDoubling = 4;

    /// <summary>More than what a steady load lets go now and then.</summary>
    private const long WorthCollecting = 32L * 1024 * 1024;

    /// <summary>A heap that the runtime compacts within some tens of milliseconds.</summary>
    private const long LargestStoppedHeap = 64L * 1024 * 1024;

    /// <summary>How long an array lies unused at least before it is given up, and at most twice as long.</summary>
    internal static readonly TimeSpan TrimInterval = TimeSpan.FromSeconds(10);

    private static readonly int s_smallestKept = SmallestKeptBytes / Unsafe.SizeOf<T>();
    private static readonly int s_firstClass = ClassOf(s_smallestKept);

    private readonly Shelf[] _shelves = [
        .. Enumerable.Range(0, ClassOf(Array.MaxLength - 1) - s_firstClass + 1).Select(static _ => new Shelf())];

    private readonly ITimer? _timer;
    private int _isTicking;
    private long _givenUp;
    private bool _isCollected;

    /// <param name="time">Times the trimming; null for a pool that nobody trims.</param>
    private PagePool(TimeProvider? time)
    {
        _timer = time?.CreateTimer(static pool => ((PagePool<T>)pool!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The process's pool.</summary>
    public static new PagePool<T> Shared { get; } = new(TimeProvider.System);

    /// <summary>A pool of its own, trimmed by a clock of the caller's, or by nobody.</summary>
    internal static PagePool<T> Create(TimeProvider? time = null) => new(time);

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
        StartTicking();
    }

    /// <summary>Gives up what was not needed since the last call.</summary>
    /// <returns>The bytes that were given up, and whether anything is still kept.</returns>
    internal (long GivenUp, bool IsEmpty) Trim()
    {
        long givenUp = 0;
        bool isEmpty = true;
        foreach (Shelf shelf in _shelves)
        {
            (int removed, int kept, int length) = shelf.Trim();
            givenUp += (long)removed * length * Unsafe.SizeOf<T>();
            isEmpty &= kept == 0;
        }

        return (givenUp, isEmpty);
    }

    private void StartTicking()
    {
        if (Volatile.Read(ref _isTicking) == 0 && Interlocked.Exchange(ref _isTicking, 1) == 0)
        {
            _timer?.Change(TrimInterval, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>One call at a time, for the timer is set again at the end. An empty pool has no timer that wakes the process.</summary>
    private void Tick()
    {
        (long givenUp, bool isEmpty) = Trim();
        _givenUp += givenUp;
        // not before all that a burst has left is given up
        bool isSettled = givenUp == 0 || isEmpty;
        if ((isSettled && GiveBack()) || !isEmpty)
        {
            _timer!.Change(TrimInterval, Timeout.InfiniteTimeSpan);
            return;
        }

        Volatile.Write(ref _isTicking, 0);
        if (_shelves.Any(static shelf => !shelf.IsEmpty))
        {
            // returned in this moment
            StartTicking();
        }
    }

    /// <summary>
    /// Lets the system have what was given up, in two steps: the first finds out what lives, beside the running program; the second, which
    /// stops the program, is only taken where little lives, so that it takes some milliseconds. True where a step is left for later.
    /// </summary>
    private bool GiveBack()
    {
        if (_isCollected)
        {
            _isCollected = false;
            GCMemoryInfo memory = GC.GetGCMemoryInfo();
            if (memory.TotalCommittedBytes - memory.HeapSizeBytes >= WorthCollecting && memory.HeapSizeBytes <= LargestStoppedHeap)
            {
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            }
        }
        else if (_givenUp >= WorthCollecting)
        {
            _isCollected = true;
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false);
        }

        _givenUp = 0;
        return _isCollected;
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

        public bool IsEmpty
        {
            get
            {
                lock (_lock)
                {
                    return _arrays.Count == 0;
                }
            }
        }

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

        public (int Removed, int Kept, int Length) Trim()
        {
            lock (_lock)
            {
                int removed = _leastSinceTrim;
                int length = removed > 0 ? _arrays[0].Length : 0;
                _arrays.RemoveRange(0, removed);
                _leastSinceTrim = _arrays.Count;
                if (_leastSinceTrim == 0)
                {
                    // the list itself may have grown long
                    _arrays.TrimExcess();
                }

                return (removed, _leastSinceTrim, length);
            }
        }
    }
}
