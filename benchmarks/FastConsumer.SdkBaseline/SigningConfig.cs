using Amazon.Runtime;
using Amazon.Runtime.Endpoints;
using Amazon.Runtime.Internal;

namespace FastConsumer.SdkBaseline;

/// <summary>What the SDK's signer wants to know of a client.</summary>
internal sealed class SigningConfig()
    : ClientConfig(new DefaultConfigurationProvider([new DefaultConfiguration { Name = Amazon.Runtime.DefaultConfigurationMode.Standard }]))
{
    public override string ServiceVersion => "2013-12-02";

    public override string UserAgent => "signing";

    public override string RegionEndpointServiceName => "kinesis";

    public override Endpoint DetermineServiceOperationEndpoint(ServiceOperationEndpointParameters parameters) => new(ServiceURL);
}
