using FastConsumer.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace QuickStart;

/// <summary>The consumer as an application would host it.</summary>
internal static class Consumer
{
    public static IHost Build(
        Tally tally, Action<FastConsumerOptions> options, Action<ProcessorOptions> processor, Action<FastConsumerBuilder> leases)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders().AddProvider(new NoteLogger(tally));
        builder.Services.AddSingleton(tally);
        FastConsumerBuilder consumer = builder.Services.AddFastConsumer(options).AddProcessor<SeismicProcessor>(processor);
        leases(consumer);
        AddTelemetry(builder);
        return builder.Build();
    }

    /// <summary>Metrics and traces go where OTEL_EXPORTER_OTLP_ENDPOINT says, and nowhere without it.</summary>
    private static void AddTelemetry(HostApplicationBuilder builder)
    {
        if (string.IsNullOrEmpty(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
        {
            return;
        }

        builder.Services.AddOpenTelemetry()
            .ConfigureResource(static resource => resource.AddService("fastconsumer-quickstart"))
            .WithMetrics(static metrics => metrics.AddFastConsumerInstrumentation().AddOtlpExporter())
            .WithTracing(static traces => traces.AddFastConsumerInstrumentation().AddOtlpExporter());
    }
}
