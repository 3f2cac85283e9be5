using System.Buffers;
using System.Runtime.CompilerServices;

namespace FastConsumer.Tests.Hosting;

/// <summary>
/// A pool that knows which of its arrays are out. Arrays below 2 KiB are requests, of which the client leaves those of
/// cancelled calls to the garbage collector; they are not counted.
/// </summary>
internal sealed class CountingPool : ArrayPool<byte>
{
    private const int SmallestAnswer = 2048;

    private readonly Lock _lock = new();
    private readonly HashSet<byte[]> _out = new(ReferenceComparer.Instance);

    /// <summary>Answers that were rented and not returned.</summary>
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

    /// <summary>Answers that were rented.</summary>
    public int Rented { get; private set; }

    /// <summary>Arrays that were returned though they were not out.</summary>
    public int ReturnedTwice { get; private set; }

    public override byte[] Rent(int minimumLength)
    {
        // never the same array twice, so that a second return is found
        var array = new byte[minimumLength];
        if (minimumLength >= SmallestAnswer)
        {
            lock (_lock)
            {
                Rented++;
                _out.Add(array);
            }
        }

        return array;
    }

    public override void Return(byte[] array, bool clearArray = false)
    {
        if (array.Length < SmallestAnswer)
        {
            return;
        }

        // whoever still reads it shall see that it is not his
        array.AsSpan().Fill(0xDD);
        lock (_lock)
        {
            if (!_out.Remove(array))
            {
                ReturnedTwice++;
            }
        }
    }

    private sealed class ReferenceComparer : IEqualityComparer<byte[]>
    {
        public static ReferenceComparer Instance { get; } = new();

        public bool Equals(byte[]? x, byte[]? y) => ReferenceEquals(x, y);

        public int GetHashCode(byte[] obj) => RuntimeHelpers.GetHashCode(obj);
    }
}
