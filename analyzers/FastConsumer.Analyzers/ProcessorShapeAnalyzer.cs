using System.Collections.Concurrent;
using System.Collections.Immutable;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace FastConsumer.Analyzers;

/// <summary>
/// Reports what <see cref="ProcessorShape"/> finds: everything for which the generator cannot write a pipeline, or only one that fails at
/// start.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class ProcessorShapeAnalyzer : FastConsumerAnalyzer
{
    private static readonly ImmutableArray<DiagnosticDescriptor> s_rules =
        [Descriptors.Type, Descriptors.Handler, Descriptors.HandlerSet, Descriptors.Route, Descriptors.Json, Descriptors.ErrorRules,
            Descriptors.Value, Descriptors.StateJson];

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => s_rules;

    /// <inheritdoc/>
    protected override void Register(CompilationStartAnalysisContext context)
    {
        // a rule of the assembly is read with each processor, and reported once
        var reported = new ConcurrentDictionary<(string, Location), bool>();
        context.RegisterSymbolAction(symbol => Analyze(symbol, reported), SymbolKind.NamedType);
    }

    private static void Analyze(SymbolAnalysisContext context, ConcurrentDictionary<(string, Location), bool> reported)
    {
        var type = (INamedTypeSymbol)context.Symbol;
        if (type.TypeKind != TypeKind.Class || type.FindAttribute("KinesisProcessorAttribute") is not { } attribute)
        {
            return;
        }

        foreach (ShapeProblem problem in ProcessorShape.Read(type, attribute, checksPayloads: true, context.CancellationToken).Problems)
        {
            if (problem.IsShared && !reported.TryAdd((problem.Message, problem.Location), true))
            {
                continue;
            }

            DiagnosticDescriptor rule = s_rules.First(candidate => candidate.Id == problem.Rule);
            context.ReportDiagnostic(Diagnostic.Create(rule, problem.Location, problem.Message));
        }
    }
}
