using Amazon;
using Amazon.DynamoDBv2;
using Amazon.Extensions.NETCore.Setup;
using Amazon.Runtime;
using FastConsumer.Leases;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.DynamoDb.Tests.Hosting;

/// <summary>
/// Where the table is, given what an application says. Environment variables are the process's, so nothing runs beside these tests.
/// </summary>
[Collection(nameof(AwsEnvironment))]
public sealed class ConnectionTests : IDisposable
{
    private static readonly string[] s_variables =
    [
        "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_EC2_METADATA_DISABLED",
        "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
    ];

    private readonly Dictionary<string,
        string?> _before = s_variables.ToDictionary(static name => name, Environment.GetEnvironmentVariable);

    public ConnectionTests()
    {
        foreach (string name in s_variables)
        {
            Environment.SetEnvironmentVariable(name, null);
        }

        Environment.SetEnvironmentVariable("AWS_EC2_METADATA_DISABLED", "true");
        Environment.SetEnvironmentVariable("AWS_CONFIG_FILE", "/nonexistent/config");
        Environment.SetEnvironmentVariable("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials");
        // the SDK remembers what another test has let it find
        Amazon.Runtime.FallbackRegionFactory.Reset();
    }

    public void Dispose()
    {
        foreach ((string name, string? value) in _before)
        {
            Environment.SetEnvironmentVariable(name, value);
        }
    }

    [Fact]
    public void One_region_serves_both_unless_another_is_said()
    {
        Assert.Equal(
            "https://dynamodb.eu-north-1.amazonaws.com", Endpoint(("FastConsumer:Region", "eu-north-1"), ("AWS:Region", "us-west-2")));
        Assert.Equal(
            "https://dynamodb.eu-west-1.amazonaws.com",
            Endpoint(("FastConsumer:Region", "eu-north-1"), ("FastConsumer:DynamoDb:Region", "eu-west-1")));
    }

    [Fact]
    public void The_section_AWS_counts()
    {
        Assert.Equal("https://dynamodb.us-west-2.amazonaws.com", Endpoint(("AWS:Region", "us-west-2")));
        Environment.SetEnvironmentVariable("AWS_REGION", "us-east-2");
        Assert.Equal("https://dynamodb.us-west-2.amazonaws.com", Endpoint(("AWS:Region", "us-west-2")));
        Assert.Equal("https://dynamodb.us-east-2.amazonaws.com", Endpoint());
        Assert.Equal("http://127.0.0.1:4566", Endpoint(("AWS:Region", "us-west-2"), ("AWS:ServiceURL", "http://127.0.0.1:4566")));
        Assert.Equal(
            "http://127.0.0.1:8000",
                Endpoint(("AWS:ServiceURL", "http://127.0.0.1:4566"), ("FastConsumer:DynamoDb:ServiceUrl", "http://127.0.0.1:8000")));
    }

    [Fact]
    public void AWSOptions_in_the_services_count() => Assert.Equal(
        "https://dynamodb.ap-northeast-1.amazonaws.com",
        Endpoint(
            static services => services.AddDefaultAWSOptions(new AWSOptions
            {
                Region = RegionEndpoint.APNortheast1,
                Credentials = new BasicAWSCredentials("a", "b"),
            }),
            ("AWS:Region", "us-west-2")));

    [Fact]
    public void An_own_client_is_taken_and_stays_the_applications()
    {
        using var own = new AmazonDynamoDBClient(new BasicAWSCredentials("a", "b"), RegionEndpoint.SAEast1);
        Assert.Equal(
            "https://dynamodb.sa-east-1.amazonaws.com",
            Endpoint(services => services.AddSingleton<IAmazonDynamoDB>(own), ("FastConsumer:Region", "eu-north-1")));
        // disposed with the host, it would throw
        Assert.NotNull(own.DetermineServiceOperationEndpoint(new Amazon.DynamoDBv2.Model.ListTablesRequest()));

        Assert.Equal(
            "https://dynamodb.eu-west-1.amazonaws.com",
            Endpoint(services => services.AddSingleton<IAmazonDynamoDB>(own), ("FastConsumer:DynamoDb:Region", "eu-west-1")));
    }

    [Theory]
    [InlineData("AWS_ENDPOINT_URL_DYNAMODB", "", "AWS_ENDPOINT_URL", null, "https://dynamodb.eu-west-1.amazonaws.com")]
    [InlineData("AWS_ENDPOINT_URL_DYNAMODB", null, "AWS_ENDPOINT_URL", "", "https://dynamodb.eu-west-1.amazonaws.com")]
    [InlineData("AWS_ENDPOINT_URL_DYNAMODB", "", "AWS_ENDPOINT_URL", "http://127.0.0.1:4566", "http://127.0.0.1:4566")]
    [InlineData("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:8000", "AWS_ENDPOINT_URL", "", "http://127.0.0.1:8000")]
    [InlineData("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:8000", "AWS_ENDPOINT_URL", "http://127.0.0.1:4566", "http://127.0.0.1:8000")]
    public void An_empty_endpoint_in_the_environment_is_none(string first, string? one, string second, string? other, string expected)
    {
        Environment.SetEnvironmentVariable(first, one);
        Environment.SetEnvironmentVariable(second, other);

        Assert.Equal(expected, Endpoint(("FastConsumer:Region", "eu-west-1")));
    }

    [Fact]
    public void Without_a_region_the_keys_to_set_are_named()
    {
        LeaseStoreException exception = Assert.Throws<LeaseStoreException>(() => Endpoint());

        foreach (string key in new[] { "FastConsumer:Region", "FastConsumer:DynamoDb:Region", "AWS:Region", "AWS_REGION",
            "FastConsumer:DynamoDb:ServiceUrl" })
        {
            Assert.Contains(key, exception.Message, StringComparison.Ordinal);
        }
    }

    private static string Endpoint(params (string Key, string Value)[] settings) => Endpoint(static _ => { }, settings);

    private static string Endpoint(Action<IServiceCollection> add, params (string Key, string Value)[] settings)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(static setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)))
            .Build());
        services.AddFastConsumer().UseDynamoDb();
        add(services);
        using ServiceProvider provider = services.BuildServiceProvider();
        string identity = provider.GetRequiredKeyedService<ILeaseStoreFactory>("").GetTableIdentity(
            new LeaseStoreContext("", "billing", "orders", provider));
        Assert.EndsWith("/billing", identity, StringComparison.Ordinal);
        return identity[..^"/billing".Length];
    }
}

[CollectionDefinition(nameof(AwsEnvironment), DisableParallelization = true)]
public sealed class AwsEnvironment;
