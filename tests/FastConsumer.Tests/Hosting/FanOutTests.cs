using Amazon.Runtime;
using FastConsumer.Hosting;
using FastConsumer.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace FastConsumer.Tests.Hosting;

/// <summary>Workers with ReadMode FanOut, end to end.</summary>
public sealed class FanOutTests : WorkerTest
{
    private const int ConsumerReady = 2050;
    private const int FellBack = 2052;

    [Fact]
    public async Task Two_workers_share_a_stream_through_a_reshard_and_a_hand_over()
    {
        Kinesis.CreateStream(Stream, 3);
        List<string> texts = Put(300);
        await using WorkerHost first = await StartAsync(FanOut);
        await Journal.WaitForAsync(texts, first.Log);
        await using WorkerHost second = await StartAsync(FanOut);
        await Eventually.TrueAsync(
            () => Rows.Where(static row => row.LeaseOwner is not null).Select(static row => row.LeaseOwner).Distinct().Count() == 2,
            () => $"One worker holds every lease.\n{first.Log}\n{second.Log}");
        texts.AddRange(Put(300));
        Kinesis.SplitShard(Stream, OpenShards()[0]);
        texts.AddRange(Put(300));
        await Journal.WaitForAsync(texts, first.Log);

        await first.StopAsync();
        texts.AddRange(Put(300));
        await Journal.WaitForAsync(texts, second.Log);
        await second.StopAsync();

        // A shard that the second worker took from the first repeats what was not checkpointed; under one lease nothing comes twice.
        foreach (IGrouping<(string, long), Delivery> lease in Journal.Done.GroupBy(
            static delivery => (delivery.ShardId, delivery.FencingToken)))
        {
            FastConsumer.Kinesis.SequenceNumber[] numbers = [.. lease.Select(static delivery => delivery.Number)];
            Assert.Equal(numbers.Distinct().Order(), numbers);
        }

        Assert.Equal(
            texts.Order(StringComparer.Ordinal),
            Journal.Done.Select(static delivery => delivery.Text).Distinct().Order(StringComparer.Ordinal));
        Assert.All(Rows, static row => Assert.Null(row.LeaseOwner));
        Assert.Equal(0, Kinesis.RequestCount("GetRecords"));
        Assert.Equal(1, Kinesis.RequestCount("RegisterStreamConsumer"));
    }

    [Fact]
    public async Task A_restart_goes_on_after_the_checkpoint()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(50);
        WorkerHost host = await StartAsync(FanOut);
        await using (host)
        {
            await Journal.WaitForAsync(texts, host.Log);
        }

