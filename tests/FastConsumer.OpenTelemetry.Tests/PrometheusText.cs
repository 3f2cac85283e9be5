using System.Globalization;
using System.Text.RegularExpressions;

namespace FastConsumer.OpenTelemetry.Tests;

/// <summary>One sample of Prometheus' text format.</summary>
internal sealed record PrometheusSample(string Name, IReadOnlyDictionary<string, string> Labels, double Value);

/// <summary>Prometheus' text format: the families that are declared, with their types, and all samples.</summary>
internal sealed partial record PrometheusText(IReadOnlyDictionary<string, string> Types, IReadOnlyList<PrometheusSample> Samples)
{
    public static PrometheusText Parse(string text)
    {
        Dictionary<string, string> types = [];
        List<PrometheusSample> samples = [];
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                string[] words = line.Split(' ');
                types.Add(words[2], words[3]);
            }
            else if (!line.StartsWith('#'))
            {
                Match match = Sample().Match(line);
                Assert.True(match.Success, line);
                samples.Add(new PrometheusSample(
                    match.Groups["name"].Value,
                    Label().Matches(match.Groups["labels"].Value)
                        .ToDictionary(static label => label.Groups["name"].Value, static label => label.Groups["value"].Value),
                    double.Parse(match.Groups["value"].Value.Replace("+Inf", "Infinity", StringComparison.Ordinal),
                        CultureInfo.InvariantCulture)));
            }
        }

        return new PrometheusText(types, samples);
    }

    [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?<labels>.*)\})? (?<value>\S+)( \d+)?$""")]
    private static partial Regex Sample();

    [GeneratedRegex("""(?<name>[a-zA-Z_][a-zA-Z0-9_]*)="(?<value>(?:[^"\\]|\\.)*)"(,|$)""")]
    private static partial Regex Label();
}
