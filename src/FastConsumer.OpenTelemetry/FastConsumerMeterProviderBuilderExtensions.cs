namespace OpenTelemetry.Metrics;

/// <summary>FastConsumer's metrics for OpenTelemetry.</summary>
public static class FastConsumerMeterProviderBuilderExtensions
{
    // FastConsumer's own name for it; that they are the same is tested
    private const string MeterName = "FastConsumer";

    /// <summary>
    /// Collects the metrics of all consumers of the process: the meter <c>FastConsumer</c>. Histograms bring their own bucket boundaries;
    /// a view of yours replaces them.
    /// </summary>
    /// <param name="builder">The builder of the meter provider.</param>
    /// <returns>The builder.</returns>
    public static MeterProviderBuilder AddFastConsumerInstrumentation(this MeterProviderBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddMeter(MeterName);
    }
}
