using Amazon.Runtime;
using FastConsumer.Hosting;
using FastConsumer.Leases;
using FastConsumer.Testing.Leases;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FastConsumer.DynamoDb.Tests.Hosting;

public sealed class UseDynamoDbTests
{
    [Fact]
    public async Task Configuration_comes_first_and_code_last()
    {
        await using ServiceProvider services = Build(
            static builder => builder.UseDynamoDb(static options => options.Region = "eu-west-1"),
            ("FastConsumer:DynamoDb:TableName", "leases"),
            ("FastConsumer:DynamoDb:TableMode", "Require"),
            ("FastConsumer:DynamoDb:PointInTimeRecovery", "true"),
            ("FastConsumer:DynamoDb:Tags:team", "billing"),
            ("FastConsumer:DynamoDb:Region", "us-east-1"),
            ("FastConsumer:DynamoDb:RequestTimeout", "00:00:02"));

        DynamoDbLeaseOptions options = services.GetRequiredService<IOptionsMonitor<DynamoDbLeaseOptions>>().Get("");

        Assert.Equal("leases", options.TableName);
        Assert.Equal(LeaseTableMode.Require, options.TableMode);
        Assert.True(options.PointInTimeRecovery);
        Assert.Equal("billing", options.Tags["team"]);
        Assert.Equal("eu-west-1", options.Region);
        Assert.Equal(TimeSpan.FromSeconds(2), options.RequestTimeout);
    }

