using BenchmarkDotNet.Attributes;
using FastConsumer.Benchmarks.Editor;
using Microsoft.CodeAnalysis.CSharp;

namespace FastConsumer.Benchmarks;

/// <summary>
/// The generator and the analyzers in a project of 100 processors. Each invocation types into a compilation of which nothing is
/// known, as each keystroke does; <c>editor</c> instead of <c>--filter</c> takes turns, for machines that are busy.
/// </summary>
[MemoryDiagnoser(displayGenColumns: false)]
public class EditorBenchmarks
{
    private CSharpCompilation _opened = null!;
    private EditorRun _run = null!;

    [GlobalSetup]
    public void Setup()
    {
        _opened = new EditorSolution(processors: 100).Compilation;
        _run = EditorRun.Open(_opened);
    }

    [Benchmark]
    public int GeneratorCold() => EditorRun.Open(_opened.RemoveAllSyntaxTrees().AddSyntaxTrees(_opened.SyntaxTrees)).Rewritten;

    [Benchmark]
    public int GeneratorSameInput() => _run.Generate(_opened, _opened.SyntaxTrees[0], _opened.SyntaxTrees[0]).Rewritten;

    [Benchmark]
    public int KeystrokeInHandler() => Keystroke(EditorSolution.Processor(50), "/*here*/", "_ = 1;");

    [Benchmark]
    public int KeystrokeElsewhereInFile() => Keystroke(EditorSolution.Processor(50), "/*elsewhere*/", "public int Typed => 1;");

    [Benchmark]
    public int KeystrokeInOtherFile() => Keystroke("Shared.cs", "public DateTimeOffset At", "public int Typed { get; set; }");

    [Benchmark]
    public int AnalyzersOnAll() => EditorRun.AnalyzeAll(_run.Output.RemoveAllSyntaxTrees().AddSyntaxTrees(_run.Output.SyntaxTrees));

    private int Keystroke(string path, string before, string typed)
    {
        Edit edit = EditorSolution.Type(_opened, path, before, typed);
        EditorRun run = _run.Generate(edit.Compilation, edit.Before, edit.After);
        return EditorRun.AnalyzeFile(run.Output, edit.After);
    }
}
