using System.Diagnostics;
using System.Diagnostics.Metrics;
using FastConsumer.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace FastConsumer.OpenTelemetry.Tests;

[Collection("The process's listeners")]
public sealed class BuilderTests
{
    [Fact]
    public void The_meter_is_fastconsumers()
    {
        using Meter meter = new(ConsumerMetrics.MeterName, "builder-tests");
        Counter<int> counter = meter.CreateCounter<int>("builder.tests");
        Assert.False(counter.Enabled);

        using MeterProvider provider = Sdk.CreateMeterProviderBuilder().AddFastConsumerInstrumentation().AddReader(new Reader()).Build();

        Assert.True(counter.Enabled);
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public void Internals_are_traced_where_they_are_asked_for(bool? includeInternals, bool areTraced)
    {
        using ActivitySource source = new("FastConsumer");
        using ActivitySource internals = new("FastConsumer.Internals");
        Assert.False(source.HasListeners() || internals.HasListeners());
        TracerProviderBuilder builder = Sdk.CreateTracerProviderBuilder();

        TracerProviderBuilder same = includeInternals is bool include
            ? builder.AddFastConsumerInstrumentation(include)
            : builder.AddFastConsumerInstrumentation();

        Assert.Same(builder, same);
        using TracerProvider provider = builder.Build();
        Assert.True(source.HasListeners());
        Assert.Equal(areTraced, internals.HasListeners());
    }

    [Fact]
    public void The_core_knows_nothing_of_opentelemetry() => Assert.DoesNotContain(
        typeof(ConsumerMetrics).Assembly.GetReferencedAssemblies(),
        static reference => reference.Name!.Contains("OpenTelemetry", StringComparison.Ordinal));

    [Fact]
    public void Nothing_is_added_to_no_builder()
    {
        Assert.Throws<ArgumentNullException>(static () => ((MeterProviderBuilder)null!).AddFastConsumerInstrumentation());
        Assert.Throws<ArgumentNullException>(static () => ((TracerProviderBuilder)null!).AddFastConsumerInstrumentation());
    }

    /// <summary>Reads nothing. A provider without a reader listens to no meter.</summary>
    private sealed class Reader : MetricReader;
}
