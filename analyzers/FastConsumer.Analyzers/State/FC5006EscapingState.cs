using System.Collections.Immutable;
using FastConsumer.Analyzers.Reach;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.State;

/// <summary>
/// FC5006: what Of(context) returns is kept beyond the call, or used behind CheckpointAsync. FC5005: Of is given no context of the call.
/// Both look at the same operations.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC5006EscapingState : HandlerAnalyzer
{
    private static readonly string[] s_keeping =
        ["Add", "AddFirst", "AddLast", "Enqueue", "Insert", "Push", "TryAdd", "TryWrite", "SetResult", "TrySetResult"];

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } =
        [Descriptors.EscapingState, Descriptors.StateWithoutContext];

    /// <inheritdoc/>
    private protected override void Analyze(ProcessorCode code, Findings findings)
    {
        if (!StateFacts.HasState(code.Type))
        {
            return;
        }

        foreach (ReachedMethod method in code.All)
        {
            foreach (IOperation operation in method.Operations)
            {
                switch (operation)
                {
                    case IInvocationOperation { TargetMethod.Name: "Of", Arguments.Length: 1 or 2 } call
                        when StateFacts.IsKeyed(call.TargetMethod.ContainingType):
                        CheckContext(call, method, findings);
                        break;
                    case IInvocationOperation { TargetMethod.Name: "CheckpointAsync" } call
                        when call.TargetMethod.ContainingType.IsContract("RecordContext")
                            || call.TargetMethod.ContainingType.IsContract("BatchContext"):
                        CheckBehind(call, method, findings);
                        break;
                    case IInvocationOperation { Instance: { } instance } call when Array.IndexOf(s_keeping, call.TargetMethod.Name) >= 0
                        && IsKept(instance):
                        foreach (IArgumentOperation argument in call.Arguments)
                        {
                            CheckValue(argument.Value, findings);
                        }

                        break;
                    case ISimpleAssignmentOperation assignment when IsKept(assignment.Target):
                        CheckValue(assignment.Value, findings);
                        break;
                }
            }
        }
    }

    private static void CheckContext(IInvocationOperation call, ReachedMethod method, Findings findings)
    {
        IOperation context = call.Arguments[0].Value.Unwrapped();
        string? problem = !method.FromRecords
            ? $"'{method.Method.Name}' belongs to the life cycle of a shard, which has no partition key, and so no state"
            : context switch
            {
                IDefaultValueOperation or IObjectCreationOperation { Arguments.Length: 0 } => "an empty context belongs to no record",
                IMemberReferenceOperation { Instance: var instance } when instance is null || instance.IsThis() =>
                    "a context that was kept belongs to a call that is over",
                _ => null,
            };
        if (problem is not null)
        {
            findings.Report(
                Descriptors.StateWithoutContext,
                call.Arguments[0].Syntax.GetLocation(),
                $"State is that of a record's partition key, and {problem}. Take the context as a parameter of the [OnRecord] or "
                    + "[OnBatch] method, and hand it on from there.");
        }
    }

    /// <summary>Reports the first use of state in the statements that follow a checkpoint in its block, or in a block around it.</summary>
    private static void CheckBehind(IInvocationOperation checkpoint, ReachedMethod method, Findings findings)
    {
        IOperation? use = null;
        for (IOperation? at = checkpoint; use is null && at is not null and not (IReturnOperation or IThrowOperation); at = at.Parent)
        {
            if (at.Parent is not IBlockOperation block || at is ILocalFunctionOperation)
            {
                continue;
            }

            int end = at.Syntax.Span.End;
            use = method.Operations
                .Where(operation => operation.Syntax.SyntaxTree == block.Syntax.SyntaxTree && operation.Syntax.SpanStart >= end
                    && block.Syntax.Span.Contains(operation.Syntax.Span) && IsUse(operation) && !IsInFunction(operation, block))
                .OrderBy(operation => operation.Syntax.SpanStart)
                .ThenBy(operation => operation.Syntax.Span.Length)
                .FirstOrDefault();
            // what follows the block is reached from its end only; what follows a function is not
            if (block.Operations.LastOrDefault() is IReturnOperation { IsImplicit: false } or IThrowOperation or IBranchOperation
                || block.Parent is IAnonymousFunctionOperation or ILocalFunctionOperation)
            {
                break;
            }
        }

        if (use is not null)
        {
            findings.Report(
                Descriptors.EscapingState,
                use.Syntax.GetLocation(),
                "CheckpointAsync has ended the state of this call: what was changed before it is in the checkpoint, and each use behind it "
                    + "throws. Change state first, and ask for the checkpoint then.");
        }
    }

    /// <summary>True where an operation belongs to a function inside of the block, which is called when it is called.</summary>
    private static bool IsInFunction(IOperation operation, IBlockOperation block)
    {
        for (IOperation? at = operation; at is not null && at != block; at = at.Parent)
        {
            if (at is IAnonymousFunctionOperation or ILocalFunctionOperation)
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsUse(IOperation operation) => operation switch
    {
        IInvocationOperation { TargetMethod.Name: "Of" } call => StateFacts.IsKeyed(call.TargetMethod.ContainingType),
        IInvocationOperation { Instance.Type: { } type } => StateFacts.IsOfRecord(type),
        IInvocationOperation { TargetMethod.IsExtensionMethod: true, Arguments: { Length: > 0 } arguments } =>
            StateFacts.IsOfRecord(arguments[0].Value.Type),
        IPropertyReferenceOperation { Instance.Type: { } type } => StateFacts.IsOfRecord(type),
        _ => false,
    };

    /// <summary>True for what lives longer than the call: members of the processor, static ones, and collections in them.</summary>
    private static bool IsKept(IOperation target) => target.Unwrapped() switch
    {
        IFieldReferenceOperation { Member.IsStatic: true } or IPropertyReferenceOperation { Member.IsStatic: true } => true,
        IMemberReferenceOperation { Instance: { } instance } => instance.IsThis() || IsKept(instance),
        IArrayElementReferenceOperation element => IsKept(element.ArrayReference),
        _ => false,
    };

    private static void CheckValue(IOperation value, Findings findings)
    {
        IOperation inner = value.Unwrapped();
        bool isCaptured = inner is IDelegateCreationOperation { Target: IAnonymousFunctionOperation function } && Captures(function);
        if (isCaptured || StateFacts.IsOfRecord(inner.Type))
        {
            findings.Report(
                Descriptors.EscapingState,
                inner.Syntax.GetLocation(),
                $"{(isCaptured ? "This function uses the state of one record and" : "The state of one record")} is kept for longer than "
                    + "the handler's call; when that is over, each use throws. Keep the value, or get the state "
                    + "by Of(context) in each call.");
        }
    }

    /// <summary>True where a function uses the state of a record that it did not get itself.</summary>
    private static bool Captures(IAnonymousFunctionOperation function) => function.Body.Descendants().Any(operation => operation switch
    {
        ILocalReferenceOperation { Local: { } local } => StateFacts.IsOfRecord(local.Type)
            && local.DeclaringSyntaxReferences.All(reference => !function.Syntax.Span.Contains(reference.Span)),
        IParameterReferenceOperation { Parameter: { } parameter } => StateFacts.IsOfRecord(parameter.Type)
            && parameter.DeclaringSyntaxReferences.All(reference => !function.Syntax.Span.Contains(reference.Span)),
        _ => false,
    });
}
