namespace FastConsumer.Diagnostics;

/// <summary>What an instrument is to OpenTelemetry.</summary>
internal enum InstrumentKind
{
    Counter,
    Histogram,
    ObservableGauge,
    ObservableCounter,
    ObservableUpDownCounter,
}

/// <summary>One instrument: its name, and what it tells.</summary>
/// <param name="Name">The name, as exported by OpenTelemetry.</param>
/// <param name="Kind">The kind.</param>
/// <param name="Unit">The unit, in UCUM.</param>
/// <param name="Description">What it tells.</param>
/// <param name="ByShard">True where each shard has a figure of its own (<c>aws.kinesis.shard.id</c>).</param>
/// <param name="Tags">Further tags, beside <c>fastconsumer.application</c> and <c>aws.kinesis.stream_name</c>.</param>
internal sealed record InstrumentInfo(
    string Name, InstrumentKind Kind, string Unit, string Description, bool ByShard = false, params string[] Tags)
{
    /// <summary>Where the buckets of a histogram end; null for those that OpenTelemetry chooses.</summary>
    public IReadOnlyList<double>? Boundaries { get; init; }
}
