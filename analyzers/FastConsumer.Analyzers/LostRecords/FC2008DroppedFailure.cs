using System.Collections.Immutable;
using FastConsumer.Analyzers.Reach;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.LostRecords;

/// <summary>FC2008: a failure is a value that nobody looks at: a bool, a result, a task that may not throw.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC2008DroppedFailure : HandlerAnalyzer
{
    private const int SuppressThrowing = 2;

    // the documented list
    private static readonly (string Namespace, string Name)[] s_results =
    [
        ("FluentResults", "Result"), ("FluentResults", "ResultBase"), ("FluentResults", "IResultBase"), ("FluentResults", "IResult"),
        ("Ardalis.Result", "Result"), ("Ardalis.Result", "IResult"),
        ("CSharpFunctionalExtensions", "Result"), ("CSharpFunctionalExtensions", "UnitResult"), ("CSharpFunctionalExtensions", "IResult"),
        ("ErrorOr", "ErrorOr"), ("LanguageExt", "Fin"), ("LanguageExt", "Either"), ("LanguageExt", "Validation"),
        ("LanguageExt.Common", "Result"),
    ];

    private static readonly string[] s_verdicts = [
        "IsSuccess", "Success", "IsSuccessful", "Succeeded", "IsFailure", "IsFailed", "Failed", "IsError", "IsOk"];

    private static readonly string[] s_cleaning = [
        "TryAbort", "TryCancel", "TryClose", "TryDelete", "TryDispose", "TryRelease", "TryRollback", "TryStop", "TryUnlock"];

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.DroppedFailure];

    /// <inheritdoc/>
    private protected override void Analyze(ProcessorCode code, Findings findings)
    {
        foreach (ReachedMethod method in code.FromRecords)
        {
            foreach (IInvocationOperation call in method.Of<IInvocationOperation>())
            {
                if (Find(call, method, code, findings.CancellationToken) is { } what && !IsCleanup(call))
                {
                    findings.Report(Descriptors.DroppedFailure, call.Syntax.GetLocation(), $"{what}, and nobody looks at it: "
                        + "a failure is dropped, and the record counts as done. Look at it, and throw or handle the record.");
                }
            }
        }
    }

    private static string? Find(IInvocationOperation call, ReachedMethod method, ProcessorCode code, CancellationToken cancellationToken)
    {
        IMethodSymbol target = call.TargetMethod;
        if (SuppressesThrowing(call, method))
        {
            return "With SuppressThrowing the task says by its state whether it failed";
        }

        ITypeSymbol? result = call.Type.IsTask() ? call.Type!.OnlyTypeArgument() : call.Type;
        string? what = result switch
        {
            null => null,
            { SpecialType: SpecialType.System_Boolean } when IsTry(call) => $"'{target.Name}' returns false where it fails",
            { SpecialType: SpecialType.System_Boolean } when IsBoundedWrite(
                call, code, cancellationToken) => "TryWrite returns false where the channel is full",
            _ when IsResult(result) && !IsChained(call) => $"'{target.Name}' returns a {result.Name} that may say it failed",
            _ => null,
        };
        bool isDropped = what is not null
            && ((ResultUse.IsWaitedFor(call) && ResultUse.Of(call, method, counts: null) == ResultFate.Dropped)
                || (call.Type.IsTask() && DroppedTasks.Holds(call, method)));
        return isDropped && !UsesOutValue(call, method) ? what : null;
    }

    /// <summary>True for methods of this compilation named Try..., that are no collection's.</summary>
    private static bool IsTry(IInvocationOperation call)
    {
        IMethodSymbol target = call.TargetMethod.OriginalDefinition;
        return target.Name.Length > 3
            && target.Name.StartsWith("Try", StringComparison.Ordinal)
            && char.IsUpper(target.Name[3])
            && target.Locations.Any(location => location.IsInSource)
            && !s_cleaning.Any(prefix => target.Name.StartsWith(prefix, StringComparison.Ordinal))
            && !target.ContainingType.AllInterfaces.Any(part => part.SpecialType == SpecialType.System_Collections_IEnumerable);
    }

    /// <summary>What is found is used, or its default.</summary>
    private static bool UsesOutValue(IInvocationOperation call, ReachedMethod method) => call.Arguments.Any(argument =>
        argument.Parameter?.RefKind == RefKind.Out
        && argument.Value.Unwrapped() switch
        {
            IDeclarationExpressionOperation { Expression: ILocalReferenceOperation local } => IsRead(local, method),
            ILocalReferenceOperation local => IsRead(local, method),
            IDiscardOperation => false,
            _ => true,
        });

    private static bool IsRead(ILocalReferenceOperation local, ReachedMethod method) =>
        method.Of<ILocalReferenceOperation>().Any(reference =>
            reference.Syntax.SpanStart > local.Syntax.Span.End && SymbolEqualityComparer.Default.Equals(reference.Local, local.Local));

    /// <summary>TryWrite to a channel that this compilation makes with a bound, and that waits when it is full.</summary>
    private static bool IsBoundedWrite(IInvocationOperation call, ProcessorCode code, CancellationToken cancellationToken)
    {
        if (call.TargetMethod.Name != "TryWrite" || call.TargetMethod.ContainingType.NamespaceName() != "System.Threading.Channels"
            || call.Instance is not { } writer)
        {
            return false;
        }

        IOperation? made = writer.Root() switch
        {
            IMemberReferenceOperation { Member: { } member } => MethodBodies.Of(code.Compilation).Initializer(member, cancellationToken),
            ILocalReferenceOperation local => local.Declarator(),
            _ => null,
        };
        return made?.DescendantsAndSelf().OfType<IInvocationOperation>()
            .FirstOrDefault(create => create.TargetMethod.Name == "CreateBounded") is { } bounded
            && !bounded.Descendants()
                .Any(part => part is IFieldReferenceOperation { Field.Name: "DropOldest" or "DropNewest" or "DropWrite" });
    }

    private static bool IsResult(ITypeSymbol? type) => type is INamedTypeSymbol named
        && (s_results.Any(entry => named.Name == entry.Name && named.NamespaceName() == entry.Namespace)
            || (named.Name.EndsWith("Result", StringComparison.Ordinal)
                && named.Locations.Any(location => location.IsInSource)
                && named.GetMembers().Any(member => member is IPropertySymbol { Type.SpecialType: SpecialType.System_Boolean }
                    && Array.IndexOf(s_verdicts, member.Name) >= 0)));

    /// <summary>True for what goes on with a result, such as <c>result.OnFailure(...)</c>: it has been looked at.</summary>
    private static bool IsChained(IInvocationOperation call)
    {
        ITypeSymbol? receiver = (call.Instance ?? (call.TargetMethod.IsExtensionMethod ? call.Arguments.FirstOrDefault()?.Value : null))
            ?.Unwrapped().Type;
        return IsResult(receiver.IsTask() ? receiver!.OnlyTypeArgument() : receiver)
            || call.TargetMethod.Name is "ConfigureAwait" or "WaitAsync" or "AsTask" or "GetResult";
    }

    private static bool SuppressesThrowing(IInvocationOperation call, ReachedMethod method)
    {
        if (call.TargetMethod.Name != "ConfigureAwait"
            || call.Arguments.FirstOrDefault()?.Value is not
            {
                Type.Name: "ConfigureAwaitOptions",
                ConstantValue: { HasValue: true, Value: int options }
            }
            || (options & SuppressThrowing) == 0
            || call.Parent is not IAwaitOperation)
        {
            return false;
        }

        return call.Instance?.Unwrapped() switch
        {
            // to wait without an exception is what a delay is awaited so for
            IInvocationOperation started => started.TargetMethod.Name is not ("Delay" or "WhenAny" or "CancelAsync"),
            ILocalReferenceOperation local => !method.Of<ILocalReferenceOperation>().Any(reference =>
                SymbolEqualityComparer.Default.Equals(reference.Local, local.Local) && reference != local
                && reference.Syntax.SpanStart > local.Syntax.SpanStart),
            _ => false,
        };
    }

    private static bool IsCleanup(IOperation call)
    {
        for (IOperation? child = call, parent = call.Parent; parent is not null; child = parent, parent = parent.Parent)
        {
            if (parent is ICatchClauseOperation || (parent is ITryOperation { Finally: { } last } && last == child))
            {
                return true;
            }
        }

        return false;
    }
}
