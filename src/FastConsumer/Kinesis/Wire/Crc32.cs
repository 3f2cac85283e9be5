using System.Buffers.Binary;

namespace FastConsumer.Kinesis.Wire;

/// <summary>
/// The CRC-32 of gzip (polynomial 0x04C11DB7, reflected), as event streams use it; System.IO.Hashing is not among this
/// project's packages. Sixteen bytes a step through sixteen tables, 16 KiB in all: over 1 GB/s, where a shard gives 2 MiB/s.
/// </summary>
internal static class Crc32
{
    private const int Slices = 16;
    private const uint ReflectedPolynomial = 0xEDB88320;

    private static readonly uint[] s_tables = CreateTables();

    /// <summary>The checksum of <paramref name="bytes"/>.</summary>
    public static uint Hash(ReadOnlySpan<byte> bytes) => Append(0, bytes);

    /// <summary>
    /// The checksum of what <paramref name="crc"/> stands for and <paramref name="bytes"/> after it; 0 stands for nothing.
    /// </summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<uint> tables = s_tables;
        crc = ~crc;
        while (bytes.Length >= Slices)
        {
            uint a = BinaryPrimitives.ReadUInt32LittleEndian(bytes) ^ crc;
            uint b = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            uint c = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
            uint d = BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]);
            crc = Step(tables, 12, a) ^ Step(tables, 8, b) ^ Step(tables, 4, c) ^ Step(tables, 0, d);
            bytes = bytes[Slices..];
        }

        foreach (byte value in bytes)
        {
            crc = (crc >> 8) ^ tables[(byte)(crc ^ value)];
        }

        return ~crc;
    }

    /// <summary>What four bytes come to, with <paramref name="after"/> more bytes of the sixteen behind them.</summary>
    private static uint Step(ReadOnlySpan<uint> tables, int after, uint word) =>
        tables[((after + 3) << 8) | (byte)word]
        ^ tables[((after + 2) << 8) | (byte)(word >> 8)]
        ^ tables[((after + 1) << 8) | (byte)(word >> 16)]
        ^ tables[(after << 8) | (byte)(word >> 24)];

    private static uint[] CreateTables()
    {
        uint[] tables = new uint[Slices << 8];
        for (int i = 0; i < 256; i++)
        {
            uint crc = (uint)i;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * ReflectedPolynomial);
            }

            tables[i] = crc;
        }

        for (int i = 256; i < tables.Length; i++)
        {
            uint before = tables[i - 256];
            tables[i] = (before >> 8) ^ tables[(byte)before];
        }

        return tables;
    }
}
