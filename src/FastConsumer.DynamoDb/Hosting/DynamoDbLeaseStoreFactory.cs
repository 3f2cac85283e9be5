using FastConsumer.Leases;
using Microsoft.Extensions.Logging;

namespace FastConsumer.DynamoDb;

/// <summary>Makes the stores of one consumer on one connection, which lives as long as the host.</summary>
internal sealed class DynamoDbLeaseStoreFactory(
    DynamoDbLeaseOptions options, Func<DynamoDbConnection> connect, TimeProvider timeProvider, ILoggerFactory loggerFactory)
    : ILeaseStoreFactory, IDisposable
{
    private readonly Lock _lock = new();
    private DynamoDbConnection? _connection;
    private bool _disposed;

    public string Kind => "DynamoDB";

    private DynamoDbConnection Connection
    {
        get
        {
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                return _connection ??= connect();
            }
        }
    }

    /// <summary>The endpoint tells regions and servers apart.</summary>
    public string GetTableIdentity(LeaseStoreContext context) => $"{Connection.Endpoint}/{GetTableName(context)}";

    public ILeaseStore Create(LeaseStoreContext context) => new DynamoDbLeaseStore(
        new LeaseTable(Connection, GetTableName(context)),
        context.ApplicationName,
        options,
        timeProvider,
        loggerFactory.CreateLogger<DynamoDbLeaseStore>());

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _connection?.Dispose();
        }
    }

    /// <summary>Without the endpoint, which may change: a table in a VPC has more than one.</summary>
    public string GetTableName(LeaseStoreContext context)
    {
        string tableName = options.TableName ?? context.ApplicationName;
        return LeaseTableName.IsValid(tableName)
            ? tableName
            : throw new LeaseStoreException(
                $"The application name '{tableName}' does not do as the name of its lease table: {LeaseTableName.Rule}. "
                + "Choose another application name, or set DynamoDbLeaseOptions.TableName.",
                isTransient: false);
    }
}
