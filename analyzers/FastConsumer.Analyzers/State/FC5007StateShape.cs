using System.Collections.Immutable;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace FastConsumer.Analyzers.State;

/// <summary>FC5007: a state whose shape is not the one in the baseline file. Without the file nothing is reported.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC5007StateShape : FastConsumerAnalyzer
{
    /// <summary>The property of a finding that holds the line to be written.</summary>
    internal const string Line = "Line";

    /// <summary>The property of a finding that is there where the shape has changed and the version has not.</summary>
    internal const string IsChange = "IsChange";

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.StateShape];

    /// <inheritdoc/>
    protected override void Register(CompilationStartAnalysisContext context)
    {
        if (context.Options.AdditionalFiles.FirstOrDefault(file => StateBaseline.IsFile(file.Path)) is { } file
            && file.GetText(context.CancellationToken) is { } text)
        {
            IReadOnlyDictionary<string, string> known = StateBaseline.Read(text.ToString());
            context.RegisterSymbolAction(symbol => Analyze(symbol, known), SymbolKind.NamedType);
        }
    }

    private static void Analyze(SymbolAnalysisContext context, IReadOnlyDictionary<string, string> known)
    {
        var type = (INamedTypeSymbol)context.Symbol;
        if (type.TypeKind != TypeKind.Class || type.FindAttribute("KinesisProcessorAttribute") is not { } processor)
        {
            return;
        }

        int version = processor.Value("StateVersion") as int? ?? 1;
        foreach (IPropertySymbol state in StateFacts.StatesOf(type))
        {
            if (state.FindAttribute("StateAttribute")?.FirstValue() is not string { Length: > 0 } name
                || StateFacts.ValueType(state) is null || state.Type.FindUnknown() is not null)
            {
                // reported by others
                continue;
            }

            string line = StateBaseline.Line(type, state, name, version);
            string subject = string.Join(" ", line.Split(' ').Take(2));
            known.TryGetValue(subject, out string? former);
            if (former == line)
            {
                continue;
            }

            bool isChange = former is not null && StateBaseline.Version(former) == version
                && StateBaseline.Shape(former) != StateBaseline.Shape(line);
            string message = former is null ? $"The state '{name}' has no line in {StateBaseline.FileName}. Add '{line}'."
                : isChange ? $"The shape of the state '{name}' has changed, and StateVersion is still {version}: stored values are of the "
                    + $"shape '{StateBaseline.Shape(former)}', and now it is '{StateBaseline.Shape(line)}'. Raise StateVersion and add a "
                    + "[StateMigration], or accept the new shape where older values can be read as they are."
                : version < StateBaseline.Version(former)
                    ? $"The state '{name}' has version {version}, but {StateBaseline.FileName} has {StateBaseline.Version(former)} "
                        + "already: workers would leave stored state alone. Set StateVersion back to that."
                : $"The line of the state '{name}' in {StateBaseline.FileName} is of version {StateBaseline.Version(former)}. Replace it "
                    + $"by '{line}'.";
            ImmutableDictionary<string, string?> properties = ImmutableDictionary<string, string?>.Empty;
            if (former is null || version >= StateBaseline.Version(former))
            {
                properties = properties.Add(Line, line);
            }

            if (isChange)
            {
                properties = properties.Add(IsChange, "");
            }

            context.ReportDiagnostic(Diagnostic.Create(Descriptors.StateShape, state.Place(), properties, message));
        }
    }
}
