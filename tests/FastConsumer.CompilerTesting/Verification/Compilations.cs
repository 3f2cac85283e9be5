using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace FastConsumer.CompilerTesting.Verification;

/// <summary>Compilations as a user's project makes them: nullable, every warning on, and FastConsumer referenced or not.</summary>
internal static class Compilations
{
    public static readonly CSharpParseOptions ParseOptions = CSharpParseOptions.Default
        .WithLanguageVersion(LanguageVersion.Preview)
        .WithDocumentationMode(DocumentationMode.Diagnose);

    private static readonly MetadataReference[] s_references =
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
        .Split(Path.PathSeparator)
        .Select(path => MetadataReference.CreateFromFile(path))
        .ToArray<MetadataReference>();

    private static readonly CSharpCompilationOptions s_options = new(
        OutputKind.DynamicallyLinkedLibrary,
        nullableContextOptions: NullableContextOptions.Enable,
        allowUnsafe: true,
        warningLevel: 9999,
        // the documentation of a test's public classes is no concern here; the others are off in every SDK project
        specificDiagnosticOptions: new[] { "CS1591", "CS1701", "CS1702" }.Select(id => KeyValuePair.Create(id, ReportDiagnostic.Suppress)));

    /// <summary>The usings of a project with implicit usings.</summary>
    private const string ImplicitUsings =
        """
        global using System;
        global using System.Collections.Generic;
        global using System.Linq;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    public static CSharpCompilation Create(params (string Path, string Text)[] files) => Create(referencesFastConsumer: true, files);

    public static CSharpCompilation Create(bool referencesFastConsumer, params (string Path, string Text)[] files) => CSharpCompilation.Create(
        "Tests",
        files.Append(("ImplicitUsings.cs", ImplicitUsings)).Select(file => Parse(file.Item1, file.Item2)),
        s_references.Where(reference => referencesFastConsumer || !Path.GetFileName(reference.Display!).StartsWith("FastConsumer", StringComparison.Ordinal)),
        s_options);

    public static SyntaxTree Parse(string path, string text) =>
        CSharpSyntaxTree.ParseText(SourceText.From(text, Encoding.UTF8), ParseOptions, path);
}
