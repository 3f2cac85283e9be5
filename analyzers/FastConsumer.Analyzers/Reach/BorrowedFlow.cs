using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>A borrowed value at the place where it gets away.</summary>
/// <param name="Value">The value.</param>
/// <param name="Way">How it gets away, as messages write it.</param>
/// <param name="IsCaptured">True where a lambda captures it: a copy made there would come too late.</param>
internal readonly record struct BorrowedEscape(IOperation Value, string Way, bool IsCaptured);

/// <summary>
/// Follows borrowed memory from a handler's parameters through locals, slices, tuples, collections, lambdas and source
/// methods, to where something keeps it that lives longer than the call.
/// </summary>
internal sealed class BorrowedFlow
{
    private const int MostPasses = 5;

    private static readonly string[] s_keepingMethods =
        ["Add", "AddRange", "Enqueue", "EnqueueRange", "Push", "TryAdd", "TryEnqueue", "Insert", "AddOrUpdate", "GetOrAdd", "AddFirst", "AddLast", "Append", "TryWrite", "WriteAsync", "SetResult", "TrySetResult"];

    private static readonly string[] s_backgroundMethods = ["Run", "StartNew", "QueueUserWorkItem", "UnsafeQueueUserWorkItem", "ContinueWith"];

    private readonly ProcessorCode _code;
    private readonly CancellationToken _cancellationToken;
    private readonly Dictionary<(IMethodSymbol, int), bool> _returns;
    private readonly List<BorrowedEscape> _escapes;
    private readonly HashSet<ISymbol> _borrowed = new(SymbolEqualityComparer.Default);
    private readonly Dictionary<ILocalSymbol, IOperation> _initializers = new(SymbolEqualityComparer.Default);
    private readonly IOperation[] _operations;

    private BorrowedFlow(ProcessorCode code, IOperation body, IEnumerable<IParameterSymbol> borrowed, Dictionary<(IMethodSymbol, int), bool> returns, List<BorrowedEscape> escapes, CancellationToken cancellationToken)
    {
        _code = code;
        _cancellationToken = cancellationToken;
        _returns = returns;
        _escapes = escapes;
        _operations = [.. body.DescendantsAndSelf()];
        _borrowed.UnionWith(borrowed);
    }

    public static IReadOnlyList<BorrowedEscape> Escapes(ProcessorCode code, ReachedMethod handler, IReadOnlyList<IParameterSymbol> borrowed, CancellationToken cancellationToken)
    {
        var escapes = new List<BorrowedEscape>();
        new BorrowedFlow(code, handler.Body, borrowed, [], escapes, cancellationToken).Run();
        return escapes;
    }

    /// <summary>True for types whose values may be views of a record.</summary>
    public static bool CanBorrow(ITypeSymbol? type) => IsBytes(type)
        || type.IsContract("KinesisRecord")
        || type.IsContract("RecordBatch")
        || (type.Is("System.Buffers", "ReadOnlySequence") && type is INamedTypeSymbol { Arity: 1 });

    /// <summary>True for memory and spans.</summary>
    public static bool IsBytes(ITypeSymbol? type) => type is INamedTypeSymbol { Arity: 1, Name: "ReadOnlyMemory" or "Memory" or "ReadOnlySpan" or "Span" } named
        && named.ContainingNamespace is { Name: "System", ContainingNamespace.IsGlobalNamespace: true };

    /// <summary>True where the body returns what it borrowed.</summary>
    private bool Run()
    {
        int known = -1;
        for (int pass = 0; pass < MostPasses && known != _borrowed.Count; pass++)
        {
            known = _borrowed.Count;
            foreach (IOperation operation in _operations)
            {
                Spread(operation);
            }
        }

        bool returns = false;
        foreach (IOperation operation in _operations)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            FindEscape(operation);
            returns |= operation is IReturnOperation { ReturnedValue: { } value } && operation.EnclosingFunction() is null && IsBorrowed(value);
        }

