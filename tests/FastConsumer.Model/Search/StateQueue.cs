using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastConsumer.Model;

/// <summary>
/// States in the order in which they were found, until they are looked at. Most bytes of a state are those of the first one, so only the
/// words that differ are kept.
/// </summary>
internal sealed class StateQueue
{
    private const int ChunkSize = 1 << 20;

    // states are padded to whole words
    private static readonly int s_words = (Unsafe.SizeOf<World>() + sizeof(ulong) - 1) / sizeof(ulong);
    private static readonly int s_masks = (s_words + 63) / 64;
    private readonly ulong[] _first = new ulong[s_words];
    private readonly ulong[] _state = new ulong[s_words];
    private readonly Queue<ulong[]> _chunks = new();
    private readonly Stack<ulong[]> _free = new();
    private ulong[]? _last;
    private int _write = ChunkSize;
    private int _read;

    public StateQueue(ref World first) => Copy(ref first, _first);

    public long Bytes => (_chunks.Count + (long)_free.Count) * ChunkSize * sizeof(ulong);

    public void Enqueue(ref World state)
    {
        if (_write + s_masks + s_words > ChunkSize)
        {
            _last = _free.TryPop(out ulong[]? chunk) ? chunk : new ulong[ChunkSize];
            _chunks.Enqueue(_last);
            _write = 0;
        }

        Copy(ref state, _state);
        Span<ulong> target = _last.AsSpan(_write);
        target[..s_masks].Clear();
        int next = s_masks;
        for (int word = 0; word < s_words; word++)
        {
            ulong difference = _state[word] ^ _first[word];
            if (difference != 0)
            {
                target[word / 64] |= 1ul << (word % 64);
                target[next++] = difference;
            }
        }

        _write += next;
    }

    public void Dequeue(out World state)
    {
        if (_read + s_masks + s_words > ChunkSize)
        {
            _free.Push(_chunks.Dequeue());
            _read = 0;
        }

        ReadOnlySpan<ulong> source = _chunks.Peek().AsSpan(_read);
        _first.CopyTo(_state, 0);
        int next = s_masks;
        for (int mask = 0; mask < s_masks; mask++)
        {
            for (ulong left = source[mask]; left != 0; left &= left - 1)
            {
                _state[(mask * 64) + BitOperations.TrailingZeroCount(left)] ^= source[next++];
            }
        }

        _read += next;
        state = MemoryMarshal.Read<World>(MemoryMarshal.AsBytes(_state.AsSpan()));
    }

    private static void Copy(ref World state, ulong[] words) => MemoryMarshal.Write(MemoryMarshal.AsBytes(words.AsSpan()), in state);
}
