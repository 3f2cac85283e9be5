using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace FastConsumer.Architecture.Tests;

/// <summary>
/// A comment that inherits another member's, as a whole, has no parameter of its own: the site's builder sees a name twice where both have
/// it, and a reader sees either.
/// </summary>
public sealed class InheritedCommentTests
{
    [Fact]
    public void A_comment_inherits_parameters_or_describes_them()
    {
        List<string> both = [];
        foreach (string path in WrittenFiles.In("src"))
        {
            both.AddRange(Both(File.ReadAllText(path)).Select(line => $"{WrittenFiles.NameOf(path)}:{line}"));
        }

        Assert.True(both.Count == 0, string.Join('\n', both));
    }

    [Fact]
    public void One_that_does_both_is_found()
    {
        const string Parameter = "/// <param name=\"a\">A.</param>\n";
        const string Method = "void M(int a) { }";

        Assert.Equal([1], Both($"/// <inheritdoc cref=\"N\"/>\n{Parameter}{Method}"));
        Assert.Equal([1], Both($"/// <inheritdoc/>\n{Parameter}{Method}"));
        Assert.Empty(Both($"/// <inheritdoc cref=\"N\"/>\n{Method}"));
        Assert.Empty(Both($"/// <summary>M.</summary>\n{Parameter}{Method}"));
        Assert.Empty(Both($"/// <remarks>\n/// <inheritdoc cref=\"N\" path=\"/remarks/node()\"/>\n/// </remarks>\n{Parameter}{Method}"));
    }

    /// <summary>The lines where such comments begin.</summary>
    private static IEnumerable<int> Both(string code)
    {
        SyntaxTree tree = CSharpSyntaxTree.ParseText(code, new CSharpParseOptions(LanguageVersion.Preview, DocumentationMode.Parse));
        return tree.GetRoot().DescendantNodes(descendIntoTrivia: true).OfType<DocumentationCommentTriviaSyntax>()
            .Where(static comment => comment.Content.OfType<XmlEmptyElementSyntax>().Any(IsWhole)
                && comment.Content.OfType<XmlElementSyntax>()
                    .Any(static element => element.StartTag.Name.LocalName.ValueText is "param" or "typeparam"))
            .Select(comment => tree.GetLineSpan(comment.Span).StartLinePosition.Line + 1);
    }

    private static bool IsWhole(XmlEmptyElementSyntax element) => element.Name.LocalName.ValueText == "inheritdoc"
        && !element.Attributes.Any(static attribute => attribute.Name.LocalName.ValueText == "path");
}
