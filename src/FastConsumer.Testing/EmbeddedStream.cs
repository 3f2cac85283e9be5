namespace FastConsumer.Testing;

/// <summary>
/// A stream to create, with what the service sets by several calls. See <see cref="EmbeddedKinesis.CreateStream(EmbeddedStream)"/>.
/// </summary>
/// <param name="Name">1 to 128 letters, digits, '_', '.' and '-'.</param>
public sealed record EmbeddedStream(string Name)
{
    /// <summary>The shards of a provisioned stream, 1 by default; null makes it an on-demand one, with four shards.</summary>
    public int? ShardCount { get; init; } = 1;

    /// <summary>How long records are kept, 24 (the default) to 8,760 hours.</summary>
    public int RetentionHours { get; init; } = 24;

    /// <summary>The largest record's data in bytes, 1 MiB to 10 MiB in whole KiB; null for that of the options.</summary>
    public int? MaxRecordBytes { get; init; }

    /// <summary>The KMS key that the stream is said to be encrypted with; null (the default) for none. No key is asked for.</summary>
    public string? EncryptionKeyId { get; init; }

    /// <summary>At most fifty; none by default.</summary>
    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();

    /// <summary>The names of registered fan-out consumers, at most twenty; none by default.</summary>
    public IReadOnlyList<string> Consumers { get; init; } = [];
}
