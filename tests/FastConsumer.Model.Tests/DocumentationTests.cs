using System.Reflection;

namespace FastConsumer.Model.Tests;

/// <summary>docs/model.md names what the model has.</summary>
public sealed class DocumentationTests
{
    private static readonly string s_page = File.ReadAllText(Path.Combine(
        typeof(DocumentationTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(static attribute => attribute.Key == "RepositoryRoot").Value!,
        "docs",
        "model.md"));

    [Fact]
    public void The_page_has_each_mistake_beside_the_invariant_that_it_breaks()
    {
        string[] rows = s_page.ReplaceLineEndings("\n").Split('\n');
        string[] missing = [.. Planted.All.Where(pair => !rows.Any(row =>
                row.StartsWith($"| {pair.Invariant} |", StringComparison.Ordinal)
                && row.Contains($"`{pair.Config.Mistake}`", StringComparison.Ordinal)))
            .Select(static pair => $"{pair.Config.Mistake} ({pair.Invariant})")];

        Assert.Empty(missing);
    }

    [Fact]
    public void The_page_says_how_many_scenarios_there_are() =>
        Assert.Contains($"{Clean.All.Count} scenarios", s_page, StringComparison.Ordinal);
}
