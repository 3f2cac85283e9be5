using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Amazon.Runtime.Internal.Auth;
using Amazon.Runtime.Internal.Util;

namespace FastConsumer.SdkBaseline;

/// <summary>SigV4 by AWSSDK.Core.</summary>
public sealed class SdkSigning
{
    private const string AccessKey = "AKIDEXAMPLE";
    private const string SecretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    private static readonly DateTime s_time = new(2026, 11, 20, 6, 55, 49, DateTimeKind.Utc);

    private readonly AWS4Signer _signer = new();
    private readonly SigningConfig _config = new()
    {
        ServiceURL = "https://kinesis.us-east-1.amazonaws.com",
        AuthenticationRegion = "us-east-1",
        AuthenticationServiceName = "kinesis"
    };
    private readonly RequestMetrics _metrics = new();

    /// <summary>Signs a request of GetRecords; the Authorization header.</summary>
    public string SignRequest(byte[] payload)
    {
        var request = new DefaultRequest(new SigningSubject(), "Amazon.Kinesis")
        {
            HttpMethod = "POST",
            ResourcePath = "/",
            Content = payload,
            Endpoint = new Uri(_config.ServiceURL),
        };
        request.Headers["X-Amz-Target"] = "Kinesis_20131202.GetRecords";
        request.Headers["Content-Type"] = "application/x-amz-json-1.1";
        return _signer.SignRequest(request, _config, _metrics, AccessKey, SecretKey).ForAuthorizationHeader;
    }

    /// <summary>Signs a canonical request that is there already.</summary>
    public string ComputeSignature() => AWS4Signer.ComputeSignature(
        AccessKey, SecretKey, "us-east-1", s_time, "kinesis", "content-type;host;x-amz-date;x-amz-target", "POST\n/\n\n",
        _metrics).ForAuthorizationHeader;

    private sealed class SigningSubject : AmazonWebServiceRequest;
}
