using System.Runtime.CompilerServices;

namespace FastConsumer.Tests.Kinesis;

/// <summary>
/// Keeps the tests away from the profile, the region and the credentials of whoever runs them. AWSSDK.Core reads some of
/// it once per process, so this comes before everything else.
/// </summary>
internal static class AwsIsolation
{
    /// <summary>Where the profiles of the tests are, if there are any.</summary>
    public static string ConfigFile { get; } = Path.Combine(AppContext.BaseDirectory, "aws-home", "config");

    /// <summary>Everything of the environment that AWSSDK.Core looks at.</summary>
    public static IReadOnlyList<string> Variables { get; } =
    [
        "AWS_REGION",
        "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KINESIS", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT",
        "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ];

    [ModuleInitializer]
    internal static void Isolate()
    {
        foreach (string name in Variables)
        {
            Environment.SetEnvironmentVariable(name, null);
        }

        string home = Path.GetDirectoryName(ConfigFile)!;
        Directory.CreateDirectory(home);
        string credentials = Path.Combine(home, "credentials");
        // a file that is not there at first is not looked at later
        File.WriteAllText(ConfigFile, "");
        File.WriteAllText(credentials, "");
        Environment.SetEnvironmentVariable("AWS_CONFIG_FILE", ConfigFile);
        Environment.SetEnvironmentVariable("AWS_SHARED_CREDENTIALS_FILE", credentials);
        Environment.SetEnvironmentVariable("AWS_EC2_METADATA_DISABLED", "true");
    }
}