    [Fact]
    public async Task A_key_of_its_section_that_nothing_reads_is_named()
    {
        FastConsumerBuilder? consumer = null;
        await using ServiceProvider services = Build(
            builder => consumer = builder.UseDynamoDb(),
            ("FastConsumer:DynamoDb:TabelName", "leases"),
            ("FastConsumer:DynamoDb:Tags:team", "billing"),
            ("FastConsumer:DynamoDb:TableMode", "Require"));

        string warning = Assert.Single(ConfigurationKeys.FindUnknown(services.GetRequiredService<IConfiguration>(), [consumer!]));

        Assert.Contains("FastConsumer:DynamoDb:TabelName", warning, StringComparison.Ordinal);
        Assert.Contains("Did you mean FastConsumer:DynamoDb:TableName?", warning, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_further_consumer_has_a_section_of_its_own()
    {
        await using ServiceProvider services = Build(
            static builder =>
            {
                builder.UseDynamoDb();
                new FastConsumerBuilder(builder.Services, "second").UseDynamoDb();
            },
            ("FastConsumer:DynamoDb:Region", "us-east-1"),
            ("FastConsumer:Consumers:second:DynamoDb:Region", "eu-west-1"));

        Assert.Contains("us-east-1", Identity(services, ""), StringComparison.Ordinal);
        Assert.Contains("eu-west-1", Identity(services, "second"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_defaults_are_valid()
    {
        await using ServiceProvider services = Build(static builder => builder.UseDynamoDb());

        services.GetRequiredService<IStartupValidator>().Validate();
    }

    [Theory]
    [InlineData("TableName", "a b", "'a b'")]
    [InlineData("TableName", "ab", "'ab'")]
    [InlineData("TableMode", "7", "7 is neither")]
    [InlineData("Region", "Frankfurt", "'Frankfurt'")]
    [InlineData("Profile", " ", "blank")]
    [InlineData("ServiceUrl", "localhost:8000", "'localhost:8000'")]
    [InlineData("RequestTimeout", "00:00:00", "above 0")]
    [InlineData("RequestTimeout", "5", "at most")]
    public async Task Nonsense_fails_at_start_with_its_name(string property, string value, string expected)
    {
        await using ServiceProvider services = Build(static builder => builder.UseDynamoDb(), ($"FastConsumer:DynamoDb:{property}", value));

        OptionsValidationException exception =
            Assert.Throws<OptionsValidationException>(() => services.GetRequiredService<IStartupValidator>().Validate());

        Assert.Contains($"FastConsumer:DynamoDb:{property}", exception.Message, StringComparison.Ordinal);
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tables_are_told_apart_by_endpoint_and_name()
    {
        await using ServiceProvider services = Build(static builder =>
        {
            builder.UseDynamoDb(Local);
            new FastConsumerBuilder(builder.Services, "same").UseDynamoDb(Local);
            new FastConsumerBuilder(builder.Services, "one-table").UseDynamoDb(static options =>
            {
                Local(options);
                options.TableName = "leases";
            });
            new FastConsumerBuilder(builder.Services, "elsewhere").UseDynamoDb(static options => options.Region = "eu-west-1");
        });

        Assert.Equal("http://127.0.0.1:8000/billing", Identity(services, ""));
        Assert.Equal(Identity(services, ""), Identity(services, "same"));
        Assert.NotEqual(Identity(services, ""), Identity(services, "", "shipping"));
        Assert.Equal(Identity(services, "one-table"), Identity(services, "one-table", "shipping"));
        Assert.NotEqual(Identity(services, ""), Identity(services, "elsewhere"));

        static void Local(DynamoDbLeaseOptions options) => options.ServiceUrl = "http://127.0.0.1:8000";
    }

    [Fact]
    public async Task An_application_name_that_is_no_table_name_is_explained()
    {
        await using ServiceProvider services = Build(static builder => builder.UseDynamoDb(static options => options.Region = "eu-west-1"));

        LeaseStoreException exception = Assert.Throws<LeaseStoreException>(() => Identity(services, "", "my app"));

        Assert.Contains("'my app'", exception.Message, StringComparison.Ordinal);
        Assert.Contains("TableName", exception.Message, StringComparison.Ordinal);
        Assert.False(exception.IsTransient);
    }

    [Fact]
    public async Task The_connection_ends_with_the_host()
    {
        ServiceProvider services = Build(static builder => builder.UseDynamoDb(static options =>
        {
            options.ServiceUrl = "http://127.0.0.1:1";
            options.Credentials = new BasicAWSCredentials("test", "test");
        }));
        ILeaseStoreFactory factory = services.GetRequiredKeyedService<ILeaseStoreFactory>("");
        ILeaseStore store = factory.Create(Context(services, "", "billing"));
        Assert.Equal("DynamoDB", factory.Kind);
        Assert.Equal("DynamoDB table 'billing' at http://127.0.0.1:1", store.Description);

        await store.DisposeAsync();
        Assert.Equal("http://127.0.0.1:1/billing", factory.GetTableIdentity(Context(services, "", "billing")));
        Assert.Equal("billing", factory.GetTableName(Context(services, "", "billing")));

        await services.DisposeAsync();
        Assert.Throws<ObjectDisposedException>(() => factory.Create(Context(services, "", "billing")));
    }

    [Fact]
    public async Task In_memory_leases_outlive_a_store_and_are_one_per_host()
    {
        await using ServiceProvider services = Build(static builder =>
        {
            builder.UseInMemoryLeases();
            new FastConsumerBuilder(builder.Services, "second").UseInMemoryLeases();
        });
        await using ServiceProvider otherHost = Build(static builder => builder.UseInMemoryLeases());
        CancellationToken cancellation = TestContext.Current.CancellationToken;

        await using (ILeaseStore store = services.GetRequiredKeyedService<ILeaseStoreFactory>("").Create(Context(services, "", "billing")))
        {
            await store.TryCreateAsync(new Lease { LeaseKey = "shard" }, cancellation);
        }

        await using ILeaseStore again = services.GetRequiredKeyedService<ILeaseStoreFactory>("second")
            .Create(Context(services, "second", "billing"));
        Assert.Single(await again.ListAsync(cancellation));
        Assert.Single(services.GetRequiredService<InMemoryLeaseDatabase>().Snapshot("billing"));
        Assert.Equal(Identity(services, ""), Identity(services, "second"));
        Assert.NotEqual(Identity(services, ""), Identity(services, "", "shipping"));
        Assert.NotEqual(Identity(services, ""), Identity(otherHost, ""));
    }

    [Fact]
    public async Task Hosts_may_share_a_database_in_memory()
    {
        var database = new InMemoryLeaseDatabase();
        await using ServiceProvider one = Build(builder => builder.UseInMemoryLeases(database));
        await using ServiceProvider two = Build(builder => builder.UseInMemoryLeases(database));

        Assert.Equal(Identity(one, ""), Identity(two, ""));
    }

    private static ServiceProvider Build(Action<FastConsumerBuilder> use, params (string Key, string Value)[] settings)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(static setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)))
            .Build());
        use(new FastConsumerBuilder(services, ""));
        return services.BuildServiceProvider();
    }

    private static string Identity(IServiceProvider services, string name, string application = "billing") =>
        services.GetRequiredKeyedService<ILeaseStoreFactory>(name).GetTableIdentity(Context(services, name, application));

    private static LeaseStoreContext Context(IServiceProvider services, string name, string application) =>
        new(name, application, "orders", services);
}
