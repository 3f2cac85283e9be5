using System.Net;
using Amazon.DynamoDBv2.Model;
using Amazon.Runtime;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb;

/// <summary>What a failed request means: whether it may have taken effect, and what to say of it.</summary>
internal static class DynamoDbFault
{
    /// <summary>True where the caller itself cancelled: to be thrown on.</summary>
    public static bool IsCancellation(Exception exception, CancellationToken cancellationToken) =>
        exception is OperationCanceledException && cancellationToken.IsCancellationRequested;

    /// <summary>
    /// True where the write may have taken effect although no answer says so: a time-out, a cut connection, a server's
    /// error. An error of the request itself, or a connection that never came about, leaves no doubt.
    /// </summary>
    public static bool LeavesDoubt(Exception exception) => exception switch
    {
        // a proxy on the way may say so of a request that it has passed on
        AmazonServiceException { StatusCode: HttpStatusCode.RequestTimeout } => true,
        AmazonServiceException { StatusCode: >= HttpStatusCode.BadRequest and < HttpStatusCode.InternalServerError } => false,
        HttpRequestException
        {
            HttpRequestError: HttpRequestError.ConnectionError
                or HttpRequestError.NameResolutionError
                or HttpRequestError.SecureConnectionError,
        } => false,
        _ => true,
    };

    /// <summary>The exception to hand on, with a complete message.</summary>
    /// <param name="exception">What the SDK threw.</param>
    /// <param name="action">The operation, which is also its IAM action without the prefix.</param>
    /// <param name="table">The table that was asked.</param>
    public static LeaseStoreException Translate(Exception exception, string action, LeaseTable table) => exception switch
    {
        LeaseStoreException known => known,
        AmazonServiceException service => Translate(service, action, table),
        AmazonClientException client => new LeaseStoreException(
            $"No usable AWS credentials or configuration for the {table}: {OneLine(client.Message)} Set credentials (environment, profile, "
            + "container or instance role, or DynamoDbLeaseOptions.Credentials).",
            isTransient: false,
            exception),
        TimeoutException or OperationCanceledException => new LeaseStoreException(
            $"The {table} did not answer {action} within {table.RequestTimeout.TotalSeconds:0.###} s "
                + "(DynamoDbLeaseOptions.RequestTimeout).",
            isTransient: true,
            exception),
        _ => new LeaseStoreException(
            $"The {table} cannot be reached ({action}): {OneLine(exception.Message)} Check the network, the region, and the endpoint "
            + "(DynamoDbLeaseOptions.ServiceUrl, AWS_ENDPOINT_URL_DYNAMODB).",
            isTransient: true,
            exception),
    };

    /// <summary>What the failure of one statement of a batch means. The others are not touched by it.</summary>
    /// <param name="error">As the answer has it. It never says which limit a throttled one met.</param>
    /// <param name="table">The table that was asked.</param>
    public static LeaseStoreException Translate(BatchStatementError error, LeaseTable table)
    {
        string message = OneLine(error.Message ?? "no reason given");
        return error.Code?.Value switch
        {
            "ProvisionedThroughputExceeded" or "ThrottlingError" or "RequestLimitExceeded" => new LeaseStoreException(
                $"DynamoDB throttled a write of BatchExecuteStatement on the {table} ({error.Code}). Give the table more capacity, or "
                    + "on-demand billing.",
                isTransient: true)
            {
                IsThrottled = true,
            },
            "ResourceNotFound" => new LeaseStoreException(
                $"The {table} does not exist (BatchExecuteStatement). Was it deleted, or is the region or account another one?",
                    isTransient: false),
            "ConditionalCheckFailed" or "TransactionConflict" or "InternalServerError" => new LeaseStoreException(
                $"DynamoDB could not do a write of BatchExecuteStatement on the {table} now ({error.Code}): {message}", isTransient: true),
            _ => new LeaseStoreException(
                $"DynamoDB failed a write of BatchExecuteStatement on the {table} ({error.Code?.Value ?? "no code"}): {message}",
                    isTransient: false),
        };
    }

    /// <summary>True where the server does not know batches of statements or does not understand ours.</summary>
    public static bool IsUnknownOperation(Exception exception) =>
        LacksOperation(exception) || exception is AmazonServiceException { ErrorCode: "ValidationException" };

    /// <summary>True where the server does not know the operation, as some servers for tests do not know transactions.</summary>
    public static bool LacksOperation(Exception? exception) => exception is AmazonServiceException
    {
        ErrorCode: "UnknownOperationException" or "UnknownOperation" or "InvalidAction" or "NotImplemented",
    } or AmazonServiceException { StatusCode: HttpStatusCode.NotImplemented or HttpStatusCode.NotFound };

