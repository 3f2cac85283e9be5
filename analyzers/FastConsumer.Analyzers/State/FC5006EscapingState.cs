using System.Collections.Immutable;
using FastConsumer.Analyzers.Reach;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.State;

/// <summary>
/// FC5006: what Of(context) returns is kept beyond the call, or it or an output is used behind CheckpointAsync. FC5005: Of, or an output's
/// Add, is given no context of the call. Both look at the same operations.
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
        if (!StateFacts.HasState(code.Type) && !StateFacts.HasOutputs(code.Type))
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
                        CheckContext(call.Arguments[0], method, isOutput: false, findings);
                        break;
                    case IInvocationOperation call when StateFacts.IsAdd(call):
                        foreach (IArgumentOperation argument in call.Arguments)
                        {
                            if (argument.Parameter?.Ordinal == 0)
                            {
                                CheckContext(argument, method, isOutput: true, findings);
                            }
                            else
                            {
                                CheckValue(argument.Value, findings);
                            }
                        }

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

    private static void CheckContext(IArgumentOperation argument, ReachedMethod method, bool isOutput, Findings findings)
    {
        IOperation context = argument.Value.Unwrapped();
        string? problem = !method.FromRecords
            ? $"'{method.Method.Name}' belongs to the life cycle of a shard, which has no "
                + (isOutput ? "record, and so no outputs" : "partition key, and so no state")
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
                argument.Syntax.GetLocation(),
                $"{(isOutput ? "A value of an output is that of a record" : "State is that of a record's partition key")}, and {problem}. "
                    + "Take the context as a parameter of the [OnRecord] or [OnBatch] method, and hand it on from there.");
        }
    }

    /// <summary>
    /// Reports the first use of state or an output in the statements that follow a checkpoint in its block, or in a block around it.
    /// </summary>
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
                use is IInvocationOperation call && StateFacts.IsAdd(call)
                    ? "CheckpointAsync has ended the outputs of this call: what was added before it is in the checkpoint, and each Add "
                        + "behind it throws. Add first, and ask for the checkpoint then."
                    : "CheckpointAsync has ended the state of this call: what was changed before it is in the checkpoint, and each use "
                        + "behind it throws. Change state first, and ask for the checkpoint then.");
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
        IInvocationOperation { Instance.Type: { } type } call => StateFacts.IsOfRecord(type) || StateFacts.IsAdd(call),
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
        var function = (inner as IDelegateCreationOperation)?.Target as IAnonymousFunctionOperation;
        string? problem = StateFacts.IsOfRecord(inner.Type) ? "The state of one record"
            : function is null ? null
            : Captures(function) ? "This function uses the state of one record and"
            : AddsForCaptured(function) ? "This function adds to an output for one record and"
            : null;
        if (problem is not null)
        {
            string remedy = function is null || Captures(function)
                ? "Keep the value, or get the state by Of(context) in each call"
                : "Add in the handler's call, with that call's context";
            findings.Report(
                Descriptors.EscapingState,
                inner.Syntax.GetLocation(),
                $"{problem} is kept for longer than the handler's call; when that is over, each use throws. {remedy}.");
        }
    }

    /// <summary>True where a function adds to an output with a context that it was not given itself.</summary>
    private static bool AddsForCaptured(IAnonymousFunctionOperation function) => function.Body.Descendants().Any(operation =>
        operation is IInvocationOperation call && StateFacts.IsAdd(call)
            && call.Arguments.FirstOrDefault(argument => argument.Parameter?.Ordinal == 0)?.Value.Unwrapped() is { } context
            && IsOfOutside(
                context switch
                {
                    ILocalReferenceOperation local => local.Local,
                    IParameterReferenceOperation parameter => parameter.Parameter,
                    _ => null,
                },
                function));

    private static bool IsOfOutside(ISymbol? variable, IAnonymousFunctionOperation function) =>
        variable?.DeclaringSyntaxReferences.All(reference => !function.Syntax.Span.Contains(reference.Span)) == true;

    /// <summary>True where a function uses the state of a record that it did not get itself.</summary>
    private static bool Captures(IAnonymousFunctionOperation function) => function.Body.Descendants().Any(operation => operation switch
    {
        ILocalReferenceOperation { Local: { } local } => StateFacts.IsOfRecord(local.Type) && IsOfOutside(local, function),
        IParameterReferenceOperation { Parameter: { } parameter } =>
            StateFacts.IsOfRecord(parameter.Type) && IsOfOutside(parameter, function),
        _ => false,
    });
}
