using FastConsumer.SourceGenerator;
using Microsoft.CodeAnalysis.CSharp;

namespace FastConsumer.CompilerTesting.Verification;

/// <summary>
/// A folder with an input, and beside it what the generator makes of it. All inputs share one file of payloads and bases.
/// </summary>
internal sealed class GoldenCase(string name)
{
    public const string InputPath = "Input.cs";
    public const string SharedPath = "Shared.cs";

    private string Folder => Path.Combine(Repository.GoldenFolder, name);

    public static string SharedText { get; } = File.ReadAllText(Path.Combine(Repository.GoldenFolder, SharedPath));

    public string InputText => File.ReadAllText(Path.Combine(Folder, InputPath));

    public static IEnumerable<string> Names => Directory.GetDirectories(Repository.GoldenFolder).Select(path => Path.GetFileName(path))
        .Order(StringComparer.Ordinal);

    public CSharpCompilation Compile() => Compilations.Create((InputPath, InputText), (SharedPath, SharedText));

    /// <summary>The files that the generator is expected to write, by name.</summary>
    public Dictionary<string, string> Expected() => Directory.GetFiles(Folder)
        .Where(path => Path.GetFileName(path) != InputPath)
        .ToDictionary(path => Path.GetFileName(path), File.ReadAllText, StringComparer.Ordinal);

    /// <summary>The files that the generator writes. The version changes with each release, so it is kept out.</summary>
    public static Dictionary<string, string> Actual(GeneratorRun run) => run.Result.GeneratedSources.ToDictionary(
        source => source.HintName,
        source => source.SourceText.ToString().Replace(
            $"\"{typeof(ProcessorGenerator).Assembly.GetName().Version!.ToString(3)}\"", "\"<version>\"", StringComparison.Ordinal),
        StringComparer.Ordinal);

    /// <summary>Takes over what the generator writes now.</summary>
    public void Accept(Dictionary<string, string> actual)
    {
        foreach (string stale in Expected().Keys.Except(actual.Keys))
        {
            File.Delete(Path.Combine(Folder, stale));
        }

        foreach ((string file, string text) in actual)
        {
            File.WriteAllText(Path.Combine(Folder, file), text);
        }
    }
}
