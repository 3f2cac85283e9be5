using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis.Diagnostics;

namespace FastConsumer.Analyzers;

/// <summary>
/// The base of every analyzer here: concurrent, blind to generated code, and silent where FastConsumer is not referenced.
/// </summary>
public abstract class FastConsumerAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public sealed override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterCompilationStartAction(start =>
        {
            if (!start.Compilation.GetTypesByMetadataName(SymbolNames.ProcessorAttribute).IsEmpty)
            {
                Register(start);
            }
        });
    }

    /// <summary>Registers the analyzer's actions; called for compilations that know FastConsumer only.</summary>
    protected abstract void Register(CompilationStartAnalysisContext context);
}
