using FastConsumer.Diagnostics;

namespace FastConsumer.OpenTelemetry.Tests;

/// <summary>
/// Which names Prometheus has for the instruments: they are what dashboards and alarms are written with. The rules:
/// https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/.
/// </summary>
internal static class PrometheusNames
{
    /// <summary>By OpenTelemetry's rules, which the collector and Prometheus' own OTLP receiver follow.</summary>
    public static string Of(InstrumentInfo info) => Of(info, hasRatios: true);

    /// <summary>As OpenTelemetry.Exporter.Prometheus.AspNetCore has them: there a gauge of unit 1 has no suffix.</summary>
    public static string OfExporter(InstrumentInfo info) => Of(info, hasRatios: false);

    private static string Of(InstrumentInfo info, bool hasRatios)
    {
        string name = Clean(info.Name);
        string? unit = info.Unit switch
        {
            "By" => "bytes",
            "s" => "seconds",
            "ms" => "milliseconds",
            "1" => hasRatios && info.Kind == InstrumentKind.ObservableGauge ? "ratio" : null,
            ['{', .., '}'] => null,
            _ => throw new NotSupportedException($"{info.Name} has unit {info.Unit}, for which Prometheus' name is not known here."),
        };
        if (unit is not null && !name.EndsWith(unit, StringComparison.Ordinal))
        {
            name = $"{name}_{unit}";
        }

        return info.Kind is InstrumentKind.Counter or InstrumentKind.ObservableCounter ? $"{name}_total" : name;
    }

    public static string TypeOf(InstrumentInfo info) => info.Kind switch
    {
        InstrumentKind.Counter or InstrumentKind.ObservableCounter => "counter",
        InstrumentKind.Histogram => "histogram",
        _ => "gauge",
    };

    /// <summary>Labels as Prometheus has them, of tags as <see cref="Observed.Text"/> has them.</summary>
    public static string Labels(string tags) => Observed.Text(tags.Split(' ').Select(static tag =>
    {
        string[] parts = tag.Split('=', 2);
        return KeyValuePair.Create(Clean(parts[0]), parts[1]);
    }));

    private static string Clean(string name) => name.Replace('.', '_');
}
