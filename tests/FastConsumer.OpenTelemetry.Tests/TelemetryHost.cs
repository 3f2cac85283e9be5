using System.Collections.Concurrent;
using FastConsumer.OpenTelemetry.Tests.Otlp;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;

namespace FastConsumer.OpenTelemetry.Tests;

/// <summary>
/// Collects the metrics of all consumers of the process, sends them by OTLP to a receiver on loopback, and shows them to Prometheus. Both
/// go over real sockets.
/// </summary>
internal sealed class TelemetryHost : IAsyncDisposable
{
    // exports are asked for, and never come by themselves within a test
    private const int ExportMilliseconds = int.MaxValue;

    private readonly WebApplication _receiver;
    private readonly WebApplication _scraped;
    private readonly MeterProvider _exporting;
    private readonly ConcurrentQueue<byte[]> _requests;
    private readonly HttpClient _client = new();

    private TelemetryHost(WebApplication receiver, WebApplication scraped, MeterProvider exporting, ConcurrentQueue<byte[]> requests)
    {
        _receiver = receiver;
        _scraped = scraped;
        _exporting = exporting;
        _requests = requests;
    }

    public static async Task<TelemetryHost> StartAsync()
    {
        ConcurrentQueue<byte[]> requests = new();
        WebApplication receiver = Build();
        receiver.MapPost("/v1/metrics", async context =>
        {
            Assert.Equal("application/x-protobuf", context.Request.ContentType);
            using MemoryStream body = new();
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
            requests.Enqueue(body.ToArray());
            // an empty response message has no bytes
            context.Response.ContentType = "application/x-protobuf";
        });
        await receiver.StartAsync(TestContext.Current.CancellationToken);

        // two providers: a flush asks all readers of a provider, and Prometheus' one answers to scrapes only
        MeterProvider exporting = Sdk.CreateMeterProviderBuilder()
            .AddFastConsumerInstrumentation()
            .AddOtlpExporter((exporter, reader) =>
            {
                exporter.Protocol = OtlpExportProtocol.HttpProtobuf;
                exporter.Endpoint = new Uri($"{receiver.Urls.Single()}/v1/metrics");
                reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = ExportMilliseconds;
            })
            .Build();
        WebApplication scraped = Build(static services => services.AddOpenTelemetry().WithMetrics(static metrics => metrics
            .AddFastConsumerInstrumentation()
            .AddPrometheusExporter(static options => options.ScrapeResponseCacheDurationMilliseconds = 0)));
        scraped.MapPrometheusScrapingEndpoint();
        await scraped.StartAsync(TestContext.Current.CancellationToken);
        return new TelemetryHost(receiver, scraped, exporting, requests);
    }

    /// <summary>Exports now, and reads what has come.</summary>
    public IReadOnlyList<ExportedMetric> Export()
    {
        _requests.Clear();
        Assert.True(_exporting.ForceFlush());
        return OtlpMetricReader.Read(Assert.Single(_requests));
    }

    /// <summary>What Prometheus would be shown now.</summary>
    public async Task<PrometheusText> ScrapeAsync() => PrometheusText.Parse(await _client.GetStringAsync(
        new Uri($"{_scraped.Urls.Single()}/metrics"), TestContext.Current.CancellationToken));

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _scraped.DisposeAsync();
        _exporting.Dispose();
        await _receiver.DisposeAsync();
    }

    private static WebApplication Build(Action<IServiceCollection>? services = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddRoutingCore();
        builder.Logging.ClearProviders();
        services?.Invoke(builder.Services);
        WebApplication app = builder.Build();
        app.UseRouting();
        return app;
    }
}
