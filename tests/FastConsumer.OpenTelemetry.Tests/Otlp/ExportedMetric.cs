namespace FastConsumer.OpenTelemetry.Tests.Otlp;

internal enum ExportedKind
{
    Gauge,
    MonotonicSum,
    NonMonotonicSum,
    Histogram,
}

/// <summary>A metric as it came over the wire.</summary>
internal sealed record ExportedMetric(
    string Meter, string Name, string Description, string Unit, ExportedKind Kind, IReadOnlyList<ExportedPoint> Points);

/// <summary>One point of a metric.</summary>
/// <param name="Tags">Its attributes; all of them are strings.</param>
/// <param name="Value">Its value; of a histogram the count of values.</param>
/// <param name="Boundaries">Where the buckets of a histogram end.</param>
internal sealed record ExportedPoint(IReadOnlyDictionary<string, string> Tags, double Value, IReadOnlyList<double> Boundaries);
