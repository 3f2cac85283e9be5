using Microsoft.Extensions.Logging;

namespace FastConsumer.DynamoDb;

/// <summary>The log messages of this package; ids from 4000.</summary>
internal static partial class LeaseStoreLog
{
    [LoggerMessage(4000, LogLevel.Information, "Created the lease table '{TableName}' with on-demand billing.")]
    public static partial void TableCreated(ILogger logger, string tableName);

    [LoggerMessage(4001, LogLevel.Information, "The lease table '{TableName}' is being created already; waiting for it.")]
    public static partial void TableCreatedElsewhere(ILogger logger, string tableName);

    [LoggerMessage(
        4002, LogLevel.Information,
            "The {Table} does not know batches of writes; renewals and checkpoints go one by one. It says: {Answer}")]
    public static partial void BatchesUnknown(ILogger logger, string table, string answer);

    [LoggerMessage(
        4003, LogLevel.Warning,
            "DynamoDB denied dynamodb:PartiQLUpdate on the {Table}; renewals and checkpoints go one by one with dynamodb:UpdateItem. "
                + "Allow it to write up to 25 in one request. It says: {Answer}")]
    public static partial void BatchesDenied(ILogger logger, string table, string answer);

    [LoggerMessage(
        4004, LogLevel.Information, "KCL 3.x has used the {Table} ({Evidence}); watching for {Time} whether a fleet of it still runs.")]
    public static partial void WatchingForKcl3(ILogger logger, string table, string evidence, TimeSpan time);

    [LoggerMessage(4005, LogLevel.Debug, "The {Table} of KCL 3.x may not be read, so it says nothing about a running fleet. {Reason}")]
    public static partial void Kcl3TableNotReadable(ILogger logger, string table, string reason);
}
