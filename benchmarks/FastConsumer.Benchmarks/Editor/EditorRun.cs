using System.Collections.Immutable;
using FastConsumer.Analyzers;
using FastConsumer.SourceGenerator;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

namespace FastConsumer.Benchmarks.Editor;

/// <summary>
/// What an editor does at a keystroke, as far as it concerns FastConsumer: the generator on the whole project, the analyzers on the file
/// that is open.
/// </summary>
internal sealed class EditorRun
{
    private static readonly ImmutableArray<DiagnosticAnalyzer> s_analyzers =
        [.. typeof(FastConsumerAnalyzer).Assembly.GetTypes()
            .Where(static type => !type.IsAbstract && type.IsSubclassOf(typeof(DiagnosticAnalyzer)))
            .Select(static type => (DiagnosticAnalyzer)Activator.CreateInstance(type)!)];

    private readonly GeneratorDriver _driver;
    private readonly ImmutableDictionary<SourceText, SyntaxTree> _generated;

    private EditorRun(GeneratorDriver driver, ImmutableDictionary<SourceText, SyntaxTree> generated, Compilation output)
    {
        _driver = driver;
        _generated = generated;
        Output = output;
    }

    /// <summary>The project with what the generator added.</summary>
    public Compilation Output { get; }

    /// <summary>How many files of the generator are not those of the run before.</summary>
    public int Rewritten { get; private init; }

    /// <summary>The first run, with nothing known.</summary>
    public static EditorRun Open(CSharpCompilation compilation)
    {
        GeneratorDriver driver =
            CSharpGeneratorDriver.Create([new ProcessorGenerator().AsSourceGenerator()], parseOptions: EditorSolution.ParseOptions)
                .RunGenerators(compilation);
        ImmutableDictionary<SourceText, SyntaxTree> generated = Generated(driver);
        return new EditorRun(driver, generated, compilation.AddSyntaxTrees(generated.Values)) { Rewritten = generated.Count };
    }

    /// <summary>
    /// The generator on an edited project, with what is known of the last run. As in a workspace, a generated file whose text is
    /// that of the run before stays where it is; the driver itself parses all of them anew each time.
    /// </summary>
    public EditorRun Generate(CSharpCompilation edited, SyntaxTree before, SyntaxTree after)
    {
        GeneratorDriver driver = _driver.RunGenerators(edited);
        ImmutableDictionary<SourceText, SyntaxTree> generated = Generated(driver);
        SourceText[] added = [.. generated.Keys.Where(text => !_generated.ContainsKey(text))];
        SourceText[] removed = [.. _generated.Keys.Where(text => !generated.ContainsKey(text))];
        Compilation output = Output;
        if (added.Length + removed.Length > 0)
        {
            output = output.RemoveSyntaxTrees(removed.Select(text => _generated[text]))
                .AddSyntaxTrees(added.Select(text => generated[text]));
        }

        ImmutableDictionary<SourceText, SyntaxTree> kept = _generated.RemoveRange(removed)
            .AddRange(added.Select(text => KeyValuePair.Create(text, generated[text])));
        return new EditorRun(driver, kept, before == after ? output : output.ReplaceSyntaxTree(before, after)) { Rewritten = added.Length };
    }

    /// <summary>The analyzers on one file, as an editor asks for the file in front.</summary>
    public static int AnalyzeFile(Compilation compilation, SyntaxTree tree) => AnalyzeFileWith(s_analyzers, compilation, tree);

    /// <summary>What Roslyn needs for such a question, with an analyzer that does nothing.</summary>
    public static int AnalyzeFileWithNothing(Compilation compilation, SyntaxTree tree) =>
        AnalyzeFileWith([new NoAnalyzer()], compilation, tree);

    /// <summary>The analyzers on everything, as a build does.</summary>
    public static int AnalyzeAll(Compilation compilation) =>
        With(s_analyzers, compilation).GetAnalyzerDiagnosticsAsync(CancellationToken.None).GetAwaiter().GetResult().Length;

    /// <summary>What Roslyn needs for that, with an analyzer that does nothing.</summary>
    public static int AnalyzeAllWithNothing(Compilation compilation) =>
        With([new NoAnalyzer()], compilation).GetAnalyzerDiagnosticsAsync(CancellationToken.None).GetAwaiter().GetResult().Length;

    /// <summary>What the compiler itself says of one file, which an editor asks with or without FastConsumer.</summary>
    public static int Compile(Compilation compilation, SyntaxTree tree) => compilation.GetSemanticModel(tree).GetDiagnostics().Length;

    private static int AnalyzeFileWith(ImmutableArray<DiagnosticAnalyzer> analyzers, Compilation compilation, SyntaxTree tree)
    {
        CompilationWithAnalyzers analysis = With(analyzers, compilation);
        int syntax = analysis.GetAnalyzerSyntaxDiagnosticsAsync(tree, CancellationToken.None).GetAwaiter().GetResult().Length;
        return syntax + analysis.GetAnalyzerSemanticDiagnosticsAsync(compilation.GetSemanticModel(tree), null, CancellationToken.None)
            .GetAwaiter().GetResult().Length;
    }

    private static CompilationWithAnalyzers With(ImmutableArray<DiagnosticAnalyzer> analyzers, Compilation compilation) =>
        compilation.WithAnalyzers(
            analyzers,
            new CompilationWithAnalyzersOptions(
                new AnalyzerOptions([]),
                static (exception, _, _) => throw new InvalidOperationException("An analyzer failed.", exception),
                concurrentAnalysis: true,
                logAnalyzerExecutionTime: false));

    private static ImmutableDictionary<SourceText, SyntaxTree> Generated(GeneratorDriver driver)
    {
        GeneratorRunResult result = driver.GetRunResult().Results.Single();
        return result.Exception is { } exception
            ? throw new InvalidOperationException("The generator failed.", exception)
            : result.GeneratedSources.ToImmutableDictionary(static source => source.SourceText, static source => source.SyntaxTree);
    }
}
