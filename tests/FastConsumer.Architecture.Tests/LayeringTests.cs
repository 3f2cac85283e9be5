using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace FastConsumer.Architecture.Tests;

/// <summary>
/// The house has one direction: a folder of src/FastConsumer knows only those before it in <see cref="s_layers"/>. Names are
/// resolved by the compiler, so neither an alias nor an enclosing namespace hides a wrong step.
/// </summary>
public sealed class LayeringTests
{
    private static readonly string[] s_layers =
    [
        "Timing", "Diagnostics", "Kinesis/Wire", "Buffers", "Kinesis", "State/Format", "State", "Processors", "Operators", "Reading",
        "Dispatch", "Leases", "Leases/Core", "Leases/Loop", "Checkpoints", "Savepoints", "Supervision", "Monitoring", "Hosting",
    ];

    private static readonly string s_core = Path.Combine(WrittenFiles.Root, "src/FastConsumer");

    [Fact]
    public void A_folder_knows_only_those_before_it()
    {
        (CSharpCompilation compilation, _) = Compile(SourceFiles());

        Assert.Empty(Violations(compilation));
    }

    [Fact]
    public void A_wrong_step_is_found()
    {
        string wrong = Path.Combine(WrittenFiles.Root, "src/FastConsumer/Buffers/Wrong.cs");
        (CSharpCompilation compilation, _) = Compile([.. SourceFiles(), (wrong, "namespace FastConsumer.Buffers; "
            + "internal static class Wrong { internal static object Up(CheckpointPosition p) => new Hosting.RandomSource(1); }")]);

        Assert.Equal(
            ["Buffers/Wrong.cs knows FastConsumer.CheckpointPosition of Processors",
                "Buffers/Wrong.cs knows FastConsumer.Hosting.RandomSource of Hosting"],
            Violations(compilation));
    }

    [Fact]
    public void Every_file_stands_in_a_layer_and_in_its_folders_namespace()
    {
        List<string> wrong = [];
        foreach ((string path, string text) in SourceFiles())
        {
            string folder = Path.GetRelativePath(s_core, Path.GetDirectoryName(path)!).Replace('\\', '/');
            string found = CSharpSyntaxTree.ParseText(text, cancellationToken: TestContext.Current.CancellationToken)
                .GetRoot(TestContext.Current.CancellationToken).DescendantNodes().OfType<BaseNamespaceDeclarationSyntax>().Single().Name
                .ToString();
            string expected = folder switch
            {
                // what users write is in the root namespace; what generated code calls stands apart from it
                "Processors" or "Processors/State" or "Processors/Outputs" => "FastConsumer",
                "Processors/Contract" => "FastConsumer.Processors",
                _ => $"FastConsumer.{folder.Replace('/', '.')}",
            };
            // extensions of the framework's builders live where their users have a using already
            if (LayerOf(path) < 0 || (found != expected && found != "Microsoft.Extensions.DependencyInjection"))
            {
                wrong.Add($"{folder}/{Path.GetFileName(path)}: {found}");
            }
        }

        Assert.Empty(wrong);
    }

    private static List<(string Path, string Text)> SourceFiles() =>
        [.. Directory.EnumerateFiles(s_core, "*.cs", SearchOption.AllDirectories)
            .Where(static path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal))
            .Select(static path => (path, File.ReadAllText(path)))];

    private static (CSharpCompilation Compilation, int Files) Compile(List<(string Path, string Text)> files)
    {
        const string ImplicitUsings = "global using System; global using System.Collections.Generic; global using System.IO; "
            + "global using System.Linq; global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;";
        CSharpParseOptions options = new(LanguageVersion.Preview);
        IEnumerable<SyntaxTree> trees = files.Select(file => CSharpSyntaxTree.ParseText(file.Text, options, file.Path))
            .Append(CSharpSyntaxTree.ParseText(ImplicitUsings, options, "usings"));
        IEnumerable<MetadataReference> references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(static path => Path.GetFileName(path) != "FastConsumer.dll")
            .Select(static path => MetadataReference.CreateFromFile(path));
        return (CSharpCompilation.Create("Layers", trees, references, new CSharpCompilationOptions(
            OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable)), files.Count);
    }

    private static List<string> Violations(CSharpCompilation compilation)
    {
        SortedSet<string> violations = new(StringComparer.Ordinal);
        foreach (SyntaxTree tree in compilation.SyntaxTrees.Where(static tree => tree.FilePath != "usings"))
        {
            SemanticModel model = compilation.GetSemanticModel(tree);
            int layer = LayerOf(tree.FilePath);
            foreach (SimpleNameSyntax name in tree.GetRoot().DescendantNodes().OfType<SimpleNameSyntax>())
            {
                ISymbol? symbol = model.GetSymbolInfo(name).Symbol;
                INamedTypeSymbol? type = symbol as INamedTypeSymbol ?? symbol?.ContainingType;
                string? declaredIn = type?.OriginalDefinition.DeclaringSyntaxReferences.FirstOrDefault()?.SyntaxTree.FilePath;
                if (declaredIn is not null && LayerOf(declaredIn) > layer)
                {
                    violations.Add($"{Path.GetRelativePath(s_core, tree.FilePath).Replace('\\', '/')} "
                        + $"knows {type} of {s_layers[LayerOf(declaredIn)]}");
                }
            }
        }

        return [.. violations];
    }

    private static int LayerOf(string path)
    {
        string relative = Path.GetRelativePath(s_core, path).Replace('\\', '/');
        // the longest match wins: Kinesis/Wire before Kinesis
        string? layer = s_layers.Where(layer => relative.StartsWith(layer + "/", StringComparison.Ordinal))
            .MaxBy(static layer => layer.Length);
        return layer is null ? -1 : Array.IndexOf(s_layers, layer);
    }
}
