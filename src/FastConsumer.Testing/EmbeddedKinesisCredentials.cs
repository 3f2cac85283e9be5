namespace FastConsumer.Testing;

/// <summary>The credentials that requests must be signed with.</summary>
public sealed class EmbeddedKinesisCredentials
{
    /// <summary>Creates credentials.</summary>
    /// <param name="accessKeyId">The key's id, which requests name.</param>
    /// <param name="secretAccessKey">The key, which requests are signed with.</param>
    /// <param name="sessionToken">The session's token, where they are temporary.</param>
    public EmbeddedKinesisCredentials(string accessKeyId, string secretAccessKey, string? sessionToken = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(accessKeyId);
        ArgumentException.ThrowIfNullOrEmpty(secretAccessKey);
        AccessKeyId = accessKeyId;
        SecretAccessKey = secretAccessKey;
        SessionToken = sessionToken;
    }

    /// <summary>The key's id.</summary>
    public string AccessKeyId { get; }

    internal string SecretAccessKey { get; }

    internal string? SessionToken { get; }
}
