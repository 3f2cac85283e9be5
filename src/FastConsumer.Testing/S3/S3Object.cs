using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace FastConsumer.Testing.S3;

/// <summary>An object; immutable.</summary>
internal sealed record S3Object(string Key, byte[] Content, string ETag, DateTimeOffset LastModified)
{
    public S3Checksum Checksum { get; init; } = S3Checksum.Crc64Nvme;

    public string ChecksumValue { get; init; } = "";

    /// <summary>False where the checksum is one of the parts' checksums.</summary>
    public bool IsFullChecksum { get; init; } = true;

    public string? ContentType { get; init; }

    /// <summary>The headers <c>x-amz-meta-...</c> and the like, which come back as they were.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    public static S3Object Create(string key, byte[] content, DateTimeOffset now, S3Checksum? checksum = null)
    {
        checksum ??= S3Checksum.Crc64Nvme;
        return new S3Object(key, content, Convert.ToHexStringLower(Md5(content)), now)
        {
            Checksum = checksum,
            ChecksumValue = checksum.Compute(content),
        };
    }

    [SuppressMessage("Security", "CA5351", Justification = "S3 has it as an ETag and as a checksum")]
    public static byte[] Md5(ReadOnlySpan<byte> bytes) => MD5.HashData(bytes);
}

/// <summary>A part of an upload.</summary>
internal sealed record S3Part(int Number, byte[] Content, string ETag, string ChecksumValue, DateTimeOffset LastModified);

/// <summary>A multipart upload that is neither completed nor aborted. Its bucket guards it.</summary>
internal sealed class S3Upload(string id, string key, S3Checksum checksum, bool isFullChecksum, DateTimeOffset initiated)
{
    public string Id => id;

    public string Key => key;

    public S3Checksum Checksum => checksum;

    public bool IsFullChecksum => isFullChecksum;

    public DateTimeOffset Initiated => initiated;

    public string? ContentType { get; init; }

    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    public SortedDictionary<int, S3Part> Parts { get; } = [];
}
