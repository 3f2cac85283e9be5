using Amazon.Runtime;
using FastConsumer.Checkpoints;
using FastConsumer.Hosting;
using FastConsumer.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FastConsumer.Tests.Hosting;

public sealed class StartUpTests : WorkerTest
{
    internal override EmbeddedKinesisOptions Options => new() { Credentials = new EmbeddedKinesisCredentials("test", "test") };

    [Fact]
    public async Task A_host_without_a_lease_store_says_which_there_are()
    {
        InvalidOperationException error = await RefusedAsync<InvalidOperationException>(
            static consumer => consumer.AddProcessor<EventProcessor>());
        Assert.Equal(
            "FastConsumer has no lease store: choose one with UseDynamoDb() (package FastConsumer.DynamoDb) or, for tests and trials, "
                + "UseInMemoryLeases() (package FastConsumer.Testing).",
            error.Message);
    }

    [Fact]
    public async Task A_consumer_without_a_processor_says_how_to_add_one()
    {
        InvalidOperationException error = await RefusedAsync<InvalidOperationException>(static consumer => consumer.UseInMemoryLeases());
        Assert.Equal("FastConsumer has no processor: add one with AddFastConsumer(...).AddProcessor<T>().", error.Message);
    }

    [Fact]
    public async Task Two_processors_on_one_lease_table_are_refused_by_name()
    {
        InvalidOperationException error = await RefusedAsync<InvalidOperationException>(
            static consumer => consumer.AddProcessor<EventProcessor>().AddProcessor<OrderProcessor>().UseInMemoryLeases());
        Assert.Contains("OrderProcessor and EventProcessor", error.Message, StringComparison.Ordinal);
        Assert.Contains("FastConsumer:Processors:OrderProcessor:ApplicationName", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_places_for_state_are_refused_by_their_names()
    {
        InvalidOperationException error = await RefusedAsync<InvalidOperationException>(
            static consumer => consumer.AddProcessor<EventProcessor>().UseInMemoryLeases()
                .UseLocalCheckpoints("/var/lib/orders").UseInMemoryCheckpoints());
        Assert.Equal(
            "FastConsumer has 2 places for the state of its processors, and may have one: the folder /var/lib/orders; in-memory "
                + "checkpoints. Leave all but one of the calls of UseLocalCheckpoints(...), UseS3Checkpoints(...) and their like out.",
            error.Message);
    }

    [Fact]
    public async Task A_consumer_has_its_own_place_for_state()
    {
        var services = new ServiceCollection();
        services.AddFastConsumer().UseLocalCheckpoints("here");
        services.AddFastConsumer("second").UseLocalCheckpoints("/var/lib/second/");
        await using ServiceProvider host = services.BuildServiceProvider();

        Assert.Equal(
            $"the folder {Path.GetFullPath("here")}", host.GetRequiredKeyedService<ICheckpointStore>("").Description);
        Assert.Equal("the folder /var/lib/second", host.GetRequiredKeyedService<ICheckpointStore>("second").Description);
    }

    [Fact]
    public void One_processor_cannot_be_added_twice()
    {
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => WorkerHost.Build(
            null, Journal, static consumer => consumer.AddProcessor<EventProcessor>().AddProcessor<EventProcessor>()));
        Assert.Contains("EventProcessor", error.Message, StringComparison.Ordinal);
        Assert.Contains("AddFastConsumer(name)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_prefetch_that_cannot_fit_the_memory_is_warned_of_with_both_figures()
    {
        long tooMuch = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        await using (WorkerHost host = await StartAsync(options => options.PrefetchBytes = tooMuch))
        {
            string message = Assert.Single(host.Log.Of(2009)).Message;
            Assert.Contains($"PrefetchBytes is {tooMuch}", message, StringComparison.Ordinal);
            Assert.Contains($"may use {tooMuch} bytes", message, StringComparison.Ordinal);
        }

        await using WorkerHost silent = await StartAsync();
        Assert.Empty(silent.Log.Of(2009));
        Assert.Equal(Math.Clamp(tooMuch / 8, 16L << 20, 256L << 20), FastConsumerOptions.DefaultPrefetchBytes);
    }

    [Theory]
    [InlineData("ApplicationName", " ", "EventProcessor has no application name: set FastConsumer:ApplicationName")]
    [InlineData("Limit", "0", "FastConsumer:Limit is 0; allowed is 1 to 10,000 records (the service's limit).")]
    [InlineData("Limit", "10001", "FastConsumer:Limit is 10001;")]
    [InlineData("IdlePollInterval", "00:00:00.1", "FastConsumer:IdlePollInterval is 00:00:00.1000000; allowed is 00:00:00.2")]
    [InlineData("IdlePollInterval", "00:05:00", "FastConsumer:IdlePollInterval is 00:05:00;")]
    [InlineData("StreamWindowBytes", "65535", "FastConsumer:StreamWindowBytes is 65535; allowed is 65536 to 16777216 bytes.")]
    [InlineData("StreamWindowBytes", "16777217", "FastConsumer:StreamWindowBytes is 16777217;")]
    [InlineData("CheckpointInterval", "00:00:00", "FastConsumer:CheckpointInterval is 00:00:00; allowed is more than zero")]
    [InlineData("CheckpointInterval", "60.00:00:00", "FastConsumer:CheckpointInterval is 60.00:00:00;")]
    [InlineData("CheckpointRecords", "-1", "FastConsumer:CheckpointRecords is -1; allowed is 0 (no limit) or more.")]
    [InlineData("LeaseDuration", "00:00:00.5", "FastConsumer:LeaseDuration is 00:00:00.5000000; allowed is 00:00:01 to 01:00:00.")]
    [InlineData("LeaseDuration", "02:00:00", "FastConsumer:LeaseDuration is 02:00:00;")]
    [InlineData("ShardSyncInterval", "00:00:00.5", "FastConsumer:ShardSyncInterval is 00:00:00.5000000; allowed is 00:00:01 or more.")]
    [InlineData("RetryInitialBackoff", "00:00:00", "FastConsumer:RetryInitialBackoff is 00:00:00; allowed is more than zero")]
    [InlineData(
        "RetryMaxBackoff", "00:00:00.001", "FastConsumer:RetryMaxBackoff is 00:00:00.0010000; allowed is no less than RetryInitialBackoff")]
    [InlineData("RetryMaxBackoff", "50.00:00:00", "FastConsumer:RetryMaxBackoff is 50.00:00:00;")]
    [InlineData("ServiceUrl", "kinesis.local", "FastConsumer:ServiceUrl is kinesis.local; allowed is an absolute http or https URL.")]
    [InlineData("ServiceUrl", "ftp://127.0.0.1", "FastConsumer:ServiceUrl is ftp://127.0.0.1;")]
    [InlineData("StartPosition", "7", "FastConsumer:StartPosition is 7; allowed is TrimHorizon, Latest or AtTimestamp.")]
    [InlineData("MaxLeases", "0", "FastConsumer:MaxLeases is 0; allowed is 1 or more leases.")]
    [InlineData(
        "StartPosition",
        "AtTimestamp",
        "EventProcessor starts AtTimestamp, and FastConsumer:Processors:EventProcessor:StartTimestamp is not set")]
    [InlineData("Protocol", "9", "FastConsumer:Protocol is 9; allowed is Auto, Cbor or Json.")]
    [InlineData("PrefetchBytes", "0", "FastConsumer:PrefetchBytes is 0; allowed is more than 0 bytes.")]
    [InlineData("StopTimeout", "00:00:03", "FastConsumer:StopTimeout is 00:00:03; allowed is more than 00:00:03")]
    [InlineData("StopTimeout", "60.00:00:00", "FastConsumer:StopTimeout is 60.00:00:00;")]
    [InlineData("WorkerId", " ", "FastConsumer:WorkerId is  ; allowed is a name that is not blank.")]
    [InlineData("Processors:EventProcessor:Limit", "20000", "FastConsumer:Processors:EventProcessor:Limit is 20000;")]
    [InlineData("Processors:EventProcessor:Stream", "no stream", "EventProcessor: 'no stream' is not a Kinesis stream name")]
    [InlineData(
        "Processors:EventProcessor:Stream",
        "arn:aws:dynamodb:us-east-1:1:table/x",
        "EventProcessor: 'arn:aws:dynamodb:us-east-1:1:table/x' is not the ARN of a Kinesis stream")]
    public async Task Options_that_cannot_work_are_refused_by_name_with_what_is_allowed(string name, string value, string message)
    {
        // what the fixture sets in code would win over the configuration
        HostOfConfiguration host = new(Journal, new()
        {
            ["FastConsumer:ApplicationName"] = "tests",
            ["FastConsumer:RetryInitialBackoff"] = "00:00:00.1",
            [$"FastConsumer:{name}"] = value
        });
        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(host.StartAsync);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_stream_is_named_and_found_once_it_is_created()
    {
        await using WorkerHost host = await StartAsync();
        string description = await host.WaitForHealthAsync(HealthStatus.Unhealthy);
        Assert.Contains("EventProcessor cannot start on stream events", description, StringComparison.Ordinal);
        Assert.Contains("describing stream events failed", description, StringComparison.Ordinal);
        Assert.Contains($"not found at {Kinesis.ServiceUrl}", description, StringComparison.Ordinal);
        Assert.Contains("set FastConsumer:Region", description, StringComparison.Ordinal);
        LogEntry logged = await host.WaitForLogAsync(2401);
        Assert.Equal(LogLevel.Error, logged.Level);
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(5);
        await Journal.WaitForAsync(texts, host.Log);
        await host.WaitForHealthAsync(HealthStatus.Healthy);
    }

    [Fact]
    public async Task Credentials_that_are_refused_are_said_without_naming_them()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = await StartAsync(
            static options => options.Credentials = new BasicAWSCredentials("other", "very-secret"));
        string description = await host.WaitForHealthAsync(HealthStatus.Unhealthy);
        Assert.Contains("Check the access key", description, StringComparison.Ordinal);
        Assert.DoesNotContain("very-secret", description, StringComparison.Ordinal);
        Assert.DoesNotContain("very-secret", host.Log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_region_is_said()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = await StartAsync(static options => options.Region = "eu-west-1");
        string description = await host.WaitForHealthAsync(HealthStatus.Unhealthy);
        Assert.Contains("region", description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_endpoint_that_nobody_listens_on_is_named_and_used_once_somebody_does()
    {
        int port = FreePort();
        await using WorkerHost host = await StartAsync(options => options.ServiceUrl = $"http://127.0.0.1:{port}");
        string description = await host.WaitForHealthAsync(HealthStatus.Unhealthy);
        Assert.Contains($"127.0.0.1:{port}", description, StringComparison.Ordinal);
        await using EmbeddedKinesis late = await EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions { Port = port }, TestContext.Current.CancellationToken);
        late.CreateStream(Stream);
        late.Put(Stream, "a", "a:0");
        await Journal.WaitForAsync(["a:0"], host.Log);
        await host.WaitForHealthAsync(HealthStatus.Healthy);
    }

    [Fact]
    public async Task A_stop_during_the_tries_to_start_returns()
    {
        await using WorkerHost host = await StartAsync();
        await host.WaitForLogAsync(2401);
        await host.StopAsync();
        await host.StopAsync();
    }

    [Fact]
    public async Task A_processor_that_DI_cannot_make_is_said_and_its_leases_are_released()
    {
        Kinesis.CreateStream(Stream);
        // the first instance is the one that is made to see whether it can be
        int made = 0;
        await using WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer => consumer.AddProcessor<EventProcessor>().UseInMemoryLeases(Leases),
            services: services => services.AddTransient(provider => Interlocked.Increment(ref made) == 1
                ? new EventProcessor(provider.GetRequiredService<Journal>())
                : throw new InvalidOperationException("no connection string")));
        await host.StartAsync();
        string description = await host.WaitForHealthAsync(HealthStatus.Unhealthy);
        Assert.Contains(
            "EventProcessor could not be created for shard shardId-000000000000: InvalidOperationException: no connection string",
            description,
            StringComparison.Ordinal);
        // the user's own fault is said as such, at Error, and not as one of FastConsumer's
        LogEntry said = await host.WaitForLogAsync(2410);
        Assert.Equal(Microsoft.Extensions.Logging.LogLevel.Error, said.Level);
        Assert.Equal("no connection string", said.Error?.Message);
        Assert.Empty(host.Log.Of(2405));
        await host.StopAsync();
        Assert.Null(Rows.Single().LeaseOwner);
    }

    [Fact]
    public async Task A_stop_timeout_that_the_host_will_not_wait_for_is_warned_of()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = await StartAsync(static options => options.StopTimeout = TimeSpan.FromSeconds(40));
        LogEntry logged = await host.WaitForLogAsync(2404);
        Assert.Contains("HostOptions.ShutdownTimeout", logged.Message, StringComparison.Ordinal);
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task<TException> RefusedAsync<TException>(Action<FastConsumerBuilder> consumer)
        where TException : Exception
    {
        WorkerHost host = WorkerHost.Build(Kinesis, Journal, consumer);
        return await Assert.ThrowsAsync<TException>(host.StartAsync);
    }

    private sealed class HostOfConfiguration(Journal journal, Dictionary<string, string?> configuration)
    {
        public async Task StartAsync()
        {
            Microsoft.Extensions.Hosting.HostApplicationBuilder builder = Microsoft.Extensions.Hosting.Host.CreateApplicationBuilder(
                new Microsoft.Extensions.Hosting.HostApplicationBuilderSettings { DisableDefaults = true });
            Microsoft.Extensions.Configuration.MemoryConfigurationBuilderExtensions.AddInMemoryCollection(
                builder.Configuration, configuration);
            builder.Services.AddSingleton(journal);
            builder.Services.AddFastConsumer().AddProcessor<EventProcessor>().UseInMemoryLeases();
            using Microsoft.Extensions.Hosting.IHost host = builder.Build();
            await host.StartAsync(TestContext.Current.CancellationToken);
        }
    }
}