        texts.AddRange(Put(50));
        await using WorkerHost next = await StartAsync(FanOut);
        await Journal.WaitForAsync(texts, next.Log);
        await next.StopAsync();
        Journal.AssertEachOnce(texts);
    }

    [Fact]
    public async Task A_failing_record_is_tried_again_and_holds_its_shard()
    {
        Kinesis.CreateStream(Stream);
        int failures = 3;
        Journal.Handler = (delivery, _, _) => delivery.Text == "key-4:0" && Interlocked.Decrement(ref failures) >= 0
            ? throw new InvalidOperationException("not yet")
            : default;
        List<string> texts = Put(50);
        await using WorkerHost host = await StartAsync(FanOut);
        await Journal.WaitForAsync(texts, host.Log);
        Journal.AssertEachOnce(texts);
    }

    [Fact]
    public async Task Without_the_permission_health_names_it_and_the_worker_starts_when_it_is_there()
    {
        Kinesis.CreateStream(Stream);
        Kinesis.Faults.Fail("DescribeStreamConsumer", "AccessDeniedException", "not allowed", times: 2);
        List<string> texts = Put(5);
        await using WorkerHost host = await StartAsync(FanOut);
        Assert.Contains("kinesis:DescribeStreamConsumer", await host.WaitForHealthAsync(HealthStatus.Unhealthy), StringComparison.Ordinal);
        await Journal.WaitForAsync(texts, host.Log);
        await host.WaitForHealthAsync(HealthStatus.Healthy);
        await host.WaitForLogAsync(ConsumerReady);
    }

    [Fact]
    public async Task Polling_takes_its_place_where_that_is_allowed()
    {
        Kinesis.CreateStream(Stream, 4);
        Kinesis.Faults.Fail("SubscribeToShard", "AccessDeniedException", "not allowed", times: int.MaxValue);
        List<string> texts = Put(100);
        await using WorkerHost host = await StartAsync(options =>
        {
            FanOut(options);
            options.FanOutFallback = true;
        });
        await Journal.WaitForAsync(texts, host.Log);
        Assert.Single(host.Log.Of(FellBack));
        await host.WaitForHealthAsync(HealthStatus.Healthy);
        await host.StopAsync();
        Journal.AssertEachOnce(texts);
    }

    [Fact]
    public async Task The_consumers_name_is_the_applications_unless_it_is_said()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(3);
        await using WorkerHost host = await StartAsync(options =>
        {
            FanOut(options);
            options.ConsumerName = "shared-by-name";
        });
        await Journal.WaitForAsync(texts, host.Log);
        Assert.Contains("shared-by-name", (await host.WaitForLogAsync(ConsumerReady)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_that_cannot_be_registered_are_refused_at_start()
    {
        await using WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer => consumer.AddProcessor<EventProcessor>().UseInMemoryLeases(Leases),
            static options =>
            {
                options.ReadMode = ReadMode.FanOut;
                options.ApplicationName = "an application with spaces";
            });
        OptionsValidationException refusal = await Assert.ThrowsAnyAsync<OptionsValidationException>(host.StartAsync);
        Assert.Contains("ConsumerName", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_processors_may_not_be_one_consumer_of_a_stream()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer => consumer
                .AddProcessor<EventProcessor>(static options => options.ApplicationName = "one")
                .AddProcessor<SyncProcessor>(static options => options.ApplicationName = "two")
                .UseInMemoryLeases(Leases),
            static options =>
            {
                options.ReadMode = ReadMode.FanOut;
                options.ConsumerName = "both";
            });
        InvalidOperationException refusal = await Assert.ThrowsAsync<InvalidOperationException>(host.StartAsync);
        Assert.Contains("EventProcessor and SyncProcessor", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("'both'", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nor_may_those_of_two_named_consumers()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = WithSecond("one", null, "two", null);
        InvalidOperationException refusal = await Assert.ThrowsAsync<InvalidOperationException>(host.StartAsync);
        Assert.Contains("EventProcessor and SyncProcessor", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("FastConsumer:Processors:SyncProcessor:ConsumerName", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Streams_of_one_name_in_two_accounts_are_two()
    {
        Kinesis.CreateStream(Stream);
        string arn = Kinesis.StreamArn(Stream);
        string account = arn.Split(':')[4];
        await using WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer => consumer
                .AddProcessor<EventProcessor>(options => (options.ApplicationName, options.Stream) = ("one", arn))
                .AddProcessor<SyncProcessor>(options => (options.ApplicationName, options.Stream) =
                    ("two", arn.Replace(account, "999999999999", StringComparison.Ordinal)))
                .UseInMemoryLeases(Leases),
            Both);
        await host.StartAsync();
        List<string> texts = Put(3);
        await Journal.WaitForAsync(texts, host.Log);
    }

    [Fact]
    public async Task Nor_is_one_ARN_two_streams_whatever_the_credentials()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = WithSecond(
            "one", Kinesis.StreamArn(Stream), "two", Kinesis.StreamArn(Stream), new BasicAWSCredentials("other", "other"));
        await Assert.ThrowsAsync<InvalidOperationException>(host.StartAsync);
    }

    [Fact]
    public async Task A_name_may_be_said_twice_for_two_endpoints_or_two_accounts()
    {
        Kinesis.CreateStream(Stream);
        await using EmbeddedKinesis other = await EmbeddedKinesis.StartAsync(cancellationToken: TestContext.Current.CancellationToken);
        other.CreateStream(Stream);
        await using (WorkerHost host = WithSecond("one", null, "two", null, kinesis: other))
        {
            await host.StartAsync();
        }

        await using WorkerHost accounts = WithSecond("three", null, "four", null, new BasicAWSCredentials("other", "other"));
        await accounts.StartAsync();
    }

    /// <summary>Two consumers of one host, with applications of their own and one name for the fan-out consumer.</summary>
    private WorkerHost WithSecond(
        string application,
        string? stream,
        string secondApplication,
        string? secondStream,
        AWSCredentials? credentials = null,
        EmbeddedKinesis? kinesis = null) => WorkerHost.Build(
            Kinesis,
            Journal,
            consumer =>
            {
                consumer.AddProcessor<EventProcessor>(options => options.Stream = stream).UseInMemoryLeases(Leases);
                consumer.Services
                    .AddFastConsumer("second", options =>
                    {
                        options.ApplicationName = secondApplication;
                        WorkerHost.Defaults(options, kinesis ?? Kinesis);
                        options.Credentials = credentials ?? options.Credentials;
                        Both(options);
                    })
                    .AddProcessor<SyncProcessor>(options => options.Stream = secondStream)
                    .UseInMemoryLeases(Leases);
            },
            options =>
            {
                options.ApplicationName = application;
                Both(options);
            });

    private static void Both(FastConsumerOptions options)
    {
        options.ReadMode = ReadMode.FanOut;
        options.ConsumerName = "both";
    }

    private static void FanOut(FastConsumerOptions options) => options.ReadMode = ReadMode.FanOut;
}
