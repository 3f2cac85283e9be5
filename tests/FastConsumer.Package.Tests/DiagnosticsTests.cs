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

    [Fact]
    public async Task The_code_fixes_are_offered_and_put_mistakes_right()
    {
        UserProject project = UserProject.Create(feed, "Fixed", [PackageFeed.Sdk], UserProject.Code("Mistakes.cs"));

        // `dotnet format` shows a fix only the first finding of an analyzer, of whatever rule: one rule of each analyzer is asked for
        DotnetResult result = (await project.FormatAsync("FC1001", "FC2003")).MustSucceed();

        string code = await File.ReadAllTextAsync(project.PathOf("Program.cs"), TestContext.Current.CancellationToken);
        foreach (string line in (string[])[
            "public sealed partial class NotPartial // FC1001", "await Task.Run(order.ToUpperInvariant); // FC2003"])
        {
            Assert.True(code.Contains(line, StringComparison.Ordinal), $"'{line}' is not there:\n{code}\n{result.Output}");
        }
    }

    [GeneratedRegex(@"// (?<id>FC\d{4})$")]
    private static partial Regex Expectation();

    [GeneratedRegex(@"Program\.cs\((?<line>\d+),\d+\): (error|warning) (?<id>\w+):")]
    private static partial Regex Diagnostic();
}
