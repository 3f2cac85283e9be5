using System.Reflection;
using FastConsumer.Analyzers;
using FastConsumer.CompilerTesting.Verification;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace FastConsumer.CompilerTesting.Rules;

/// <summary>What holds for every rule, found by reflection.</summary>
public sealed class EveryRuleTests
{
    public static TheoryData<string> Ids => [.. Verification.Rules.All.Select(rule => rule.Id)];

    [Theory]
    [MemberData(nameof(Ids))]
    public void Has_a_page_that_its_help_link_leads_to(string id)
    {
        Assert.Equal($"https://github.com/fastconsumer/fastconsumer/blob/main/docs/rules/{id}.md", Rule(id).HelpLinkUri);
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "rules", $"{id}.md"));
        Assert.StartsWith(
            $"# {id}: {Rule(id).Title.ToString(System.Globalization.CultureInfo.InvariantCulture)}\n", page, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Stands_in_the_release_files(string id)
    {
        string folder = Path.Combine(Repository.Root, "analyzers", "FastConsumer.Analyzers");
        IEnumerable<string> lines = File.ReadLines(Path.Combine(folder, "AnalyzerReleases.Shipped.md"))
            .Concat(File.ReadLines(Path.Combine(folder, "AnalyzerReleases.Unshipped.md")));
        Assert.Single(
            lines, line => line.StartsWith($"{id} | {Rule(id).Category} | {Rule(id).DefaultSeverity} |", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Has_a_class_of_tests(string id)
    {
        Type? tests = typeof(EveryRuleTests).Assembly.GetType($"{typeof(EveryRuleTests).Namespace}.{id}Tests");
        Assert.NotNull(tests);
        Assert.Contains(tests.GetMethods(), method => method.GetCustomAttribute<FactAttribute>() is not null);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Is_on_and_as_severe_as_its_family(string id)
    {
        DiagnosticSeverity expected = id switch
        {
            "FC2005" or "FC4001" or "FC5003" => DiagnosticSeverity.Error,
            "FC3004" or "FC5010" => DiagnosticSeverity.Info,
            "FC1007" => DiagnosticSeverity.Warning,
            _ when id.StartsWith("FC1", StringComparison.Ordinal) => DiagnosticSeverity.Error,
            _ => DiagnosticSeverity.Warning,
        };
        Assert.Equal(expected, Rule(id).DefaultSeverity);
        Assert.True(Rule(id).IsEnabledByDefault);
    }

    [Fact]
    public void Every_analyzer_has_the_common_base() =>
        Assert.All(
            typeof(FastConsumerAnalyzer).Assembly.GetTypes()
                .Where(type => type.IsSubclassOf(typeof(DiagnosticAnalyzer)) && !type.IsAbstract),
            type => Assert.True(type.IsSubclassOf(typeof(FastConsumerAnalyzer)), type.FullName));

    [Fact]
    public Task Nothing_is_reported_where_FastConsumer_is_not_referenced() => RuleVerifier.VerifySilentWithoutFastConsumerAsync(
        """
        namespace FastConsumer.Elsewhere
        {
            [KinesisProcessor("two words")]
            public class P { [OnRecord] public int Handle() => 1; }
        }
        """);

    private static DiagnosticDescriptor Rule(string id) => Verification.Rules.All.Single(rule => rule.Id == id);
}
