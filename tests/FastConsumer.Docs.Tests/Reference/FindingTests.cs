using System.Text.RegularExpressions;
using FastConsumer.Diagnostics;

namespace FastConsumer.Docs.Tests.Reference;

/// <summary>docs/findings has a page for each rule that says what the rule says, and the pages around it lead there.</summary>
public sealed partial class FindingTests
{
    private static readonly string[] s_sections =
        ["What it means", "What shows it", "What to do", "When it is raised and cleared"];

    public static TheoryData<string> Ids { get; } = [.. FindingRules.All.Select(static rule => rule.Id)];

    /// <summary>The pages that speak of instruments by name.</summary>
    public static TheoryData<string> PagesOfInstruments { get; } = [.. FindingPages, "docs/operating.md", "docs/telemetry.md"];

    private static IEnumerable<string> FindingPages =>
        Pages.All.Where(static page => page.StartsWith("docs/findings/", StringComparison.Ordinal));

    [Fact]
    public void A_rule_has_a_page_and_a_page_has_a_rule() => Assert.Equal(
        FindingRules.All.Select(static rule => $"docs/findings/{rule.Id}.md")
            .Append("docs/findings/index.md")
            .Order(StringComparer.Ordinal),
        FindingPages);

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_page_says_what_its_rule_says(string id)
    {
        FindingRule rule = FindingRules.Find(id)!;
        string raisedAfter = rule.RaiseAfter == TimeSpan.Zero ? "at once" : rule.RaiseAfter.ToString("c");

        string page = Pages.Text($"docs/findings/{id}.md");

        Assert.StartsWith(
            $"# {id}: {rule.Title}\n\n| severity | raised after |\n| --- | --- |\n| {rule.Severity} | {raisedAfter} |\n\n",
            page,
            StringComparison.Ordinal);
        Assert.Equal(s_sections, Section().Matches(page).Select(static match => match.Groups["name"].Value));
        Assert.Contains($"`FastConsumer:Findings:{id}:Severity`", page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_index_lists_each_with_its_severity() => Assert.Equal(
        FindingRules.All.Select(static rule => $"| [{rule.Id}]({rule.Id}.md) | {rule.Severity} | {rule.Title} |"),
        Pages.Text("docs/findings/index.md").Split('\n').Where(static line => line.StartsWith("| [FCF", StringComparison.Ordinal)));

    /// <summary>Somebody who sees a symptom finds each of them.</summary>
    [Fact]
    public void What_to_do_when_leads_to_each()
    {
        string page = Pages.Text("docs/operating.md");

        Assert.DoesNotContain(FindingRules.All, rule => !page.Contains($"(findings/{rule.Id}.md)", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(PagesOfInstruments))]
    public void An_instrument_that_a_page_names_is_there(string page)
    {
        HashSet<string> known =
        [
            .. InstrumentCatalog.All.Select(static info => info.Name),
            .. InstrumentCatalog.All.SelectMany(static info => info.Tags),
            ShardTelemetry.ApplicationTag,
        ];

        Assert.DoesNotContain(
            NameOfInstrument().Matches(Pages.Text(page)).Select(static match => match.Groups["name"].Value),
            name => !known.Contains(name));
    }

    [GeneratedRegex("^## (?<name>.*)$", RegexOptions.Multiline)]
    private static partial Regex Section();

    [GeneratedRegex(@"`(?<name>(fastconsumer|messaging)\.[\w.]+)`")]
    private static partial Regex NameOfInstrument();
}
