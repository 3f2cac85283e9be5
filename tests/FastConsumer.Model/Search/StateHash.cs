namespace FastConsumer.Model;

internal static class StateHash
{
    /// <summary>128 bits, by which a search knows a state again.</summary>
    public static UInt128 Of(ReadOnlySpan<ulong> words)
    {
        ulong first = 0x9E3779B97F4A7C15;
        ulong second = 0xC2B2AE3D27D4EB4F;
        ulong low;
        foreach (ulong word in words)
        {
            ulong high = Math.BigMul(first ^ word, 0xA0761D6478BD642F, out low);
            first = high ^ low ^ (second << 1);
            high = Math.BigMul(second ^ word, 0xE7037ED1A0B428DB, out low);
            second = high ^ low ^ (first >> 3);
        }

        ulong last = Math.BigMul(first ^ 0x8EBC6AF09C88C6E3, second | 1, out low);
        return new UInt128(last ^ first, low ^ second);
    }
}