    /// <summary>True where the policy does not allow the operation.</summary>
    public static bool IsDenied(Exception exception) =>
        exception is AmazonServiceException { ErrorCode: "AccessDeniedException" or "AccessDenied" };

    private static LeaseStoreException Translate(AmazonServiceException exception, string action, LeaseTable table) =>
        exception.ErrorCode switch
        {
            // a transaction is no action of its own
            "AccessDeniedException" or "AccessDenied" when action == "TransactWriteItems" => new LeaseStoreException(
                $"DynamoDB denied TransactWriteItems on the {table}. Processors with [State] need it to create the leases of child shards: "
                + "allow dynamodb:ConditionCheckItem and dynamodb:PutItem on the table to the worker's role or user. "
                + $"It says: {OneLine(exception.Message)}",
                isTransient: false,
                exception),
            "AccessDeniedException" or "AccessDenied" => new LeaseStoreException(
                $"DynamoDB denied dynamodb:{action} on the {table}. Allow this action on the table to the worker's role or user. "
                + $"It says: {OneLine(exception.Message)}",
                isTransient: false,
                exception),
            "TransactionCanceledException" when IsThrottled(exception) => new LeaseStoreException(
                $"DynamoDB throttled {action} on the {table}. Give the table more capacity, or on-demand billing.",
                isTransient: true,
                exception)
            {
                IsThrottled = true,
            },
            // such a message may quote the signed headers, the session token among them
            "InvalidSignatureException" or "SignatureDoesNotMatch" or "IncompleteSignatureException" => new LeaseStoreException(
                $"DynamoDB did not accept the signature of {action} on the {table} ({exception.ErrorCode}). Check the secret key, "
                    + "the region and the machine's clock.",
                isTransient: false),
            "UnrecognizedClientException" or "InvalidClientTokenId" or "MissingAuthenticationTokenException"
                or "MissingAuthenticationToken" =>
                new LeaseStoreException(
                    $"DynamoDB does not know the credentials used for {action} on the {table} ({exception.ErrorCode}). "
                        + "Check the access key, its account and its partition.",
                    isTransient: false,
                    exception),
            "ExpiredTokenException" or "ExpiredToken" => new LeaseStoreException(
                $"The credentials used for {action} on the {table} have expired, and were not refreshed.", isTransient: true, exception),
            "ResourceNotFoundException" or "TableNotFoundException" => new LeaseStoreException(
                $"The {table} does not exist ({action}). Was it deleted, or is the region or account another one?", isTransient: false,
                    exception),
            "ProvisionedThroughputExceededException" or "ThrottlingException" or "Throttling" or "RequestLimitExceeded"
                or "RequestLimitExceededException" => new LeaseStoreException(
                    $"DynamoDB throttled {action} on the {table}{Reasons(exception)}. Give the table more capacity, or on-demand billing.",
                    isTransient: true,
                    exception)
                {
                    IsThrottled = true,
                    ThrottleReason = ReasonsOf(exception) is [{ Reason: { } reason }, ..] ? reason : null,
                },
            "LimitExceededException" or "ResourceInUseException" or "TransactionConflictException" or "TransactionCanceledException"
                or "TransactionInProgressException" or "ReplicatedWriteConflictException"
                or "ContinuousBackupsUnavailableException" => new LeaseStoreException(
                    $"DynamoDB cannot do {action} on the {table} now ({exception.ErrorCode}): {OneLine(exception.Message)}",
                    isTransient: true,
                        exception),
            _ => new LeaseStoreException(
                $"DynamoDB failed {action} on the {table} ({exception.ErrorCode}, HTTP {(int)exception.StatusCode}): "
                    + $"{OneLine(exception.Message)}",
                isTransient: LeavesDoubt(exception),
                exception),
        };

    private static bool IsThrottled(AmazonServiceException exception) =>
        exception is TransactionCanceledException { CancellationReasons: { } reasons }
        && reasons.Exists(static reason => reason.Code is "ProvisionedThroughputExceeded" or "ThrottlingError");

    private static List<ThrottlingReason>? ReasonsOf(AmazonServiceException exception) => exception switch
    {
        ProvisionedThroughputExceededException throttled => throttled.ThrottlingReasons,
        ThrottlingException throttled => throttled.ThrottlingReasons,
        RequestLimitExceededException throttled => throttled.ThrottlingReasons,
        _ => null,
    };

    private static string Reasons(AmazonServiceException exception)
    {
        List<ThrottlingReason>? reasons = ReasonsOf(exception);
        return reasons is { Count: > 0 } ? $" ({string.Join(", ", reasons.Select(static r => $"{r.Reason} on {r.Resource}"))})" : "";
    }

    internal static string OneLine(string message)
    {
        string line = string.Join(' ', message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.EndsWith('.') ? line : line + ".";
    }
}
