namespace FastConsumer.State;

/// <summary>An array that grows without moving what it holds, so that references into it stay valid.</summary>
internal struct Chunks<T>(int bits)
{
    private readonly int _bits = bits;
    private T[][] _chunks = [];
    private int _count;

    /// <summary>How many places there are.</summary>
    public readonly int Capacity => _count << _bits;

    public readonly ref T this[int index] => ref _chunks[index >> _bits][index & ((1 << _bits) - 1)];

    /// <summary>Makes room up to a place.</summary>
    public void Reserve(int index)
    {
        while (index >= Capacity)
        {
            if (_count == _chunks.Length)
            {
                Array.Resize(ref _chunks, Math.Max(1, 2 * _count));
            }

            _chunks[_count++] = new T[1 << _bits];
        }
    }
}
