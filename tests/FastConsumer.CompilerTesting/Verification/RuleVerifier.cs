using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;

namespace FastConsumer.CompilerTesting.Verification;

/// <summary>
/// Runs the generators and then the analyzers on a marked source. Compares everything that is reported with the marks:
/// findings of the analyzers, and errors and warnings of the compiler, so that a broken class has no second error.
/// </summary>
internal static class RuleVerifier
{
    private const string Path = "Test.cs";

    /// <summary>What is used of every processor: a class that the generator left out is one more error here.</summary>
    private const string Use =
        """
        static class Host
        {
            public static void AddProcessor<T>() where T : class, FastConsumer.Processors.IKinesisProcessor<T> { }
        }
        """;

    /// <summary>The source reports exactly what is marked; returns the messages, in the order of the source.</summary>
    public static async Task<IReadOnlyList<string>> VerifyAsync(string rule, string marked)
    {
        (string source, IReadOnlyList<Finding> expected) = Markup.Parse(marked, rule);
        GeneratorRun run = GeneratorRun.Of(Compilations.Create([(Path, source), ("Host.cs", Use)]));
        IReadOnlyList<Diagnostic> analysis = await AnalyzeAsync(run.Output);
        Compare(source, expected, [.. run.CompilerDiagnostics, .. analysis]);
        return [.. analysis.OrderBy(diagnostic => diagnostic.Location.SourceSpan.Start).Select(Message)];
    }

    /// <summary>
    /// The same for rules about what methods do, on a class whose shape is in order: warnings of the compiler do not count,
    /// and the generators run only where the source needs what they write.
    /// </summary>
    public static async Task<IReadOnlyList<string>> VerifyBodyAsync(string rule, string marked)
    {
        (string source, IReadOnlyList<Finding> expected) = Markup.Parse(marked, rule);
        Compilation compilation = Compilations.Create([(Path, source)]);
        if (source.Contains("AddProcessor", StringComparison.Ordinal) || source.Contains("JsonSerializerContext", StringComparison.Ordinal))
        {
            compilation = GeneratorRun.Of(compilation).Output;
        }

        IReadOnlyList<Diagnostic> analysis = await AnalyzeAsync(compilation);
        IEnumerable<Diagnostic> errors = compilation.GetDiagnostics(TestContext.Current.CancellationToken)
            .Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
        Compare(source, expected, [.. errors, .. analysis]);
        return [.. analysis.OrderBy(diagnostic => diagnostic.Location.SourceSpan.Start).Select(Message)];
    }

    /// <summary>Nothing is reported where FastConsumer is not referenced, whatever the source looks like.</summary>
    public static async Task VerifySilentWithoutFastConsumerAsync(string source)
    {
        CSharpCompilation compilation = Compilations.Create(referencesFastConsumer: false, (Path, source));
        Assert.Empty(await AnalyzeAsync(compilation));
        Assert.Empty(GeneratorRun.Of(compilation).Result.GeneratedSources);
    }

    private static string Message(Diagnostic diagnostic) => diagnostic.GetMessage(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Everything that the analyzers report; fails where one of them does.</summary>
    public static async Task<IReadOnlyList<Diagnostic>> AnalyzeAsync(Compilation compilation, params AdditionalText[] files)
    {
        var failures = new ConcurrentQueue<Exception>();
        var options = new CompilationWithAnalyzersOptions(
            new AnalyzerOptions([.. files]),
            onAnalyzerException: (exception, _, _) => failures.Enqueue(exception),
            concurrentAnalysis: true,
            logAnalyzerExecutionTime: false);
        var found = await compilation
            .WithAnalyzers([.. Rules.Analyzers], options)
            .GetAnalyzerDiagnosticsAsync(TestContext.Current.CancellationToken);
        if (failures.TryDequeue(out Exception? failure))
        {
            ExceptionDispatchInfo.Throw(failure);
        }

        return found;
    }

    private static void Compare(string source, IReadOnlyList<Finding> expected, IReadOnlyList<Diagnostic> actual)
    {
        var elsewhere = actual.Where(diagnostic => diagnostic.Location.SourceTree?.FilePath != Path).ToList();
        var here = actual.Except(elsewhere).Select(diagnostic => new Finding(diagnostic.Id, diagnostic.Location.SourceSpan)).ToList();
        if (elsewhere.Count == 0 && Sorted(here).SequenceEqual(Sorted(expected)))
        {
            return;
        }

        Assert.Fail(
            $"""
            Expected:
            {Markup.Show(source, expected)}

            Actual:
            {Markup.Show(source, here)}

            Messages:
            {string.Join("\n", actual)}
            """);
    }

    private static IEnumerable<(string Id, int Start, int End)> Sorted(IEnumerable<Finding> findings) =>
        findings.Select(finding => (finding.Id, finding.Span.Start, finding.Span.End)).Order();
}
