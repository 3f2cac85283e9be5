namespace FastConsumer.Aspire;

/// <summary>The variables of the environment that every AWS SDK reads, and who has given them already.</summary>
/// <param name="read">The environment of a program: what its resource says, else what it takes over from the app host.</param>
/// <param name="home">The folder of the user, where the shared AWS files are.</param>
internal sealed class AwsVariables(Func<string, string?> read, string home)
{
    public const string KinesisEndpoint = "AWS_ENDPOINT_URL_KINESIS";
    public const string Region = "AWS_REGION";
    public const string AccessKeyId = "AWS_ACCESS_KEY_ID";
    public const string SecretAccessKey = "AWS_SECRET_ACCESS_KEY";

    /// <summary>Of AWS' own form, though the emulator takes any.</summary>
    public const string LocalCredential = "local";

    private const string ProfileVariable = "AWS_PROFILE";

    private static readonly string[] s_credentialVariables =
    [
        AccessKeyId, SecretAccessKey, ProfileVariable, "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ];

    private static readonly string[] s_credentialKeys =
    [
        "aws_access_key_id", "credential_process", "credential_source", "login_session", "role_arn", "source_profile", "sso_session",
        "sso_start_url", "web_identity_token_file",
    ];

    /// <summary>Whether the program has credentials, or is told where to find some.</summary>
    public bool HasCredentials => s_credentialVariables.Any(Has) || ProfileHas(s_credentialKeys);

    public bool HasRegion => Has(Region) || ProfileHas("region");

    private bool Has(string variable) => !string.IsNullOrEmpty(read(variable));

    private string Value(string variable, string otherwise) => read(variable) is { Length: > 0 } value ? value : otherwise;

    private bool ProfileHas(params string[] keys)
    {
        string profile = Value(ProfileVariable, "default");
        string folder = Path.Combine(home, ".aws");
        return Keys(Value("AWS_SHARED_CREDENTIALS_FILE", Path.Combine(folder, "credentials")), [$"[{profile}]"])
            .Concat(Keys(Value("AWS_CONFIG_FILE", Path.Combine(folder, "config")), [$"[{profile}]", $"[profile {profile}]"]))
            .Intersect(keys, StringComparer.OrdinalIgnoreCase)
            .Any();
    }

    private static IEnumerable<string> Keys(string path, string[] headings)
    {
        if (!File.Exists(path))
        {
            yield break;
        }

        bool isInside = false;
        foreach (string line in File.ReadLines(path).Select(static line => line.Trim()))
        {
            if (line.StartsWith('['))
            {
                isInside = headings.Contains(line, StringComparer.Ordinal);
            }
            else if (isInside && line.IndexOf('=', StringComparison.Ordinal) is > 0 and int end)
            {
                yield return line[..end].TrimEnd();
            }
        }
    }
}
