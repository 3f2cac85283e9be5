using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using Microsoft.Extensions.Hosting;

namespace FastConsumer.Docs.Tests.Deploying;

/// <summary>
/// deploy/: dashboards and rules ask for instruments, tags and findings that there are. Whether the rules fire when they should is tested
/// by deploy/check.
/// </summary>
public sealed partial class DeployTests
{
    private const string Dashboard = "deploy/grafana/fastconsumer.json";
    private const string Rules = "deploy/prometheus/fastconsumer.rules.yml";
    private const string RuleTests = "deploy/prometheus/fastconsumer.rules.test.yml";
    private const string Worker = "deploy/kubernetes/worker.yaml";

    /// <summary>Labels that Prometheus adds.</summary>
    private static readonly string[] s_prometheusLabels = ["le", "instance", "job"];

    private static readonly List<string> s_dashboardQueries = DashboardQueries();

    public static TheoryData<string> Queries { get; } =
        [.. s_dashboardQueries.Concat(Alerts().Select(static alert => alert.Query)).Distinct()];

    [Theory]
    [MemberData(nameof(Queries))]
    public void A_query_names_instruments_and_tags_that_there_are(string query)
    {
        PrometheusQuery parsed = PrometheusQuery.Parse(query);

        Assert.NotEmpty(parsed.Metrics);
        Assert.DoesNotContain(parsed.Metrics, static metric => !PrometheusQuery.Instruments.ContainsKey(metric));
        HashSet<string> known = [.. s_prometheusLabels, .. parsed.Metrics.SelectMany(LabelsOf)];
        Assert.DoesNotContain(parsed.Labels, label => !known.Contains(label));
        Assert.DoesNotContain(FindingId().Matches(query).Select(static id => id.Value), static id => FindingRules.Find(id) is null);
        Assert.DoesNotContain(StatesIn(query), static state => !Enum.TryParse<ShardState>(state, ignoreCase: true, out _));
    }

