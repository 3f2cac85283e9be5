using System.Buffers;

namespace FastConsumer.Tests.Buffers;

/// <summary>A pool that knows what is out, never gives the same array twice, and spoils what comes back.</summary>
/// <param name="smallestCounted">Shorter arrays are not counted: those of requests, which the client leaves to the garbage collector where
/// a call is cancelled.</param>
internal sealed class CountingPool<T>(int smallestCounted = 0) : ArrayPool<T>
{
    private readonly Lock _lock = new();
    // by reference: arrays have no other equality
    private readonly HashSet<T[]> _out = [];
    private int _rents;
    private int _returnedTwice;

    /// <summary>Arrays that were rented and not returned.</summary>
    public int Outstanding
    {
        get
        {
            lock (_lock)
            {
                return _out.Count;
            }
        }
    }

    /// <summary>The longest array that was asked for.</summary>
    public int Largest { get; private set; }

    /// <summary>How many were rented so far, however short.</summary>
    public int Rents => Volatile.Read(ref _rents);

    /// <summary>Arrays that were returned though they were not out.</summary>
    public int ReturnedTwice => Volatile.Read(ref _returnedTwice);

    public override T[] Rent(int minimumLength)
    {
        var array = new T[Math.Max(minimumLength, 1)];
        lock (_lock)
        {
            _rents++;
            Largest = Math.Max(Largest, minimumLength);
            if (minimumLength >= smallestCounted)
            {
                _out.Add(array);
            }
        }

        return array;
    }

    public override void Return(T[] array, bool clearArray = false)
    {
        if (array.Length < smallestCounted)
        {
            return;
        }

        // whoever still reads it sees that it is not his
        Array.Clear(array);
        lock (_lock)
        {
            if (_out.Remove(array))
            {
                return;
            }

            _returnedTwice++;
        }

        Assert.Fail("An array came back twice, or from elsewhere.");
    }
}
