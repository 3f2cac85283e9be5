using Npgsql;

namespace FastConsumer.PostgreSql;

/// <summary>Says of an error of PostgreSQL's what it means for the positions, and what to do.</summary>
internal sealed class PostgreSqlFaults(PositionStatements statements, string place)
{
    private PositionTableName Table => statements.Table;

    /// <summary>Null where the driver's own exception says it all.</summary>
    public PostgreSqlPositionException? Explain(NpgsqlException exception) => exception switch
    {
        PostgresException { SqlState: PostgresErrorCodes.UndefinedTable } => Missing(exception),
        PostgresException { SqlState: PostgresErrorCodes.InvalidSchemaName } => Error(
            $"The schema '{Table.Schema}' is not there. Create it (CREATE SCHEMA \"{Table.Schema}\"), or name another in "
            + "PostgreSqlPositionOptions.TableName.",
            exception),
        PostgresException { SqlState: PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.InvalidColumnReference } answer =>
            Unfit(answer.MessageText, exception),
        PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } answer => Error(
            $"PostgreSQL refuses: {answer.MessageText}. The role needs SELECT, INSERT and UPDATE on {Table.Quoted}"
            + $"{(Table.Schema is null ? "" : $" and USAGE on schema \"{Table.Schema}\"")}; to create it also CREATE on its schema, or "
            + $"somebody who may runs: {statements.Create}",
            exception),
        PostgresException { SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification } answer =>
            Error($"PostgreSQL does not let in: {answer.MessageText}. Check Username and Password of the connection string.", exception),
        PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName } answer => Error(
            $"{answer.MessageText}. Create it, or name another as Database in the connection string.", exception),
        PostgresException => null,
        _ when exception.InnerException is System.Net.Sockets.SocketException or TimeoutException or IOException => new(
            $"{Place}: the server cannot be reached: {exception.Message.TrimEnd('.')} ({exception.InnerException.Message}). Check Host and "
            + "Port of the connection string, and that the server runs and lets this machine in.",
            isTransient: true,
            exception),
        _ => null,
    };

    public PostgreSqlPositionException Missing(Exception? exception = null) => Error(
        $"The table is not there. Let it be created (PostgreSqlPositionOptions.CreateTable), or run: {statements.Create}", exception);

    public PostgreSqlPositionException Unfit(string why, Exception? exception = null) => Error(
        $"The table does not do for positions: {why}. Name another in PostgreSqlPositionOptions.TableName, or drop it and run: "
        + statements.Create,
        exception);

    public PostgreSqlPositionException NoPrivilege(string role, string privileges) => Error(
        $"The role '{role}' lacks {privileges} on the table. Run: GRANT SELECT, INSERT, UPDATE ON {Table.Quoted} TO \"{role}\"", null);

    public PostgreSqlPositionException Standby() => new(
        $"{Place}: the server is a standby, which may lag behind and cannot be written. Lead the data source to the primary server: "
        + "Target Session Attributes=primary in the connection string of several hosts.",
        isTransient: true);

    public PostgreSqlPositionException Unreadable(string shardId, Exception exception) => Error(
        $"The row of {shardId} cannot be read: {exception.Message} Correct its sequence_number and sub_sequence_number.", exception);

    private string Place => place;

    private PostgreSqlPositionException Error(string message, Exception? exception) =>
        new($"{Place}: {message}", isTransient: false, exception);
}