    [Theory]
    [InlineData("sum(rate(fastconsumer_lags_seconds[5m]))")]
    [InlineData("sum(rate(fastconsumer_reads[5m]))")]
    [InlineData("max by (fastconsumer_shard) (fastconsumer_lag_seconds)")]
    [InlineData("max(fastconsumer_lag_max_seconds{aws_kinesis_shard_id=\"a\"})")]
    [InlineData("max(fastconsumer_findings{fastconsumer_finding_id=\"FCF9999\"})")]
    [InlineData("rate(fastconsumer_shard_time_seconds_total{state=\"asleep\"}[5m])")]
    public void A_wrong_query_is_noticed(string query) =>
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => A_query_names_instruments_and_tags_that_there_are(query));

    /// <summary>A dashboard that leaves an instrument out says so here.</summary>
    [Fact]
    public void The_dashboard_shows_each_instrument_but_these()
    {
        HashSet<string> shown =
        [
            .. s_dashboardQueries.SelectMany(static query => PrometheusQuery.Parse(query).Metrics)
                .Select(static metric => PrometheusQuery.Instruments[metric].Name),
        ];

        Assert.Equal(
            [
                // KCL's figure, in favour of the lag
                "fastconsumer.millis_behind_latest",
                // single seconds, for the hunt of bursts
                "fastconsumer.reads.second.bytes",
                "fastconsumer.reads.second.calls",
                // the same as records.done
                "messaging.client.consumed.messages",
            ],
            InstrumentCatalog.All.Select(static info => info.Name).Where(name => !shown.Contains(name)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_alerts_are_those_of_the_page()
    {
        IEnumerable<(string, string)> onPage = AlertOnPage().Matches(Pages.Text("docs/telemetry.md"))
            .Select(static row => (row.Groups["name"].Value, row.Groups["severity"].Value));

        Assert.Equal(Alerts().Select(static alert => (alert.Name, alert.Severity)), onPage);
    }

    [Fact]
    public void An_alert_leads_to_a_page_that_is_there() => Assert.DoesNotContain(
        Alerts().Select(static alert => alert.Page),
        static page => page != "docs/findings/{{ $labels.fastconsumer_finding_id }}.md" && !Pages.All.Contains(page));

    [Fact]
    public void Each_alert_is_tested_where_it_fires_and_where_it_is_silent()
    {
        ILookup<string, bool> fires = TestedAlert().Matches(Pages.Text(RuleTests))
            .ToLookup(static test => test.Groups["name"].Value, static test => !test.Groups["silent"].Success);

        Assert.DoesNotContain(Alerts(), alert => !fires[alert.Name].Contains(true) || !fires[alert.Name].Contains(false));
    }

    [Fact]
    public void The_times_of_a_stop_fit_into_each_other()
    {
        string worker = Pages.Text(Worker);
        TimeSpan stop = TimeSpan.Parse(StopTimeout().Match(worker).Groups["time"].Value, CultureInfo.InvariantCulture);
        TimeSpan grace = TimeSpan.FromSeconds(int.Parse(Grace().Match(worker).Groups["seconds"].Value, CultureInfo.InvariantCulture));

        Assert.Equal(FastConsumerOptions.DefaultStopTimeout, stop);
        Assert.InRange(new HostOptions().ShutdownTimeout, stop + TimeSpan.FromSeconds(1), grace - TimeSpan.FromSeconds(1));
    }

    [Theory]
    [InlineData("live")]
    [InlineData("ready")]
    public void A_probe_asks_for_what_the_page_maps(string tag)
    {
        Assert.Contains($"path: /health/{tag},", Pages.Text(Worker), StringComparison.Ordinal);
        Assert.Contains(
            $"MapHealthChecks(\"/health/{tag}\", new() {{ Predicate = static check => check.Tags.Contains(\"{tag}\") }})",
            Pages.Text("docs/operating/container.md"),
            StringComparison.Ordinal);
    }

    private static IEnumerable<string> LabelsOf(string metric)
    {
        InstrumentInfo info = PrometheusQuery.Instruments[metric];
        IEnumerable<string> tags = info.Name.StartsWith("messaging.", StringComparison.Ordinal) ? info.Tags
            : info.Tags.Concat([ShardTelemetry.ApplicationTag, ShardTelemetry.StreamTag]);
        return (info.ByShard ? tags.Append(ShardTelemetry.ShardTag) : tags).Select(PrometheusQuery.LabelOf);
    }

    private static IEnumerable<string> StatesIn(string query) =>
        StateMatcher().Matches(query).SelectMany(static match => match.Groups["states"].Value.Split('|'));

    private static Alert[] Alerts()
    {
        string rules = string.Join('\n', Pages.Text(Rules).Split('\n').Where(static line => !line.TrimStart().StartsWith('#')));
        Alert[] alerts =
        [
            .. AlertRule().Matches(rules).Select(static rule => new Alert(
                rule.Groups["name"].Value, rule.Groups["query"].Value, rule.Groups["severity"].Value, rule.Groups["page"].Value)),
        ];
        Assert.Equal(rules.Split("- alert:").Length - 1, alerts.Length);
        return alerts;
    }

    /// <summary>The queries of panels and variables.</summary>
    private static List<string> DashboardQueries()
    {
        List<string> queries = [];
        using JsonDocument dashboard = JsonDocument.Parse(Pages.Text(Dashboard));
        foreach (JsonElement panel in dashboard.RootElement.GetProperty("panels").EnumerateArray())
        {
            if (panel.TryGetProperty("targets", out JsonElement targets))
            {
                queries.AddRange(targets.EnumerateArray().Select(static target => target.GetProperty("expr").GetString()!));
            }
        }

        foreach (JsonElement variable in dashboard.RootElement.GetProperty("templating").GetProperty("list").EnumerateArray())
        {
            if (variable.GetProperty("type").GetString() == "query")
            {
                Match values = LabelValues().Match(variable.GetProperty("query").GetProperty("query").GetString()!);
                queries.Add($"group by ({values.Groups["label"].Value}) ({values.Groups["query"].Value})");
            }
        }

        return queries;
    }

    private sealed record Alert(string Name, string Query, string Severity, string Page);

    [GeneratedRegex("FCF[0-9]{4}")]
    private static partial Regex FindingId();

    [GeneratedRegex(@"\bstate=~?""(?<states>[^""]*)""")]
    private static partial Regex StateMatcher();

    [GeneratedRegex(@"^label_values\((?<query>.*), (?<label>\w+)\)$")]
    private static partial Regex LabelValues();

    [GeneratedRegex(
        @"- alert: (?<name>\w+)\n +expr:(?<query>.*?)\n +(for: \w+\n +)?labels:\n +severity: (?<severity>\w+)\n.*?\n +page: ""?"
            + @"(?<page>[^""\n]*)",
        RegexOptions.Singleline)]
    private static partial Regex AlertRule();

    [GeneratedRegex(@"^\| (?<name>[A-Z]\w+) \|.*\| (?<severity>critical|warning) \| ", RegexOptions.Multiline)]
    private static partial Regex AlertOnPage();

    [GeneratedRegex(@"alertname: (?<name>\w+)\n +exp_alerts:(?<silent> \[\])?")]
    private static partial Regex TestedAlert();

    [GeneratedRegex(@"name: FastConsumer__StopTimeout\n +value: ""(?<time>[\d:]+)""")]
    private static partial Regex StopTimeout();

    [GeneratedRegex(@"terminationGracePeriodSeconds: (?<seconds>\d+)")]
    private static partial Regex Grace();
}
