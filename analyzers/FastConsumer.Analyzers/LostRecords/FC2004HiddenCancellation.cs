using System.Collections.Immutable;
using FastConsumer.Analyzers.Reach;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.LostRecords;

/// <summary>FC2004: a catch takes cancellation or a lost lease for something else, and an unfinished record counts as done.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC2004HiddenCancellation : HandlerAnalyzer
{
    /// <summary>
    /// The diagnostic's property with the name of the exception type that the clause must let pass, where it names another one.
    /// </summary>
    internal const string Hidden = nameof(Hidden);

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.HiddenCancellation];

    /// <inheritdoc/>
    private protected override void Analyze(ProcessorCode code, Findings findings)
    {
        INamedTypeSymbol? cancellation = findings.Compilation.GetTypeByMetadataName("System.OperationCanceledException");
        INamedTypeSymbol? leaseLost = findings.Compilation.GetTypeByMetadataName("FastConsumer.LeaseLostException");
        if (cancellation is null || leaseLost is null)
        {
            return;
        }

        foreach (ReachedMethod method in code.FromRecords)
        {
            foreach (ICatchClauseOperation clause in method.Of<ICatchClauseOperation>())
            {
                // a clause of another type takes neither
                if (!(clause.IsGeneral() || clause.ExceptionType.IsLeaseLost() || clause.ExceptionType.IsCancellation())
                    || CaughtPath.Of(clause, method, code, findings.CancellationToken) is not { } path
                    || path.Throws
                    || path.LeavesNote
                    || CatchFilter.IsOpaque(clause)
                    || CatchFilter.AsksForNoCancellation(clause)
                    || path.LetsCancellationPass)
                {
                    continue;
                }

                if (clause.ExceptionType.IsLeaseLost() || clause.ExceptionType.IsCancellation())
                {
                    // a time-out that the method set itself says nothing of a stop; where nothing is done about it, that is FC2002's
                    if (path.EndsAsDone && (clause.ExceptionType.IsLeaseLost() || !OwnTimeOut.IsAllOf(clause)))
                    {
                        findings.Report(
                            Descriptors.HiddenCancellation,
                            path.Place,
                            clause.ExceptionType.IsLeaseLost()
                                ? "LeaseLostException ends here: the call goes on as if the shard were still this worker's. Rethrow it."
                                : $"{clause.ExceptionType.Name} ends here: a record that was not finished counts as done. "
                                    + "Rethrow it, or catch it only 'when' the handler's own token is not cancelled.");
                    }

                    continue;
                }

                bool acts = path.Remedies.Any() && !path.Remedies.Any(PassesToken);
                if (clause.IsGeneral() && (acts || CheckpointTry.IsAllOf((ITryOperation)clause.Parent!)) && path.EndsAsDone
                    && HiddenBy(clause, cancellation, leaseLost) is { } hidden)
                {
                    findings.Report(
                        Descriptors.HiddenCancellation,
                        path.Place,
                        $"This clause takes {hidden} for a failure: on a stop, or with a lost lease, the call goes on, and a good record "
                            + $"may be treated as a bad one. Let it pass: 'when (e is not {hidden})'.",
                        (Hidden, hidden));
                }
            }
        }
    }

    /// <summary>What the clause hides, as a pattern writes it; null where nothing.</summary>
    private static string? HiddenBy(ICatchClauseOperation clause, INamedTypeSymbol cancellation, INamedTypeSymbol leaseLost)
    {
        var attempt = (ITryOperation)clause.Parent!;
        bool cancels = false;
        bool loses = false;
        foreach (IInvocationOperation call in attempt.Body.Descendants().OfType<IInvocationOperation>())
        {
            cancels |= PassesToken(call) && !OwnTimeOut.Passes(call);
            loses |= CheckpointTry.IsCheckpoint(call);
        }

        cancels &= Reaches(attempt, clause, cancellation);
        loses &= Reaches(attempt, clause, leaseLost);
        return (cancels, loses) switch
        {
            (true, true) => "(OperationCanceledException or LeaseLostException)",
            (true, false) => "OperationCanceledException",
            (false, true) => "LeaseLostException",
            _ => null,
        };
    }

    private static bool Reaches(ITryOperation attempt, ICatchClauseOperation clause, ITypeSymbol exception)
    {
        foreach (ICatchClauseOperation candidate in attempt.Catches)
        {
            bool takes = CatchFilter.Takes(candidate, exception) == true
                || (candidate.ExceptionType.DerivesFrom(exception) && !candidate.IsGeneral());
            if (candidate == clause)
            {
                return takes;
            }

            if (takes)
            {
                return false;
            }
        }

        return false;
    }

    private static bool PassesToken(IInvocationOperation call) => OwnTimeOut.Tokens(call).Any();
}
