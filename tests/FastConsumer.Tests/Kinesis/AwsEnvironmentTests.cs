using Amazon.Runtime;
using FastConsumer.Kinesis;
using FallbackInternalConfigurationFactory = Amazon.Runtime.Internal.FallbackInternalConfigurationFactory;

namespace FastConsumer.Tests.Kinesis;

/// <summary>Tests that set environment variables of this process run alone.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AwsEnvironmentCollection
{
    public const string Name = "AWS environment";
}

/// <summary>Regions, endpoints and credentials as AWSSDK.Core finds them.</summary>
[Collection(AwsEnvironmentCollection.Name)]
public sealed class AwsEnvironmentTests : IDisposable
{
    private const string Arn = "arn:aws:kinesis:ap-south-1:123456789012:stream/orders";

    public AwsEnvironmentTests() => Forget();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        foreach (string name in AwsIsolation.Variables)
        {
            Environment.SetEnvironmentVariable(name, null);
        }

        WriteConfig("");
    }

    [Fact]
    public void The_environment_names_the_region()
    {
        Set("AWS_REGION", "eu-west-1");
        Assert.Equal("https://kinesis.eu-west-1.amazonaws.com (region eu-west-1)", Describe());
        Assert.Equal(
            "https://kinesis.us-west-2.amazonaws.com (region us-west-2)", Describe(static options => options.Region = "us-west-2"));
    }

    [Theory]
    [InlineData("cn-north-1", "kinesis.cn-north-1.amazonaws.com.cn")]
    [InlineData("us-gov-west-1", "kinesis.us-gov-west-1.amazonaws.com")]
    [InlineData("eusc-de-east-1", "kinesis.eusc-de-east-1.amazonaws.eu")]
    [InlineData("us-iso-east-1", "kinesis.us-iso-east-1.c2s.ic.gov")]
    [InlineData("xx-future-9", "kinesis.xx-future-9.amazonaws.com")]
    public void Each_partition_has_its_suffix(string region, string host) =>
        Assert.Equal($"https://{host} (region {region})", Describe(options => options.Region = region));

    [Theory]
    [InlineData(null, false)]
    [InlineData("https://kinesis.eu-west-1.amazonaws.com", false)]
    [InlineData("https://vpce-1.kinesis.eu-west-1.vpce.amazonaws.com", false)]
    [InlineData("https://kinesis.cn-north-1.api.amazonwebservices.com.cn", false)]
    [InlineData("https://kinesis.us-iso-east-1.c2s.ic.gov", false)]
    [InlineData("https://kinesis.us-isob-east-1.sc2s.sgov.gov", false)]
    [InlineData("https://123456789012.data-kinesis.eu-west-1.api.aws", false)]
    [InlineData("http://127.0.0.1:4567", true)]
    [InlineData("http://kinesis:4567", true)]
    [InlineData("http://host.docker.internal:4567", true)]
    [InlineData("https://localhost.localstack.cloud:4566", true)]
    public void An_endpoint_that_is_none_of_AWSs_is_known_as_such(string? url, bool isForeign) =>
        Assert.Equal(isForeign, Resolver(options => (options.Region, options.ServiceUrl) = ("us-east-1", url)).IsForeign);

    [Fact]
    public void An_arn_leads_to_its_accounts_endpoint_and_region()
    {
        EndpointResolver resolver = Resolver(static options => options.Region = "us-east-1");
        ServiceEndpoint data = resolver.Resolve(Arn, isData: true);
        Assert.Equal("https://123456789012.data-kinesis.ap-south-1.amazonaws.com/", data.Uri.ToString());
        Assert.Equal("ap-south-1", data.Region);
        Assert.Equal("https://123456789012.control-kinesis.ap-south-1.amazonaws.com/", resolver.Resolve(Arn, isData: false).Uri.ToString());
        Assert.Same(data, resolver.Resolve(Arn, isData: true));
        Assert.Equal(
            "https://kinesis.us-iso-east-1.c2s.ic.gov/",
            resolver.Resolve("arn:aws-iso:kinesis:us-iso-east-1:123456789012:stream/x", true).Uri.ToString());
        Assert.Throws<KinesisException>(() => resolver.Resolve("arn:aws:kinesis::123456789012:stream/x", true));
        Assert.Throws<KinesisException>(() => resolver.Resolve("arn:aws:kinesis:us-east-1::stream/x", true));
        Assert.Throws<KinesisException>(() => resolver.Resolve("arn:aws:kinesis:evil.com/:123456789012:stream/x", true));
    }

    [Fact]
    public void A_custom_endpoint_wins_over_everything()
    {
        Set("AWS_REGION", "eu-west-1");
        Set("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
        Assert.Equal("http://127.0.0.1:1 (region eu-west-1)", Describe());
        Set("AWS_ENDPOINT_URL_KINESIS", "http://127.0.0.1:2");
        Assert.Equal("http://127.0.0.1:2 (region eu-west-1)", Describe());
        Assert.Equal("http://127.0.0.1:3 (region eu-west-1)", Describe(static options => options.ServiceUrl = "http://127.0.0.1:3"));
        Assert.Equal("http://127.0.0.1:2/", Resolver().Resolve(Arn, true).Uri.ToString());
        Assert.True(Resolver().IsLoopback);
        Set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
        Assert.Equal("https://kinesis.eu-west-1.amazonaws.com (region eu-west-1)", Describe());
    }

    [Theory]
    [InlineData("https://kinesis.ap-northeast-3.amazonaws.com", "ap-northeast-3")]
    [InlineData("https://vpce-1-2.kinesis.eu-north-1.vpce.amazonaws.com", "eu-north-1")]
    [InlineData("https://123456789012.data-kinesis.eu-north-1.amazonaws.com", "eu-north-1")]
    [InlineData("https://kinesis.eu-north-1.api.aws", "eu-north-1")]
    [InlineData("http://localhost:4566", "us-east-1")]
    [InlineData("https://kinesis.example.org", "us-east-1")]
    public void The_region_of_a_custom_endpoint_is_in_its_name_or_the_sdks_default(string url, string region) =>
        Assert.Equal(region, Resolver(options => options.ServiceUrl = url).Resolve(null, true).Region);

    [Theory]
    [InlineData("localhost:4567")]
    [InlineData("kinesis")]
    [InlineData("ftp://x")]
    public void A_wrong_address_is_named(string url)
    {
        KinesisException exception = Assert.Throws<KinesisException>(() => Resolver(options => options.ServiceUrl = url));
        Assert.Contains($"'{url}'", exception.Message, StringComparison.Ordinal);
        Assert.Contains("https://kinesis.eu-west-1.amazonaws.com", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_region_is_named() =>
        Assert.Contains(
            "'eu west'",
            Assert.Throws<KinesisException>(() => Resolver(static options => options.Region = "eu west")).Message,
            StringComparison.Ordinal);

    [Fact]
    public void A_profile_brings_region_endpoint_and_credentials()
    {
        WriteConfig(
            """
            [profile one]
            region = ap-south-1
            aws_access_key_id = ONE
            aws_secret_access_key = secret
            [profile two]
            region = ap-south-2
            services = local
            [services local]
            kinesis =
              endpoint_url = http://127.0.0.1:9
            """);
        Assert.Equal("https://kinesis.ap-south-1.amazonaws.com (region ap-south-1)", Describe(static options => options.Profile = "one"));
        Assert.Equal("http://127.0.0.1:9 (region ap-south-2)", Describe(static options => options.Profile = "two"));
        Set("AWS_PROFILE", "two");
        Assert.Equal("http://127.0.0.1:9 (region ap-south-2)", Describe());
        Set("AWS_REGION", "eu-west-1");
        Assert.Equal("https://kinesis.eu-west-1.amazonaws.com (region eu-west-1)", Describe(static options => options.Profile = "one"));
    }

    [Fact]
    public async Task Signs_with_the_credentials_of_environment_and_profile()
    {
        WriteConfig(
            """
            [profile one]
            aws_access_key_id = ONE
            aws_secret_access_key = secret
            """);
        Set("AWS_ACCESS_KEY_ID", "FROMENV");
        Set("AWS_SECRET_ACCESS_KEY", "secret");
        await using var server = new ScriptedServer(ScriptedAnswer.Json("""{"Shards":[]}"""));
        foreach ((string? profile, string key) in ((string?, string)[])[(null, "FROMENV"), ("one", "ONE")])
        {
            using var client = new KinesisClient(new KinesisClientOptions { ServiceUrl = server.Url, Profile = profile });
            await client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token);
            Assert.Contains($"Credential={key}/", server.Requests[^1].Headers["Authorization"], StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Credentials_that_were_refused_are_looked_for_again()
    {
        Set("AWS_ACCESS_KEY_ID", "OLD");
        Set("AWS_SECRET_ACCESS_KEY", "secret");
        await using var server = new ScriptedServer(
            ScriptedAnswer.Error(400, "UnrecognizedClientException", "no"), ScriptedAnswer.Json("""{"Shards":[]}"""));
        using var client = new KinesisClient(new KinesisClientOptions { ServiceUrl = server.Url });
        await Assert.ThrowsAsync<KinesisException>(() => client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token));
        Set("AWS_ACCESS_KEY_ID", "NEW");
        await client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token);
        Assert.Contains("Credential=NEW/", server.Requests[1].Headers["Authorization"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("one")]
    public async Task A_session_that_was_renewed_in_the_profile_meanwhile_is_used_at_once(string? profile)
    {
        void Write(string token) => WriteConfig(
            $"""
            [{(profile is null ? "default" : "profile one")}]
            aws_access_key_id = AKID
            aws_secret_access_key = secret
            aws_session_token = {token}
            """);
        Write("old");
        await using var server = new ScriptedServer(
            static _ => ScriptedAnswer.Json("""{"Shards":[]}"""),
            _ =>
            {
                Write("new");
                return ScriptedAnswer.Error(400, "ExpiredTokenException", "expired");
            },
            static _ => ScriptedAnswer.Json("""{"Shards":[]}"""));
        using var client = new KinesisClient(new KinesisClientOptions { ServiceUrl = server.Url, Profile = profile });
        await client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token);
        await client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token);
        Assert.Equal(["old", "old", "new"], server.Requests.Select(static request => request.Headers["X-Amz-Security-Token"]));
    }

    [Fact]
    public async Task Missing_credentials_are_reported_with_the_places_they_are_looked_for_in()
    {
        await using var server = new ScriptedServer(ScriptedAnswer.Json("""{"Shards":[]}"""));
        foreach ((string? profile, string place) in ((string?, string)[])[(null, "AWS_ACCESS_KEY_ID"), ("nobody", "profile 'nobody'")])
        {
            using var client = new KinesisClient(new KinesisClientOptions { ServiceUrl = server.Url, Profile = profile });
            KinesisException exception = await Assert.ThrowsAsync<KinesisException>(
                () => client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token));
            Assert.Equal(KinesisErrorKind.Denied, exception.Kind);
            Assert.StartsWith("No AWS credentials were found.", exception.Message, StringComparison.Ordinal);
            Assert.Contains(place, exception.Message, StringComparison.Ordinal);
            Assert.Contains("the option Credentials", exception.Message, StringComparison.Ordinal);
        }

        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task Anonymous_credentials_are_refused()
    {
        using var client = new KinesisClient(
            new KinesisClientOptions { ServiceUrl = "http://127.0.0.1:1", Credentials = new AnonymousAWSCredentials() });
        KinesisException exception = await Assert.ThrowsAsync<KinesisException>(
            () => client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token));
        Assert.Equal(KinesisErrorKind.Denied, exception.Kind);
    }

    [Fact]
    public async Task A_missing_region_is_reported_unless_the_arn_names_it()
    {
        EndpointResolver resolver = Resolver();
        Assert.Equal("ap-south-1", resolver.Resolve(Arn, true).Region);
        using var client = new KinesisClient(new KinesisClientOptions { Credentials = new BasicAWSCredentials("a", "b") });
        KinesisException exception = await Assert.ThrowsAsync<KinesisException>(
            () => client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token));
        Assert.Equal(KinesisErrorKind.Client, exception.Kind);
        Assert.StartsWith("No AWS region is set.", exception.Message, StringComparison.Ordinal);
        Assert.Contains("AWS_REGION=eu-west-1", exception.Message, StringComparison.Ordinal);
    }

    private static void Set(string name, string value)
    {
        Environment.SetEnvironmentVariable(name, value);
        Forget();
    }

    /// <summary>AWSSDK.Core keeps what it found for the whole process.</summary>
    private static void Forget()
    {
        FallbackRegionFactory.Reset();
        FallbackInternalConfigurationFactory.Reset();
    }

    private static string Describe(Action<KinesisClientOptions>? configure = null) => Resolver(configure).Description;

    private static EndpointResolver Resolver(Action<KinesisClientOptions>? configure = null)
    {
        var options = new KinesisClientOptions();
        configure?.Invoke(options);
        return new EndpointResolver(options, new AwsSettings(options.Profile));
    }

    private static void WriteConfig(string text)
    {
        File.WriteAllText(AwsIsolation.ConfigFile, text);
        Forget();
    }
}
