using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace FastConsumer.Benchmarks.Editor;

/// <summary>
/// Types into a project of many processors, one character after the other, and takes the time of what follows. Places take
/// turns, so that a busy machine is alike to all; medians are printed.
/// </summary>
internal sealed class EditorCommand(int processors, int rounds)
{
    private static readonly (string Name, string Path, string Before, string Typed)[] s_places =
    [
        ("in a handler (JSON)", EditorSolution.Processor(50), "/*here*/", "_ = 1;"),
        ("in a handler (routes)", EditorSolution.Processor(51), "/*here*/", "_ = 1;"),
        ("in a handler (batch)", EditorSolution.Processor(52), "/*here*/", "_ = 1;"),
        ("elsewhere in the file", EditorSolution.Processor(50), "/*elsewhere*/", "private int _typed = 1; public int Typed => _typed;"),
        ("in a file that all processors see", "Shared.cs", "public DateTimeOffset At", "public int Typed { get; set; }"),
        ("in what a handler calls", "Store050.cs", "string trimmed", "_ = 1;"),
    ];

    private readonly Dictionary<string, List<(double Wall, double Cpu)>> _milliseconds = [];

    public void Run()
    {
        var solution = new EditorSolution(processors);
        CSharpCompilation compilation = solution.Compilation;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{processors} processors in {compilation.SyntaxTrees.Length} files, medians of {rounds} in ms"));
        var rewritten = new Dictionary<string, int>();
        for (int round = -2; round < rounds; round++)
        {
            // nothing of the last round is known to this one: the first round's compilations are the same objects
            compilation = compilation.RemoveAllSyntaxTrees().AddSyntaxTrees(compilation.SyntaxTrees);
            EditorRun opened = null!;
            Time(round, "cold: generator", () => opened = EditorRun.Open(compilation));
            EditorRun same = null!;
            Time(round, "same input: generator", () => same = opened.Generate(
                compilation, compilation.SyntaxTrees[0], compilation.SyntaxTrees[0]));
            if (round % 5 == 0)
            {
                Compilation fresh = same.Output.RemoveAllSyntaxTrees().AddSyntaxTrees(same.Output.SyntaxTrees);
                Time(round, "all files: analyzers", () => EditorRun.AnalyzeAll(same.Output));
                Time(round, "all files: (an analyzer that does nothing)", () => EditorRun.AnalyzeAllWithNothing(fresh));
            }

            CSharpCompilation typed = compilation;
            EditorRun run = opened;
            foreach ((string name, string path, string before, string text) in s_places)
            {
                Edit edit = EditorSolution.Type(typed, path, before, text);
                typed = edit.Compilation;
                (double Wall, double Cpu) generator = Time(
                    round, $"{name}: generator", () => run = run.Generate(edit.Compilation, edit.Before, edit.After));
                (double Wall, double Cpu) analyzers = Time(
                    round, $"{name}: analyzers", () => EditorRun.AnalyzeFile(run.Output, edit.After));
                Add(round, $"{name}: together", (generator.Wall + analyzers.Wall, generator.Cpu + analyzers.Cpu));
                rewritten[name] = run.Rewritten;
                // the same on compilations of which nothing is known, for comparison
                Edit bare = EditorSolution.Type(typed, path, before, " ");
                Time(round, $"{name}: (an analyzer that does nothing)", () => EditorRun.AnalyzeFileWithNothing(
                    bare.Compilation, bare.After));
                Edit compiled = EditorSolution.Type(typed, path, before, "  ");
                Time(round, $"{name}: (the compiler on the file)", () => EditorRun.Compile(compiled.Compilation, compiled.After));
            }
        }

        Console.WriteLine("Generated files written anew: "
            + $"{string.Join(", ", rewritten.Select(static place => $"{place.Value} after typing {place.Key}"))}");
        Console.WriteLine($"{"",-60} {"wall",8} {"least",8} {"CPU",8}");
        foreach ((string name, List<(double Wall, double Cpu)> all) in _milliseconds)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{name,-60} {Median(all.Select(static time => time.Wall)),8:F1} {all.Min(static time => time.Wall),8:F1} "
                    + $"{Median(all.Select(static time => time.Cpu)),8:F1}"));
        }
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    private (double Wall, double Cpu) Time<T>(int round, string name, Func<T> work)
    {
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long start = TimeProvider.System.GetTimestamp();
        work();
        (double Wall, double Cpu) spent =
            (TimeProvider.System.GetElapsedTime(start).TotalMilliseconds, (Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds);
        Add(round, name, spent);
        return spent;
    }

    private void Add(int round, string name, (double Wall, double Cpu) value)
    {
        if (round < 0)
        {
            return;
        }

        if (!_milliseconds.TryGetValue(name, out List<(double Wall, double Cpu)>? all))
        {
            _milliseconds.Add(name, all = []);
        }

        all.Add(value);
    }
}
