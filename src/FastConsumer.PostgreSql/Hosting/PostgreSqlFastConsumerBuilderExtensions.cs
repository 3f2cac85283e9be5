using FastConsumer;
using FastConsumer.Hosting;
using FastConsumer.PostgreSql;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Positions on PostgreSQL, in the transactions of handlers.</summary>
public static class PostgreSqlFastConsumerBuilderExtensions
{
    /// <summary>
    /// Keeps the positions of processors whose handlers take an <see cref="NpgsqlTransaction"/> in a table beside what these handlers
    /// write, and commits both together. One call serves all consumers of the host.
    /// </summary>
    /// <remarks>
    /// The role needs SELECT, INSERT and UPDATE on the table, and CREATE in its schema where
    /// <see cref="PostgreSqlPositionOptions.CreateTable"/> is on and the table is missing. The data source must lead to the primary server.
    /// Each shard whose handler runs holds one connection: <c>Maximum Pool Size</c> must allow for them.
    /// </remarks>
    /// <param name="builder">The consumer.</param>
    /// <param name="dataSource">Leads to the database that handlers write to. It stays the application's, which disposes of it.</param>
    /// <param name="configure">Applied after the configuration section <c>PostgreSql</c> of the consumer's.</param>
    /// <exception cref="InvalidOperationException">The host has positions for <see cref="NpgsqlTransaction"/> already.</exception>
    public static FastConsumerBuilder UsePostgreSqlPositions(
        this FastConsumerBuilder builder, NpgsqlDataSource dataSource, Action<PostgreSqlPositionOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(dataSource);
        return Use(builder, _ => dataSource, ownsDataSource: false, configure);
    }

    /// <summary>
    /// Keeps the positions of processors whose handlers take an <see cref="NpgsqlTransaction"/> in a table beside what these handlers
    /// write, and commits both together. One call serves all consumers of the host.
    /// </summary>
    /// <remarks>
    /// <inheritdoc
    /// cref="UsePostgreSqlPositions(FastConsumerBuilder, NpgsqlDataSource, Action{PostgreSqlPositionOptions}?)" path="/remarks/node()"/>
    /// </remarks>
    /// <exception cref="InvalidOperationException">The host has positions for <see cref="NpgsqlTransaction"/> already.</exception>
    /// <param name="builder">The consumer.</param>
    /// <param name="dataSource">
    /// Finds what leads to the database that handlers write to, such as
    /// <c>services => services.GetRequiredService&lt;NpgsqlDataSource>()</c>. The store does not dispose of it.
    /// </param>
    /// <param name="configure">Applied after the configuration section <c>PostgreSql</c> of the consumer's.</param>
    public static FastConsumerBuilder UsePostgreSqlPositions(
        this FastConsumerBuilder builder,
        Func<IServiceProvider, NpgsqlDataSource> dataSource,
        Action<PostgreSqlPositionOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(dataSource);
        return Use(builder, dataSource, ownsDataSource: false, configure);
    }

    /// <summary>
    /// Keeps the positions of processors whose handlers take an <see cref="NpgsqlTransaction"/> in a table beside what these handlers
    /// write, and commits both together. One call serves all consumers of the host.
    /// </summary>
    /// <remarks>
    /// <inheritdoc
    /// cref="UsePostgreSqlPositions(FastConsumerBuilder, NpgsqlDataSource, Action{PostgreSqlPositionOptions}?)" path="/remarks/node()"/>
    /// </remarks>
    /// <exception cref="InvalidOperationException">The host has positions for <see cref="NpgsqlTransaction"/> already.</exception>
    /// <param name="builder">The consumer.</param>
    /// <param name="connectionString">
    /// Npgsql's connection string of the database that handlers write to. A data source is made of it, which ends with the host.
    /// </param>
    /// <param name="configure">Applied after the configuration section <c>PostgreSql</c> of the consumer's.</param>
    public static FastConsumerBuilder UsePostgreSqlPositions(
        this FastConsumerBuilder builder, string connectionString, Action<PostgreSqlPositionOptions>? configure = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        return Use(builder, _ => NpgsqlDataSource.Create(connectionString), ownsDataSource: true, configure);
    }

    private static FastConsumerBuilder Use(
        FastConsumerBuilder builder,
        Func<IServiceProvider, NpgsqlDataSource> dataSource,
        bool ownsDataSource,
        Action<PostgreSqlPositionOptions>? configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (builder.Services.Any(static service => service.ServiceType == typeof(IPositionStore<NpgsqlTransaction>)))
        {
            throw new InvalidOperationException(
                "The host has a store of positions for NpgsqlTransaction already, which serves all of its consumers: call "
                + "UsePostgreSqlPositions once.");
        }

        string name = builder.Name;
        string section = $"{builder.ConfigurationSection}:PostgreSql";
        builder.AddConfigurationSection(
            "PostgreSql", typeof(PostgreSqlPositionOptions).GetProperties().Select(static property => property.Name));
        OptionsBuilder<PostgreSqlPositionOptions> options = builder.Services
            .AddOptions<PostgreSqlPositionOptions>(name)
            .BindConfiguration(section)
            .ValidateOnStart();
        if (configure is not null)
        {
            options.Configure(configure);
        }

        builder.Services.AddSingleton<IValidateOptions<PostgreSqlPositionOptions>>(new PostgreSqlPositionOptionsValidator(name, section));
        builder.Services.AddSingleton<IPositionStore<NpgsqlTransaction>>(services => new PostgreSqlPositionStore(
            dataSource(services),
            services.GetRequiredService<IOptionsMonitor<PostgreSqlPositionOptions>>().Get(name),
            ownsDataSource));
        return builder;
    }
}
