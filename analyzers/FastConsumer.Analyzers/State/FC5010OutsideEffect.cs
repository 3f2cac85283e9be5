using System.Collections.Immutable;
using FastConsumer.Analyzers.Reach;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.State;

/// <summary>FC5010: a handler with state writes or sends something, which happens again where the record comes again.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC5010OutsideEffect : HandlerAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.OutsideEffect];

    /// <inheritdoc/>
    private protected override void Analyze(ProcessorCode code, Findings findings)
    {
        if (!StateFacts.HasState(code.Type))
        {
            return;
        }

        foreach (ReachedMethod method in code.FromRecords)
        {
            bool? knowsPosition = null;
            foreach (IInvocationOperation call in method.Of<IInvocationOperation>())
            {
                if (OutsideEffects.Of(call) is not { } what)
                {
                    continue;
                }

                knowsPosition ??= method.Operations.Any(UsesPosition);
                if (knowsPosition.Value)
                {
                    break;
                }

                findings.Report(
                    Descriptors.OutsideEffect,
                    call.Syntax.GetLocation(),
                    $"'{call.TargetMethod.ContainingType.Name}.{call.TargetMethod.Name}' {what} once more where a record is handled again "
                        + "after a crash: only the state is exact. Make it idempotent, for example with the record's position "
                        + "(SequenceNumber and SubSequenceNumber) as its key; or write in the database's own transaction, in a processor "
                        + "without state whose handler takes the transaction (docs/guides/transactions.md).");
            }
        }
    }

    /// <summary>
    /// True where a method takes the record's position for more than to log it: then it is likely the key of what is written.
    /// </summary>
    private static bool UsesPosition(IOperation operation)
    {
        if (operation is not IPropertyReferenceOperation { Property: { Name: "SequenceNumber" } property }
            || !(property.ContainingType.IsContract("RecordContext") || property.ContainingType.IsContract("KinesisRecord")))
        {
            return false;
        }

        for (IOperation? at = operation.Parent; at is not null and not IBlockOperation; at = at.Parent)
        {
            if (at is IArgumentOperation { Parent: IInvocationOperation call } && QuietCalls.IsTelling(call))
            {
                return false;
            }
        }

        return true;
    }
}
