using System.Text.RegularExpressions;

namespace FastConsumer.Docs.Tests;

public sealed partial class LinkTests
{
    public static TheoryData<string> Pages { get; } = [.. Docs.Tests.Pages.All];

    [Theory]
    [MemberData(nameof(Pages))]
    public void A_link_leads_to_a_file_and_a_heading(string page)
    {
        string folder = Path.GetDirectoryName(Path.Combine(Docs.Tests.Pages.Root, page))!;
        List<string> broken = [];
        string text = WithoutCode(Docs.Tests.Pages.Text(page));
        foreach (string target in Link().Matches(text).Select(static match => match.Groups["target"].Value))
        {
            if (target.Contains("://", StringComparison.Ordinal))
            {
                continue;
            }

            string[] parts = target.Split('#', 2);
            string file = parts[0].Length == 0
                ? Path.Combine(Docs.Tests.Pages.Root, page)
                : Path.GetFullPath(Path.Combine(folder, parts[0]));
            if (!File.Exists(file) && !Directory.Exists(file))
            {
                broken.Add(target);
            }
            else if (parts.Length == 2 && !Headings(File.ReadAllText(file)).Contains(parts[1]))
            {
                broken.Add(target);
            }
        }

        Assert.Empty(broken);
    }

    [Fact]
    public void The_first_page_and_the_table_of_contents_have_the_same_pages()
    {
        IEnumerable<string> contents = Entry().Matches(Docs.Tests.Pages.Text("docs/toc.yml"))
            .Select(static match => match.Groups["page"].Value);
        IEnumerable<string> first = Link().Matches(Docs.Tests.Pages.Text("docs/index.md"))
            .Select(static match => match.Groups["target"].Value).Where(static target => !target.Contains("://", StringComparison.Ordinal));

        Assert.Equal(
            contents.Where(static page => page != "index.md").Order(StringComparer.Ordinal),
            first.Order(StringComparer.Ordinal));
    }

    /// <summary>Anchors as GitHub and docfx make them.</summary>
    private static IEnumerable<string> Headings(string markdown) => Heading().Matches(WithoutCode(markdown.ReplaceLineEndings("\n")))
        .Select(static match => NotInAnchor().Replace(match.Groups["text"].Value.Trim().ToLowerInvariant(), "").Replace(' ', '-'));

    private static string WithoutCode(string markdown) => Code().Replace(markdown, "");

    [GeneratedRegex(@"(?<!\!)\[[^\]]*\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^ +href: (?<page>(?!\.\.)\S+\.md)$", RegexOptions.Multiline)]
    private static partial Regex Entry();

    [GeneratedRegex("^#{1,6} (?<text>.*)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchor();

    [GeneratedRegex("^ *```.*?^ *```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Code();
}
