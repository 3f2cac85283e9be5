using System.Diagnostics.Metrics;
using FastConsumer.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.CloudWatch.Tests;

/// <summary>A host with the exporter, a clock that the test moves, and a meter like FastConsumer's with which the test measures.</summary>
internal sealed class TestHost : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly Meter _meter;
    private readonly Dictionary<string, Instrument> _instruments = [];

    private TestHost(IHost host, ManualClock clock, RecordingSink sink, RecordedLog log)
    {
        _host = host;
        Clock = clock;
        Sink = sink;
        Log = log;
        _meter = host.Services.GetRequiredService<IMeterFactory>().Create("FastConsumer");
    }

    public ManualClock Clock { get; }

    public RecordingSink Sink { get; }

    public RecordedLog Log { get; }

    public CloudWatchExporter Exporter => _host.Services.GetServices<IHostedService>().OfType<CloudWatchExporter>().Single();

    public IServiceProvider Services => _host.Services;

    /// <param name="configure">The options.</param>
    /// <param name="writesToSink">False for the destination that the options name.</param>
    public static async Task<TestHost> StartAsync(Action<CloudWatchOptions>? configure = null, bool writesToSink = true)
    {
        ManualClock clock = new();
        RecordingSink sink = new();
        RecordedLog log = new();
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.AddProvider(log);
        builder.Services.AddSingleton<TimeProvider>(clock);
        if (writesToSink)
        {
            builder.Services.AddSingleton<IEmfSink>(sink);
        }

        builder.Services.AddFastConsumerCloudWatch(configure);
        IHost host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        return new TestHost(host, clock, sink, log);
    }

    public Counter<long> Counter(string name) => Instrument(name, name => _meter.CreateCounter<long>(name));

    public void Count(string name, long value, params KeyValuePair<string, object?>[] tags) => Counter(name).Add(value, tags);

    public void Record(string name, double value, params KeyValuePair<string, object?>[] tags) =>
        Instrument(name, name => _meter.CreateHistogram<double>(name)).Record(value, tags);

    public void Observe<T>(string name, Func<IEnumerable<Measurement<T>>> values)
        where T : struct => _meter.CreateObservableGauge(name, values);

    /// <summary>An interval passes; its lines.</summary>
    public async Task<string[]> NextAsync()
    {
        Clock.Advance(CloudWatchOptions.DefaultFlushInterval);
        return await Sink.NextAsync();
    }

    public Task StopAsync() => _host.StopAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(CancellationToken.None);
        _host.Dispose();
    }

    private T Instrument<T>(string name, Func<string, T> create)
        where T : Instrument
    {
        if (!_instruments.TryGetValue(name, out Instrument? instrument))
        {
            _instruments[name] = instrument = create(name);
        }

        return (T)instrument;
    }
}

/// <summary>Tags as FastConsumer has them.</summary>
internal static class Tags
{
    public static KeyValuePair<string, object?> App(string name = "billing") => new("fastconsumer.application", name);

    public static KeyValuePair<string, object?> Shard(int number) => new("aws.kinesis.shard.id", $"shardId-{number:D12}");

    public static KeyValuePair<string, object?> Error(string type) => new("error.type", type);
}
