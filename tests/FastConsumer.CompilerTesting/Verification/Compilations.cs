using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Emit;
using Microsoft.CodeAnalysis.Text;

namespace FastConsumer.CompilerTesting.Verification;

/// <summary>Compilations as a user's project makes them: nullable, every warning on, and FastConsumer referenced or not.</summary>
internal static class Compilations
{
    public static readonly CSharpParseOptions ParseOptions = CSharpParseOptions.Default
        .WithLanguageVersion(LanguageVersion.Preview)
        .WithDocumentationMode(DocumentationMode.Diagnose);

    public static readonly MetadataReference[] References =
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
        .Split(Path.PathSeparator)
        .Select(path => MetadataReference.CreateFromFile(path))
        .ToArray<MetadataReference>();

    public static readonly CSharpCompilationOptions Options = new(
        OutputKind.DynamicallyLinkedLibrary,
        nullableContextOptions: NullableContextOptions.Enable,
        allowUnsafe: true,
        warningLevel: 9999,
        // the documentation of a test's public classes is no concern here; the others are off in every SDK project
        specificDiagnosticOptions: new[] { "CS1591", "CS1701", "CS1702" }.Select(id => KeyValuePair.Create(id, ReportDiagnostic.Suppress)));

    /// <summary>The usings of a project with implicit usings.</summary>
    public const string ImplicitUsings =
        """
        global using System;
        global using System.Collections.Generic;
        global using System.Linq;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    /// <summary>
    /// Packages that teams use and that are not referenced here: the part of each that sources under test call, compiled to
    /// an assembly of the package's name. The rules see metadata, as in a user's build.
    /// </summary>
    public static IReadOnlyList<MetadataReference> StandIns => s_standIns.Value;

    private static readonly Lazy<MetadataReference[]> s_standIns = new(() =>
        [.. Directory.GetFiles(Repository.StandInsFolder, "*.cs").Order(StringComparer.Ordinal).Select(StandIn)]);

    private static readonly Lazy<CSharpCompilation> s_with = Base(referencesFastConsumer: true);
    private static readonly Lazy<CSharpCompilation> s_without = Base(referencesFastConsumer: false);

    public static CSharpCompilation Create(params (string Path, string Text)[] files) => Create(referencesFastConsumer: true, files);

    public static CSharpCompilation Create(bool referencesFastConsumer, params (string Path, string Text)[] files) =>
        (referencesFastConsumer ? s_with : s_without).Value.AddSyntaxTrees(
            [.. files.Append(("ImplicitUsings.cs", ImplicitUsings)).Select(file => Parse(file.Item1, file.Item2))]);

    public static SyntaxTree Parse(string path, string text) =>
        CSharpSyntaxTree.ParseText(SourceText.From(text, Encoding.UTF8), ParseOptions, path);

    private static MetadataReference StandIn(string path)
    {
        string name = Path.GetFileNameWithoutExtension(path);
        CSharpCompilation compilation = CSharpCompilation.Create(
            name,
            [Parse(path, File.ReadAllText(path)), Parse("Usings.cs", ImplicitUsings + "\nglobal using System.IO;")],
            References,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        using var image = new MemoryStream();
        EmitResult result = compilation.Emit(image);
        return result.Success
            ? MetadataReference.CreateFromImage(image.ToArray(), filePath: name + ".dll")
            : throw new InvalidOperationException($"{path} does not compile:\n{string.Join('\n', result.Diagnostics)}");
    }

    // compilations that come of one share what was read of the references, which is most of the work
    private static Lazy<CSharpCompilation> Base(bool referencesFastConsumer) => new(() =>
    {
        var compilation = CSharpCompilation.Create(
            "Tests",
            [],
            References.Where(reference =>
                referencesFastConsumer || !Path.GetFileName(reference.Display!).StartsWith("FastConsumer", StringComparison.Ordinal)),
            Options);
        compilation.GetSpecialType(SpecialType.System_Object);
        return compilation;
    });
}
