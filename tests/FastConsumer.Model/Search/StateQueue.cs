namespace FastConsumer.Model;

/// <summary>Packed states in the order in which they were found, until they are looked at.</summary>
internal sealed class StateQueue(StatePacking packing)
{
    private const int ChunkSize = 1 << 20;

    private readonly Queue<ulong[]> _chunks = new();
    private readonly Stack<ulong[]> _free = new();
    private ulong[]? _last;
    private int _write = ChunkSize;
    private int _read;

    public long Bytes => (_chunks.Count + (long)_free.Count) * ChunkSize * sizeof(ulong);

    public void Enqueue(ReadOnlySpan<ulong> packed)
    {
        if (IsEnd(_write))
        {
            _last = _free.TryPop(out ulong[]? chunk) ? chunk : new ulong[ChunkSize];
            _chunks.Enqueue(_last);
            _write = 0;
        }

        packed.CopyTo(_last.AsSpan(_write));
        _write += packed.Length;
    }

    public void Dequeue(out World state)
    {
        if (IsEnd(_read))
        {
            _free.Push(_chunks.Dequeue());
            _read = 0;
        }

        _read += packing.Unpack(_chunks.Peek().AsSpan(_read), out state);
    }

    /// <summary>A chunk ends where not every state would fit any more, for the writer and the reader alike.</summary>
    private static bool IsEnd(int position) => position + StatePacking.MaxWords > ChunkSize;
}
