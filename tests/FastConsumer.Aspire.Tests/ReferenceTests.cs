using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace FastConsumer.Aspire.Tests;

public sealed class ReferenceTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fastconsumer-aspire-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_reference_sets_what_every_aws_sdk_reads()
    {
        Dictionary<string, string> environment = await EnvironmentAsync(static (billing, kinesis) => billing.WithReference(kinesis));

        Assert.Equal("http://localhost:4567", environment["AWS_ENDPOINT_URL_KINESIS"]);
        Assert.Equal("eu-west-1", environment["AWS_REGION"]);
        Assert.Equal("local", environment["AWS_ACCESS_KEY_ID"]);
        Assert.Equal("local", environment["AWS_SECRET_ACCESS_KEY"]);
        Assert.Equal("http://localhost:4567", environment["KINESIS_URI"]);
        Assert.Equal("eu-west-1", environment["KINESIS_REGION"]);
    }

    [Fact]
    public async Task A_reference_to_any_connection_string_leads_there_too()
    {
        Dictionary<string, string> environment = await EnvironmentAsync(
            static (billing, kinesis) => billing.WithReference((IResourceBuilder<IResourceWithConnectionString>)kinesis));

        Assert.Equal("http://localhost:4567", environment["AWS_ENDPOINT_URL_KINESIS"]);
    }

    [Fact]
    public async Task Whoever_has_credentials_keeps_them()
    {
        Dictionary<string, string> before = await EnvironmentAsync(static (billing, kinesis) => billing
            .WithEnvironment("AWS_ACCESS_KEY_ID", "mine").WithEnvironment("AWS_SECRET_ACCESS_KEY", "secret").WithReference(kinesis));
        Dictionary<string, string> behind = await EnvironmentAsync(static (billing, kinesis) => billing
            .WithReference(kinesis).WithEnvironment("AWS_ACCESS_KEY_ID", "mine").WithEnvironment("AWS_SECRET_ACCESS_KEY", "secret"));

        Assert.Equal(("mine", "secret"), (before["AWS_ACCESS_KEY_ID"], before["AWS_SECRET_ACCESS_KEY"]));
        Assert.Equal(("mine", "secret"), (behind["AWS_ACCESS_KEY_ID"], behind["AWS_SECRET_ACCESS_KEY"]));
    }

    [Fact]
    public async Task A_profile_or_a_region_that_is_named_later_counts_too()
    {
        Dictionary<string, string> environment = await EnvironmentAsync(static (billing, kinesis) => billing
            .WithReference(kinesis).WithEnvironment("AWS_PROFILE", "shop").WithEnvironment("AWS_REGION", "us-west-2"));

        Assert.Equal("us-west-2", environment["AWS_REGION"]);
        Assert.DoesNotContain("AWS_ACCESS_KEY_ID", environment);
        Assert.DoesNotContain("AWS_SECRET_ACCESS_KEY", environment);
    }

    [Theory]
    [InlineData("[default]\naws_access_key_id = AKIA\naws_secret_access_key = s\n", "", true, false)]
    [InlineData("", "[default]\nregion = eu-north-1\n", false, true)]
    [InlineData("", "[profile shop]\nsso_session=one\nregion=eu-north-1\n[default]\noutput = json\n", false, false)]
    [InlineData("[shop]\naws_access_key_id = AKIA\n", "# [default]\n", false, false)]
    [InlineData("", "[default]\n  SSO_Session = one\n  region = eu-north-1\n[profile b]\n", true, true)]
    public async Task A_default_profile_counts(string credentials, string config, bool hasCredentials, bool hasRegion)
    {
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "credentials"), credentials, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "config"), config, TestContext.Current.CancellationToken);

        Dictionary<string, string> environment = await EnvironmentAsync(static (billing, kinesis) => billing.WithReference(kinesis));

        Assert.Equal(hasCredentials, !environment.ContainsKey("AWS_ACCESS_KEY_ID"));
        Assert.Equal(hasRegion, !environment.ContainsKey("AWS_REGION"));
    }

    [Theory]
    [InlineData("shop", true)]
    [InlineData("other", false)]
    public async Task The_region_of_the_profile_that_is_named_counts(string profile, bool hasRegion)
    {
        await File.WriteAllTextAsync(
            Path.Combine(_folder.FullName, "config"), "[profile shop]\nregion=eu-north-1\n", TestContext.Current.CancellationToken);

        Dictionary<string, string> environment = await EnvironmentAsync(
            (billing, kinesis) => billing.WithReference(kinesis).WithEnvironment("AWS_PROFILE", profile));

        Assert.Equal(hasRegion, !environment.ContainsKey("AWS_REGION"));
    }

    /// <summary>The environment of a program whose shared AWS files are those of the test.</summary>
    private async Task<Dictionary<string, string>> EnvironmentAsync(
        Action<IResourceBuilder<ExecutableResource>, IResourceBuilder<FastConsumerKinesisResource>> refer)
    {
        IDistributedApplicationBuilder builder = AppHost.Create();
        IResourceBuilder<FastConsumerKinesisResource> kinesis = builder.AddFastConsumerKinesis("kinesis").WithRegion("eu-west-1");
        AppHost.Allocate(kinesis.Resource);
        IResourceBuilder<ExecutableResource> billing = builder.AddExecutable("billing", "billing", ".");
        billing
            .WithEnvironment("AWS_SHARED_CREDENTIALS_FILE", Path.Combine(_folder.FullName, "credentials"))
            .WithEnvironment("AWS_CONFIG_FILE", Path.Combine(_folder.FullName, "config"));
        refer(billing, kinesis);
        return new(await AppHost.EnvironmentAsync(billing.Resource));
    }
}
