using System.Globalization;
using System.Text.RegularExpressions;
using FastConsumer.Package.Tests.Feed;
using FastConsumer.Package.Tests.UserProjects;

namespace FastConsumer.Package.Tests;

/// <summary>What the SDK's own compiler says with the package's analyzers inside.</summary>
public sealed partial class DiagnosticsTests(PackageFeed feed)
{
    [Fact]
    public async Task Mistakes_are_named_where_they_are_and_nothing_else_is()
    {
        string code = UserProject.Code("Mistakes.cs");
        UserProject project = UserProject.Create(feed, "Mistaken", [PackageFeed.Sdk], code);

        DotnetResult result = await project.RunAsync("build");

        Assert.NotEqual(0, result.ExitCode);
        IEnumerable<(int Line, string Id)> expected = code.Split('\n')
            .Select(static (line, index) => (Line: index + 1, Comment: Expectation().Match(line)))
            .Where(static line => line.Comment.Success)
            .Select(static line => (line.Line, line.Comment.Groups["id"].Value));
        IEnumerable<(int Line, string Id)> reported = Diagnostic().Matches(result.Output)
            .Select(static match => (int.Parse(match.Groups["line"].ValueSpan, CultureInfo.InvariantCulture), match.Groups["id"].Value))
            .Distinct()
            .Order();
        Assert.Equal(expected, reported);
    }

    [GeneratedRegex(@"// (?<id>FC\d{4})$")]
    private static partial Regex Expectation();

    [GeneratedRegex(@"Program\.cs\((?<line>\d+),\d+\): (error|warning) (?<id>\w+):")]
    private static partial Regex Diagnostic();
}
