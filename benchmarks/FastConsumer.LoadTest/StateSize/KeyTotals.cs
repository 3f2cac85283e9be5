using System.Buffers;
using System.Runtime.InteropServices;

namespace FastConsumer.LoadTest.StateSize;

/// <summary>
/// What is known of a key. With its key it takes about 100 bytes in a snapshot. All of it follows from the key's number and from how many
/// records it had, so that a restore can be checked.
/// </summary>
internal struct KeyTotals
{
    public long Records { get; set; }

    public long Sum { get; set; }

    public long SumOfSquares { get; set; }

    public long First { get; set; }

    public long Last { get; set; }

    public long Least { get; set; }

    public long Greatest { get; set; }

    public ulong Hash { get; set; }

    /// <summary>The totals of a key after so many records.</summary>
    public static KeyTotals After(int key, int records)
    {
        var totals = default(KeyTotals);
        for (int i = 0; i < records; i++)
        {
            totals.Add(key);
        }

        return totals;
    }

    /// <summary>A record of the key.</summary>
    public void Add(int key)
    {
        const ulong prime = 0x9E3779B97F4A7C15;
        long value = (key * 31L) + (Records * Records) - (Records * 7);
        First = Records == 0 ? value : First;
        Least = Records == 0 ? value : Math.Min(Least, value);
        Greatest = Records == 0 ? value : Math.Max(Greatest, value);
        Records++;
        Sum += value;
        SumOfSquares = unchecked(SumOfSquares + (value * value));
        Last = value;
        Hash = unchecked((Hash ^ (ulong)value) * prime);
    }

    public readonly bool IsSameAs(in KeyTotals other) =>
        MemoryMarshal.AsBytes(new ReadOnlySpan<KeyTotals>(in this)).SequenceEqual(
            MemoryMarshal.AsBytes(new ReadOnlySpan<KeyTotals>(in other)));

    /// <summary>Its bytes as they are.</summary>
    public sealed class Serializer : IStateSerializer<KeyTotals>
    {
        public void Write(KeyTotals value, IBufferWriter<byte> output) =>
            output.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<KeyTotals>(in value)));

        public KeyTotals Read(ReadOnlySpan<byte> bytes) => MemoryMarshal.Read<KeyTotals>(bytes);
    }
}
