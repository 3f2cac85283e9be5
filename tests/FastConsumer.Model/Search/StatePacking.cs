using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastConsumer.Model;

/// <summary>
/// Most bytes of a state are those of the first one, so only the words that differ are hashed and kept: a mask of them, and the words.
/// </summary>
internal sealed class StatePacking
{
    // a state is padded to whole words
    private static readonly int s_words = (Unsafe.SizeOf<World>() + sizeof(ulong) - 1) / sizeof(ulong);
    private static readonly int s_masks = (s_words + 63) / 64;
    private readonly ulong[] _first = new ulong[s_words];
    private readonly ulong[] _state = new ulong[s_words];
    private readonly ulong[] _packed = new ulong[MaxWords];

    public StatePacking(ref World first) => MemoryMarshal.Write(MemoryMarshal.AsBytes(_first.AsSpan()), in first);

    public static int MaxWords => s_masks + s_words;

    /// <summary>The packed state, until the next call.</summary>
    public ReadOnlySpan<ulong> Pack(ref World state)
    {
        MemoryMarshal.Write(MemoryMarshal.AsBytes(_state.AsSpan()), in state);
        ulong[] packed = _packed;
        ReadOnlySpan<ulong> first = _first;
        ReadOnlySpan<ulong> words = _state;
        int next = s_masks;
        for (int start = 0, mask = 0; start < words.Length; start += 64, mask++)
        {
            int length = Math.Min(64, words.Length - start);
            ulong differs = 0;
            for (int i = 0; i < length; i++)
            {
                ulong difference = words[start + i] ^ first[start + i];
                if (difference != 0)
                {
                    differs |= 1ul << i;
                    packed[next++] = difference;
                }
            }

            packed[mask] = differs;
        }

        return packed.AsSpan(0, next);
    }

    /// <summary>Reads a state, and returns the number of words that it took.</summary>
    public int Unpack(ReadOnlySpan<ulong> packed, out World state)
    {
        _first.CopyTo(_state, 0);
        int next = s_masks;
        for (int mask = 0; mask < s_masks; mask++)
        {
            for (ulong left = packed[mask]; left != 0; left &= left - 1)
            {
                _state[(mask * 64) + BitOperations.TrailingZeroCount(left)] ^= packed[next++];
            }
        }

        state = MemoryMarshal.Read<World>(MemoryMarshal.AsBytes(_state.AsSpan()));
        return next;
    }
}
