using Amazon;
using Amazon.Extensions.NETCore.Setup;
using Amazon.Runtime;
using FastConsumer.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Tests.Hosting;

/// <summary>
/// What an application says for all of its AWS clients counts for Kinesis too, where the consumer's options leave it open.
/// </summary>
public sealed class AwsDefaultsTests
{
    [Fact]
    public void The_section_AWS_gives_region_and_endpoint()
    {
        AwsDefaults found = Find(new() { ["AWS:Region"] = "eu-west-1", ["AWS:ServiceURL"] = "http://127.0.0.1:4566" });
        Assert.Equal("eu-west-1", found.Region);
        Assert.Equal("http://127.0.0.1:4566", found.ServiceUrl?.TrimEnd('/'));
        Assert.Null(found.Credentials);
    }

    [Fact]
    public void AWSOptions_in_the_services_come_before_the_section()
    {
        var credentials = new BasicAWSCredentials("key", "secret");
        AwsDefaults found = Find(
            new() { ["AWS:Region"] = "eu-west-1" },
            services => services.AddDefaultAWSOptions(new AWSOptions { Region = RegionEndpoint.APNortheast1, Credentials = credentials }));
        Assert.Equal("ap-northeast-1", found.Region);
        Assert.Same(credentials, found.Credentials);
    }

    [Fact]
    public async Task A_profile_gives_its_credentials()
    {
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(
                file, "[team]\naws_access_key_id = team-key\naws_secret_access_key = team-secret\n", TestContext.Current.CancellationToken);
            AwsDefaults found = Find(new() { ["AWS:Profile"] = "team", ["AWS:ProfilesLocation"] = file });
            Assert.Equal("team-key", (await found.Credentials!.GetCredentialsAsync()).AccessKey);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void Without_either_nothing_is_said() => Assert.Equal(AwsDefaults.None, Find([]));

    [Fact]
    public void The_consumers_own_options_come_first()
    {
        var aws = new AwsDefaults("eu-west-1", "http://127.0.0.1:4566", new BasicAWSCredentials("key", "secret"));
        WorkerSettings all = Resolve(new FastConsumerOptions(), aws);
        Assert.Equal((aws.Region, aws.ServiceUrl, aws.Credentials), (all.Region, all.ServiceUrl, all.Credentials));

        var own = new BasicAWSCredentials("own", "own");
        WorkerSettings none = Resolve(
            new FastConsumerOptions { Region = "us-west-2", ServiceUrl = "http://127.0.0.1:1", Credentials = own }, aws);
        Assert.Equal(("us-west-2", "http://127.0.0.1:1", own), (none.Region, none.ServiceUrl, none.Credentials));

        // a profile of the consumer's is not overruled by credentials that are set for all clients
        WorkerSettings profile = Resolve(new FastConsumerOptions { Profile = "team" }, aws);
        Assert.Equal(("team", null), (profile.Profile, profile.Credentials));
    }

    private static WorkerSettings Resolve(FastConsumerOptions consumer, AwsDefaults aws)
    {
        consumer.ApplicationName = "tests";
        return WorkerSettings.Resolve(new ProcessorRegistration<EventProcessor>(), consumer, new ProcessorOptions(), "worker", aws);
    }

    private static AwsDefaults Find(Dictionary<string, string?> configuration, Action<IServiceCollection>? register = null)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(configuration).Build());
        register?.Invoke(services);
        using ServiceProvider provider = services.BuildServiceProvider();
        return AwsDefaults.Find(provider);
    }
}
