using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using FastConsumer.Analyzers;
using FastConsumer.SourceGenerator;
using Microsoft.CodeAnalysis;

namespace FastConsumer.Benchmarks.Editor;

/// <summary>
/// Builds a project of many processors as a user does, with the analyzers that the SDK turns on by default and FastConsumer's,
/// and prints what share of the analyzers' time FastConsumer's take. The compiler measures; each round is a process of its own.
/// </summary>
internal sealed partial class AnalyzerShareCommand(int processors, int rounds)
{
    private const string Own = "FastConsumer.Analyzers";

    public void Run()
    {
        string folder = Directory.CreateTempSubdirectory("fastconsumer-analyzers-").FullName;
        try
        {
            foreach (SyntaxTree tree in new EditorSolution(processors).Compilation.SyntaxTrees)
            {
                File.WriteAllText(Path.Combine(folder, tree.FilePath), Source(tree));
            }

            File.WriteAllText(Path.Combine(folder, "Processors.csproj"), Project());
            var shares = new List<double>();
            for (int round = 0; round < rounds; round++)
            {
                IReadOnlyList<string> table = Table(Build(folder));
                (double total, double own) = Read(table);
                shares.Add(own / total);
                Console.WriteLine(
                    string.Create(CultureInfo.InvariantCulture, $"round {round + 1}: {own:F2} s of {total:F2} s, {own / total:P1}"));
                if (round == rounds - 1)
                {
                    Console.WriteLine(string.Join('\n', table));
                }
            }

            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{processors} processors: FastConsumer's share of analyzer time is {shares.Order().ElementAt(shares.Count / 2):P1} "
                    + $"(median), {shares.Min():P1} to {shares.Max():P1}"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>In a real build the framework's own generator finishes the JSON context.</summary>
    private static string Source(SyntaxTree tree)
    {
        string text = tree.ToString();
        int context = text.IndexOf("public partial class EventsJson(", StringComparison.Ordinal);
        return context < 0 ? text : $"{text[..context]}public partial class EventsJson : JsonSerializerContext;\n";
    }

    private static string Build(string folder)
    {
        using var build = Process.Start(new ProcessStartInfo(
            "dotnet",
            [
                "build", "Processors.csproj", "--no-incremental", "--nologo", "-v:detailed", "-nodeReuse:false", "-tl:off",
                "-p:ReportAnalyzer=true", "-p:UseSharedCompilation=false",
            ])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
        })!;
        string output = build.StandardOutput.ReadToEnd();
        build.WaitForExit();
        if (build.ExitCode != 0)
        {
            IEnumerable<string> errors = output.Split('\n')
                .Where(static line => line.Contains(" error ", StringComparison.Ordinal)).Take(20);
            throw new InvalidOperationException($"The build failed.\n{string.Join('\n', errors)}");
        }

        return output;
    }

    /// <summary>The compiler's table: a line for each assembly of analyzers and each analyzer.</summary>
    private static List<string> Table(string output) =>
        [.. output.Split('\n').Select(static line => line.TrimEnd())
            .SkipWhile(static line => !line.Contains("Total analyzer execution time", StringComparison.Ordinal))
            .TakeWhile(static line => !line.Contains("Total generator execution time", StringComparison.Ordinal))
            .Where(static line => line.Length > 0)];

    private static (double Total, double Own) Read(IReadOnlyList<string> table)
    {
        string? own = table.FirstOrDefault(static line => line.Contains($"{Own}, Version", StringComparison.Ordinal));
        return own is null || table.Count == 0
            ? throw new InvalidOperationException("The compiler reported no times of FastConsumer's analyzers.")
            : (Number(table[0]), Number(own));

        static double Number(string line) => double.Parse(FirstNumber().Match(line).Value, CultureInfo.InvariantCulture);
    }

    /// <summary>A class library with the SDK's defaults; what it references lies beside this program.</summary>
    private static string Project()
    {
        IEnumerable<string> references = Directory.GetFiles(AppContext.BaseDirectory, "*.dll").Where(static path =>
            Path.GetFileNameWithoutExtension(path) is "FastConsumer" or "Microsoft.Extensions.Logging.Abstractions"
                or "Microsoft.Extensions.DependencyInjection.Abstractions");
        string[] analyzers = [typeof(FastConsumerAnalyzer).Assembly.Location, typeof(ProcessorGenerator).Assembly.Location];
        return $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
              </PropertyGroup>
              <ItemGroup>
                {string.Join("\n    ", references.Select(static path => $"<Reference Include=\"{path}\" />"))}
                {string.Join("\n    ", analyzers.Select(static path => $"<Analyzer Include=\"{path}\" />"))}
              </ItemGroup>
            </Project>
            """;
    }

    [GeneratedRegex(@"[0-9]+\.[0-9]+")]
    private static partial Regex FirstNumber();
}
