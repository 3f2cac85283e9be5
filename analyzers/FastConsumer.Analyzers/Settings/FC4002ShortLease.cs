using System.Collections.Immutable;
using System.Globalization;
using FastConsumer.Analyzers.Reach;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Settings;

/// <summary>FC4002: a handler may take longer, by its own time-outs and waits, than the lease that code sets for it.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC4002ShortLease : FastConsumerAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.ShortLease];

    /// <inheritdoc/>
    protected override void Register(CompilationStartAnalysisContext context) =>
        context.RegisterOperationAction(Analyze, OperationKind.SimpleAssignment);

    private static void Analyze(OperationAnalysisContext context)
    {
        var assignment = (ISimpleAssignmentOperation)context.Operation;
        if (context.Setting() is not { Name: "LeaseDuration" }
            || !TimeConstants.TryRead(assignment.Value, out TimeSpan lease)
            || lease <= TimeSpan.Zero
            || ConfiguringCall(assignment) is not { } call)
        {
            return;
        }

        foreach (INamedTypeSymbol processor in Processors(call))
        {
            ProcessorCode code = ProcessorCode.Of(context.Compilation, processor, context.CancellationToken);
            var waits = new HandlerWaits(code, context.CancellationToken);
            foreach (ReachedMethod handler in code.Handlers)
            {
                TimeSpan longest = waits.Longest(handler);
                if (longest > lease)
                {
                    context.ReportDiagnostic(Diagnostic.Create(
                        Descriptors.ShortLease,
                        assignment.Value.Syntax.GetLocation(),
                        $"The lease lasts {Show(lease)}, but by its own time-outs and waits "
                            + $"one call of '{processor.Name}.{handler.Method.Name}' may take {Show(longest)}: where the lease is lost, "
                            + "another worker starts while the call still runs. Set LeaseDuration above that, or shorten the waits."));
                    return;
                }
            }
        }
    }

    /// <summary>The AddFastConsumer or AddProcessor whose lambda this stands in.</summary>
    private static IInvocationOperation? ConfiguringCall(IOperation assignment)
    {
        for (IOperation? parent = assignment.Parent; parent is not null; parent = parent.Parent)
        {
            if (parent is IAnonymousFunctionOperation
                {
                    Parent: IDelegateCreationOperation { Parent: IArgumentOperation { Parent: IInvocationOperation call } }
                })
            {
                return call.TargetMethod.Name is "AddFastConsumer" or "AddProcessor" ? call : null;
            }
        }

        return null;
    }

    /// <summary>
    /// The processors that the options are for: of AddProcessor its own, of AddFastConsumer those added in the same chain with no lease of
    /// their own.
    /// </summary>
    private static List<INamedTypeSymbol> Processors(IInvocationOperation call)
    {
        if (call.TargetMethod.Name == "AddProcessor")
        {
            return ProcessorOf(call) is { } own ? [own] : [];
        }

        var found = new List<INamedTypeSymbol>();
        for (IOperation? parent = call.Parent;
            parent is IInvocationOperation or IArgumentOperation or IConversionOperation;
            parent = parent.Parent)
        {
            if (parent is IInvocationOperation { TargetMethod.Name: "AddProcessor" } next && ProcessorOf(next) is { } processor
                && !SetsLease(next))
            {
                found.Add(processor);
            }
        }

        return found;
    }

    private static INamedTypeSymbol? ProcessorOf(IInvocationOperation call) =>
        call.TargetMethod.TypeArguments.FirstOrDefault() is INamedTypeSymbol type
            && type.FindAttribute("KinesisProcessorAttribute") is not null
        ? type
        : null;

    private static bool SetsLease(IInvocationOperation call) => call.Arguments.SelectMany(argument => argument.Descendants())
        .OfType<ISimpleAssignmentOperation>()
        .Any(assignment => assignment.Target is IPropertyReferenceOperation { Property.Name: "LeaseDuration" });

    private static string Show(TimeSpan time) => time.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture) + " s";
}
