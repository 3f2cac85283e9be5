namespace FastConsumer.Kinesis;

/// <summary>What a caller can do about a failed call.</summary>
public enum KinesisErrorKind
{
    /// <summary>The caller's mistake; the same call fails again.</summary>
    Client,

    /// <summary>ProvisionedThroughputExceeded, LimitExceeded, KMSThrottling: back off.</summary>
    Throttled,

    /// <summary>The iterator is older than five minutes, or is not one: ask for a new one.</summary>
    ExpiredIterator,

    /// <summary>Stream, shard or consumer is not there.</summary>
    NotFound,

    /// <summary>Credentials, permissions or a KMS key refuse; repairs come from outside, so retry slowly.</summary>
    Denied,

    /// <summary>The resource is busy: wait.</summary>
    ResourceInUse,

    /// <summary>5xx, a time-out, a broken connection: back off and retry.</summary>
    Unavailable,

    /// <summary>The answer cannot be decoded.</summary>
    InvalidResponse,
}

/// <summary>
/// A call to Kinesis that failed. Its message names the operation, the error, the remedy where one is known, and the request's ids.
/// </summary>
public class KinesisException : Exception
{
    /// <summary>Creates the exception; <paramref name="message"/> is complete.</summary>
    public KinesisException(string message, KinesisErrorKind kind, string? errorCode = null, Exception? innerException = null)
        : base(message, innerException)
    {
        Kind = kind;
        ErrorCode = errorCode;
    }

    /// <summary>What a caller can do about it.</summary>
    public KinesisErrorKind Kind { get; }

    /// <summary>The service's own name of the error, for example <c>ExpiredIteratorException</c>.</summary>
    public string? ErrorCode { get; }

    /// <summary>The HTTP status, where there was an answer.</summary>
    public int? StatusCode { get; init; }

    /// <summary><c>x-amzn-RequestId</c>, where there was one.</summary>
    public string? RequestId { get; init; }

    /// <summary><c>x-amz-id-2</c>, where there was one.</summary>
    public string? ExtendedRequestId { get; init; }
}
