using System.Collections.Immutable;
using FastConsumer.Analyzers.Reach;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.State;

/// <summary>
/// FC5006: what Of(context) returns is kept beyond the call. FC5005: Of is given no context of the call. FC1003: CheckpointAsync beside
/// state. All of them look at the same operations.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC5006EscapingState : HandlerAnalyzer
{
    private static readonly string[] s_keeping =
        ["Add", "AddFirst", "AddLast", "Enqueue", "Insert", "Push", "TryAdd", "TryWrite", "SetResult", "TrySetResult"];

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } =
        [Descriptors.EscapingState, Descriptors.StateWithoutContext, Descriptors.HandlerSet];

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
                    case IInvocationOperation { TargetMethod.Name: "Of", Arguments.Length: 1 } call
                        when StateFacts.IsKeyed(call.TargetMethod.ContainingType):
                        CheckContext(call, method, findings);
                        break;
                    case IInvocationOperation { TargetMethod.Name: "CheckpointAsync" } call
                        when call.TargetMethod.ContainingType.IsContract("RecordContext"):
                        findings.Report(
                            Descriptors.HandlerSet,
                            call.Syntax.GetLocation(),
                            $"'{code.Type.Name}' has state, and CheckpointAsync is not supported with it yet: state and position are "
                                + "written together, by the interval or the count of [Checkpoint]. Remove the call.");
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
                $"State is that of a record's partition key, and {problem}. Take the RecordContext as a parameter of the [OnRecord] "
                    + "method, and hand it on from there.");
        }
    }

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
