using System.Buffers;
using System.Text.Json;
using Amazon.Runtime;
using Amazon.Runtime.Credentials.Internal;
using Amazon.Runtime.Endpoints;
using Amazon.Runtime.Internal;
using Amazon.Runtime.Internal.Auth;
using Amazon.Runtime.Internal.Transform;

namespace FastConsumer.SdkBaseline.Replica;

/// <summary>A client on the SDK's own pipeline: its retries, its signer, its HTTP layer, its streaming unmarshaller.</summary>
public sealed class ReplicaKinesisClient(AWSCredentials credentials, ReplicaKinesisConfig config) : AmazonServiceClient(credentials, config)
{
    public Task<GetRecordsResponse> GetRecordsAsync(GetRecordsRequest request, CancellationToken cancellationToken) =>
        InvokeAsync<GetRecordsResponse>(
            request,
            new InvokeOptions
            {
                RequestMarshaller = GetRecordsMarshaller.Instance,
                ResponseUnmarshaller = GetRecordsResponseUnmarshaller.Instance
            },
            cancellationToken);

    protected override void CustomizeRuntimePipeline(RuntimePipeline pipeline)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        pipeline.RemoveHandler<EndpointResolver>();
        pipeline.AddHandlerAfter<Marshaller>(new ReplicaEndpointResolver());
        pipeline.AddHandlerAfter<ReplicaEndpointResolver>(new ReplicaAuthResolver());
    }

    private sealed class ReplicaEndpointResolver : BaseEndpointResolver
    {
        protected override EndpointParameters MapEndpointsParameters(IRequestContext requestContext) => new();
    }

    private sealed class ReplicaAuthResolver : BaseAuthResolverHandler
    {
        protected override List<IAuthSchemeOption> ResolveAuthOptions(IExecutionContext executionContext) =>
            [new AuthSchemeOption { SchemeId = "aws.auth#sigv4" }];
    }

    private sealed class GetRecordsMarshaller : IMarshaller<IRequest, AmazonWebServiceRequest>
    {
        public static GetRecordsMarshaller Instance { get; } = new();

        public IRequest Marshall(AmazonWebServiceRequest input)
        {
            var request = (GetRecordsRequest)input;
            var body = new ArrayBufferWriter<byte>();
            using (var writer = new Utf8JsonWriter(body))
            {
                writer.WriteStartObject();
                if (request.Limit is int limit)
                {
                    writer.WriteNumber("Limit", limit);
                }

                writer.WriteString("ShardIterator", request.ShardIterator);
                writer.WriteEndObject();
            }

            var http = new DefaultRequest(request, "Amazon.Kinesis")
            {
                HttpMethod = "POST",
                ResourcePath = "/",
                Content = body.WrittenSpan.ToArray(),
            };
            http.Headers["X-Amz-Target"] = "Kinesis_20131202.GetRecords";
            http.Headers["Content-Type"] = "application/x-amz-json-1.1";
            return http;
        }
    }
}
