using System.Text.RegularExpressions;
using FastConsumer.Diagnostics;

namespace FastConsumer.Docs.Tests.Deploying;

/// <summary>What a query in PromQL names: metrics and labels of ours.</summary>
internal sealed partial record PrometheusQuery(IReadOnlyList<string> Metrics, IReadOnlyList<string> Labels)
{
    /// <summary>The instruments by the names that they have in Prometheus.</summary>
    public static IReadOnlyDictionary<string, InstrumentInfo> Instruments { get; } = InstrumentCatalog.All
        .SelectMany(static info => NamesOf(info).Select(name => (name, info)))
        .ToDictionary(static pair => pair.name, static pair => pair.info, StringComparer.Ordinal);

    public static PrometheusQuery Parse(string query)
    {
        List<string> labels = [];
        string left = Text().Replace(query, "\"\"");
        left = Take(left, Matchers(), static match => Label().Matches(match.Value).Select(static label => label.Groups["name"].Value));
        left = Take(left, Grouping(), static match => match.Groups["names"].Value.Split(',', StringSplitOptions.TrimEntries));
        return new PrometheusQuery([.. Metric().Matches(left).Select(static match => match.Value)], labels);

        string Take(string text, Regex part, Func<Match, IEnumerable<string>> names) => part.Replace(text, match =>
        {
            labels.AddRange(names(match));
            return " ";
        });
    }

    /// <summary>A tag's name as a label.</summary>
    public static string LabelOf(string tag) => NotInName().Replace(tag, "_");

    /// <summary>
    /// The names of an instrument's series. Where a word of the name is the unit already, exporters differ in whether they repeat it.
    /// </summary>
    private static IEnumerable<string> NamesOf(InstrumentInfo info)
    {
        string name = LabelOf(info.Name);
        string unit = info.Unit switch
        {
            "s" => "seconds",
            "ms" => "milliseconds",
            "By" => "bytes",
            "1" when info.Kind == InstrumentKind.ObservableGauge => "ratio",
            ['{', ..] => "",
            _ => throw new InvalidOperationException($"{info.Name}: the unit {info.Unit} has no name in Prometheus."),
        };
        string[] names = unit.Length == 0 ? [name]
            : name.Split('_').Contains(unit) ? [name, $"{name}_{unit}"]
            : [$"{name}_{unit}"];
        return names.SelectMany(one => info.Kind switch
        {
            InstrumentKind.Counter or InstrumentKind.ObservableCounter => new[] { $"{one}_total" },
            InstrumentKind.Histogram => [$"{one}_bucket", $"{one}_sum", $"{one}_count"],
            _ => [one],
        });
    }

    [GeneratedRegex("\"(\\\\.|[^\"\\\\])*\"")]
    private static partial Regex Text();

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Matchers();

    [GeneratedRegex(@"(?<name>\w+)\s*(=~|!~|!=|=)")]
    private static partial Regex Label();

    [GeneratedRegex(@"\b(by|without|on|ignoring|group_left|group_right)\s*\((?<names>[^)]*)\)")]
    private static partial Regex Grouping();

    [GeneratedRegex(@"\b(fastconsumer|messaging)_\w+")]
    private static partial Regex Metric();

    [GeneratedRegex("[^a-z0-9_]")]
    private static partial Regex NotInName();
}
