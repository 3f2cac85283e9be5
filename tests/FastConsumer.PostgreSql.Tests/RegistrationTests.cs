using FastConsumer.Hosting;
using FastConsumer.Integration.Tests.Fixtures;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;

namespace FastConsumer.PostgreSql.Tests;

public sealed class RegistrationTests(PostgreSqlServer server)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_connection_string_makes_a_data_source_that_ends_with_the_host()
    {
        IPositionStore<NpgsqlTransaction> store;
        await using (ServiceProvider host = Host(builder => builder.UsePostgreSqlPositions(
            server.ConnectionString, static options => options.TableName = "registered")))
        {
            store = host.GetRequiredService<IPositionStore<NpgsqlTransaction>>();
            await store.PrepareAsync(Cancellation);
            Assert.Null(await store.ReadAsync(Place.Key, Cancellation));
            Assert.Equal("postgresql", store.Name);
            Assert.StartsWith("PostgreSQL table 'registered'", store.Description, StringComparison.Ordinal);
        }

        await Assert.ThrowsAsync<ObjectDisposedException>(() => store.ReadAsync(Place.Key, Cancellation));
    }

    [Fact]
    public async Task The_applications_data_source_stays_open()
    {
        await using NpgsqlDataSource dataSource = NpgsqlDataSource.Create(server.ConnectionString);
        await using (ServiceProvider host = Host(
            static builder => builder.UsePostgreSqlPositions(static services => services.GetRequiredService<NpgsqlDataSource>()),
            services => services.AddSingleton(dataSource)))
        {
            await host.GetRequiredService<IPositionStore<NpgsqlTransaction>>().PrepareAsync(Cancellation);
        }

        await using (ServiceProvider host = Host(builder => builder.UsePostgreSqlPositions(dataSource)))
        {
            await host.GetRequiredService<IPositionStore<NpgsqlTransaction>>().PrepareAsync(Cancellation);
        }

        await using NpgsqlConnection connection = await dataSource.OpenConnectionAsync(Cancellation);
    }

    [Fact]
    public async Task Options_come_from_the_configuration_and_then_from_code()
    {
        await using ServiceProvider host = Host(
            static builder => builder.UsePostgreSqlPositions("Host=none", static options => options.CreateTable = false),
            configuration: new()
            {
                ["FastConsumer:PostgreSql:TableName"] = "sink.positions",
                ["FastConsumer:PostgreSql:CreateTable"] = "true",
                ["FastConsumer:PostgreSql:IdleInTransactionTimeout"] = "00:00:05",
                ["FastConsumer:PostgreSql:PrepareStatements"] = "false",
            });

        PostgreSqlPositionOptions options = host.GetRequiredService<IOptionsMonitor<PostgreSqlPositionOptions>>().Get("");

        Assert.Equal("sink.positions", options.TableName);
        Assert.False(options.CreateTable);
        Assert.Equal(TimeSpan.FromSeconds(5), options.IdleInTransactionTimeout);
        Assert.False(options.PrepareStatements);
    }

    [Theory]
    [InlineData("a.b.c", "00:00:30", "FastConsumer:PostgreSql:TableName: 'a.b.c' is not a table: 'table' or 'schema.table' is expected")]
    [InlineData("drop\"table", "00:00:30", "FastConsumer:PostgreSql:TableName: 'drop\"table' is not a table")]
    [InlineData("", "00:00:30", "FastConsumer:PostgreSql:TableName: '' is not a table")]
    [InlineData(
        "a123456789b123456789c123456789d123456789e123456789f123456789g123", "00:00:30",
        "g123' is not a table: 'table' or 'schema.table' is expected, each of 1 to 63 letters")]
    [InlineData("fine", "00:00:00.5", "FastConsumer:PostgreSql:IdleInTransactionTimeout: 00:00:00.5000000 is not between 1 s and ")]
    public async Task A_wrong_option_is_told_with_its_key(string tableName, string timeout, string expected)
    {
        await using ServiceProvider host = Host(static builder => builder.UsePostgreSqlPositions("Host=none"), configuration: new()
        {
            ["FastConsumer:PostgreSql:TableName"] = tableName,
            ["FastConsumer:PostgreSql:IdleInTransactionTimeout"] = timeout,
        });

        OptionsValidationException failure = Assert.Throws<OptionsValidationException>(
            () => host.GetRequiredService<IPositionStore<NpgsqlTransaction>>());

        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_second_store_is_refused()
    {
        InvalidOperationException failure = Assert.Throws<InvalidOperationException>(static () => Host(
            static builder => builder.UsePostgreSqlPositions("Host=one").UsePostgreSqlPositions("Host=two")));

        Assert.Contains("call UsePostgreSqlPositions once", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_store_made_by_hand_checks_its_options()
    {
        using NpgsqlDataSource dataSource = NpgsqlDataSource.Create("Host=none");

        ArgumentException failure = Assert.Throws<ArgumentException>(
            () => new PostgreSqlPositionStore(dataSource, new PostgreSqlPositionOptions { TableName = "a b" }));

        Assert.StartsWith("TableName: 'a b' is not a table", failure.Message, StringComparison.Ordinal);
    }

    private static ServiceProvider Host(
        Action<FastConsumerBuilder> use,
        Action<IServiceCollection>? add = null,
        Dictionary<string, string?>? configuration = null)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(configuration).Build());
        add?.Invoke(services);
        use(services.AddFastConsumer(static options => options.ApplicationName = "orders"));
        return services.BuildServiceProvider();
    }
}
