using Microsoft.Extensions.Logging;

namespace FastConsumer.DynamoDb;

/// <summary>The log messages of this package; ids from 4000.</summary>
internal static partial class SetupLog
{
    [LoggerMessage(4000, LogLevel.Information, "Created the lease table '{TableName}' with on-demand billing.")]
    public static partial void TableCreated(ILogger logger, string tableName);

    [LoggerMessage(4001, LogLevel.Information, "The lease table '{TableName}' is being created already; waiting for it.")]
    public static partial void TableCreatedElsewhere(ILogger logger, string tableName);
}
