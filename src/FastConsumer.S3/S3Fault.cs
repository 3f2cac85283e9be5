using System.Net;
using Amazon.Runtime;
using FastConsumer.Checkpoints;

namespace FastConsumer.S3;

/// <summary>What a failed request means, and what to say of it.</summary>
internal static class S3Fault
{
    /// <summary>True where an object of this name is there already.</summary>
    public static bool IsPreconditionFailed(Exception exception) =>
        exception is AmazonServiceException { StatusCode: HttpStatusCode.PreconditionFailed };

    /// <summary>True where another write of the same key was under way: to be tried again.</summary>
    public static bool IsConflict(Exception exception) => exception is AmazonServiceException { StatusCode: HttpStatusCode.Conflict };

    /// <summary>True where the upload is gone: completed by a request whose answer was lost, or aborted.</summary>
    public static bool IsNoSuchUpload(Exception exception) => exception is AmazonServiceException { ErrorCode: "NoSuchUpload" };

    /// <summary>True where there is no such object. A HEAD tells no bucket from no object.</summary>
    public static bool IsMissing(Exception exception) => exception is AmazonServiceException
    {
        StatusCode: HttpStatusCode.NotFound,
    } and not AmazonServiceException { ErrorCode: "NoSuchBucket" };

    public static bool IsInvalidRange(Exception exception) =>
        exception is AmazonServiceException { StatusCode: HttpStatusCode.RequestedRangeNotSatisfiable };

    /// <summary>True where the server knows no conditional writes at all.</summary>
    public static bool IsNotImplemented(Exception exception) => exception is AmazonServiceException
    {
        StatusCode: HttpStatusCode.NotImplemented,
    };

    /// <summary>The exception to hand on, with a complete message.</summary>
    /// <param name="exception">What the SDK threw.</param>
    /// <param name="operation">The operation.</param>
    /// <param name="action">The IAM action that it needs.</param>
    /// <param name="place">The store, as it describes itself.</param>
    /// <param name="bucket">The bucket's name.</param>
    /// <param name="key">The object's key; null where the bucket is meant.</param>
    /// <param name="timeout">How long a request may take.</param>
    public static CheckpointStoreException Translate(
        Exception exception, string operation, string action, string place, string bucket, string? key, TimeSpan timeout) =>
        exception switch
        {
            CheckpointStoreException known => known,
            AmazonServiceException service => Translate(service, operation, action, place, bucket, key),
            TimeoutException or OperationCanceledException or AmazonClientException { InnerException: OperationCanceledException } =>
                new CheckpointStoreException(
                    $"S3 did not answer {operation} on {place} within {timeout.TotalSeconds:0.###} s (S3CheckpointOptions.RequestTimeout).",
                    isTransient: true,
                    exception),
            AmazonClientException client when !IsOfNetwork(client) => new CheckpointStoreException(
                $"No usable AWS credentials or configuration for {place}: {OneLine(client.Message)} Set credentials (environment, profile, "
                    + "container or instance role, or S3CheckpointOptions.Credentials).",
                isTransient: false,
                exception),
            _ => new CheckpointStoreException(
                $"S3 cannot be reached for {operation} on {place}: {OneLine(exception.Message)} Check the network, the region, and the "
                    + "endpoint (S3CheckpointOptions.ServiceUrl, AWS_ENDPOINT_URL_S3).",
                isTransient: true,
                exception),
        };

    private static CheckpointStoreException Translate(
        AmazonServiceException exception, string operation, string action, string place, string bucket, string? key)
    {
        string resource = key is null ? $"arn:aws:s3:::{bucket}" : $"arn:aws:s3:::{bucket}/{key}";
        // the answer to a HEAD has no code
        string code = exception.ErrorCode is { Length: > 0 } found ? found : $"{exception.StatusCode}";
        return code switch
        {
            "AccessDenied" or "AllAccessDisabled" or "Forbidden" => Permanent(
                $"S3 denied {action} on {resource} ({operation} on {place}). Allow this action to the worker's role or user"
                    + (action == "s3:GetObject" ? ", and s3:ListBucket on the bucket, without which a missing object is denied too" : "")
                    + $". It says: {OneLine(exception.Message)}"),
            "NoSuchBucket" => Permanent(
                $"The bucket '{bucket}' does not exist ({operation} on {place}). Create it, or name another one "
                    + "(S3CheckpointOptions.Bucket)."),
            "PermanentRedirect" or "AuthorizationHeaderMalformed" or "IllegalLocationConstraintException" or "TemporaryRedirect"
                or "MovedPermanently" => Permanent(
                    $"The bucket '{bucket}' is in another region ({operation} on {place}): {OneLine(exception.Message)} Set the region of "
                        + "the bucket (S3CheckpointOptions.Region)."),
            // such a message may quote what was signed, the session token among it
            "SignatureDoesNotMatch" or "InvalidSignatureException" => new CheckpointStoreException(
                $"S3 did not accept the signature of {operation} on {place} ({code}). Check the secret key, the region and the machine's "
                    + "clock.",
                isTransient: false),
            "InvalidAccessKeyId" or "InvalidToken" or "InvalidClientTokenId" => Permanent(
                $"S3 does not know the credentials used for {operation} on {place} ({code}). Check the access key, its account and its "
                    + "partition."),
            "ExpiredToken" or "ExpiredTokenException" => new CheckpointStoreException(
                $"The credentials used for {operation} on {place} have expired, and were not refreshed.", isTransient: true, exception),
            "RequestTimeTooSkewed" => Permanent(
                $"S3 did not accept {operation} on {place}: the machine's clock is too far from S3's. Set it by NTP."),
            "SlowDown" or "Throttling" or "ThrottlingException" or "RequestLimitExceeded" or "TooManyRequests" =>
                new CheckpointStoreException(
                    $"S3 takes {operation} on {place} for too much at a time ({code}). It adapts by itself to a higher rate; take "
                        + "checkpoints less often (Checkpointing:Interval) where it goes on.",
                    isTransient: true,
                    exception)
                {
                    IsThrottled = true,
                },
            _ => new CheckpointStoreException(
                $"S3 failed {operation} on {resource} ({code}, HTTP {(int)exception.StatusCode}): {OneLine(exception.Message)}",
                isTransient: exception.StatusCode is >= HttpStatusCode.InternalServerError or HttpStatusCode.RequestTimeout
                    or HttpStatusCode.Conflict or HttpStatusCode.OK or 0,
                exception),
        };

        CheckpointStoreException Permanent(string message) => new(message, isTransient: false, exception);
    }

    private static bool IsOfNetwork(Exception exception) => exception is HttpRequestException or IOException
        || (exception.InnerException is { } inner && IsOfNetwork(inner));

    public static string OneLine(string message)
    {
        string line = string.Join(' ', message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.EndsWith('.') ? line : line + ".";
    }
}
