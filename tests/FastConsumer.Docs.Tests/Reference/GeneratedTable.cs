namespace FastConsumer.Docs.Tests.Reference;

/// <summary>
/// A part of a page that is made from the code, between two comments. A test compares it; with <c>FASTCONSUMER_UPDATE_DOCS=1</c>, and never
/// in CI, it writes it.
/// </summary>
internal static class GeneratedTable
{
    public static void Matches(string page, string name, string expected)
    {
        string start = $"<!-- {name}: made from the code, see CONTRIBUTING.md -->\n";
        string end = $"<!-- end of {name} -->\n";
        string text = Pages.Text(page);
        int from = text.IndexOf(start, StringComparison.Ordinal);
        int to = text.IndexOf(end, StringComparison.Ordinal);
        Assert.True(
            from >= 0 && to > from,
            $"{page} has no place for {name}: it begins with '{start.TrimEnd()}' and ends with '{end.TrimEnd()}'.");
        from += start.Length;
        if (Environment.GetEnvironmentVariable("FASTCONSUMER_UPDATE_DOCS") == "1")
        {
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", "Pages are not updated in CI.");
            File.WriteAllText(Path.Combine(Pages.Root, page), $"{text[..from]}{expected}{text[to..]}");
            return;
        }

        Assert.True(
            expected == text[from..to],
            $"""
             {page}: {name} is not what the code says.
             FASTCONSUMER_UPDATE_DOCS=1 dotnet test tests/FastConsumer.Docs.Tests writes it anew. The code says:
             {expected}
             """);
    }

    /// <summary>Text for a cell: one line, no bars.</summary>
    public static string Cell(string text) => text.ReplaceLineEndings(" ").Replace("|", "\\|", StringComparison.Ordinal).Trim();
}
