using Amazon.Extensions.NETCore.Setup;
using Amazon.Runtime;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Hosting;

/// <summary>
/// What an application says for all of its AWS clients: the <see cref="AWSOptions"/> in the host's services (<c>AddDefaultAWSOptions</c>), or else
/// the configuration section <c>AWS</c>. It counts for what the options of a consumer leave open, before environment variables and profiles.
/// </summary>
/// <param name="Region">The region's system name; null where none is set.</param>
/// <param name="ServiceUrl">The endpoint of all services; null where none is set.</param>
/// <param name="Credentials">The credentials, of the profile or role where one is named; null to find them as every AWS SDK does.</param>
public sealed record AwsDefaults(string? Region, string? ServiceUrl, AWSCredentials? Credentials)
{
    /// <summary>The defaults of an application that sets none.</summary>
    public static AwsDefaults None { get; } = new(null, null, null);

    /// <summary>Finds the defaults of a host.</summary>
    /// <param name="services">The host's services.</param>
    /// <exception cref="ConfigurationException">Section <c>AWS</c> has a value that cannot be read.</exception>
    public static AwsDefaults Find(IServiceProvider services)
    {
        ArgumentNullException.ThrowIfNull(services);
        AWSOptions? options = services.GetService<AWSOptions>() ?? services.GetService<IConfiguration>()?.GetAWSOptions();
        if (options is null)
        {
            return None;
        }

        bool namesCredentials = options.Credentials is not null || !string.IsNullOrEmpty(options.Profile) || !string.IsNullOrEmpty(options.SessionRoleArn);
        string? url = options.DefaultClientConfig.ServiceURL;
        return new AwsDefaults(
            options.Region?.SystemName, string.IsNullOrEmpty(url) ? null : url, namesCredentials ? options.GetCredentials() : null);
    }
}
