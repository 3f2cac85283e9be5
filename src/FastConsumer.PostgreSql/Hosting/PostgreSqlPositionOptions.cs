namespace FastConsumer.PostgreSql;

/// <summary>
/// Positions on PostgreSQL. Bound from the section <c>FastConsumer:PostgreSql</c> (<c>FastConsumer:Consumers:&lt;name&gt;:PostgreSql</c>
/// for a further consumer), then set by code, and validated at start.
/// </summary>
public sealed class PostgreSqlPositionOptions
{
    /// <summary>The default of <see cref="TableName"/>.</summary>
    public const string DefaultTableName = "fastconsumer_positions";

    /// <summary>The default of <see cref="IdleInTransactionTimeout"/>.</summary>
    public static readonly TimeSpan DefaultIdleInTransactionTimeout = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The table of the positions, <c>table</c> or <c>schema.table</c>: letters of ASCII, digits, '_', '-' and '$', at most 63 of them in
    /// each part. Its letters keep their case. One table serves all applications and streams.
    /// </summary>
    public string TableName { get; set; } = DefaultTableName;

    /// <summary>
    /// Whether a missing table is created at start; on unless unset. Off, the table must be there, and no permission to create is needed:
    /// <see cref="PostgreSqlPositionStore.CreateTableSql"/> says what to run.
    /// </summary>
    public bool CreateTable { get; set; } = true;

    /// <summary>
    /// After what time without a statement the server ends a transaction, and frees the locks of an owner that is frozen or cut off; 30 s
    /// unless set, in whole milliseconds, at least 1 s. A handler that does something else inside its transaction for longer loses the
    /// transaction, and its records run again. Used where the server has no such time-out of its own
    /// (<c>idle_in_transaction_session_timeout</c>); it then costs each transaction a round trip, which
    /// <c>Options=-c idle_in_transaction_session_timeout=30s</c> in the connection string saves.
    /// </summary>
    public TimeSpan IdleInTransactionTimeout { get; set; } = DefaultIdleInTransactionTimeout;

    /// <summary>
    /// Whether the statement that moves a position is prepared once per connection; on unless unset. Unset it where a pool in front of
    /// PostgreSQL does not keep prepared statements, such as PgBouncer before 1.21 by transactions.
    /// </summary>
    public bool PrepareStatements { get; set; } = true;

    /// <summary>What is wrong with a value, by the property's name; nothing where all are right.</summary>
    internal IEnumerable<(string Property, string Problem)> Problems()
    {
        if (!PositionTableName.IsValid(TableName))
        {
            yield return (nameof(TableName), $"'{TableName}' is not a table: {PositionTableName.Rule}.");
        }

        if (IdleInTransactionTimeout < TimeSpan.FromSeconds(1) || IdleInTransactionTimeout.TotalMilliseconds > int.MaxValue)
        {
            yield return (
                nameof(IdleInTransactionTimeout),
                $"{IdleInTransactionTimeout} is not between 1 s and {TimeSpan.FromMilliseconds(int.MaxValue)}, which PostgreSQL takes.");
        }
    }
}
