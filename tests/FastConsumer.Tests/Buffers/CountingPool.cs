using System.Buffers;

namespace FastConsumer.Tests.Buffers;

/// <summary>A pool that knows what is out, and spoils what comes back.</summary>
internal sealed class CountingPool<T> : ArrayPool<T>
{
    private readonly Lock _lock = new();
    private readonly HashSet<T[]> _rented = [];
    private int _rents;

    /// <summary>Arrays that were rented and not returned.</summary>
    public int Outstanding
    {
        get
        {
            lock (_lock)
            {
                return _rented.Count;
            }
        }
    }

    /// <summary>The longest array that was asked for.</summary>
    public int Largest { get; private set; }

    public int Rents => Volatile.Read(ref _rents);

    public override T[] Rent(int minimumLength)
    {
        var array = new T[Math.Max(minimumLength, 1)];
        lock (_lock)
        {
            _rents++;
            Largest = Math.Max(Largest, minimumLength);
            _rented.Add(array);
        }

        return array;
    }

    public override void Return(T[] array, bool clearArray = false)
    {
        lock (_lock)
        {
            Assert.True(_rented.Remove(array), "An array came back twice, or from elsewhere.");
        }

        Array.Clear(array);
    }
}
