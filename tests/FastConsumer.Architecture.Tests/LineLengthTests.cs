using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace FastConsumer.Architecture.Tests;

/// <summary>
/// No line of code is longer than the 140 columns that .editorconfig names: what does not fit beside another file is not read. A raw or
/// verbatim string may go on behind them, since a break would be a part of its value.
/// </summary>
public sealed class LineLengthTests
{
    private const int Columns = 140;

    public static TheoryData<string> Folders { get; } = ["src", "tests", "generators", "analyzers", "samples", "benchmarks"];

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_line_ends_at_140_columns(string folder)
    {
        List<string> tooLong = [];
        foreach (string path in WrittenFiles.In(folder))
        {
            tooLong.AddRange(TooLong(File.ReadAllText(path))
                .Select(line => $"{WrittenFiles.NameOf(path)}:{line.LineNumber + 1} has {line.Span.Length} columns"));
        }

        Assert.True(tooLong.Count == 0, $"{tooLong.Count} lines:\n{string.Join('\n', tooLong)}");
    }

    [Fact]
    public void A_longer_line_is_found()
    {
        string fits = "// ".PadRight(Columns, '.');
        string rest = new('.', Columns);

        Assert.Empty(TooLong(fits));
        Assert.Equal([1], TooLong($"// one\n{fits}.\n").Select(static line => line.LineNumber));
        Assert.Single(TooLong($"string text = \"{rest}\";"));
        Assert.Single(TooLong($"string text = \"\"\"short\"\"\" + \"{rest}\";"));
    }

    [Theory]
    [InlineData("\"\"\"", "\"\"\"")]
    [InlineData("\"\"\"\n    ", "\n    \"\"\"")]
    [InlineData("$$\"\"\"{{1}} ", "\"\"\"")]
    [InlineData("\"\"\"", "\"\"\"u8")]
    [InlineData("@\"", "\"")]
    [InlineData("$@\"", "\"")]
    public void A_raw_or_verbatim_string_may_go_on(string open, string close) =>
        Assert.Empty(TooLong($"var text = {open}{new string('.', Columns)}{close};"));

    private static List<TextLine> TooLong(string code)
    {
        var text = SourceText.From(code);
        List<TextLine> lines = [.. text.Lines.Where(static line => line.Span.Length > Columns)];
        if (lines.Count == 0)
        {
            return lines;
        }

        SyntaxNode root = CSharpSyntaxTree.ParseText(text, new CSharpParseOptions(LanguageVersion.Preview)).GetRoot();
        return [.. lines.Where(line => !IsWithinRawString(root.FindToken(line.Start + Columns)))];
    }

    private static bool IsWithinRawString(SyntaxToken token) =>
        (token.Parent is LiteralExpressionSyntax && IsRaw(token.Text))
        || token.Parent!.AncestorsAndSelf().OfType<InterpolatedStringExpressionSyntax>().Any(static text => IsRaw(text.ToString()));

    private static bool IsRaw(string literal) => literal.TrimStart('$') is ['@', ..] or ['"', '"', '"', ..];
}
