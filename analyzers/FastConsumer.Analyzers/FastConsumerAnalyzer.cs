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
        // whether FastConsumer is referenced is not asked first: to answer, the compiler reads every reference, which takes longer than all
        // that follows; each rule looks for a type of FastConsumer in any case
        context.RegisterCompilationStartAction(Register);
    }

    /// <summary>Registers the analyzer's actions; they find nothing where FastConsumer is not referenced.</summary>
    protected abstract void Register(CompilationStartAnalysisContext context);
}
