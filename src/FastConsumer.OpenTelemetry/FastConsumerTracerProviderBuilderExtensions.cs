namespace OpenTelemetry.Trace;

/// <summary>FastConsumer's spans for OpenTelemetry.</summary>
public static class FastConsumerTracerProviderBuilderExtensions
{
    // FastConsumer's own names for them; that they are the same is tested
    private const string SourceName = "FastConsumer";
    private const string InternalsSourceName = "FastConsumer.Internals";

    /// <summary>
    /// Collects the spans of handlers, of all consumers of the process: the source <c>FastConsumer</c>. A page's records of one lane, or
    /// a batch, have one span.
    /// </summary>
    /// <param name="builder">The builder of the tracer provider.</param>
    /// <returns>The builder.</returns>
    public static TracerProviderBuilder AddFastConsumerInstrumentation(this TracerProviderBuilder builder) =>
        builder.AddFastConsumerInstrumentation(includeInternals: false);

    /// <summary>
    /// Collects the spans of handlers and, where asked for, those of FastConsumer's own work: checkpoints, leases and the runs of shards.
    /// </summary>
    /// <param name="builder">The builder of the tracer provider.</param>
    /// <param name="includeInternals">Whether to add the source <c>FastConsumer.Internals</c>.</param>
    /// <returns>The builder.</returns>
    public static TracerProviderBuilder AddFastConsumerInstrumentation(this TracerProviderBuilder builder, bool includeInternals)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.AddSource(SourceName);
        return includeInternals ? builder.AddSource(InternalsSourceName) : builder;
    }
}
