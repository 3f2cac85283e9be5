using Amazon.Runtime;
using Amazon.Runtime.Internal.Transform;
#if AWSSDK_KINESIS
using Amazon;
using Amazon.Kinesis;
using Amazon.Kinesis.Model;
using Amazon.Kinesis.Model.Internal.MarshallTransformations;
#else
using FastConsumer.SdkBaseline.Replica;
#endif

namespace FastConsumer.SdkBaseline;

/// <summary>GetRecords the AWS SDK's way, by the real AWSSDK.Kinesis or by the replica, whichever was compiled in.</summary>
public sealed class SdkKinesis : IDisposable
{
#if AWSSDK_KINESIS
    /// <summary>What is behind it.</summary>
    public const string Description = "AWSSDK.Kinesis";

    private readonly AmazonKinesisClient _client;

    /// <param name="serviceUrl">Where it sends its requests.</param>
    /// <param name="region">What it signs them for.</param>
    /// <param name="handler">Answers in the network's place; the caller disposes it.</param>
    public SdkKinesis(string serviceUrl, string region, HttpMessageHandler? handler = null)
    {
        var config = new AmazonKinesisConfig { ServiceURL = serviceUrl, AuthenticationRegion = region };
        Take(config, handler);
        _client = new AmazonKinesisClient(new BasicAWSCredentials("load", "test"), config);
    }
#else
    /// <summary>What is behind it.</summary>
    public const string Description = "replica of AWSSDK.Kinesis on AWSSDK.Core";

    private readonly ReplicaKinesisClient _client;

    /// <param name="serviceUrl">Where it sends its requests.</param>
    /// <param name="region">What it signs them for.</param>
    /// <param name="handler">Answers in the network's place; the caller disposes it.</param>
    public SdkKinesis(string serviceUrl, string region, HttpMessageHandler? handler = null)
    {
        var config = new ReplicaKinesisConfig { ServiceURL = serviceUrl, AuthenticationRegion = region };
        Take(config, handler);
        _client = new ReplicaKinesisClient(new BasicAWSCredentials("load", "test"), config);
    }
#endif

    /// <summary>One call, and what a consumer's loop does with its answer; the answer is the next iterator.</summary>
    public async Task<string?> ReadAsync(string shardIterator, int limit, Action<MemoryStream> handle, CancellationToken cancellationToken)
    {
        GetRecordsResponse response = await _client.GetRecordsAsync(
            new GetRecordsRequest { ShardIterator = shardIterator, Limit = limit }, cancellationToken);
        foreach (Record record in response.Records)
        {
            handle(record.Data);
        }

        return response.NextShardIterator;
    }

    /// <summary>Decodes an answer as the SDK does; the number of its records.</summary>
    public static int Decode(byte[] json)
    {
        using var body = new MemoryStream(json);
        using var context = new JsonUnmarshallerContext(body, false, null, false);
        var response = (GetRecordsResponse)GetRecordsResponseUnmarshaller.Instance.Unmarshall(context);
        return response.Records.Count;
    }

#if !AWSSDK_KINESIS
    /// <summary>As the first packages of version 4 did it.</summary>
    public static int DecodeAsFirstV4(byte[] json)
    {
        using var body = new MemoryStream(json);
        using var context = new JsonUnmarshallerContext(body, false, null, false);
        var response = (GetRecordsResponse)FirstGetRecordsResponseUnmarshaller.Instance.Unmarshall(context);
        return response.Records.Count;
    }
#endif

    public void Dispose() => _client.Dispose();

    private static void Take(ClientConfig config, HttpMessageHandler? handler)
    {
        if (handler is not null)
        {
            config.HttpClientFactory = new HandlerFactory(handler);
        }
    }

    private sealed class HandlerFactory(HttpMessageHandler handler) : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => new(handler, disposeHandler: false);

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

        public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;
    }
}
