using System.Net;
using Amazon.DynamoDBv2.Model;
using Amazon.Runtime;

namespace FastConsumer.DynamoDb;

/// <summary>Says of a failed request what it means for the positions, and what to do.</summary>
/// <param name="place">The table of the positions and its endpoint, for messages.</param>
internal sealed class PositionFaults(string place)
{
    private const string Key = $"the partition key {PositionRows.Stream} (S) and the sort key {PositionRows.Shard} (S)";

    /// <summary>True for what a request may throw but for the caller's own end; anything else is a mistake of the program's.</summary>
    public static bool IsFault(Exception exception, CancellationToken cancellationToken) => exception
        is AmazonServiceException or AmazonClientException or HttpRequestException or IOException or TimeoutException
        or OperationCanceledException
        && !DynamoDbFault.IsCancellation(exception, cancellationToken);

    /// <summary>True where DynamoDB refuses the request as such, whatever is in the tables.</summary>
    public static bool IsInvalid(AmazonServiceException exception) =>
        exception.ErrorCode == "ValidationException" || exception.StatusCode == HttpStatusCode.RequestEntityTooLarge;

    /// <summary>True where a reason says that an item will never be written as it is.</summary>
    public static bool IsForGood(CancellationReason reason) =>
        reason.Code is "ConditionalCheckFailed" or "ValidationError" or "ItemCollectionSizeLimitExceeded";

    /// <param name="exception">What the SDK threw.</param>
    /// <param name="action">The operation, which is also its IAM action without the prefix.</param>
    /// <param name="items">The items of a transaction; empty otherwise.</param>
    public DynamoDbPositionException Explain(Exception exception, string action, IReadOnlyList<TransactWriteItem> items) =>
        exception switch
        {
            AmazonServiceException service => Explain(service, action, items),
            AmazonClientException => Error(
                $"no usable AWS credentials or configuration: {DynamoDbFault.OneLine(exception.Message)} Set credentials (environment, "
                + "profile, container or instance role), or give the client some.",
                exception),
            TimeoutException or OperationCanceledException => Passing(
                $"no answer to {action} within the time-out of the client. Check the network and the endpoint.", exception),
            _ => Passing(
                $"DynamoDB cannot be reached ({action}): {DynamoDbFault.OneLine(exception.Message)} Check the network, the region and the "
                + "endpoint of the client.",
                exception),
        };

    public DynamoDbPositionException Missing(string tableName) => Error(
        "the table is not there. Let it be created (DynamoDbPositionOptions.CreateTable), check region and account of the client, or "
        + $"create '{tableName}' with {Key}.");

    public DynamoDbPositionException Unfit(string keys) => Error(
        $"the table does not do for positions: its key is {keys}, and {Key} are expected. Name another in "
        + "DynamoDbPositionOptions.TableName.");

    public DynamoDbPositionException WrongStatus(string status, bool isTransient) =>
        new($"{place}: the table is {status}, where ACTIVE is expected. Wait until it is, or look at it in the console.", isTransient);

    public DynamoDbPositionException NotActive(string status, TimeSpan waited) => Passing(
        $"the table is still {status} after {waited.TotalMinutes:0.#} minutes. Look at it in the console, and start again.");

    public DynamoDbPositionException Unreadable(string row, FormatException exception) => Error(
        $"the row of {row} cannot be read: {exception.Message} Somebody has written to it: correct the attribute.", exception);

    public DynamoDbPositionException Vanished(string shardId) =>
        Passing($"the row of {shardId} was there, and is not any more. Look for who deletes rows of the table.");

    /// <summary>The position itself is what DynamoDB will not write.</summary>
    public DynamoDbPositionException PositionRefused(string shardId, CancellationReason reason, Exception exception) => Error(
        $"DynamoDB does not write the position of {shardId} ({reason.Code}): {DynamoDbFault.OneLine(reason.Message ?? "no message.")} "
        + "Look at its row: an item has at most 400 KB.",
        exception);

    /// <summary>The position's item would be too large.</summary>
    public DynamoDbPositionException TooManyRuns(string shardId, int length) => new(
        $"{place}: the row of {shardId} would have {length} bytes of runs, and an item has at most 400 KB: too many records are done "
        + "behind one that is not. Nothing was written. If this comes again, look for the record that fails ('fastconsumer stopped'), and "
        + "decide about it.",
        isTransient: false)
    {
        IsUnrepeatable = true,
    };

    /// <summary>Nothing was written, and the same transaction may be later.</summary>
    public DynamoDbPositionException Cancelled(IReadOnlyList<CancellationReason> reasons, TransactionCanceledException exception)
    {
        string[] codes = [.. reasons.Select(static reason => reason.Code).Where(static code => code is not (null or "None")).Distinct()];
        bool isThrottled = codes.Any(static code => code is "ThrottlingError" or "ProvisionedThroughputExceeded");
        return Passing(
            $"DynamoDB cannot write the transaction now ({(codes.Length == 0 ? "no reason given" : string.Join(", ", codes))}): "
            + $"{DynamoDbFault.OneLine(exception.Message)}"
            + (isThrottled ? " Give its tables more capacity, or on-demand billing." : " Another request writes one of its items."),
            exception);
    }

