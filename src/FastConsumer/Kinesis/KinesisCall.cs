using System.Net.Http.Headers;
using FastConsumer.Buffers;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Kinesis;

/// <summary>The members of a request, written once for each attempt.</summary>
internal interface IRequestBody
{
    void Write(WireWriter writer);
}

/// <summary>Reads a successful answer; may take the body's array over.</summary>
internal delegate T AnswerDecoder<T>(WireFormat? format, PooledBufferWriter body, HttpResponseHeaders headers);

/// <summary>Takes a successful answer over before its body has come.</summary>
internal delegate T AnswerOpener<T>(HttpResponseMessage response, Stream body, ConnectionPool.Generation connections, FailureFactory fail);

/// <summary>Words a failure of a call that has been answered, with the call's facts.</summary>
internal delegate KinesisException FailureFactory(string text, KinesisErrorKind kind, Exception? innerException, string? code);

/// <summary>For calls that are rare enough for a closure.</summary>
internal sealed class WrittenBody(Action<WireWriter> write) : IRequestBody
{
    public void Write(WireWriter writer) => write(writer);
}

/// <summary>What stays the same in all attempts of one call.</summary>
internal sealed record KinesisCall<T>(KinesisOperation Operation, ServiceEndpoint Endpoint, IRequestBody Body)
{
    /// <summary>What it is done to, for messages, where that is not <see cref="Stream"/> alone.</summary>
    public string? Subject { get; init; }

    public StreamIdentifier Stream { get; init; }

    /// <summary>Which credentials the attempt under way is signed with: the id, which is no secret.</summary>
    public string? AccessKeyId { get; set; }

    /// <summary>Set where the answer is read as a whole.</summary>
    public AnswerDecoder<T>? Decode { get; init; }

    /// <summary>Set where the answer is a stream.</summary>
    public AnswerOpener<T>? Open { get; init; }

    /// <summary>A failure in these words, with the remedy and the call's facts.</summary>
    public KinesisException Fail(
        string text, KinesisErrorKind kind, Exception? innerException = null, string? code = null, HttpResponseMessage? response = null)
    {
        string? requestId = response?.Headers.TextOf("x-amzn-RequestId");
        string? extendedRequestId = response?.Headers.TextOf("x-amz-id-2");
        string facts = Endpoint.ToString();
        if (response is not null)
        {
            facts += $", HTTP {(int)response.StatusCode}";
        }

        if (requestId is not null)
        {
            facts += $", request id {requestId}";
        }

        if (extendedRequestId is not null)
        {
            facts += $", extended request id {extendedRequestId}";
        }

        return new KinesisException(
            $"{Operation.Name} on {Subject ?? $"stream '{Stream}'"} failed: "
                + $"{text}{ErrorCatalog.Remedy(Operation, kind, code, AccessKeyId)} [{facts}]",
            kind,
            code,
            innerException)
        {
            StatusCode = response is null ? null : (int)response.StatusCode,
            RequestId = requestId,
            ExtendedRequestId = extendedRequestId,
        };
    }
}