        return returns;
    }

    /// <summary>Notes the locals that an operation makes views of borrowed memory.</summary>
    private void Spread(IOperation operation)
    {
        switch (operation)
        {
            case IVariableDeclaratorOperation declarator:
                if (declarator.GetVariableInitializer()?.Value is { } initial)
                {
                    _initializers[declarator.Symbol] = initial;
                    Note(declarator.Symbol, initial);
                }

                break;
            case ISimpleAssignmentOperation { Target: ILocalReferenceOperation local } assignment:
                Note(local.Local, assignment.Value);
                break;
            case ISimpleAssignmentOperation { Target: IMemberReferenceOperation or IArrayElementReferenceOperation } assignment
                when assignment.Target.Root() is ILocalReferenceOperation holder && !LeadsOutside(holder):
                Note(holder.Local, assignment.Value);
                break;
            case IForEachLoopOperation loop when IsBorrowed(loop.Collection) || HoldsBorrowed(loop.Collection):
                foreach (ILocalSymbol element in loop.Locals.Where(element => CanBorrow(element.Type)))
                {
                    _borrowed.Add(element);
                }

                break;
            case IIsPatternOperation { Pattern: IDeclarationPatternOperation { DeclaredSymbol: { } declared } } test:
                Note(declared, test.Value);
                break;
            case IInvocationOperation { TargetMethod.MethodKind: MethodKind.LocalFunction } call:
                foreach (IArgumentOperation argument in call.Arguments.Where(argument => IsBorrowed(argument.Value)))
                {
                    _borrowed.Add(argument.Parameter!.OriginalDefinition);
                }

                break;
            case IInvocationOperation call when Keeps(call) && call.Instance.Root() is ILocalReferenceOperation holder && !LeadsOutside(holder):
                foreach (IArgumentOperation argument in call.Arguments)
                {
                    Note(holder.Local, argument.Value);
                }

                break;
        }
    }

    private void Note(ISymbol symbol, IOperation value)
    {
        if (IsBorrowed(value))
        {
            _borrowed.Add(symbol);
        }
    }

    private void FindEscape(IOperation operation)
    {
        switch (operation)
        {
            case IAssignmentOperation { Target: IMemberReferenceOperation or IArrayElementReferenceOperation } assignment
                when LeadsOutside(assignment.Target) && IsBorrowed(assignment.Value):
                Escapes(assignment.Value, $"'{Text(assignment.Value)}' is stored in '{Text(assignment.Target)}'");
                break;
            case IInvocationOperation call when Keeps(call) && LeadsOutside(call.Instance!):
                foreach (IArgumentOperation argument in call.Arguments.Where(argument => IsBorrowed(argument.Value)))
                {
                    Escapes(argument.Value, $"'{Text(argument.Value)}' is kept in '{Text(call.Instance!)}'");
                }

                break;
            case IInvocationOperation call when IsBackground(call):
                foreach (IArgumentOperation argument in call.Arguments.Where(argument => IsBorrowed(argument.Value)))
                {
                    EscapesInClosure(argument.Value);
                }

                break;
            case IInvocationOperation call when _code.Target(call, _cancellationToken) is { } target:
                Enter(call, target);
                break;
            case IObjectCreationOperation creation when creation.Type.Is("System.Threading", "Timer") || creation.Type.Is("System.Threading", "Thread"):
                foreach (IArgumentOperation argument in creation.Arguments.Where(argument => IsBorrowed(argument.Value)))
                {
                    EscapesInClosure(argument.Value);
                }

                break;
            case IEventAssignmentOperation { Adds: true } subscription when IsBorrowed(subscription.HandlerValue):
                EscapesInClosure(subscription.HandlerValue);
                break;
        }
    }

    private bool Enter(IInvocationOperation call, ReachedBody target)
    {
        if (target.Method.MethodKind == MethodKind.LocalFunction)
        {
            return false;
        }

        int mask = 0;
        var parameters = new List<IParameterSymbol>();
        foreach (IArgumentOperation argument in call.Arguments)
        {
            if (argument.Parameter is { Ordinal: < 31 } parameter && IsBorrowed(argument.Value))
            {
                mask |= 1 << parameter.Ordinal;
                parameters.Add(target.Method.Parameters[parameter.Ordinal]);
            }
        }

        if (mask == 0)
        {
            return false;
        }

        if (!_returns.TryGetValue((target.Method, mask), out bool returns))
        {
            // a method that calls itself adds nothing to what its outer call finds
            _returns[(target.Method, mask)] = false;
            returns = new BorrowedFlow(_code, target.Body, parameters, _returns, _escapes, _cancellationToken).Run();
            _returns[(target.Method, mask)] = returns;
        }

        return returns;
    }

    private void Escapes(IOperation value, string way, bool isCaptured = false) => _escapes.Add(new BorrowedEscape(value, way, isCaptured));

    /// <summary>Reports each borrowed value that the lambda captures, where it is used in it.</summary>
    private void EscapesInClosure(IOperation closure)
    {
        IOperation? first = Captured(closure).FirstOrDefault();
        Escapes(first ?? closure, $"'{Text(first ?? closure)}' is captured by code that may run later", isCaptured: true);
    }

    private IEnumerable<IOperation> Captured(IOperation value)
    {
        IAnonymousFunctionOperation? lambda = Lambda(value);
        if (lambda is null)
        {
            yield break;
        }

        foreach (IOperation inner in lambda.Body.Descendants())
        {
            ISymbol? symbol = inner switch
            {
                ILocalReferenceOperation local => local.Local,
                IParameterReferenceOperation parameter => parameter.Parameter,
                _ => null,
            };
            if (symbol is not null && _borrowed.Contains(symbol) && !IsInside(symbol, lambda))
            {
                yield return inner;
            }
        }
    }

    private static bool IsInside(ISymbol symbol, IAnonymousFunctionOperation lambda)
    {
        for (ISymbol? container = symbol.ContainingSymbol; container is not null; container = container.ContainingSymbol)
        {
            if (SymbolEqualityComparer.Default.Equals(container, lambda.Symbol))
            {
                return true;
            }
        }

        return false;
    }

    private static IAnonymousFunctionOperation? Lambda(IOperation value) => value.Unwrapped() switch
    {
        IAnonymousFunctionOperation lambda => lambda,
        IDelegateCreationOperation { Target: IAnonymousFunctionOperation lambda } => lambda,
        _ => null,
    };

    /// <summary>True where the value is a view of borrowed memory, or holds one.</summary>
    private bool IsBorrowed(IOperation? value)
    {
        switch (value)
        {
            case null:
                return false;
            case ILocalReferenceOperation local:
                return _borrowed.Contains(local.Local);
            case IParameterReferenceOperation parameter:
                return _borrowed.Contains(parameter.Parameter);
            case IConversionOperation conversion:
                return IsBorrowed(conversion.Operand) && (conversion.OperatorMethod is null || CanBorrow(conversion.Type));
            case IParenthesizedOperation parenthesized:
                return IsBorrowed(parenthesized.Operand);
            case IMemberReferenceOperation { Instance: { } instance } member:
                return CanBorrow(member.Type) && IsBorrowed(instance);
            // data[1..]
            case IImplicitIndexerReferenceOperation part:
                return CanBorrow(part.Type) && IsBorrowed(part.Instance);
            case IConditionalOperation conditional:
                return IsBorrowed(conditional.WhenTrue) || IsBorrowed(conditional.WhenFalse);
            case ISwitchExpressionOperation choice:
                return choice.Arms.Any(arm => IsBorrowed(arm.Value));
            case ICoalesceOperation coalesce:
                return IsBorrowed(coalesce.Value) || IsBorrowed(coalesce.WhenNull);
            case ITupleOperation tuple:
                return tuple.Elements.Any(IsBorrowed);
            case IArrayCreationOperation { Initializer: { } elements }:
                return elements.ElementValues.Any(IsBorrowed);
            case ICollectionExpressionOperation collection:
                return collection.Elements.Any(element => element is not ISpreadOperation && IsBorrowed(element));
            case IObjectCreationOperation creation:
                return (Carries(creation.Type) && creation.Arguments.Any(argument => IsBorrowed(argument.Value)))
                    || (creation.Initializer?.Initializers.Any(member => member is ISimpleAssignmentOperation set && IsBorrowed(set.Value)) ?? false);
            case IAnonymousObjectCreationOperation anonymous:
                return anonymous.Initializers.Any(member => member is ISimpleAssignmentOperation set && IsBorrowed(set.Value));
            case IAnonymousFunctionOperation or IDelegateCreationOperation:
                return Captured(value).Any();
            case IInvocationOperation call:
                return IsBorrowed(call);
            default:
                return false;
        }
    }

    private bool IsBorrowed(IInvocationOperation call)
    {
        if (call.TargetMethod.Name is "ToOwned" or "ToArray")
        {
            return false;
        }

        // tuples and immutable collections keep what they are made with
        bool makesHolder = call.TargetMethod.ContainingType.NamespaceName() switch
        {
            "System.Collections.Immutable" => true,
            "System" or "System.Collections.Generic" => call.TargetMethod.Name == "Create" && call.TargetMethod.ContainingType.Name is "Tuple" or "ValueTuple" or "KeyValuePair",
            _ => false,
        };
        if (makesHolder && call.Arguments.Any(argument => IsBorrowed(argument.Value)))
        {
            return true;
        }

        if (call.Instance is { } instance)
        {
            return CanBorrow(call.Type) && IsBorrowed(instance);
        }

        if (call.TargetMethod.IsStatic && call.TargetMethod.ContainingType.NamespaceName().StartsWith("System", StringComparison.Ordinal))
        {
            return CanBorrow(call.Type) && call.Arguments.Any(argument => IsBorrowed(argument.Value));
        }

        return _code.Target(call, _cancellationToken) is { } target && Enter(call, target);
    }

    private bool HoldsBorrowed(IOperation collection) => collection.Unwrapped() is ILocalReferenceOperation local && _borrowed.Contains(local.Local);

    /// <summary>Records, tuples and pairs keep what their constructor is given as it is.</summary>
    private static bool Carries(ITypeSymbol? type) => type is { IsRecord: true }
        || type.Is("System.Collections.Generic", "KeyValuePair")
        || CanBorrow(type);

    private bool LeadsOutside(IOperation target)
    {
        IOperation? root = target.Root();
        if (root.OutlivesCall())
        {
            return true;
        }

        // an alias of something that lives longer
        return root is ILocalReferenceOperation local
            && local.Local.Type.IsReferenceType
            && _initializers.TryGetValue(local.Local, out IOperation? initial)
            // what a method returns may be new
            && initial.Unwrapped() is not IInvocationOperation { TargetMethod.Name: not ("GetOrAdd" or "GetValueOrDefault") }
            && initial.Root() is { } origin
            && (origin.IsThis() || origin.OutlivesCall());
    }

    private static bool Keeps(IInvocationOperation call) =>
        call.Instance is not null
        && s_keepingMethods.Contains(call.TargetMethod.Name)
        && (call.TargetMethod.ContainingType.NamespaceName() is { } place)
        && (place.StartsWith("System.Collections", StringComparison.Ordinal) || place is "System.Threading.Channels" or "System.Threading.Tasks");

    private static bool IsBackground(IInvocationOperation call) =>
        s_backgroundMethods.Contains(call.TargetMethod.Name)
        && call.TargetMethod.ContainingType.NamespaceName() is "System.Threading.Tasks" or "System.Threading"
        && (call.Type?.SpecialType is SpecialType.System_Boolean || call.IsUnawaited());

    private static string Text(IOperation operation)
    {
        string text = operation.Syntax.ToString();
        return text.Length <= 60 && text.IndexOf('\n') < 0 ? text : operation.Type?.Name ?? "a value";
    }
}
