using System.Text.RegularExpressions;

namespace FastConsumer.Docs.Tests.Snippets;

/// <summary>The C# of the pages compiles, with generator and warnings, so that what a reader copies works.</summary>
public sealed partial class SnippetTests
{
    /// <summary>Pages whose snippets are held elsewhere, or are about code that is none of FastConsumer's.</summary>
    private static readonly string[] s_elsewhere =
    [
        "docs/buffers.md", // FastConsumer.Testing.Tests compiles and runs them
        "docs/payloads.md", // FastConsumer.Payloads.Tests compiles and runs them
        "docs/rules/", // shows mistakes, each of which a rule's tests compile
        "docs/coming-from-kcl.md", // shows KCL's own interface too
    ];

    public static TheoryData<string, int> Snippets { get; } = FindSnippets();

    [Theory]
    [MemberData(nameof(Snippets))]
    public async Task A_snippet_compiles_without_a_warning(string page, int line)
    {
        string code = SnippetsOf(page).Single(snippet => snippet.Line == line).Code;

        Assert.Empty(await Compilation.ErrorsAsync(code, isWhole: false));
    }

    /// <summary>The first thing that somebody copies has all that it needs in it.</summary>
    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/getting-started/first-run.md")]
    public async Task The_first_snippet_compiles_as_it_stands(string page) =>
        Assert.Empty(await Compilation.ErrorsAsync(SnippetsOf(page).First().Code, isWhole: true));

    [Theory]
    [InlineData("[KinesisProcessor(\"orders\")] public sealed partial class P { [OnRecord] public void Handle(Missing order) { } }")]
    [InlineData("int Of(string? order) => order.Length;")]
    [InlineData("[KinesisProcessor(\"a\")] public sealed partial class P { [OnRecord] public void H(string a) { Task.Run(() => a); } }")]
    public async Task A_wrong_one_does_not(string code) => Assert.NotEmpty(await Compilation.ErrorsAsync(code, isWhole: false));

    private static TheoryData<string, int> FindSnippets()
    {
        TheoryData<string, int> all = [];
        static bool IsElsewhere(string page) => s_elsewhere.Any(elsewhere => page.StartsWith(elsewhere, StringComparison.Ordinal));
        foreach (string page in Pages.All.Where(static page => !IsElsewhere(page)))
        {
            foreach ((int line, _) in SnippetsOf(page))
            {
                all.Add(page, line);
            }
        }

        return all;
    }

    private static IEnumerable<(int Line, string Code)> SnippetsOf(string page)
    {
        string text = Pages.Text(page);
        return CSharpBlock().Matches(text).Select(match => (text.AsSpan(0, match.Index).Count('\n') + 1, match.Groups["code"].Value));
    }

    [GeneratedRegex("^```csharp\n(?<code>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CSharpBlock();
}
