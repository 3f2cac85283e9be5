using System.Collections.Immutable;
using System.Text;
using FastConsumer.SourceGenerator.Emitting;
using FastConsumer.SourceGenerator.Model;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace FastConsumer.SourceGenerator;

/// <summary>
/// Compiles each class with <c>[KinesisProcessor]</c> into a pipeline. It reports nothing: the analyzers do, by the same
/// <see cref="ProcessorShape"/>.
/// </summary>
[Generator(LanguageNames.CSharp)]
public sealed class ProcessorGenerator : IIncrementalGenerator
{
    /// <summary>The steps, by the names under which tests watch them.</summary>
    internal const string ModelStep = "Models";
    internal const string ClashStep = "Clashes";

    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        IncrementalValuesProvider<ProcessorModel> models = context.SyntaxProvider
            .ForAttributeWithMetadataName(
                SymbolNames.ProcessorAttribute,
                static (node, _) => node is TypeDeclarationSyntax,
                static (annotated, cancellationToken) => ModelBuilder.Build(annotated, cancellationToken))
            .Where(static model => model is not null)
            .Select(static (model, _) => model!)
            .WithTrackingName(ModelStep);

        // files are told apart without regard to case, classes are not; nearly always there is nothing in here
        IncrementalValueProvider<EquatableArray<string>> clashes = models
            .Select(static (model, _) => model.HintName)
            .Collect()
            .Select(static (names, _) => FindClashes(names))
            .WithTrackingName(ClashStep);

        context.RegisterSourceOutput(models.Combine(clashes), static (output, pair) =>
        {
            (ProcessorModel model, EquatableArray<string> clashing) = pair;
            string name = clashing.Contains(model.HintName) ? $"{model.HintName}.{Hash(model.HintName)}" : model.HintName;
            output.AddSource($"{name}.g.cs", SourceText.From(ProcessorEmitter.Emit(model), Encoding.UTF8));
        });
    }

    private static EquatableArray<string> FindClashes(ImmutableArray<string> names) => names
        .GroupBy(name => name, StringComparer.OrdinalIgnoreCase)
        .Where(group => group.Count() > 1)
        .SelectMany(group => group)
        .ToEquatableArray();

    /// <summary>FNV-1a: the same on every machine and in every run, unlike string.GetHashCode.</summary>
    private static string Hash(string name)
    {
        uint hash = 2166136261;
        foreach (char c in name)
        {
            hash = unchecked((hash ^ c) * 16777619);
        }

        return hash.ToString("x8", System.Globalization.CultureInfo.InvariantCulture);
    }
}
