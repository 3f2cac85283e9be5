using System.Globalization;
using System.Text;
using FastConsumer.CompilerTesting.Verification;
using Microsoft.CodeAnalysis;

namespace FastConsumer.CompilerTesting.Rules;

/// <summary>
/// All rules on processors as people write them. Each file of the corpus marks what the rules promise to find in it; the
/// table that is printed counts what they found, what they missed, and what they reported without cause.
/// </summary>
public sealed class CorpusTests(ITestOutputHelper output)
{
    private const int LeastProcessors = 30;

    private static readonly Dictionary<string, string> s_texts = Directory.GetFiles(
        Repository.CorpusFolder, "*.cs", SearchOption.AllDirectories)
        .Order(StringComparer.Ordinal)
        .ToDictionary(path => Path.GetRelativePath(Repository.CorpusFolder, path), File.ReadAllText, StringComparer.Ordinal);

    [Fact]
    public async Task Nothing_is_missed_and_nothing_reported_without_cause()
    {
        var sources = new Dictionary<string, string>(StringComparer.Ordinal);
        var expected = new HashSet<(string Path, Finding Finding)>();
        foreach ((string path, string marked) in s_texts)
        {
            (string source, IReadOnlyList<Finding> findings) = Markup.Parse(marked, "");
            sources[path] = source;
            expected.UnionWith(findings.Select(finding => (path, finding)));
        }

        GeneratorRun run = GeneratorRun.Of(
            Compilations.Create([.. sources.Select(file => (file.Key, file.Value))]).AddReferences(Compilations.StandIns));
        Assert.DoesNotContain(run.CompilerDiagnostics, diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
        var actual = (await RuleVerifier.AnalyzeAsync(run.Output))
            .Select(diagnostic => (diagnostic.Location.SourceTree!.FilePath, new Finding(diagnostic.Id, diagnostic.Location.SourceSpan)))
            .ToHashSet();

        int processors = s_texts.Values.Sum(text => text.Split("[KinesisProcessor(").Length - 1);
        output.WriteLine($"{processors} processors in {s_texts.Count} files\n{Table(expected, actual)}");
        var wrong = expected.Except(actual).Select(place => ("missed", place))
            .Concat(actual.Except(expected).Select(place => ("false alarm", place))).ToList();
        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Select(entry => Show(entry.Item1, entry.place, sources))));
        Assert.True(processors >= LeastProcessors, $"{processors} processors");
    }

    [Fact]
    public async Task Nothing_is_reported_where_FastConsumer_is_not_referenced()
    {
        (string, string)[] files = [.. s_texts.Select(file => (file.Key, Markup.Parse(file.Value, "").Source))];
        Assert.Empty(await RuleVerifier.AnalyzeAsync(
            Compilations.Create(referencesFastConsumer: false, files).AddReferences(Compilations.StandIns)));
    }

    private static string Table(HashSet<(string Path, Finding Finding)> expected, HashSet<(string Path, Finding Finding)> actual)
    {
        var table = new StringBuilder("rule   | true | false | missed\n-------|------|-------|-------\n");
        foreach (string id in Verification.Rules.All.Select(rule => rule.Id))
        {
            bool Is((string Path, Finding Finding) place) => place.Finding.Id == id;
            table.Append(
                CultureInfo.InvariantCulture,
                $"{id} | {actual.Intersect(expected).Count(Is),4} | {actual.Except(expected).Count(Is),5} | "
                    + $"{expected.Except(actual).Count(Is),6}\n");
        }

        return table.ToString();
    }

    private static string Show(string what, (string Path, Finding Finding) place, Dictionary<string, string> sources)
    {
        string source = sources.GetValueOrDefault(place.Path, "");
        int line = source.AsSpan(0, Math.Min(place.Finding.Span.Start, source.Length)).Count('\n') + 1;
        string text = place.Finding.Span.End <= source.Length ? source.Substring(place.Finding.Span.Start, place.Finding.Span.Length) : "";
        return $"{what}: {place.Finding.Id} at {place.Path}:{line}: {text}";
    }
}
