using FastConsumer.Analyzers.Reach;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace FastConsumer.Analyzers;

/// <summary>
/// The base of rules about what handlers do. It goes from each processor to the code that its handlers reach, so code that
/// no handler reaches costs nothing and is never reported.
/// </summary>
public abstract class HandlerAnalyzer : FastConsumerAnalyzer
{
    /// <inheritdoc/>
    protected sealed override void Register(CompilationStartAnalysisContext context)
    {
        var reported = new ReportedPlaces();
        context.RegisterSymbolStartAction(
            start =>
            {
                var type = (INamedTypeSymbol)start.Symbol;
                if (type.TypeKind == TypeKind.Class && type.FindAttribute("KinesisProcessorAttribute") is not null)
                {
                    // at its end, when the compiler has bound the class's methods for all analyzers: to be the first to ask costs most
                    start.RegisterSymbolEndAction(
                        symbol => Analyze(
                            ProcessorCode.Of(symbol.Compilation, type, symbol.CancellationToken), new Findings(symbol, reported)));
                }
            },
            SymbolKind.NamedType);
    }

    /// <summary>Looks at one processor.</summary>
    private protected abstract void Analyze(ProcessorCode code, Findings findings);
}
