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
        "Add", "AddRange", "AddFirst", "AddLast", "Append", "AppendLine", "AppendFormat", "Clear", "Dequeue", "Enqueue", "ExceptWith",
        "Insert", "IntersectWith", "Pop", "Push",
        "Remove", "RemoveAll", "RemoveAt", "RemoveFirst", "RemoveLast", "RemoveRange", "RemoveWhere", "Reverse", "Sort", "TryAdd",
        "TryDequeue", "TryPop", "UnionWith",
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

            if (TakesLock(method))
            {
                continue;
            }

            bool? isGuarded = null;
            foreach (IOperation operation in method.Operations)
            {
                // nearly all operations write nothing
                if (operation is not (IIncrementOrDecrementOperation or IAssignmentOperation or IInvocationOperation
                    or IArgumentOperation { Parameter.RefKind: RefKind.Ref or RefKind.Out }))
                {
                    continue;
                }

                foreach (IOperation target in Written(operation, code))
                {
                    if (Shared(target, method, hasLanes, code) is { } name && !IsInLock(operation)
                        && !(isGuarded ??= IsCalledInLock(method.Method, code, [])) && !IsLocalInLock(operation, method))
                    {
                        findings.Report(
                            Descriptors.SharedState,
                            target.Syntax.GetLocation(),
                            $"{name}; here it is written to without a lock: updates are lost, or the collection breaks. "
                                + $"{(IsStatic(target) ? "Keep it in the processor (there is one per shard), use" : "Use")} Interlocked or "
                                + "a concurrent collection, or lock.");
                    }
                }
            }
        }
    }

    /// <summary>What an operation writes to: a variable, or the collection in it.</summary>
    private static IEnumerable<IOperation> Written(IOperation operation, ProcessorCode code)
    {
        IEnumerable<IOperation> targets = operation switch
        {
            IIncrementOrDecrementOperation increment => [Array(increment.Target) ?? increment.Target],
            // two threads that set what was null set it to the same, but to two objects where it is a collection that they fill
            ICoalesceAssignmentOperation coalesce => IsFilled(coalesce.Target, code) ? [coalesce.Target] : [],
            ICompoundAssignmentOperation compound => [Array(compound.Target) ?? compound.Target],
            IArgumentOperation { Parameter.RefKind: RefKind.Ref or RefKind.Out } argument when !IsSafeByRef(
                argument, code) => [argument.Value],
            IDeconstructionAssignmentOperation { Target: ITupleOperation tuple } => tuple.Elements,
            IAssignmentOperation assignment => [assignment.Target],
            IInvocationOperation { Instance: { } instance } call when System.Array.IndexOf(s_writers, call.TargetMethod.Name) >= 0
                && IsUnsafeCollection(instance.Type) => [instance],
            _ => [],
        };
        return targets.Select(Variable).OfType<IOperation>();
    }

    /// <summary>The array whose element is counted up: <c>s_counts[0]++</c>.</summary>
    private static IOperation? Array(IOperation target) =>
        target.Unwrapped() is IArrayElementReferenceOperation element ? element.ArrayReference : null;

    /// <summary>True where a collection in the variable is written to by the code that records pass through.</summary>
    private static bool IsFilled(IOperation target, ProcessorCode code) =>
        target is IMemberReferenceOperation { Member: { } member }
        && IsUnsafeCollection(target.Type)
        && code.FromRecords.Any(method => method.Operations.Any(operation => operation switch
        {
            IInvocationOperation { Instance: IMemberReferenceOperation written } call =>
                System.Array.IndexOf(s_writers, call.TargetMethod.Name) >= 0
                && SymbolEqualityComparer.Default.Equals(written.Member, member),
            IAssignmentOperation
            {
                Target: IPropertyReferenceOperation { Property.IsIndexer: true, Instance: IMemberReferenceOperation written }
            } =>
                SymbolEqualityComparer.Default.Equals(written.Member, member),
            _ => false,
        }));

    /// <summary>
    /// True for methods that are made for variables that threads share, and for those of this compilation that only hand them on to such.
    /// </summary>
    private static bool IsSafeByRef(IArgumentOperation argument, ProcessorCode code)
    {
        if (argument.Parent is not IInvocationOperation call || argument.Parameter is not { } parameter)
        {
            return true;
        }

        if (call.TargetMethod.ContainingType is
            {
                Name: "Interlocked" or "Volatile" or "LazyInitializer" or "Monitor" or "SpinLock" or "ImmutableInterlocked" or "Unsafe"
            })
        {
            return true;
        }

        if (code.Target(call, CancellationToken.None) is not { } target || target.Method.Parameters.Length <= parameter.Ordinal)
        {
            return false;
        }

        IParameterSymbol own = target.Method.Parameters[parameter.Ordinal];
        bool IsOwn(IOperation operation) => operation.Unwrapped() is IParameterReferenceOperation reference
            && SymbolEqualityComparer.Default.Equals(reference.Parameter, own);
        return !target.Body.Descendants().Any(operation => operation switch
        {
            IAssignmentOperation assignment => IsOwn(assignment.Target),
            IIncrementOrDecrementOperation increment => IsOwn(increment.Target),
            IArgumentOperation { Parameter.RefKind: RefKind.Ref or RefKind.Out } inner => IsOwn(inner.Value)
                && (inner.Parent as IInvocationOperation)?.TargetMethod.ContainingType.Name is not ("Interlocked" or "Volatile"
                    or "LazyInitializer" or "ImmutableInterlocked"),
            _ => false,
        });
    }

    private static IOperation? Variable(IOperation target) => target.Unwrapped() switch
    {
        IPropertyReferenceOperation { Property.IsIndexer: true, Instance: { } instance } =>
            IsUnsafeCollection(instance.Type) ? Variable(instance) : null,
        IArrayElementReferenceOperation => null,
        IFieldReferenceOperation or IPropertyReferenceOperation or ILocalReferenceOperation or IParameterReferenceOperation =>
            target.Unwrapped(),
        _ => null,
    };

    private static bool IsStatic(IOperation variable) => variable is IMemberReferenceOperation { Member.IsStatic: true };

    private static string? Shared(IOperation variable, ReachedMethod method, bool hasLanes, ProcessorCode code)
    {
        switch (variable)
        {
            case IMemberReferenceOperation { Member: { IsStatic: true } member } when IsStored(member) && !IsPerThread(member):
                return $"'{member.ContainingType.Name}.{member.Name}' is static, so all shards share it";
            case IMemberReferenceOperation { Instance: { } instance, Member: { IsStatic: false } member } when hasLanes
                && method.FromRecords && instance.IsThis() && IsOfShard(member, method, code):
                return $"'{member.Name}' belongs to the shard, whose lanes run in parallel";
            case IParameterReferenceOperation
            {
                Parameter: { ContainingSymbol: IMethodSymbol { MethodKind: MethodKind.Constructor } } captured
            } when hasLanes && method.FromRecords && IsOfShard(captured, method, code):
                return $"'{captured.Name}' belongs to the shard, whose lanes run in parallel";
            case ILocalReferenceOperation { Local: { } local } when IsOutsideParallel(variable, local):
                return $"'{local.Name}' is shared by the calls of a parallel loop";
            case IMemberReferenceOperation { Instance: { } instance, Member: { IsStatic: false } member } when instance.IsThis()
                && ParallelLambda(variable) is not null:
                return $"'{member.Name}' is shared by the calls of a parallel loop";
            default:
                return null;
        }
    }

    /// <summary>True for fields, and properties that are no more than a field; what others do in a setter is theirs.</summary>
    private static bool IsStored(ISymbol member) => member is IFieldSymbol
        || member.ContainingType.GetMembers().OfType<IFieldSymbol>()
            .Any(field => SymbolEqualityComparer.Default.Equals(field.AssociatedSymbol, member));

    /// <summary>
    /// True for members of the processor, of its bases, and of the objects that it holds; what is made for one call is that call's.
    /// </summary>
    private static bool IsOfShard(ISymbol member, ReachedMethod method, ProcessorCode code)
    {
        INamedTypeSymbol type = member.ContainingType;
        return SymbolEqualityComparer.Default.Equals(type, method.Method.ContainingType)
            && (code.Type.DerivesFrom(type)
                || code.Type.GetMembers().OfType<IFieldSymbol>().Any(field => SymbolEqualityComparer.Default.Equals(field.Type, type))
                || code.Type.InstanceConstructors.SelectMany(constructor => constructor.Parameters)
                    .Any(parameter => SymbolEqualityComparer.Default.Equals(parameter.Type, type)));
    }

    private static bool IsPerThread(ISymbol member) =>
        member.GetAttributes().Any(attribute => attribute.AttributeClass.Is("System", "ThreadStaticAttribute"));

    private static bool IsOutsideParallel(IOperation variable, ILocalSymbol local) =>
        ParallelLambda(variable) is { } lambda
        && local.DeclaringSyntaxReferences.All(reference => !lambda.Syntax.Span.Contains(reference.Span));

    /// <summary>The lambda around an operation that a parallel loop runs.</summary>
    private static IAnonymousFunctionOperation? ParallelLambda(IOperation operation)
    {
        for (IOperation? parent = operation.Parent; parent is not null; parent = parent.Parent)
        {
            if (parent is IAnonymousFunctionOperation
                {
                    Parent: IDelegateCreationOperation { Parent: IArgumentOperation { Parent: IInvocationOperation call } }
                } lambda
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

    /// <summary>True where the method is called, and only ever inside a lock or by a method that holds one.</summary>
    private static bool IsCalledInLock(IMethodSymbol method, ProcessorCode code, HashSet<IMethodSymbol> seen)
    {
        if (!seen.Add(method))
        {
            return true;
        }

        ReachedUse[] uses = [.. code.UsesOf(method)];
        return uses.Length > 0 && uses.All(use =>
            use.Operation is IInvocationOperation
            && (IsInLock(use.Operation) || TakesLock(use.In) || (!use.In.IsHandler && IsCalledInLock(use.In.Method, code, seen))));
    }

    /// <summary>The same for a local function.</summary>
    private static bool IsLocalInLock(IOperation operation, ReachedMethod method)
    {
        if (operation.EnclosingFunction() is not { MethodKind: MethodKind.LocalFunction } function)
        {
            return false;
        }

        IInvocationOperation[] calls = [.. method.Of<IInvocationOperation>()
            .Where(call => SymbolEqualityComparer.Default.Equals(call.TargetMethod.OriginalDefinition, function))];
        return calls.Length > 0
            && calls.All(IsInLock)
            && !method.Of<IMethodReferenceOperation>()
                .Any(reference => SymbolEqualityComparer.Default.Equals(reference.Method.OriginalDefinition, function));
    }

    // which lines a lock taken by hand covers is its author's knowledge
    private static bool TakesLock(ReachedMethod method) => method.Of<IInvocationOperation>().Any(call => call.TargetMethod switch
    {
        { Name: "Enter" or "TryEnter" } target => target.ContainingType.Is("System.Threading", "Monitor")
            || target.ContainingType.Is("System.Threading", "Lock") || target.ContainingType.Is("System.Threading", "SpinLock"),
        { Name: "EnterScope" } target => target.ContainingType.Is("System.Threading", "Lock"),
        { Name: "Wait" or "WaitAsync" } target => target.ContainingType.Is("System.Threading", "SemaphoreSlim"),
        { Name: "EnterWriteLock" or "EnterUpgradeableReadLock" or "LockAsync" } => true,
        _ => false,
    });
}
