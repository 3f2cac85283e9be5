using System.Collections.Immutable;
using FastConsumer.Analyzers.Reach;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.LostRecords;

/// <summary>FC2002: a catch does nothing but log, and the record that failed counts as done.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC2002SwallowedException : HandlerAnalyzer
{
    private static readonly string[] s_loud = ["LogWarning", "LogError", "LogCritical", "Warning", "Error", "Fatal", "Warn"];

    private static readonly string[] s_cleanup = [
        "Abort", "Cancel", "Close", "Delete", "Dispose", "Kill", "Release", "Rollback", "Unsubscribe"];

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.SwallowedException];

    /// <summary>True where the clause swallows a failure of the record's own.</summary>
    internal static bool Swallows(ICatchClauseOperation clause, CaughtPath path) =>
        !clause.ExceptionType.IsLeaseLost()
        && (!clause.ExceptionType.IsCancellation() || CatchFilter.AsksForNoCancellation(clause) || path.LetsCancellationPass
            || OwnTimeOut.IsAllOf(clause))
        && (IsFailure(clause) || path.Undoes)
        && !CatchFilter.IsOpaque(clause)
        && !IsCleanup((ITryOperation)clause.Parent!)
        // the record is done all the same; what the clause may hide is another rule's matter
        && !CheckpointTry.IsAllOf((ITryOperation)clause.Parent!)
        && !path.Throws
        && !path.LeavesNote
        && !path.Remedies.Any()
        && path.EndsAsDone;

    /// <inheritdoc/>
    private protected override void Analyze(ProcessorCode code, Findings findings)
    {
        foreach (ReachedMethod method in code.FromRecords)
        {
            foreach (ICatchClauseOperation clause in method.Of<ICatchClauseOperation>())
            {
                if (CaughtPath.Of(clause, method, code, findings.CancellationToken) is { } path && Swallows(clause, path))
                {
                    findings.Report(
                        Descriptors.SwallowedException,
                        path.Place,
                        $"{Name(clause)} is caught and nothing is done about it: the record counts as done and is lost. "
                            + "Rethrow it, so that [OnError] decides, or handle the record here.");
                }
            }
        }
    }

    // an exception type of the application's own, or one that only one answer of a service has, is often an expected outcome;
    // not where it is logged as a warning or an error
    private static bool IsFailure(ICatchClauseOperation clause) => clause.IsGeneral()
        || IsOfTheFramework(clause.ExceptionType)
        || clause.Handler.Descendants().OfType<IInvocationOperation>().Any(call => Array.IndexOf(s_loud, call.TargetMethod.Name) >= 0);

    // what is only cleared away may stay: no record depends on it
    private static bool IsCleanup(ITryOperation attempt)
    {
        IInvocationOperation[] calls = [
            .. attempt.Body.Descendants().OfType<IInvocationOperation>().Where(call => call.TargetMethod.Name != "ConfigureAwait")];
        return calls.Length > 0
            && calls.All(call => s_cleanup.Any(prefix => call.TargetMethod.Name.StartsWith(prefix, StringComparison.Ordinal)));
    }

    private static bool IsOfTheFramework(ITypeSymbol type)
    {
        string place = type.NamespaceName();
        return place == "System" || place.StartsWith("System.", StringComparison.Ordinal) || (place == "Amazon.Runtime");
    }

    private static string Name(ICatchClauseOperation clause) => clause.IsGeneral() ? "Every exception" : clause.ExceptionType.Name;
}
