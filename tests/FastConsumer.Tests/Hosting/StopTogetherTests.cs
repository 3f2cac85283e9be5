using FastConsumer.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FastConsumer.Tests.Hosting;

/// <summary>A host awaits its services one after another; its consumers stop at the same time all the same.</summary>
public sealed class StopTogetherTests : WorkerTest
{
    [Fact]
    public async Task All_consumers_of_a_host_drain_at_the_same_time()
    {
        const int Consumers = 3;
        Kinesis.CreateStream(Stream);
        PutOne("key-0");
        using var running = new CountdownEvent(Consumers);
        using var draining = new CountdownEvent(Consumers);
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Journal.Handler = async (_, _, _) =>
        {
            running.Signal();
            await end.Task;
        };
        Journal.LifeCycle = (method, _, _) =>
        {
            if (method == "stopping")
            {
                draining.Signal();
            }

            return default;
        };
        await using WorkerHost host = WorkerHost.Build(Kinesis, Journal, consumer =>
        {
            for (int i = 0; i < Consumers; i++)
            {
                string name = i == 0 ? "" : $"consumer-{i}";
                consumer.Services.AddFastConsumer(name, options =>
                {
                    WorkerHost.Defaults(options, Kinesis);
                    options.ApplicationName = $"application-{name}";
                    options.StopTimeout = TimeSpan.FromSeconds(25);
                }).AddProcessor<EventProcessor>().UseInMemoryLeases(Leases);
            }
        });
        await host.StartAsync();
        await Eventually.TrueAsync(() => running.IsSet, () => host.Log.ToString());
        ConsumerService[] services = [.. host.Host.Services.GetServices<IHostedService>().OfType<ConsumerService>()];
        Assert.Equal(Consumers, services.Length);

        // the host would not come to the second one's StopAsync before the first one's has ended
        foreach (ConsumerService service in services)
        {
            Task stopping = service.StoppingAsync(TestContext.Current.CancellationToken);
            Assert.True(stopping.IsCompletedSuccessfully);
        }

        // their workers stop although nobody has waited for one: each lets its handler finish
        end.SetResult();
        await Eventually.TrueAsync(() => draining.IsSet, () => host.Log.ToString());
        await Eventually.TrueAsync(() => host.Log.Of(2402).Count() == Consumers, () => host.Log.ToString());
        await host.StopAsync();
        Assert.Equal(Consumers, host.Log.Of(2402).Count());
        Assert.All(host.Log.Of(2402), static entry => Assert.Contains("released the 1 shards", entry.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_warning_about_the_hosts_own_time_knows_all_consumers_and_comes_once()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer =>
            {
                consumer.AddProcessor<EventProcessor>().UseInMemoryLeases(Leases);
                foreach (string name in (string[])["long", "longer"])
                {
                    consumer.Services.AddFastConsumer(name, options =>
                    {
                        WorkerHost.Defaults(options, Kinesis);
                        options.ApplicationName = name;
                        options.StopTimeout = TimeSpan.FromSeconds(name.Length * 10);
                    }).AddProcessor<EventProcessor>().UseInMemoryLeases(Leases);
                }
            });
        await host.StartAsync();
        string warning = Assert.Single(host.Log.Of(2404)).Message;
        Assert.Contains(
            "FastConsumer:Consumers:long:StopTimeout (00:00:40) and FastConsumer:Consumers:longer:StopTimeout (00:01:00)",
            warning,
            StringComparison.Ordinal);
        Assert.Contains("ShutdownTimeout (00:00:30)", warning, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_options_of_all_consumers_are_refused_before_the_first_takes_a_lease()
    {
        Kinesis.CreateStream(Stream);
        WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer =>
            {
                consumer.AddProcessor<EventProcessor>().UseInMemoryLeases(Leases);
                consumer.Services.AddFastConsumer("second", static options => options.ApplicationName = "second")
                    .AddProcessor<EventProcessor>(static own => own.Limit = -1).UseInMemoryLeases(Leases);
            });
        await Assert.ThrowsAsync<Microsoft.Extensions.Options.OptionsValidationException>(host.StartAsync);
        Assert.Empty(Leases.TableNames);
    }

    [Fact]
    public async Task What_was_released_before_the_stop_is_not_said_to_be_released_by_it()
    {
        Kinesis.CreateStream(Stream, shardCount: 2);
        List<string> texts = Put(20);
        await using WorkerHost host = await StartAsync();
        await Journal.WaitForAsync(texts, host.Log);
        // a split: the parent's lease is released, and so are those of its children at the stop
        Kinesis.SplitShard(Stream, OpenShards()[0]);
        await Eventually.TrueAsync(() => Rows.Count(static row => row.LeaseOwner is not null) == 3, () => host.Log.ToString());
        await host.StopAsync();
        Assert.Contains("released the 3 shards", Assert.Single(host.Log.Of(2402)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_entry_of_a_worker_says_of_which_it_is()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(5);
        await using WorkerHost host = await StartAsync();
        await Journal.WaitForAsync(texts, host.Log);
        await host.StopAsync();
        LogEntry[] entries = [.. host.Log.Entries.Where(static entry => entry.Id is >= 2000 and < 2406)];
        Assert.NotEmpty(entries);
        Assert.All(entries, static entry =>
        {
            Assert.Contains(new KeyValuePair<string, object?>("Application", WorkerHost.Application), entry.State);
            Assert.Contains(new KeyValuePair<string, object?>("Stream", Stream), entry.State);
            Assert.Contains(new KeyValuePair<string, object?>("Processor", nameof(EventProcessor)), entry.State);
            Assert.Contains(entry.Scopes, static scope => scope!.ToString()!.Contains("Stream: events", StringComparison.Ordinal));
        });
    }
}
