using System.Collections.Immutable;
using System.Runtime.Loader;
using FastConsumer.SourceGenerator;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Emit;

namespace FastConsumer.Docs.Tests.Snippets;

/// <summary>A user's project of one file, with implicit usings, nullable on, and all generators of its build.</summary>
internal static class Compilation
{
    private const string ImplicitUsings =
        """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    /// <summary>What a part of a page takes from the page's start.</summary>
    private const string UsingsOfAPart =
        """
        global using System.Text.Json;
        global using System.Text.Json.Serialization;
        global using FastConsumer;
        global using FastConsumer.Checkpoints;
        global using FastConsumer.CloudWatch;
        global using FastConsumer.DynamoDb;
        global using FastConsumer.Hosting;
        global using FastConsumer.Testing;
        global using FastConsumer.Testing.Harness;
        global using FastConsumer.Testing.Leases;
        global using FastConsumer.Testing.Simulation;
        global using Microsoft.AspNetCore.Builder;
        global using Microsoft.EntityFrameworkCore;
        global using Microsoft.Extensions.Configuration;
        global using Microsoft.Extensions.DependencyInjection;
        global using Microsoft.Extensions.Hosting;
        global using Microsoft.Extensions.Logging;
        global using Npgsql;
        global using Xunit;
        global using Reader;
        """;

    private static readonly CSharpParseOptions s_parse = CSharpParseOptions.Default.WithLanguageVersion(LanguageVersion.Preview);

    private static readonly MetadataReference[] s_references =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(static path => MetadataReference.CreateFromFile(path)),
    ];

    /// <summary>The reader's own types, as a library: a page may have types of the same names.</summary>
    private static readonly Lazy<MetadataReference> s_reader = new(static () =>
    {
        using var library = new MemoryStream();
        string folder = Path.Combine(Pages.Root, "tests/FastConsumer.Docs.Tests/Snippets/Reader");
        IEnumerable<string> files = Directory.EnumerateFiles(folder, "*.cs");
        Microsoft.CodeAnalysis.Compilation output = Generate(
            "Reader", [Parse(ImplicitUsings), .. files.Select(static path => Parse(File.ReadAllText(path)))], s_references);
        EmitResult result = output.Emit(library);
        Assert.True(result.Success, string.Join('\n', result.Diagnostics));
        library.Position = 0;
        return MetadataReference.CreateFromStream(library);
    });

    private static readonly ImmutableArray<DiagnosticAnalyzer> s_analyzers =
    [
        .. typeof(Analyzers.ProcessorShapeAnalyzer).Assembly.GetTypes()
            .Where(static type => type.IsSubclassOf(typeof(DiagnosticAnalyzer)) && !type.IsAbstract)
            .Select(static type => (DiagnosticAnalyzer)Activator.CreateInstance(type)!),
    ];

    /// <summary>Errors and warnings of the compiler and of FastConsumer's analyzers.</summary>
    /// <param name="code">What stands on the page.</param>
    /// <param name="isWhole">Whether it must do by itself: no usings but the implicit ones, no types of the reader's.</param>
    public static async Task<IReadOnlyList<string>> ErrorsAsync(string code, bool isWhole)
    {
        Microsoft.CodeAnalysis.Compilation output = isWhole
            ? Generate("Page", [Parse(ImplicitUsings), Parse(code)], s_references)
            : Generate("Page", [Parse(ImplicitUsings), Parse(UsingsOfAPart), Parse(Complete(code))], [.. s_references, s_reader.Value]);
        ImmutableArray<Diagnostic> found =
            await output.WithAnalyzers(s_analyzers).GetAllDiagnosticsAsync(TestContext.Current.CancellationToken);
        return [.. found
            .Where(static diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning)
            .Select(static diagnostic => diagnostic.ToString())];
    }

    private static Microsoft.CodeAnalysis.Compilation Generate(string name, SyntaxTree[] trees, MetadataReference[] references)
    {
        bool isProgram = trees.Any(static tree => tree.GetCompilationUnitRoot().Members.Any(SyntaxKind.GlobalStatement));
        var compilation = CSharpCompilation.Create(
            name,
            trees,
            references,
            new CSharpCompilationOptions(
                isProgram ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary,
                nullableContextOptions: NullableContextOptions.Enable,
                // off in every SDK project; a using or a local function that a part does not need is no fault of the page
                specificDiagnosticOptions: new[] { "CS1701", "CS1702", "CS8019", "CS8321" }
                    .Select(static id => KeyValuePair.Create(id, ReportDiagnostic.Suppress))));
        CSharpGeneratorDriver.Create([new ProcessorGenerator().AsSourceGenerator(), JsonGenerator()], parseOptions: s_parse)
            .RunGeneratorsAndUpdateCompilation(
                compilation, out Microsoft.CodeAnalysis.Compilation output, out _, TestContext.Current.CancellationToken);
        return output;
    }

    private static SyntaxTree Parse(string code) =>
        CSharpSyntaxTree.ParseText(code, s_parse, cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>A part that goes on with the page's builder gets one.</summary>
    private static string Complete(string code) =>
        code.Contains("builder.", StringComparison.Ordinal) && !code.Contains("builder =", StringComparison.Ordinal)
        ? $"HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);\n{code}"
        : code;

    private static ISourceGenerator JsonGenerator()
    {
        string packs = Path.Combine(Pages.Metadata("TargetingPacks"), "Microsoft.NETCore.App.Ref");
        string pack = Directory.GetDirectories(packs, $"{Environment.Version.Major}.*")
            .Order(StringComparer.Ordinal).Last();
        Type type = AssemblyLoadContext.Default
            .LoadFromAssemblyPath(Path.Combine(pack, "analyzers", "dotnet", "cs", "System.Text.Json.SourceGeneration.dll"))
            .GetType("System.Text.Json.SourceGeneration.JsonSourceGenerator", throwOnError: true)!;
        return ((IIncrementalGenerator)Activator.CreateInstance(type)!).AsSourceGenerator();
    }
}
