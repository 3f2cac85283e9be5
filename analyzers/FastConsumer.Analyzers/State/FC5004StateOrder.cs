using System.Collections.Immutable;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace FastConsumer.Analyzers.State;

/// <summary>FC5004: RecordOrder.None beside state or outputs, and FC5008: settings of state without an effect.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC5004StateOrder : FastConsumerAnalyzer
{
    private const int None = 2;

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } =
        [Descriptors.StateOrder, Descriptors.StateSetting];

    /// <inheritdoc/>
    protected override void Register(CompilationStartAnalysisContext context) =>
        context.RegisterSymbolAction(Analyze, SymbolKind.NamedType);

    private static void Analyze(SymbolAnalysisContext context)
    {
        var type = (INamedTypeSymbol)context.Symbol;
        if (type.TypeKind != TypeKind.Class || type.FindAttribute("KinesisProcessorAttribute") is not { } processor)
        {
            return;
        }

        bool hasState = StateFacts.HasState(type);
        if (!hasState && !StateFacts.HasOutputs(type))
        {
            if (processor.Value("StateVersion") is int)
            {
                Report(Descriptors.StateSetting, processor, "StateVersion", $"StateVersion has no effect: '{type.Name}' has neither a "
                    + "[State] nor an [Output] property, so its version is 0. Remove it; where the state was removed, its rows stay with "
                    + "the workers that know it.");
            }

            return;
        }

        if (type.FindAttribute("ConcurrencyAttribute") is { } concurrency && concurrency.Value("Order") is None)
        {
            Report(Descriptors.StateOrder, concurrency, "Order", hasState
                ? $"'{type.Name}' has state, which belongs to a partition key, and RecordOrder.None lets records of one key run at the "
                    + "same time: they would change its state in any order, and both at once. Use RecordOrder.PartitionKey."
                : $"'{type.Name}' has outputs, whose values come in the order of a key's records, and RecordOrder.None lets records of one "
                    + "key run at the same time: their values would come to the sink in any order. Use RecordOrder.PartitionKey.");
        }

        if (!hasState)
        {
            return;
        }

        foreach (AttributeData rule in type.GetMembers().OfType<IMethodSymbol>().SelectMany(method => method.GetAttributes())
            .Concat(type.GetAttributes()))
        {
            if (rule.AttributeClass.IsContract("OnErrorAttribute")
                && (rule.FirstValue() as ITypeSymbol).IsContract("StateUnreadableException"))
            {
                Report(Descriptors.StateSetting, rule, SymbolNames.FirstArgument, "No rule takes a StateUnreadableException: a stored "
                    + "value that cannot be read stops the shard, since to go on without it would lose it. Remove the rule; add a "
                    + "[StateMigration], or go back to the version that wrote the value.");
            }
        }

        void Report(DiagnosticDescriptor rule, AttributeData attribute, string argument, string message) =>
            context.ReportDiagnostic(Diagnostic.Create(rule, attribute.Place(argument, context.CancellationToken), message));
    }
}
