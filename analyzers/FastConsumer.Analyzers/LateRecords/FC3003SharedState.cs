using System.Collections.Immutable;
using FastConsumer.Analyzers.Reach;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.LateRecords;

/// <summary>FC3003: state that several shards, lanes or parallel loops write to, and that is not made for it.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class FC3003SharedState : HandlerAnalyzer
{
    private static readonly string[] s_writers =
    [
        "Add", "AddRange", "AddFirst", "AddLast", "Append", "AppendLine", "AppendFormat", "Clear", "Dequeue", "Enqueue", "ExceptWith", "Insert", "IntersectWith", "Pop", "Push",
        "Remove", "RemoveAll", "RemoveAt", "RemoveFirst", "RemoveLast", "RemoveRange", "RemoveWhere", "Reverse", "Sort", "TryAdd", "TryDequeue", "TryPop", "UnionWith",
    ];

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Descriptors.SharedState];

    /// <inheritdoc/>
    private protected override void Analyze(ProcessorCode code, Findings findings)
    {
        bool hasLanes = code.Type.FindAttribute("ConcurrencyAttribute") is { } attribute && attribute.FirstValue() is int lanes and > 1;
        foreach (ReachedMethod method in code.All)
        {
            if (method.Method.MethodKind is MethodKind.Constructor or MethodKind.StaticConstructor)
            {
                continue;
            }

            bool guarded = TakesLock(method);
            foreach (IOperation operation in method.Operations)
            {
                foreach (IOperation target in guarded ? [] : Written(operation))
                {
                    if (Shared(target, method, hasLanes) is { } name && !IsInLock(operation))
                    {
                        findings.Report(
                            Descriptors.SharedState,
                            target.Syntax.GetLocation(),
                            $"{name}; here it is written to without a lock: updates are lost, or the collection breaks. {(IsStatic(target) ? "Keep it in the processor (there is one per shard), use" : "Use")} Interlocked or a concurrent collection, or lock.");
                    }
                }
            }
        }
    }

    /// <summary>What an operation writes to: a variable, or the collection in it.</summary>
    private static IEnumerable<IOperation> Written(IOperation operation)
    {
        IEnumerable<IOperation> targets = operation switch
        {
            IIncrementOrDecrementOperation increment => [increment.Target],
            // two threads that set what was null set it to the same
            ICoalesceAssignmentOperation => [],
            IDeconstructionAssignmentOperation { Target: ITupleOperation tuple } => tuple.Elements,
            IAssignmentOperation assignment => [assignment.Target],
            IInvocationOperation { Instance: { } instance } call when Array.IndexOf(s_writers, call.TargetMethod.Name) >= 0 && IsUnsafeCollection(instance.Type) => [instance],
            _ => [],
        };
        return targets.Select(Variable).OfType<IOperation>();
    }

    private static IOperation? Variable(IOperation target) => target.Unwrapped() switch
    {
        IPropertyReferenceOperation { Property.IsIndexer: true, Instance: { } instance } => IsUnsafeCollection(instance.Type) ? Variable(instance) : null,
        IArrayElementReferenceOperation => null,
        IFieldReferenceOperation or IPropertyReferenceOperation or ILocalReferenceOperation or IParameterReferenceOperation => target.Unwrapped(),
        _ => null,
    };

    private static bool IsStatic(IOperation variable) => variable is IMemberReferenceOperation { Member.IsStatic: true };

    private static string? Shared(IOperation variable, ReachedMethod method, bool hasLanes)
    {
        switch (variable)
        {
            case IMemberReferenceOperation { Member: { IsStatic: true } member } when IsStored(member) && !IsPerThread(member):
                return $"'{member.ContainingType.Name}.{member.Name}' is static, so all shards share it";
            case IMemberReferenceOperation { Instance: { } instance, Member: { IsStatic: false } member } when hasLanes && instance.IsThis() && IsOfProcessor(member, method):
                return $"'{member.Name}' belongs to the shard, whose lanes run in parallel";
            case ILocalReferenceOperation { Local: { } local } when IsOutsideParallel(variable, local):
                return $"'{local.Name}' is shared by the calls of a parallel loop";
            case IMemberReferenceOperation { Instance: { } instance, Member: { IsStatic: false } member } when instance.IsThis() && ParallelLambda(variable) is not null:
                return $"'{member.Name}' is shared by the calls of a parallel loop";
            default:
                return null;
        }
    }

    /// <summary>True for fields, and properties that are no more than a field; what others do in a setter is theirs.</summary>
    private static bool IsStored(ISymbol member) => member is IFieldSymbol
        || member.ContainingType.GetMembers().OfType<IFieldSymbol>().Any(field => SymbolEqualityComparer.Default.Equals(field.AssociatedSymbol, member));

    private static bool IsOfProcessor(ISymbol member, ReachedMethod method) =>
        SymbolEqualityComparer.Default.Equals(member.ContainingType, method.Method.ContainingType);

    private static bool IsPerThread(ISymbol member) => member.GetAttributes().Any(attribute => attribute.AttributeClass.Is("System", "ThreadStaticAttribute"));

    private static bool IsOutsideParallel(IOperation variable, ILocalSymbol local) =>
        ParallelLambda(variable) is { } lambda && local.DeclaringSyntaxReferences.All(reference => !lambda.Syntax.Span.Contains(reference.Span));

    /// <summary>The lambda around an operation that a parallel loop runs.</summary>
    private static IAnonymousFunctionOperation? ParallelLambda(IOperation operation)
    {
        for (IOperation? parent = operation.Parent; parent is not null; parent = parent.Parent)
        {
            if (parent is IAnonymousFunctionOperation { Parent: IDelegateCreationOperation { Parent: IArgumentOperation { Parent: IInvocationOperation call } } } lambda
                && call.TargetMethod.ContainingType.Is("System.Threading.Tasks", "Parallel"))
            {
                return lambda;
            }
        }

        return null;
    }

    private static bool IsUnsafeCollection(ITypeSymbol? type) => type is INamedTypeSymbol named
        && (named.NamespaceName() is "System.Collections.Generic" or "System.Collections" || named.Is("System.Text", "StringBuilder"));

    private static bool IsInLock(IOperation operation)
    {
        for (IOperation? parent = operation.Parent; parent is not null; parent = parent.Parent)
        {
            if (parent is ILockOperation)
            {
                return true;
            }
        }

        return false;
    }

    // which lines a lock taken by hand covers is its author's knowledge
    private static bool TakesLock(ReachedMethod method) => method.Operations.OfType<IInvocationOperation>().Any(call => call.TargetMethod switch
    {
        { Name: "Enter" or "TryEnter" } target => target.ContainingType.Is("System.Threading", "Monitor") || target.ContainingType.Is("System.Threading", "Lock") || target.ContainingType.Is("System.Threading", "SpinLock"),
        { Name: "EnterScope" } target => target.ContainingType.Is("System.Threading", "Lock"),
        { Name: "Wait" or "WaitAsync" } target => target.ContainingType.Is("System.Threading", "SemaphoreSlim"),
        { Name: "EnterWriteLock" } => true,
        _ => false,
    });
}
