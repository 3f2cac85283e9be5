using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace FastConsumer.CloudWatch.Tests;

public sealed class OptionsTests
{
    public static TheoryData<string, Action<CloudWatchOptions>> Wrong { get; } = new()
    {
        { "CloudWatchOptions.Namespace is ''; allowed is 1 to 255", static options => options.Namespace = "" },
        { "CloudWatchOptions.Namespace is 'a b'; allowed is 1 to 255", static options => options.Namespace = "a b" },
        { "CloudWatchOptions.Namespace is 'AWS/Kinesis'; allowed is 1 to 255", static options => options.Namespace = "AWS/Kinesis" },
        { "CloudWatchOptions.FlushInterval is '00:00:00.9990000'", static options => options.FlushInterval = TimeSpan.FromSeconds(0.999) },
        { "CloudWatchOptions.FlushInterval is '01:00:01'; allowed is 00:00:01 to 01:00:00",
            static options => options.FlushInterval = TimeSpan.FromSeconds(3601) },
        { "CloudWatchOptions.Destination is '7'; allowed is StandardOutput or Agent",
            static options => options.Destination = (CloudWatchDestination)7 },
        { "CloudWatchOptions.AgentEndpoint is ''", static options => options.AgentEndpoint = null! },
        { "CloudWatchOptions.AgentEndpoint is 'http://127.0.0.1:25888/'; allowed is tcp:// or udp://",
            static options => options.AgentEndpoint = new Uri("http://127.0.0.1:25888") },
        { "CloudWatchOptions.AgentEndpoint is 'tcp://127.0.0.1/'", static options => options.AgentEndpoint = new Uri("tcp://127.0.0.1") },
        { "CloudWatchOptions.AgentEndpoint is 'tcp://127.0.0.1:1/metrics'",
            static options => options.AgentEndpoint = new Uri("tcp://127.0.0.1:1/metrics") },
        { "CloudWatchOptions.AgentEndpoint is 'agent'", static options => options.AgentEndpoint = new Uri("agent", UriKind.Relative) },
        { "CloudWatchOptions.LogGroup is 'a:b'; allowed is 1 to 512", static options => options.LogGroup = "a:b" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task What_cannot_work_is_refused_at_start(string message, Action<CloudWatchOptions> configure)
    {
        OptionsValidationException refused = await Assert.ThrowsAsync<OptionsValidationException>(() => TestHost.StartAsync(configure));

        Assert.StartsWith(message, Assert.Single(refused.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_can_work_is_not()
    {
        await using TestHost host = await TestHost.StartAsync(static options =>
        {
            options.Namespace = "Shop/a.b-c_d#e:f";
            options.FlushInterval = TimeSpan.FromHours(1);
            options.Destination = CloudWatchDestination.Agent;
            options.AgentEndpoint = new Uri("udp://agent.example:8125");
            options.LogGroup = "/shop/metrics";
        });

        Assert.Equal("Shop/a.b-c_d#e:f", host.Services.GetRequiredService<IOptions<CloudWatchOptions>>().Value.Namespace);
    }

    [Fact]
    public void Nothing_listens_unless_it_is_added()
    {
        ServiceCollection services = new();
        services.AddFastConsumer();

        Assert.DoesNotContain(services, static service => service.ImplementationType == typeof(CloudWatchExporter));
    }

    [Fact]
    public void Added_twice_it_writes_once()
    {
        ServiceCollection services = new();
        services.AddFastConsumerCloudWatch(static options => options.Namespace = "a")
            .AddFastConsumerCloudWatch(static options => options.ShardDimension = true);
        using ServiceProvider provider = services.BuildServiceProvider();

        Assert.Single(provider.GetServices<IHostedService>());
        CloudWatchOptions options = provider.GetRequiredService<IOptions<CloudWatchOptions>>().Value;
        Assert.Equal(("a", true), (options.Namespace, options.ShardDimension));
        Assert.Equal("standard output", Assert.IsType<StreamSink>(provider.GetRequiredService<IEmfSink>()).Name);
    }
}
