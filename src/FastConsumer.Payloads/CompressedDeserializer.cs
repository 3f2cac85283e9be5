using System.Text;

namespace FastConsumer.Payloads;

/// <summary>
/// Reads payloads that producers compressed by gzip or zstd. Which of them it is, or none, is told by the payload's first bytes; so a
/// stream may hold a mixture, as while its producers are changed. Safe for any number of shards and lanes.
/// </summary>
/// <typeparam name="T">What is made of the decompressed bytes.</typeparam>
/// <remarks>
/// Derive from it and name the class in <c>[Deserializer(typeof(...))]</c>. What is thrown here, as by <see cref="Read"/>, is the record's
/// failure to deserialize, which the processor's error policy sees.
/// </remarks>
public abstract class CompressedDeserializer<T> : IRecordDeserializer<T>
{
    private readonly int _maxBytes;

    /// <param name="maxBytes">The most bytes that a payload may have when it is decompressed: the bound against payloads of a few bytes
    /// that become gigabytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not more than 0.</exception>
    protected CompressedDeserializer(int maxBytes = CompressedPayload.DefaultMaxBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxBytes);
        _maxBytes = maxBytes;
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The compressed payload is broken, or larger than the bound.</exception>
    public T Deserialize(KinesisRecord record)
    {
        using Decompression payload = Decompression.Of(record.Data, _maxBytes);
        return Read(payload.Bytes);
    }

    /// <summary>Makes the payload.</summary>
    /// <param name="payload">The decompressed bytes; their memory is used again after the call.</param>
    protected abstract T Read(ReadOnlySpan<byte> payload);
}

/// <summary>What compressed payloads have in common.</summary>
public static class CompressedPayload
{
    /// <summary>The default bound of a decompressed payload: 32 MiB, where a record has at most 10 MiB.</summary>
    public const int DefaultMaxBytes = 32 * 1024 * 1024;
}

/// <summary>UTF-8 text, compressed by gzip or zstd or plain.</summary>
public sealed class CompressedTextDeserializer : CompressedDeserializer<string>
{
    /// <summary>With the default bound, <see cref="CompressedPayload.DefaultMaxBytes"/>.</summary>
    public CompressedTextDeserializer()
    {
    }

    /// <inheritdoc cref="CompressedDeserializer{T}(int)"/>
    public CompressedTextDeserializer(int maxBytes)
        : base(maxBytes)
    {
    }

    /// <inheritdoc/>
    protected override string Read(ReadOnlySpan<byte> payload) => Encoding.UTF8.GetString(payload);
}

/// <summary>Bytes, compressed by gzip or zstd or plain. The handler gets memory of its own, which it may keep.</summary>
public sealed class CompressedBytesDeserializer : CompressedDeserializer<ReadOnlyMemory<byte>>
{
    /// <summary>With the default bound, <see cref="CompressedPayload.DefaultMaxBytes"/>.</summary>
    public CompressedBytesDeserializer()
    {
    }

    /// <inheritdoc cref="CompressedDeserializer{T}(int)"/>
    public CompressedBytesDeserializer(int maxBytes)
        : base(maxBytes)
    {
    }

    /// <inheritdoc/>
    protected override ReadOnlyMemory<byte> Read(ReadOnlySpan<byte> payload) => payload.ToArray();
}
