namespace FastConsumer.Kinesis;

/// <summary>What each error of the service means to a caller, and what helps against it.</summary>
internal static class ErrorCatalog
{
    /// <summary>The kind of an error.</summary>
    public static KinesisErrorKind Classify(KinesisOperation operation, int status, string? code) => code switch
    {
        "ProvisionedThroughputExceededException" or "LimitExceededException" or "KMSThrottlingException" or "ThrottlingException"
            or "Throttling" or "ThrottledException" or "RequestThrottled" or "RequestThrottledException" or "RequestLimitExceeded"
            or "TooManyRequestsException" or "SlowDown" or "BandwidthLimitExceeded" => KinesisErrorKind.Throttled,
        "ExpiredIteratorException" => KinesisErrorKind.ExpiredIterator,
        // its iterator is the only argument of GetRecords that the service may find wrong: the limit was checked
        "InvalidArgumentException" or "ValidationException"
            when operation == KinesisOperation.GetRecords => KinesisErrorKind.ExpiredIterator,
        "ResourceNotFoundException" => KinesisErrorKind.NotFound,
        "ResourceInUseException" => KinesisErrorKind.ResourceInUse,
        "InternalFailure" or "InternalFailureException" or "InternalServerError" or "InternalServerException" or "ServiceUnavailable"
            or "ServiceUnavailableException" or "RequestTimeout" or "RequestTimeoutException"
            or "InternalError" => KinesisErrorKind.Unavailable,
        _ when IsKey(code) || IsPermission(code) || IsCredentials(code) || IsClock(code) => KinesisErrorKind.Denied,
        _ when status == 429 => KinesisErrorKind.Throttled,
        _ when status is 401 or 403 => KinesisErrorKind.Denied,
        _ when status >= 500 || status == 408 => KinesisErrorKind.Unavailable,
        _ when status >= 400 => KinesisErrorKind.Client,
        _ => KinesisErrorKind.InvalidResponse,
    };

    /// <summary>True for errors of a clock that is off, or that such a clock causes.</summary>
    public static bool IsClock(string? code) => code is "RequestTimeTooSkewed" or "RequestExpired" or "RequestInTheFuture"
        or "InvalidSignatureException" or "SignatureDoesNotMatch" or "AuthFailure";

    /// <summary>True where the time itself is the complaint, not only a possible cause.</summary>
    public static bool NamesClock(string? code) => code is "RequestTimeTooSkewed" or "RequestExpired" or "RequestInTheFuture";

    /// <summary>True where the service does not know or no longer takes the credentials.</summary>
    public static bool IsCredentials(string? code) => code is "UnrecognizedClientException" or "InvalidClientTokenId" or "ExpiredToken"
        or "ExpiredTokenException" or "MissingAuthenticationToken" or "MissingAuthenticationTokenException" or "IncompleteSignature"
        or "IncompleteSignatureException" or "InvalidAccessKeyId" or "OptInRequired";

    /// <summary>True where a policy does not allow the call.</summary>
    public static bool IsPermission(string? code) =>
        code is "AccessDeniedException" or "AccessDenied" or "NotAuthorized" or "UnauthorizedOperation";

    /// <summary>True where a server may refuse the encoding of the request rather than its content.</summary>
    public static bool RefusesEncoding(int status, string? code) => status == 415
        || code is "SerializationException" or "UnsupportedMediaTypeException" or "UnknownOperationException"
        || (status is 400 or 406 && code is null);

    /// <summary>What the reader of the message can do.</summary>
    /// <param name="operation">What was asked for.</param>
    /// <param name="kind">The kind of the error.</param>
    /// <param name="code">Its name.</param>
    /// <param name="accessKeyId">Whose request it was.</param>
    public static string Remedy(KinesisOperation operation, KinesisErrorKind kind, string? code, string? accessKeyId) => kind switch
    {
        KinesisErrorKind.NotFound => " Check the name, region and account.",
        KinesisErrorKind.Denied when IsKey(code) =>
            $" The stream is encrypted: check that the KMS key is enabled and that the caller (access key id {accessKeyId}) may use it "
            + $"({(operation.Retry == RetryRule.Put ? "kms:GenerateDataKey" : "kms:Decrypt")}).",
        KinesisErrorKind.Denied when NamesClock(code) => " Check this machine's clock.",
        KinesisErrorKind.Denied when IsClock(code) || IsCredentials(code) =>
            " Check the access key, its secret and session token, that they belong to this region's partition, and this machine's clock.",
        KinesisErrorKind.Denied =>
            $" The permission kinesis:{operation.Name} is missing: allow it in the caller's policy, and for a stream of another account in "
            + "the stream's resource policy too.",
        KinesisErrorKind.ExpiredIterator
            when code == "ExpiredIteratorException" => " An iterator lives for 5 minutes: ask for a new one (a worker does so by itself).",
        KinesisErrorKind.ExpiredIterator =>
            " The service does not take this iterator: ask for a new one (a worker does so by itself). Where new ones are refused too, "
            + "check that region, account and endpoint are the stream's.",
        KinesisErrorKind.Client when code == "ExpiredNextTokenException" => " A token lives for 5 minutes: start the listing again.",
        _ => "",
    };

    /// <summary>True where the stream's KMS key cannot be used.</summary>
    public static bool IsKey(string? code) => code is "KMSAccessDeniedException" or "KMSDisabledException" or "KMSInvalidStateException"
        or "KMSNotFoundException" or "KMSOptInRequired" or "KMSOptInRequiredException";
}
