using FastConsumer.Analyzers.State;
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
    private static readonly string[] s_keepingMethods =
        ["Add", "AddRange", "Enqueue", "EnqueueRange", "Push", "TryAdd", "TryEnqueue", "Insert", "AddOrUpdate", "GetOrAdd", "AddFirst",
            "AddLast", "Append", "TryWrite", "WriteAsync", "SetResult", "TrySetResult"];

    private static readonly string[] s_backgroundMethods = [
        "Run", "StartNew", "QueueUserWorkItem", "UnsafeQueueUserWorkItem", "ContinueWith"];

    private readonly ProcessorCode _code;
    private readonly CancellationToken _cancellationToken;
    private readonly Dictionary<(IMethodSymbol, int), bool> _returns;
    private readonly List<BorrowedEscape> _escapes;
    private readonly Definitions _definitions = new();
    private readonly Dictionary<ILocalSymbol, IOperation> _initializers = new(SymbolEqualityComparer.Default);
    private readonly IOperation[] _operations;

    private BorrowedFlow(
        ProcessorCode code,
        IOperation body,
        IEnumerable<IParameterSymbol> borrowed,
        Dictionary<(IMethodSymbol, int), bool> returns,
        List<BorrowedEscape> escapes,
        CancellationToken cancellationToken)
    {
        _code = code;
        _cancellationToken = cancellationToken;
        _returns = returns;
        _escapes = escapes;
        _operations = [.. body.DescendantsAndSelf()];
        foreach (IParameterSymbol parameter in borrowed)
        {
            _definitions.Add(parameter, at: null, () => true, isStrong: true);
        }

        foreach (IOperation operation in _operations)
        {
            Define(operation);
        }
    }

    public static IReadOnlyList<BorrowedEscape> Escapes(
        ProcessorCode code, ReachedMethod handler, IReadOnlyList<IParameterSymbol> borrowed, CancellationToken cancellationToken)
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
    public static bool IsBytes(ITypeSymbol? type) =>
        type is INamedTypeSymbol { Arity: 1, Name: "ReadOnlyMemory" or "Memory" or "ReadOnlySpan" or "Span" } named
        && named.ContainingNamespace is { Name: "System", ContainingNamespace.IsGlobalNamespace: true };

    /// <summary>True where the body returns what it borrowed.</summary>
    private bool Run()
    {
        _definitions.Settle();
        bool returns = false;
        foreach (IOperation operation in _operations)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            FindEscape(operation);
            returns |= operation is IReturnOperation { ReturnedValue: { } value } && operation.EnclosingFunction() is null
                && IsBorrowed(value);
        }

        return returns;
    }

    /// <summary>Notes what an operation gives to locals and parameters.</summary>
    private void Define(IOperation operation)
    {
        switch (operation)
        {
            case IVariableDeclaratorOperation declarator:
                if (declarator.GetVariableInitializer()?.Value is { } initial)
                {
                    _initializers[declarator.Symbol] = initial;
                    _definitions.Add(declarator.Symbol, operation, () => IsBorrowed(initial), isStrong: true);
                }

                break;
            case IDeconstructionAssignmentOperation deconstruction:
                foreach ((IOperation target, IOperation value, bool isWhole) in Parts(deconstruction.Target, deconstruction.Value))
                {
                    if (Variable(target) is { } part)
                    {
                        _definitions.Add(part, operation, () => IsBorrowed(value) && (!isWhole || MayHold(target.Type)), isStrong: true);
                    }
                }

                break;
            case ISimpleAssignmentOperation { Target: ILocalReferenceOperation or IParameterReferenceOperation } assignment:
                _definitions.Add(Variable(assignment.Target)!, operation, () => IsBorrowed(assignment.Value), isStrong: true);
                break;
            case IAssignmentOperation { Target: IMemberReferenceOperation or IArrayElementReferenceOperation } assignment
                when assignment.Target.Root() is ILocalReferenceOperation holder:
                _definitions.Add(holder.Local, operation, () => !LeadsOutside(holder) && IsBorrowed(assignment.Value), isStrong: false);
                break;
            case IForEachLoopOperation loop:
                foreach (ILocalSymbol element in loop.Locals)
                {
                    _definitions.Add(element, operation, () => IsElementBorrowed(loop.Collection, element.Type), isStrong: false);
                }

                break;
            case IIsPatternOperation test:
                foreach (IDeclarationPatternOperation pattern in test.Pattern.DescendantsAndSelf().OfType<IDeclarationPatternOperation>())
                {
                    if (pattern.DeclaredSymbol is { } declared)
                    {
                        _definitions.Add(
                            declared, operation, () => IsBorrowed(test.Value) && MayHold((declared as ILocalSymbol)?.Type), isStrong: true);
                    }
                }

                break;
            case IInvocationOperation call:
                DefineCall(call);
                break;
        }
    }

    private void DefineCall(IInvocationOperation call)
    {
        foreach (IArgumentOperation argument in call.Arguments)
        {
            switch (argument.Value.Unwrapped())
            {
                // items.Select(item => ...)
                case IDelegateCreationOperation { Target: IAnonymousFunctionOperation lambda }:
                    foreach (IParameterSymbol parameter in lambda.Symbol.Parameters)
                    {
                        _definitions.Add(
                            parameter,
                            call,
                            () => MayHold(parameter.Type) && (call.Instance ?? call.Arguments[0].Value) is { } source
                                && source != argument.Value && IsElementBorrowed(source, parameter.Type),
                            isStrong: false);
                    }

                    break;
                case IDeclarationExpressionOperation { Expression: ILocalReferenceOperation local }:
                    _definitions.Add(local.Local, call, () => IsOutBorrowed(call, local.Type), isStrong: true);
                    break;
                case ILocalReferenceOperation local when argument.Parameter?.RefKind == RefKind.Out:
                    _definitions.Add(local.Local, call, () => IsOutBorrowed(call, local.Type), isStrong: true);
                    break;
            }

            if (call.TargetMethod.MethodKind == MethodKind.LocalFunction && argument.Parameter is { } own)
            {
                _definitions.Add(own.OriginalDefinition, call, () => IsBorrowed(argument.Value), isStrong: false);
            }
        }

        if (call.Instance.Root() is not ILocalReferenceOperation holder)
        {
            return;
        }

        if (Keeps(call) || (call.TargetMethod.Name == "Add" && call.TargetMethod.ContainingType.NamespaceName() == "System.Net.Http"))
        {
            foreach (IArgumentOperation argument in call.Arguments)
            {
                _definitions.Add(holder.Local, call, () => !LeadsOutside(holder) && IsBorrowed(argument.Value), isStrong: false);
            }
        }
        else if (IsOnOwnObject(call))
        {
            // a method that keeps what it is given in the object
            _definitions.Add(
                holder.Local,
                call,
                () => _code.Target(call, _cancellationToken) is { } target && KeepsInObject(call, target),
                isStrong: false);
        }
    }

    private static ISymbol? Variable(IOperation target) => target.Unwrapped() switch
    {
        ILocalReferenceOperation local => local.Local,
        IParameterReferenceOperation parameter => parameter.Parameter,
        IDeclarationExpressionOperation { Expression: { } declared } => Variable(declared),
        _ => null,
    };

    /// <summary>The parts of a deconstruction; whole where the value is no tuple that stands there.</summary>
    private static IEnumerable<(IOperation Target, IOperation Value, bool IsWhole)> Parts(IOperation target, IOperation value)
    {
        IOperation left = target is IDeclarationExpressionOperation { Expression: { } declared } ? declared : target;
        if (left is not ITupleOperation targets)
        {
            return [(left, value, false)];
        }

        return value.Unwrapped() is ITupleOperation values && values.Elements.Length == targets.Elements.Length
            ? targets.Elements.Zip(values.Elements, (part, given) => Parts(part, given)).SelectMany(part => part)
            : targets.Elements.Select(part => (part, value, true));
    }

    private bool IsOutBorrowed(IInvocationOperation call, ITypeSymbol? type)
    {
        if (call.TargetMethod.Name == "TryGetArray" && call.TargetMethod.ContainingType.Name == "MemoryMarshal")
        {
            // a record's bytes are no array that could be got; the payloads of a batch are
            return call.Arguments.Length > 0 && IsBorrowed(call.Arguments[0].Value)
                && call.Arguments[0].Value.Type?.OnlyTypeArgument()?.SpecialType != SpecialType.System_Byte;
        }

        return MayHold(type) && IsBorrowed(call.Instance) && _code.Target(call, _cancellationToken) is null;
    }

    private bool IsElementBorrowed(IOperation collection, ITypeSymbol? type) =>
        (IsBytes(collection.Unwrapped().Type) ? CanBorrow(type) : MayHold(type)) && IsBorrowed(collection);

    private void FindEscape(IOperation operation)
    {
        switch (operation)
        {
            case IAssignmentOperation { Target: IMemberReferenceOperation or IArrayElementReferenceOperation } assignment
                when LeadsOutside(assignment.Target) && IsBorrowed(assignment.Value):
                Escapes(assignment.Value, $"'{Text(assignment.Value)}' is stored in '{Text(assignment.Target)}'");
                break;
            case IDeconstructionAssignmentOperation deconstruction:
                foreach ((IOperation target, IOperation value, bool isWhole) in Parts(deconstruction.Target, deconstruction.Value))
                {
                    if (target is IMemberReferenceOperation or IArrayElementReferenceOperation && LeadsOutside(target) && IsBorrowed(value)
                        && (!isWhole || MayHold(target.Type)))
                    {
                        Escapes(value, $"'{Text(value)}' is stored in '{Text(target)}'");
                    }
                }

                break;
            case IInvocationOperation { TargetMethod.Name: "Exchange" or "CompareExchange" or "Write" } exchange
                when exchange.TargetMethod.ContainingType.Name is "Interlocked" or "Volatile" && exchange.Arguments.Length > 1:
                if (LeadsOutside(exchange.Arguments[0].Value) && IsBorrowed(exchange.Arguments[1].Value))
                {
                    Escapes(
                        exchange.Arguments[1].Value,
                        $"'{Text(exchange.Arguments[1].Value)}' is stored in '{Text(exchange.Arguments[0].Value)}'");
                }

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
            case IInvocationOperation call:
                ReachedBody? called = _code.Target(call, _cancellationToken);
                foreach (IArgumentOperation argument in IsLeftAlone(call)
                    ? call.Arguments.Where(argument => IsBorrowed(argument.Value) && !EndsBeforeAwait(argument, called))
                    : [])
                {
                    Escapes(argument.Value, $"'{Text(argument.Value)}' is given to '{call.TargetMethod.Name}', which nobody awaits");
                }

                // what a method keeps in an object of the call's own is no matter
                if (called is { } body && !IsOnOwnObject(call))
                {
                    Enter(call, body);
                }

                break;
            case IObjectCreationOperation creation when creation.Type.Is("System.Threading", "Timer")
                || creation.Type.Is("System.Threading", "Thread"):
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

    private static bool IsLeftAlone(IInvocationOperation call) =>
        (call.Type.IsAwaitable() && call.IsUnawaited()
            && call.TargetMethod.Name is not ("ConfigureAwait" or "AsTask" or "ContinueWith" or "Unwrap" or "WhenAll" or "WhenAny"))
        || call.TargetMethod is { IsAsync: true, ReturnsVoid: true };

    /// <summary>
    /// True where an async method of this compilation uses the argument before its first await only: so far it runs in the call.
    /// </summary>
    private static bool EndsBeforeAwait(IArgumentOperation argument, ReachedBody? target)
    {
        if (target is not { Method.IsAsync: true } body || argument.Parameter is not { } parameter
            || body.Method.Parameters.Length <= parameter.Ordinal)
        {
            return false;
        }

        IParameterSymbol own = body.Method.Parameters[parameter.Ordinal];
        int first = body.Body.Descendants().OfType<IAwaitOperation>().Select(await => await.Syntax.SpanStart)
            .DefaultIfEmpty(int.MaxValue).Min();
        return body.Body.Descendants().OfType<IParameterReferenceOperation>()
            .Where(reference => SymbolEqualityComparer.Default.Equals(reference.Parameter, own))
            .All(reference => reference.Syntax.SpanStart < first);
    }

    /// <summary>True for a method of an object that this body made itself.</summary>
    private bool IsOnOwnObject(IInvocationOperation call) => call.Instance is { } instance && !instance.IsThis()
        && instance.Root() is ILocalReferenceOperation local && !LeadsOutside(local);

    private bool KeepsInObject(IInvocationOperation call, ReachedBody target)
    {
        IParameterSymbol[] parameters =
            [.. call.Arguments.Where(argument => argument.Parameter is not null && IsBorrowed(argument.Value))
                .Select(argument => target.Method.Parameters[argument.Parameter!.Ordinal])];
        return parameters.Length > 0 && Keeps(target.Method, target.Body, parameters);
    }

    /// <summary>True where a body puts one of its parameters into something that lives longer, its own object above all.</summary>
    private bool Keeps(IMethodSymbol method, IOperation body, IParameterSymbol[] parameters)
    {
        int mask = parameters.Aggregate(1 << 31, (sum, parameter) => sum | (1 << Math.Min(parameter.Ordinal, 30)));
        if (_returns.TryGetValue((method, mask), out bool known))
        {
            return known;
        }

        _returns[(method, mask)] = false;
        var kept = new List<BorrowedEscape>();
        new BorrowedFlow(_code, body, parameters, _returns, kept, _cancellationToken).Run();
        return _returns[(method, mask)] = kept.Count > 0;
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
            if (symbol is not null && !IsInside(symbol, lambda) && IsBorrowed(inner))
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
                return _definitions.IsBorrowed(local.Local, local);
            case IParameterReferenceOperation parameter:
                return _definitions.IsBorrowed(parameter.Parameter, parameter);
            case IConversionOperation conversion:
                return IsBorrowed(conversion.Operand) && (conversion.OperatorMethod is null || CanBorrow(conversion.Type));
            case IParenthesizedOperation parenthesized:
                return IsBorrowed(parenthesized.Operand);
            case IMemberReferenceOperation { Instance: { } instance } member:
                return IsBytes(instance.Unwrapped().Type) && member is IPropertyReferenceOperation { Property.IsIndexer: true }
                    ? CanBorrow(member.Type) && IsBorrowed(instance)
                    : (MayHold(member.Type) || (member.Member.Name == "Array" && instance.Type.Is("System", "ArraySegment")))
                        && IsBorrowed(instance);
            case IArrayElementReferenceOperation element:
                return MayHold(element.Type) && IsBorrowed(element.ArrayReference);
            case IWithOperation copy:
                return (!ReplacesAll(copy) && IsBorrowed(copy.Operand))
                    || copy.Initializer.Initializers.Any(member => member is ISimpleAssignmentOperation set && IsBorrowed(set.Value));
            case IConditionalAccessOperation access:
                return MayHold(access.Type) && IsBorrowed(access.Operation);
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
                return collection.Elements.Any(element => element is ISpreadOperation spread
                    ? !IsPlainCopy(spread.Operand) && IsBorrowed(spread.Operand)
                    : IsBorrowed(element));
            case IObjectCreationOperation creation:
                return creation.Arguments.Any(argument => Keeps(creation, argument) && IsBorrowed(argument.Value))
                    || (creation.Initializer?.Initializers.Any(member => member switch
                    {
                        ISimpleAssignmentOperation set => IsBorrowed(set.Value),
                        IInvocationOperation add => add.Arguments.Any(argument => IsBorrowed(argument.Value)),
                        _ => false,
                    }) ?? false);
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
        string name = call.TargetMethod.Name;
        INamedTypeSymbol type = call.TargetMethod.ContainingType;
        if (name is "ToOwned" or "Clone" or "DeepClone" || (name == "ToArray" && call.Receiver() is { } copied && IsPlainCopy(copied)))
        {
            return false;
        }

        string place = type.NamespaceName();
        // tuples and immutable collections keep what they are made with; so do these views of memory
        bool makesHolder = place switch
        {
            "System.Collections.Immutable" => true,
            "System" or "System.Collections.Generic" => (name == "Create" && type.Name is "Tuple" or "ValueTuple" or "KeyValuePair")
                || (type.Name == "BinaryData" && name == "FromBytes"),
            "System.Text.Json" => type.Name == "JsonDocument" && name == "Parse"
                && call.TargetMethod.Parameters[0].Type.Name is "ReadOnlyMemory" or "ReadOnlySequence",
            "Google.Protobuf" => type.Name == "UnsafeByteOperations" && name == "UnsafeWrap",
            "System.Linq" => type.Name == "Enumerable" && MayHold(call.Type),
            _ => false,
        };
        if (makesHolder)
        {
            IOperation? selector = place == "System.Linq" && name is "Select" or "SelectMany"
                ? call.Arguments.LastOrDefault()?.Value
                : null;
            return selector is null
                ? call.Arguments.Any(argument => Lambda(argument.Value) is null && IsBorrowed(argument.Value))
                : SelectsBorrowed(selector, call);
        }

        if (call.Instance is { } instance)
        {
            return MayHold(call.Type) && IsBorrowed(instance) && (_code.Target(call, _cancellationToken) is null || CanBorrow(call.Type));
        }

        if (call.TargetMethod.IsStatic && place.StartsWith("System", StringComparison.Ordinal))
        {
            return CanBorrow(call.Type) && call.Arguments.Any(argument => IsBorrowed(argument.Value));
        }

        return _code.Target(call, _cancellationToken) is { } target && Enter(call, target);
    }

    /// <summary>True for <c>impression with { Body = copy }</c> that sets every member which may hold a view.</summary>
    private static bool ReplacesAll(IWithOperation copy)
    {
        var set = new HashSet<ISymbol>(
            copy.Initializer.Initializers.OfType<ISimpleAssignmentOperation>()
                .Select(member => (member.Target as IMemberReferenceOperation)?.Member).OfType<ISymbol>(),
            SymbolEqualityComparer.Default);
        bool any = false;
        for (ITypeSymbol? type = copy.Operand.Type; type is not null; type = type.BaseType)
        {
            foreach (IFieldSymbol field in type.GetMembers().OfType<IFieldSymbol>().Where(field => !field.IsStatic && MayHold(field.Type)))
            {
                if (!set.Contains(field.AssociatedSymbol ?? field))
                {
                    return false;
                }

                any = true;
            }
        }

        return any;
    }

    private bool SelectsBorrowed(IOperation selector, IInvocationOperation call) => Lambda(selector) is { } lambda
        ? IsBorrowed(call.Arguments[0].Value)
            && lambda.Body.Descendants().OfType<IReturnOperation>().Any(result => IsBorrowed(result.ReturnedValue))
        : false;

    /// <summary>True where a copy of the elements holds nothing borrowed: of bytes, texts and payloads, not of records.</summary>
    private static bool IsPlainCopy(IOperation source) =>
        IsBytes(source.Unwrapped().Type) && !CanBorrow(source.Unwrapped().Type!.OnlyTypeArgument());

    /// <summary>True where a constructor keeps what it is given as it is.</summary>
    private bool Keeps(IObjectCreationOperation creation, IArgumentOperation argument)
    {
        if (creation.Type is not INamedTypeSymbol type || creation.Constructor?.OriginalDefinition is not { } constructor
            || argument.Parameter is not { } parameter)
        {
            return false;
        }

        if (type.Is("System.Collections.Generic", "KeyValuePair") || CanBorrow(type) || IsKnownHolder(type) || type.IsTupleType
            || (type.NamespaceName().StartsWith("System.Collections", StringComparison.Ordinal)
                && !IsBytes(argument.Value.Unwrapped().Type)))
        {
            return true;
        }

        IParameterSymbol own = constructor.Parameters[Math.Min(parameter.Ordinal, constructor.Parameters.Length - 1)];
        if (type.IsRecord && type.GetMembers(own.Name).Any(member => member is IPropertySymbol))
        {
            return true;
        }

        if (_code.BodyOf(constructor, _cancellationToken) is { } body)
        {
            return Keeps(constructor, body, [own]);
        }

        return constructor.DeclaringSyntaxReferences.Length > 0
            && PrimaryConstructor.Keeps(constructor, own, _code, MayHold, _cancellationToken);
    }

    private static bool IsKnownHolder(INamedTypeSymbol type) =>
        type.Is("System.Net.Http", "ReadOnlyMemoryContent") || type.Is("System", "BinaryData") || type.Is("System", "ArraySegment")
        || type.Is("System.Runtime.CompilerServices", "StrongBox");

    /// <summary>True for types whose values may hold a view of a record somewhere inside.</summary>
    private static bool MayHold(ITypeSymbol? type) => MayHold(type, depth: 0);

    private static bool MayHold(ITypeSymbol? type, int depth)
    {
        if (type is null || depth > 3)
        {
            return false;
        }

        if (type is IArrayTypeSymbol array)
        {
            return MayHold(array.ElementType, depth);
        }

        if (type is not INamedTypeSymbol named || named.SpecialType is not (SpecialType.None or SpecialType.System_Object)
            || named.TypeKind is TypeKind.Enum or TypeKind.Delegate)
        {
            return type is { SpecialType: SpecialType.System_Collections_Generic_IEnumerable_T } && type.OnlyTypeArgument() is { } only
                && MayHold(only, depth + 1);
        }

        if (CanBorrow(named) || IsKnownHolder(named) || named.Is("System.Text.Json", "JsonDocument")
            || named.Is("System.Text.Json", "JsonElement") || named.Is("System.Text.Json", "JsonProperty")
            || named.Is("Google.Protobuf", "ByteString") || named.Is("System.Net.Http", "HttpContent")
            || named.Is("System.Net.Http", "HttpRequestMessage")
            || named.ContainingType.Is("System.Text.Json", "JsonElement"))
        {
            return true;
        }

        return named.TypeArguments.Any(argument => MayHold(argument, depth + 1))
            || (!named.NamespaceName().StartsWith("System", StringComparison.Ordinal)
                && named.GetMembers().Any(member => member is IFieldSymbol { IsStatic: false } field
                    && !SymbolEqualityComparer.Default.Equals(field.Type, named) && MayHold(field.Type, depth + 1)));
    }

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
        && (place.StartsWith("System.Collections", StringComparison.Ordinal)
            || place is "System.Threading.Channels" or "System.Threading.Tasks"
            // written after the call
            || StateFacts.IsAdd(call));

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
