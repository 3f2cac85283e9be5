using Amazon.Runtime;
using BenchmarkDotNet.Attributes;
using FastConsumer.Kinesis.Signing;
using FastConsumer.SdkBaseline;

namespace FastConsumer.Benchmarks;

/// <summary>Signing one GetRecords request.</summary>
[MemoryDiagnoser(displayGenColumns: false)]
public class SigningBenchmarks
{
    private const string Time = "20261120T065549Z";
    private static readonly ImmutableCredentials s_credentials = new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", null);
    private static readonly SignedHeader[] s_headers =
    [
        new("content-type", "application/x-amz-cbor-1.1"),
        new("host", "kinesis.us-east-1.amazonaws.com"),
        new("x-amz-date", Time),
        new("x-amz-target", "Kinesis_20131202.GetRecords"),
    ];

    private readonly RequestSigner _signer = new("us-east-1");
    private readonly SdkSigning _sdk = new();
    private readonly byte[] _payload = new byte[256];

    /// <summary>The whole request, by the SDK's signer as its pipeline calls it.</summary>
    [Benchmark(Baseline = true)]
    public int SdkRequest() => _sdk.SignRequest(_payload).Length;

    /// <summary>The last part only: from the canonical request to the signature.</summary>
    [Benchmark]
    public int SdkSignatureOnly() => _sdk.ComputeSignature().Length;

    /// <summary>The whole request, into a stack span.</summary>
    [Benchmark]
    public int FastSignature()
    {
        Span<char> signature = stackalloc char[SignatureV4.SignatureLength];
        _signer.Sign(s_credentials, Time, Request, signature);
        return signature[0];
    }

    /// <summary>The whole request, with the header's text, the one string that HTTP's headers need.</summary>
    [Benchmark]
    public int FastHeader() => _signer.Authorize(s_credentials, Time, Request).Length;

    private SigningRequest Request => new() { Method = "POST", Path = "/", Headers = s_headers, Payload = _payload };
}
