namespace FastConsumer.Tests.Kinesis.Wire.Fuzzing;

/// <summary>Changes an answer a little, or a lot, as chance says.</summary>
internal static class Mutation
{
    private const int MostChanges = 6;

    // heads of CBOR items, lengths at their limits, and what structures JSON
    private static readonly byte[] s_telling =
    [
        0x00, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1F, 0x3B, 0x40, 0x58, 0x5A, 0x5B, 0x5F, 0x60, 0x64, 0x6C, 0x6E, 0x78, 0x7A, 0x7B, 0x7F,
        0x80, 0x9A, 0x9B, 0x9F, 0xA0, 0xA4, 0xBA, 0xBB, 0xBF, 0xC1, 0xD9, 0xF4, 0xF6, 0xF7, 0xF9, 0xFA, 0xFB, 0xFC, 0xFF,
        (byte)'"', (byte)'\\', (byte)'{', (byte)'}', (byte)'[', (byte)']', (byte)',', (byte)':', (byte)' ', (byte)'\n', (byte)'u',
        (byte)'n', (byte)'E', (byte)'e', (byte)'.', (byte)'-', (byte)'=', (byte)'+', (byte)'/', (byte)'0', (byte)'9',
    ];

    public static byte[] Of(byte[] seed, byte[] other, Random random)
    {
        List<byte> bytes = [.. seed];
        for (int changes = random.Next(1, MostChanges); changes > 0 && bytes.Count > 0; changes--)
        {
            int at = random.Next(bytes.Count);
            int length = Math.Min(random.Next(1, 40), bytes.Count - at);
            switch (random.Next(11))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes[at] = s_telling[random.Next(s_telling.Length)];
                    break;
                case 3:
                    bytes.Insert(at, s_telling[random.Next(s_telling.Length)]);
                    break;
                case 4:
                    bytes.RemoveRange(at, length);
                    break;
                case 5:
                    bytes.InsertRange(at, bytes.GetRange(at, length));
                    break;
                case 6:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 7:
                    // a piece of elsewhere in it
                    int from = random.Next(bytes.Count - length + 1);
                    bytes.InsertRange(at, bytes.GetRange(from, length));
                    break;
                case 8:
                    // a piece of another answer, of the other format at times
                    int start = random.Next(other.Length);
                    bytes.InsertRange(at, other[start..Math.Min(start + (length * 4), other.Length)]);
                    break;
                case 9:
                    // a length at its limit
                    for (int i = at; i < Math.Min(at + random.Next(1, 9), bytes.Count); i++)
                    {
                        bytes[i] = 0xFF;
                    }

                    break;
                default:
                    // nesting
                    bytes.InsertRange(at, Enumerable.Repeat(s_telling[random.Next(s_telling.Length)], random.Next(1, 100)));
                    break;
            }
        }

        return [.. bytes];
    }
}
