using FastConsumer.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Tests.Hosting;

public sealed class SeveralProcessorsTests : WorkerTest
{
    [Fact]
    public async Task Processors_of_several_streams_live_in_one_host_with_options_of_their_own()
    {
        Kinesis.CreateStream("orders-eu");
        Kinesis.CreateStream("clicks", shardCount: 2);
        await using (WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer => consumer.AddProcessor<EventProcessor>()
                .AddProcessor<ClickProcessor>(static options => options.ApplicationName = "clicks-app").UseInMemoryLeases(Leases),
            configuration: new Dictionary<string, string?>
            {
                ["FastConsumer:Processors:EventProcessor:Stream"] = "orders-eu",
                ["FastConsumer:Processors:EventProcessor:Limit"] = "7",
                ["FastConsumer:Processors:ClickProcessor:ApplicationName"] = "overridden-in-code",
            }))
        {
            await host.StartAsync();
            List<string> texts = [.. Put(20, stream: "orders-eu"), .. Put(20, stream: "clicks")];
            await Journal.WaitForAsync(texts, host.Log);
            Assert.Equal(20, Journal.Done.Count(static delivery => delivery.Key == "clicks"));
            await host.StopAsync();
        }

        Assert.Equal(["clicks-app", WorkerHost.Application], Leases.TableNames);
        Assert.All(Leases.TableNames.SelectMany(Leases.Snapshot), static row => Assert.Null(row.LeaseOwner));
    }

    [Fact]
    public async Task A_named_consumer_has_options_processors_and_health_of_its_own()
    {
        Kinesis.CreateStream(Stream);
        Kinesis.CreateStream("clicks");
        await using WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer =>
            {
                consumer.AddProcessor<EventProcessor>().UseInMemoryLeases(Leases);
                FastConsumerBuilder second = consumer.Services.AddFastConsumer("second", options => WorkerHost.Defaults(options, Kinesis));
                Assert.Same(second, consumer.Services.AddFastConsumer("second"));
                second.AddProcessor<RoutedProcessor>().UseInMemoryLeases(Leases);
            },
            configuration: new Dictionary<string, string?>
            {
                ["FastConsumer:Consumers:second:ApplicationName"] = "second-app",
                ["FastConsumer:Consumers:second:Processors:RoutedProcessor:Stream"] = Stream,
            });
        await host.StartAsync();
        Kinesis.Put(Stream, "a", """{"Id":"unknown"}""");
        HealthReport report = await host.HealthAsync();
        await Eventually.TrueAsync(
            async () => (report = await host.HealthAsync()).Status == HealthStatus.Unhealthy, () => host.Log.ToString());
        Assert.Equal(HealthStatus.Unhealthy, report.Entries["fastconsumer:second"].Status);
        Assert.Equal(HealthStatus.Healthy, report.Entries["fastconsumer"].Status);
        await Eventually.TrueAsync(() => Journal.Done.Count == 1, () => host.Log.ToString());
        Assert.Equal(["second-app", WorkerHost.Application], Leases.TableNames);
    }

    [Fact]
    public async Task Two_processors_of_one_stream_do_not_clear_each_others_health()
    {
        Kinesis.CreateStream(Stream);
        Kinesis.Put(Stream, "a", """{"Id":"0"}""");
        Kinesis.Put(Stream, "a", "not json");
        await using WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer => consumer
                .AddProcessor<OrderProcessor>(static options => options.ApplicationName = "orders-app")
                .AddProcessor<EventProcessor>()
                .UseInMemoryLeases(Leases));
        Journal.Handler = static (delivery, _, _) =>
            delivery is { Text: "again", Attempt: < 3 } ? throw new InvalidOperationException("not yet") : default;
        await host.StartAsync();
        await host.WaitForHealthAsync(HealthStatus.Unhealthy);
        Kinesis.Put(Stream, "a", "again");
        await Journal.WaitForAsync(["again"], host.Log);
        Assert.Equal(HealthStatus.Unhealthy, (await host.HealthAsync()).Status);
    }
}