    /// <summary>DynamoDB will never write one of the items.</summary>
    public RejectedOutputException Rejected(
        int index, IReadOnlyList<TransactWriteItem> items, CancellationReason reason, Exception exception) => new(
        index,
        $"{place}: DynamoDB refuses item {index + 1} of {items.Count} in a transaction for good: {Describe(items[index])}: {reason.Code}: "
        + $"{DynamoDbFault.OneLine(reason.Message ?? "no message.")} Correct what the output makes of the value, or the table.",
        exception);

    /// <summary>DynamoDB refuses the whole, and does not say which item is why.</summary>
    public RejectedOutputException Rejected(IReadOnlyList<TransactWriteItem> items, AmazonServiceException exception) => new(
        null,
        $"{place}: DynamoDB refuses a transaction of {items.Count} items on {TablesOf(items)} for good ({exception.ErrorCode}): "
        + $"{DynamoDbFault.OneLine(exception.Message)} An item has at most 400 KB, a transaction 4 MB, and no two of its items are "
        + "the same.",
        exception);

    private DynamoDbPositionException Explain(AmazonServiceException exception, string action, IReadOnlyList<TransactWriteItem> items)
    {
        string message = DynamoDbFault.OneLine(exception.Message);
        return exception.ErrorCode switch
        {
            // a transaction is no action of its own
            "AccessDeniedException" or "AccessDenied" when items.Count > 0 => Error(
                $"DynamoDB denies the transaction. Allow dynamodb:UpdateItem on this table, and on its others {ActionsOf(items)}, to the "
                + $"worker's role or user. It says: {message}",
                exception),
            "AccessDeniedException" or "AccessDenied" => Error(
                $"DynamoDB denies dynamodb:{action}. Allow this action on the table to the worker's role or user. It says: {message}",
                exception),
            // such a message may quote the signed headers, the session token among them
            "InvalidSignatureException" or "SignatureDoesNotMatch" or "IncompleteSignatureException" => Error(
                $"DynamoDB does not accept the signature of {action} ({exception.ErrorCode}). Check the secret key, the region and the "
                + "machine's clock."),
            "UnrecognizedClientException" or "InvalidClientTokenId" or "MissingAuthenticationTokenException"
                or "MissingAuthenticationToken" => Error(
                $"DynamoDB does not know the credentials of {action} ({exception.ErrorCode}). Check the access key, its account and its "
                + "partition.",
                exception),
            "ExpiredTokenException" or "ExpiredToken" => Passing(
                $"the credentials of {action} have expired, and were not refreshed.", exception),
            "ResourceNotFoundException" or "TableNotFoundException" => Error(
                items.Count > 0
                    ? $"one of the tables of a transaction is not there: this one, or {TablesOf(items)}. Create it, or correct its name, "
                        + $"region or account. DynamoDB says: {message}"
                    : $"the table is not there ({action}). Was it deleted, or is the region or account another one?",
                exception),
            "ProvisionedThroughputExceededException" or "ThrottlingException" or "Throttling" or "RequestLimitExceeded"
                or "RequestLimitExceededException" => Passing(
                $"DynamoDB throttled {action}. Give the table more capacity, or on-demand billing. It says: {message}", exception),
            "LimitExceededException" or "ResourceInUseException" or "TransactionConflictException" or "TransactionInProgressException"
                or "ReplicatedWriteConflictException" => Passing(
                $"DynamoDB cannot do {action} now ({exception.ErrorCode}): {message}", exception),
            _ => new DynamoDbPositionException(
                $"{place}: DynamoDB failed {action} ({exception.ErrorCode}, HTTP {(int)exception.StatusCode}): {message}",
                isTransient: DynamoDbFault.LeavesDoubt(exception),
                exception),
        };
    }

    private DynamoDbPositionException Error(string message, Exception? exception = null) =>
        new($"{place}: {message}", isTransient: false, exception);

    private DynamoDbPositionException Passing(string message, Exception? exception = null) =>
        new($"{place}: {message}", isTransient: true, exception);

    private static string Describe(TransactWriteItem item) => $"{PartOf(item).Kind} on table '{PartOf(item).Table}'";

    private static string TablesOf(IReadOnlyList<TransactWriteItem> items) =>
        string.Join(", ", items.Select(static item => $"'{PartOf(item).Table}'").Distinct(StringComparer.Ordinal));

    private static string ActionsOf(IReadOnlyList<TransactWriteItem> items) => string.Join(
        ", ",
        items.Select(static item => $"dynamodb:{PartOf(item).Action} on '{PartOf(item).Table}'").Distinct(StringComparer.Ordinal));

    private static (string Kind, string Action, string? Table) PartOf(TransactWriteItem item) => item switch
    {
        { Put: { } put } => ("Put", "PutItem", put.TableName),
        { Update: { } update } => ("Update", "UpdateItem", update.TableName),
        { Delete: { } delete } => ("Delete", "DeleteItem", delete.TableName),
        _ => ("ConditionCheck", "ConditionCheckItem", item.ConditionCheck?.TableName),
    };
}
