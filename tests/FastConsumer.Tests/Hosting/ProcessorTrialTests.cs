using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Tests.Hosting;

/// <summary>What the host's services cannot make is told at start, by name, and not by the first shard or record.</summary>
public sealed class ProcessorTrialTests : WorkerTest
{
    [Fact]
    public async Task A_processor_that_cannot_be_created_fails_the_start_before_the_first_lease()
    {
        Kinesis.CreateStream(Stream);
        InvalidOperationException error = await RefusedAsync<EventProcessor>(
            static services => services.AddTransient<EventProcessor>(static _ => throw new FormatException("no connection string")));
        Assert.Contains("EventProcessor cannot be created: no connection string", error.Message, StringComparison.Ordinal);
        Assert.IsType<FormatException>(error.InnerException);
        Assert.Empty(Leases.TableNames);
    }

    [Fact]
    public async Task A_constructor_parameter_that_is_not_registered_is_named()
    {
        Kinesis.CreateStream(Stream);
        InvalidOperationException error = await RefusedAsync<NeedyProcessor>(static _ => { });
        Assert.Contains("NeedyProcessor cannot be created", error.Message, StringComparison.Ordinal);
        Assert.Contains(typeof(Dependency).FullName!, error.Message, StringComparison.Ordinal);
        Assert.Empty(Leases.TableNames);
    }

    [Theory]
    [InlineData(null, "ServedProcessor.HandleAsync takes the service FastConsumer.Tests.Hosting.Dependency (parameter 'dependency'), "
        + "which is not registered")]
    [InlineData("throws", "which cannot be created: no connection string")]
    public async Task A_service_of_a_method_that_cannot_be_had_is_named(string? registration, string message)
    {
        Kinesis.CreateStream(Stream);
        InvalidOperationException error = await RefusedAsync<ServedProcessor>(services =>
        {
            services.AddKeyedSingleton("archive", new Dependency());
            if (registration is not null)
            {
                services.AddScoped<Dependency>(static _ => throw new FormatException("no connection string"));
            }
        });
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Empty(Leases.TableNames);
    }

    [Fact]
    public async Task A_keyed_service_that_is_not_registered_is_named_with_its_key()
    {
        Kinesis.CreateStream(Stream);
        InvalidOperationException error = await RefusedAsync<ServedProcessor>(static services => services.AddScoped<Dependency>());
        Assert.Contains("with the key 'archive' (parameter 'archive'), which is not registered", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Services_with_and_without_a_key_reach_the_method()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(3, keys: 1);
        var archive = new Dependency();
        var own = new Dependency();
        List<(Dependency, Dependency, Dependency?)> seen = [];
        await using WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer => consumer.AddProcessor<ServedProcessor>().UseInMemoryLeases(Leases),
            services: services => services.AddSingleton(own).AddKeyedSingleton("archive", archive).AddSingleton(seen));
        await host.StartAsync();
        await Eventually.TrueAsync(() => seen.Count == texts.Count, () => host.Log.ToString());
        await host.StopAsync();
        Assert.All(seen, call => Assert.Equal((own, archive, null), call));
    }

    [Fact]
    public async Task A_constructor_that_never_returns_does_not_outlive_the_patience_of_the_start()
    {
        Kinesis.CreateStream(Stream);
        using var block = new ManualResetEventSlim();
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer => consumer.AddProcessor<EventProcessor>().UseInMemoryLeases(Leases),
            services: services => services.AddTransient<EventProcessor>(_ =>
            {
                entered.TrySetResult();
                block.Wait(CancellationToken.None);
                throw new InvalidOperationException("too late");
            }));
        using var patience = new CancellationTokenSource();
        Task start = host.Host.StartAsync(patience.Token);
        await Eventually.WithinAsync(entered.Task);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.WithinAsync(start));
        block.Set();
    }

    private async Task<InvalidOperationException> RefusedAsync<TProcessor>(Action<IServiceCollection> services)
        where TProcessor : class, Processors.IKinesisProcessor<TProcessor>
    {
        WorkerHost host = WorkerHost.Build(
            Kinesis, Journal, consumer => consumer.AddProcessor<TProcessor>().UseInMemoryLeases(Leases), services: services);
        return await Assert.ThrowsAsync<InvalidOperationException>(host.StartAsync);
    }
}

internal sealed class Dependency;

[KinesisProcessor("events")]
internal sealed partial class NeedyProcessor(Dependency dependency)
{
    [OnRecord]
    private void Handle(string text) => Assert.NotNull(dependency);
}

[KinesisProcessor("events")]
internal sealed partial class ServedProcessor(IServiceProvider services)
{
    [OnRecord]
    private ValueTask HandleAsync(
        string text,
        [FromServices] Dependency dependency,
        [FromKeyedServices("archive")] Dependency archive,
        [FromKeyedServices("none")] Dependency? none)
    {
        services.GetRequiredService<List<(Dependency, Dependency, Dependency?)>>().Add((dependency, archive, none));
        return default;
    }
}
