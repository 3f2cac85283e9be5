using Amazon.Runtime;
using Amazon.S3;
using FastConsumer.Checkpoints;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FastConsumer.S3.Tests;

public sealed class RegistrationTests : S3Test
{
    [Fact]
    public async Task The_options_say_where_the_bucket_is()
    {
        await using ServiceProvider host = Host(
            services => services.AddFastConsumer().UseS3Checkpoints(Name, "a/b", options =>
            {
                options.ServiceUrl = S3.ServiceUrl;
                options.Region = S3.Region;
                options.Credentials = new BasicAWSCredentials("test", "test");
            }));
        ICheckpointStore store = host.GetRequiredKeyedService<ICheckpointStore>("");

        Assert.Equal("s3://state/a/b", store.Description);
        await store.PrepareAsync(Cancellation);
        await CreateAsync(store, Bytes(10));
        Assert.Equal(["a/b/orders/1"], S3.Keys(Name));
    }

    [Fact]
    public async Task The_configuration_says_what_the_code_leaves_open()
    {
        await using ServiceProvider host = Host(
            static services => services.AddFastConsumer("second").UseS3Checkpoints(prefix: "code"),
            ("FastConsumer:Consumers:second:S3:Bucket", "configured"),
            ("FastConsumer:Consumers:second:S3:Prefix", "configured"));

        Assert.Equal("s3://configured/code", host.GetRequiredKeyedService<ICheckpointStore>("second").Description);
    }

    [Fact]
    public async Task The_applications_client_is_used_and_stays_its_own()
    {
        AmazonS3Client client = Client();
        ServiceProvider host = Host(services =>
        {
            services.AddSingleton<IAmazonS3>(client);
            services.AddFastConsumer().UseS3Checkpoints(Name);
        });
        await using (host)
        {
            ICheckpointStore store = host.GetRequiredKeyedService<ICheckpointStore>("");
            Assert.Equal("s3://state", store.Description);
            await store.PrepareAsync(Cancellation);
            await CreateAsync(store, Bytes(10));
        }

        Assert.Equal(["orders/1"], S3.Keys(Name));
    }

    [Fact]
    public async Task The_defaults_of_the_application_count()
    {
        await using ServiceProvider host = Host(
            static services =>
            {
                services.AddDefaultAWSOptions(static provider => provider.GetRequiredService<IConfiguration>().GetAWSOptions());
                services.AddFastConsumer().UseS3Checkpoints(Name, configure: static options =>
                    options.Credentials = new BasicAWSCredentials("test", "test"));
            },
            ("AWS:ServiceURL", S3.ServiceUrl),
            ("FastConsumer:Region", "us-east-1"));

        await host.GetRequiredKeyedService<ICheckpointStore>("").PrepareAsync(Cancellation);
        Assert.True(S3.RequestCount() > 0);
    }

    [Theory]
    [InlineData("Bucket", "", "there is none")]
    [InlineData("Bucket", "state/orders", "what follows a '/' goes into Prefix")]
    [InlineData("Prefix", "/state", "has an empty part")]
    [InlineData("Prefix", "state/", "has an empty part")]
    [InlineData("Prefix", "state/../orders", "'..'")]
    [InlineData("Region", "Frankfurt", "is not the system name of a region")]
    [InlineData("Profile", " ", "it is blank")]
    [InlineData("ServiceUrl", "127.0.0.1", "is not an absolute http or https address")]
    [InlineData("ExpectedBucketOwner", "me", "12 digits are expected")]
    [InlineData("RequestTimeout", "00:00:00", "is not above 0")]
    public async Task What_cannot_work_is_refused_with_its_key(string property, string value, string problem)
    {
        await using ServiceProvider host = Host(
            static services => services.AddFastConsumer().UseS3Checkpoints(),
            ("FastConsumer:S3:Bucket", "state"),
            ($"FastConsumer:S3:{property}", value));

        OptionsValidationException refused = Assert.Throws<OptionsValidationException>(
            () => host.GetRequiredKeyedService<ICheckpointStore>(""));
        Assert.Contains($"FastConsumer:S3:{property}: ", refused.Message, StringComparison.Ordinal);
        Assert.Contains(problem, refused.Message, StringComparison.Ordinal);
    }

    private static ServiceProvider Host(Action<IServiceCollection> register, params (string Key, string Value)[] settings)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder()
            .AddInMemoryCollection(settings.GroupBy(static pair => pair.Key)
                .Select(static same => KeyValuePair.Create(same.Key, (string?)same.Last().Value)))
            .Build());
        register(services);
        return services.BuildServiceProvider();
    }
}
