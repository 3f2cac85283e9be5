using Amazon.Runtime;
using Amazon.Runtime.Endpoints;
using Amazon.Runtime.Internal;

namespace FastConsumer.SdkBaseline.Replica;

/// <summary>The client's configuration: one endpoint, given as ServiceURL.</summary>
public sealed class ReplicaKinesisConfig : ClientConfig
{
    public ReplicaKinesisConfig()
        : base(new DefaultConfigurationProvider(
        [
            new DefaultConfiguration { Name = DefaultConfigurationMode.Standard, RetryMode = RequestRetryMode.Standard },
        ]))
    {
        EndpointProvider = new OneEndpoint(this);
        DefaultConfigurationMode = Amazon.Runtime.DefaultConfigurationMode.Standard;
        AuthenticationServiceName = "kinesis";
    }

    public override string ServiceVersion => "2013-12-02";

    public override string UserAgent => "replica";

    public override string RegionEndpointServiceName => "kinesis";

    public override Endpoint DetermineServiceOperationEndpoint(ServiceOperationEndpointParameters parameters) => new(ServiceURL);

    private sealed class OneEndpoint(ReplicaKinesisConfig config) : IEndpointProvider
    {
        public Endpoint ResolveEndpoint(EndpointParameters parameters) => new(config.ServiceURL);
    }
}
