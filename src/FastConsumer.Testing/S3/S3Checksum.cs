using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace FastConsumer.Testing.S3;

/// <summary>One of the service's checksums, as its headers have it.</summary>
/// <param name="name">Its name in XML and in <c>x-amz-checksum-algorithm</c>.</param>
/// <param name="compute">The checksum of bytes, in network order.</param>
internal sealed class S3Checksum(string name, Func<ReadOnlySpan<byte>, byte[]> compute)
{
    // polynomials with their bits reversed
    private static readonly ulong[] s_crc32 = Table(0xEDB8_8320);
    private static readonly ulong[] s_crc32C = Table(0x82F6_3B78);
    private static readonly ulong[] s_crc64Nvme = Table(0x9A6C_9329_AC4B_C9B5);

    public static readonly S3Checksum Crc64Nvme = new("CRC64NVME", static bytes =>
    {
        byte[] result = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(result, Crc(bytes, s_crc64Nvme, ulong.MaxValue) ^ ulong.MaxValue);
        return result;
    });

    public static readonly IReadOnlyList<S3Checksum> All =
    [
        new("CRC32", static bytes => Crc32(bytes, s_crc32)),
        new("CRC32C", static bytes => Crc32(bytes, s_crc32C)),
        Crc64Nvme,
        new("SHA1", Sha1),
        new("SHA256", static bytes => SHA256.HashData(bytes)),
    ];

    public string Name => name;

    /// <summary><c>x-amz-checksum-crc32</c> and the like.</summary>
    public string Header { get; } = $"x-amz-checksum-{name.ToLowerInvariant()}";

    /// <summary><c>ChecksumCRC32</c> and the like.</summary>
    public string Element { get; } = $"Checksum{name}";

    public static S3Checksum Of(string name) =>
        All.FirstOrDefault(one => string.Equals(one.Name, name, StringComparison.OrdinalIgnoreCase))
        ?? throw S3Exception.InvalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
            + "[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");

    public string Compute(ReadOnlySpan<byte> bytes) => Convert.ToBase64String(compute(bytes));

    /// <summary>The checksum of the parts' checksums, and their number.</summary>
    public string Compose(IReadOnlyCollection<string> parts) =>
        $"{Compute(parts.SelectMany(Convert.FromBase64String).ToArray())}-{parts.Count}";

    [SuppressMessage("Security", "CA5350", Justification = "S3 has it as a checksum")]
    private static byte[] Sha1(ReadOnlySpan<byte> bytes) => SHA1.HashData(bytes);

    private static byte[] Crc32(ReadOnlySpan<byte> bytes, ulong[] table)
    {
        byte[] result = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(result, (uint)(Crc(bytes, table, uint.MaxValue) ^ uint.MaxValue));
        return result;
    }

    private static ulong Crc(ReadOnlySpan<byte> bytes, ulong[] table, ulong crc)
    {
        foreach (byte b in bytes)
        {
            crc = table[(byte)(crc ^ b)] ^ (crc >> 8);
        }

        return crc;
    }

    private static ulong[] Table(ulong polynomial)
    {
        ulong[] table = new ulong[256];
        for (uint i = 0; i < table.Length; i++)
        {
            ulong value = i;
            for (int bit = 0; bit < 8; bit++)
            {
                value = (value & 1) == 0 ? value >> 1 : (value >> 1) ^ polynomial;
            }

            table[i] = value;
        }

        return table;
    }
}
