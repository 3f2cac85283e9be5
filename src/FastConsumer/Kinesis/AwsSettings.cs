using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using Amazon.Runtime.Endpoints;
using Amazon.Runtime.Internal;

namespace FastConsumer.Kinesis;

/// <summary>
/// What AWSSDK.Core finds for a client whose service id is Kinesis: the configured endpoint and the region. It is never
/// used for requests.
/// </summary>
internal sealed class AwsSettings : ClientConfig
{
    public AwsSettings(string? profile)
        : base(new NoDefaults())
    {
        // makes AWS_ENDPOINT_URL_KINESIS and the profile's services section count
        ServiceId = "Kinesis";
        if (profile is not null)
        {
            Profile = new Profile(profile);
        }
    }

    public override string ServiceVersion => "2013-12-02";

    public override string UserAgent => "FastConsumer";

    public override string RegionEndpointServiceName => "kinesis";

    /// <summary>The configured endpoint, or null.</summary>
    public string? FindServiceUrl() => string.IsNullOrEmpty(ServiceURL) ? null : ServiceURL;

    /// <summary>The region, or null: the environment's, the profile's, the instance's.</summary>
    public string? FindRegion()
    {
        // The SDK asks its default profile only, so a profile that was named comes in here, behind the environment.
        string? environment = Environment.GetEnvironmentVariable("AWS_REGION");
        if (Profile is not null && string.IsNullOrEmpty(environment)
            && new CredentialProfileStoreChain(Profile.Location).TryGetProfile(Profile.Name, out CredentialProfile profile)
            && profile.Region is not null)
        {
            return profile.Region.SystemName;
        }

        return RegionEndpoint?.SystemName;
    }

    public override Endpoint DetermineServiceOperationEndpoint(ServiceOperationEndpointParameters parameters) =>
        throw new NotSupportedException("The Kinesis client resolves its endpoints itself.");

    /// <summary>The SDK's own HTTP defaults are not used here.</summary>
    private sealed class NoDefaults : IDefaultConfigurationProvider
    {
        public IDefaultConfiguration GetDefaultConfiguration(
            RegionEndpoint clientRegion, DefaultConfigurationMode? requestedConfigurationMode = null) =>
            throw new NotSupportedException("The Kinesis client has its own HTTP settings.");
    }
}
