using FastConsumer;
using FastConsumer.Hosting;
using FastConsumer.PostgreSql;
using Npgsql;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Outputs that are written to PostgreSQL.</summary>
public static class PostgreSqlOutputBuilderExtensions
{
    /// <summary>
    /// Writes an output to PostgreSQL: runs a statement for each value, in a transaction that also moves a row with the shard's position.
    /// So each value is there exactly once, provided that handlers add the same values when records are handled again.
    /// </summary>
    /// <remarks>
    /// The role needs SELECT, INSERT and UPDATE on the table of positions, and CREATE in its schema where
    /// <see cref="PostgreSqlPositionOptions.CreateTable"/> is on and the table is missing. Each shard that writes holds one connection. All
    /// outputs with the same data source and table of positions are written in one transaction; the options of the first count.
    /// </remarks>
    /// <param name="output">The output, from <c>AddOutput&lt;T&gt;(name)</c>.</param>
    /// <param name="dataSource">Leads to the database, on its primary server. It stays the application's, which disposes of it.</param>
    /// <param name="sql">The statement, with parameters as <c>$1</c>, <c>$2</c>.</param>
    /// <param name="bind">Adds the parameters for one value, in their order.</param>
    /// <param name="options">The table of positions; null for the defaults.</param>
    /// <typeparam name="T">The values' type.</typeparam>
    /// <exception cref="ArgumentException">An option is not valid.</exception>
    /// <exception cref="InvalidOperationException">The output has a sink already.</exception>
    public static FastConsumerBuilder ToPostgres<T>(
        this OutputBuilder<T> output,
        NpgsqlDataSource dataSource,
        string sql,
        Action<NpgsqlParameterCollection, Positioned<T>> bind,
        PostgreSqlPositionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(dataSource);
        ArgumentException.ThrowIfNullOrWhiteSpace(sql);
        ArgumentNullException.ThrowIfNull(bind);
        PostgreSqlPositionStore store = StoreOf(output.Consumer, dataSource, options ?? new PostgreSqlPositionOptions());
        var writer = new StatementWriter<T>(sql, bind);
        return output.ToTransaction<NpgsqlTransaction>(_ => store, _ => writer);
    }

    /// <summary>The outputs of a consumer with one data source and table have one store, and so one transaction.</summary>
    private static PostgreSqlPositionStore StoreOf(
        FastConsumerBuilder consumer, NpgsqlDataSource dataSource, PostgreSqlPositionOptions options)
    {
        ServiceDescriptor? known = consumer.Services.FirstOrDefault(
            service => service.ServiceType == typeof(OutputStore) && ((OutputStore)service.ImplementationInstance!) is { } made
                && made.Consumer == consumer.Name && made.DataSource == dataSource && made.Table == options.TableName);
        if (known is null)
        {
            known = ServiceDescriptor.Singleton(new OutputStore(
                consumer.Name, dataSource, options.TableName, new PostgreSqlPositionStore(dataSource, options)));
            consumer.Services.Add(known);
        }

        return ((OutputStore)known.ImplementationInstance!).Store;
    }

    private sealed record OutputStore(
        string Consumer, NpgsqlDataSource DataSource, string Table, PostgreSqlPositionStore Store);
}
