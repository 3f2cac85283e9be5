using System.Runtime.Loader;
using FastConsumer.SourceGenerator;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace FastConsumer.CompilerTesting.Verification;

/// <summary>The generator on a compilation, beside the JSON generator of the framework, as in a user's build.</summary>
internal sealed class GeneratorRun
{
    private GeneratorRun(GeneratorDriver driver, Compilation output)
    {
        Driver = driver;
        Output = output;
        Result = driver.GetRunResult().Results.Single(result => result.Generator.GetGeneratorType() == typeof(ProcessorGenerator));
        if (Result.Exception is { } exception)
        {
            throw new InvalidOperationException("The generator failed.", exception);
        }
    }

    public GeneratorDriver Driver { get; }

    /// <summary>The compilation with what all generators added.</summary>
    public Compilation Output { get; }

    /// <summary>What FastConsumer's generator did.</summary>
    public GeneratorRunResult Result { get; }

    /// <summary>Errors and warnings of the compiler, in the user's code and in generated code.</summary>
    public IReadOnlyList<Diagnostic> CompilerDiagnostics =>
        [.. Output.GetDiagnostics(TestContext.Current.CancellationToken)
            .Where(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning)];

    public static GeneratorRun Of(Compilation compilation, CSharpParseOptions? options = null)
    {
        GeneratorDriver driver = CSharpGeneratorDriver.Create(
            [new ProcessorGenerator().AsSourceGenerator(), JsonGenerator()],
            parseOptions: options ?? Compilations.ParseOptions,
            driverOptions: new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true));
        return Run(driver, compilation);
    }

    /// <summary>Runs again, with what is cached of this run.</summary>
    public GeneratorRun Again(Compilation compilation) => Run(Driver, compilation);

    private static GeneratorRun Run(GeneratorDriver driver, Compilation compilation)
    {
        driver = driver.RunGeneratorsAndUpdateCompilation(
            compilation, out Compilation output, out _, TestContext.Current.CancellationToken);
        return new GeneratorRun(driver, output);
    }

    private static ISourceGenerator JsonGenerator()
    {
        string pack =
            Directory.GetDirectories(Path.Combine(Repository.TargetingPacks, "Microsoft.NETCore.App.Ref"), $"{Environment.Version.Major}.*")
                .Order(StringComparer.Ordinal).Last();
        Type type = AssemblyLoadContext.Default
            .LoadFromAssemblyPath(Path.Combine(pack, "analyzers", "dotnet", "cs", "System.Text.Json.SourceGeneration.dll"))
            .GetType("System.Text.Json.SourceGeneration.JsonSourceGenerator", throwOnError: true)!;
        return ((IIncrementalGenerator)Activator.CreateInstance(type)!).AsSourceGenerator();
    }
}
