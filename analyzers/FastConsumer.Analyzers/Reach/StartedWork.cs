using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>Tasks that a method starts, and whether it waits for them on every way to its end.</summary>
internal sealed class StartedWork(ProcessorCode code, ReachedMethod method, CancellationToken cancellationToken)
{
    private static readonly string[] s_materializing = ["ToArray", "ToList", "ToHashSet", "ToImmutableArray", "ToImmutableList"];

    private static readonly string[] s_forgetting = ["Forget", "FireAndForget", "SafeFireAndForget"];

    /// <summary>The call that starts a task, or the expression that starts one of several; null where the value starts none.</summary>
    public static IOperation? Start(IOperation? value)
    {
        switch (value?.Unwrapped())
        {
            case IInvocationOperation call when IsQueuedCommand(call):
                return null;
            case IInvocationOperation call when call.Type.IsAwaitable() || StartsAll(call):
                return call;
            case IConditionalOperation { WhenFalse: { } otherwise } choice when choice.Type.IsAwaitable()
                && (Start(choice.WhenTrue) ?? Start(otherwise)) is not null:
                return choice;
            case ISwitchExpressionOperation choice when choice.Type.IsAwaitable() && choice.Arms.Any(arm => Start(arm.Value) is not null):
                return choice;
            case ICoalesceOperation choice when choice.Type.IsAwaitable() && (Start(choice.Value) ?? Start(choice.WhenNull)) is not null:
                return choice;
            case IConditionalAccessOperation access when access.Type.IsAwaitable():
                return access;
            // new ValueTask(StartAsync())
            case IObjectCreationOperation { Arguments.Length: 1 } creation when creation.Type.IsTask()
                && Start(creation.Arguments[0].Value) is not null:
                return creation;
            default:
                return null;
        }
    }

    /// <summary>
    /// True for a command of a Redis transaction: its task ends with the transaction's Execute, which says whether it ran; an await before
    /// that never ends.
    /// </summary>
    private static bool IsQueuedCommand(IInvocationOperation call) =>
        call.Instance?.Type.Is("StackExchange.Redis", "ITransaction") == true
        && !call.TargetMethod.ContainingType.Is("StackExchange.Redis", "ITransaction");

    /// <summary>True for <c>items.Select(StartAsync).ToArray()</c>: each element is a task that runs.</summary>
    public static bool StartsAll(IInvocationOperation call) =>
        Array.IndexOf(s_materializing, call.TargetMethod.Name) >= 0
        && call.Arguments.FirstOrDefault()?.Value.Unwrapped() is IInvocationOperation { TargetMethod.Name: "Select" } select
        && select.TargetMethod.ContainingType.NamespaceName() == "System.Linq"
        && select.TargetMethod.TypeArguments.LastOrDefault().IsTask();

    /// <summary>True for a task that is handed to code that does not wait for it either.</summary>
    public bool IsHandedToNobody(IInvocationOperation call)
    {
        if (call.Parent is not IArgumentOperation { Parent: IInvocationOperation outer, Parameter: { } parameter })
        {
            return call.Parent is IConversionOperation
            {
                Parent: IArgumentOperation { Parent: IInvocationOperation next, Parameter: { } converted }
            } && Ignores(next, converted);
        }

        return Ignores(outer, parameter);
    }

    /// <summary>True where a local that holds a task, or a collection of them, is left unawaited on a way to the method's end.</summary>
    public bool IsLeft(ILocalSymbol local, IOperation start)
    {
        IOperation[] waits = [.. method.Of<ILocalReferenceOperation>()
            .Where(reference => SymbolEqualityComparer.Default.Equals(reference.Local, local) && Waits(reference))];
        return waits.Length == 0 || (IsPlain(start, waits, local) && Misses(start, waits));
    }

    /// <summary>The same for a field or property.</summary>
    public bool IsLeft(ISymbol member, IOperation start)
    {
        IOperation[] uses = [.. method.Of<IMemberReferenceOperation>()
            .Where(reference => SymbolEqualityComparer.Default.Equals(reference.Member, member) && Waits(reference))];
        // a method that reads the member may wait too
        IOperation[] calls =
        [
            .. method.Of<IInvocationOperation>().Where(call => code.Target(call, cancellationToken) is { } target
                && target.Body.Descendants().OfType<IMemberReferenceOperation>()
                    .Any(reference => SymbolEqualityComparer.Default.Equals(reference.Member, member))),
        ];
        return (calls.Length == 0 && !uses.Any(IsInAwait)) || Misses(start, [.. uses, .. calls]);
    }

    private static bool IsInAwait(IOperation operation)
    {
        for (IOperation? parent = operation.Parent; parent is not null and not IBlockOperation; parent = parent.Parent)
        {
            if (parent is IAwaitOperation)
            {
                return true;
            }
        }

        return false;
    }

    private bool Misses(IOperation start, IOperation[] waits)
    {
        var syntax = new HashSet<SyntaxNode>(waits.Select(wait => wait.Syntax));
        return WayOut.Misses(
            start, new ReachedBody(method.Method, method.Body), operation => syntax.Contains(operation.Syntax), cancellationToken);
    }

    /// <summary>
    /// True where the start runs whenever its block does, in the function of all that waits. What starts under a condition is often
    /// awaited under the same one, and a graph does not tell.
    /// </summary>
    private static bool IsPlain(IOperation start, IOperation[] waits, ILocalSymbol local)
    {
        if (waits.Any(wait => !SymbolEqualityComparer.Default.Equals(wait.EnclosingFunction(), start.EnclosingFunction())))
        {
            return false;
        }

        // what is added to a collection is found in it, whatever the condition was
        if (!local.Type.IsTask())
        {
            return true;
        }

        for (IOperation? parent = start.Parent;
            parent is not null and not ILoopOperation and not IAnonymousFunctionOperation and not ILocalFunctionOperation;
            parent = parent.Parent)
        {
            if (parent is IConditionalOperation or ISwitchCaseOperation or ISwitchExpressionArmOperation or ICatchClauseOperation)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>True where this use of a task, or of a collection of tasks, waits for it or hands it to somebody who may.</summary>
    private bool Waits(IOperation reference)
    {
        IOperation used = reference;
        while (used.Parent is IConversionOperation or IParenthesizedOperation)
        {
            used = used.Parent;
        }

        switch (used.Parent)
        {
            case ISimpleAssignmentOperation assignment when assignment.Target == used || assignment.Target is IDiscardOperation:
            case INameOfOperation:
                return false;
            case IBinaryOperation { OperatorKind: BinaryOperatorKind.Equals or BinaryOperatorKind.NotEquals } comparison
                when comparison.LeftOperand.Unwrapped().Type.IsTask() && comparison.RightOperand.Unwrapped().Type.IsTask()
                    && !IsNull(comparison.LeftOperand) && !IsNull(comparison.RightOperand):
                // which of them was first
                return false;
            case IPropertyReferenceOperation { Property.Name: "Id" or "Capacity" }:
                return false;
            case IPropertyReferenceOperation { Property.Name: "Count" or "Length" } count:
                return AsksForAny(count);
            case IInvocationOperation { TargetMethod.Name: "Add" or "Enqueue" or "Push" or "TryAdd" or "Clear" or "EnsureCapacity" } call
                when call.Instance == used:
                return false;
            case IArrayElementReferenceOperation { Parent: ISimpleAssignmentOperation store } element when store.Target == element
                && element.ArrayReference == used:
                return false;
            case IPropertyReferenceOperation { Property.IsIndexer: true, Parent: ISimpleAssignmentOperation store } element
                when store.Target == element && element.Instance == used:
                return false;
            case IArgumentOperation { Parent: IInvocationOperation call, Parameter: { } parameter }:
                return !Ignores(call, parameter) && !IsRaceWithDelay(call);
            // an element of WhenAny's params array
            case IArrayInitializerOperation
            {
                Parent: IArrayCreationOperation { Parent: IArgumentOperation { Parent: IInvocationOperation call } }
            }:
                return !IsRaceWithDelay(call);
            case ICollectionExpressionOperation
            {
                Parent: IConversionOperation { Parent: IArgumentOperation { Parent: IInvocationOperation call } }
            }:
                return !IsRaceWithDelay(call);
            default:
                return true;
        }
    }

    /// <summary>Whether there is one at all is asked before an await; whether there are enough is not.</summary>
    private static bool AsksForAny(IOperation count) => count.Parent switch
    {
        IBinaryOperation
        {
            OperatorKind: BinaryOperatorKind.GreaterThan or BinaryOperatorKind.NotEquals or BinaryOperatorKind.Equals
        } test => test.RightOperand.ConstantValue is { HasValue: true, Value: 0 },
        IBinaryOperation { OperatorKind: BinaryOperatorKind.GreaterThanOrEqual } test =>
            test.RightOperand.ConstantValue is { HasValue: true, Value: 1 },
        _ => false,
    };

    private static bool IsNull(IOperation operation) =>
        operation.Unwrapped() is { ConstantValue: { HasValue: true, Value: null } } or IDefaultValueOperation;

    /// <summary>True where the called method does nothing with a task but forget it.</summary>
    private bool Ignores(IInvocationOperation call, IParameterSymbol parameter)
    {
        if (!parameter.Type.IsTask())
        {
            return false;
        }

        if (Forgets(call.TargetMethod))
        {
            return true;
        }

        // an async void that awaits it is reported itself
        if (call.TargetMethod is { IsAsync: true, ReturnsVoid: true } || code.Target(call, cancellationToken) is not { } target
            || target.Method.Parameters.Length <= parameter.Ordinal)
        {
            return false;
        }

        int ordinal = call.TargetMethod.ReducedFrom is null ? parameter.Ordinal : parameter.Ordinal + 1;
        return IsForgotten(target.Method.Parameters[Math.Min(ordinal, target.Method.Parameters.Length - 1)], target.Body);
    }

    /// <summary>
    /// True for a continuation of a task that the caller gave to a method that forgets it: the call is reported, not this.
    /// </summary>
    public bool IsInForgetting(IOperation value) =>
        value is IInvocationOperation { TargetMethod.Name: "ContinueWith", Instance: { } instance }
        && instance.Unwrapped() is IParameterReferenceOperation { Parameter: { } parameter }
        && SymbolEqualityComparer.Default.Equals(parameter.ContainingSymbol, method.Method)
        && (Forgets(method.Method) || IsForgotten(parameter, method.Body));

    private static bool Forgets(IMethodSymbol called) => Array.IndexOf(s_forgetting, called.Name) >= 0
        && called is { ReturnsVoid: true, IsAsync: false };

    private static bool IsForgotten(IParameterSymbol own, IOperation body) => body.Descendants().OfType<IParameterReferenceOperation>()
        .Where(reference => SymbolEqualityComparer.Default.Equals(reference.Parameter, own))
        .All(IsForgotten);

    private static bool IsForgotten(IParameterReferenceOperation reference) => reference.Parent switch
    {
        ISimpleAssignmentOperation { Target: IDiscardOperation } => true,
        IInvocationOperation { TargetMethod.Name: "ContinueWith" } call => call.IsUnawaited(),
        _ => false,
    };

    /// <summary>True for <c>Task.WhenAny(work, Task.Delay(...))</c>: it may end before the work does.</summary>
    public bool IsRaceWithDelay(IInvocationOperation call) =>
        call.TargetMethod.Name == "WhenAny" && call.TargetMethod.ContainingType.IsTask()
        && RaceParts(call).Any(IsDelay);

    public static IEnumerable<IOperation> RaceParts(IInvocationOperation call) =>
        call.Arguments.SelectMany(argument => argument.Value.Unwrapped() switch
        {
            IArrayCreationOperation { Initializer: { } elements } => elements.ElementValues.AsEnumerable(),
            ICollectionExpressionOperation elements => elements.Elements,
            { } single => [single],
        }).Select(part => part.Unwrapped());

    public bool IsDelay(IOperation part) => part switch
    {
        IInvocationOperation { TargetMethod: { Name: "Delay" } target } => target.ContainingType.IsTask(),
        ILocalReferenceOperation local => method.Of<IVariableDeclaratorOperation>().Any(declarator =>
            SymbolEqualityComparer.Default.Equals(declarator.Symbol, local.Local)
            && declarator.GetVariableInitializer()?.Value.Unwrapped() is IInvocationOperation { TargetMethod.Name: "Delay" }),
        _ => false,
    };

    /// <summary>True where the time-out of a race ends in an exception.</summary>
    public bool ThrowsOnTimeOut(IInvocationOperation race)
    {
        HashSet<ISymbol> known = new(
            RaceParts(race).OfType<ILocalReferenceOperation>().Select(part => (ISymbol)part.Local), SymbolEqualityComparer.Default);
        for (IOperation? parent = race.Parent; parent is not null and not IBlockOperation; parent = parent.Parent)
        {
            if (parent is IVariableDeclaratorOperation { Symbol: { } winner })
            {
                known.Add(winner);
            }
        }

        return method.Of<IConditionalOperation>().Any(choice =>
            choice.Syntax.Span.End > race.Syntax.SpanStart
            && choice.Condition.DescendantsAndSelf()
                .Any(part => part.Syntax == race.Syntax || (part is ILocalReferenceOperation local && known.Contains(local.Local)))
            && choice.ChildOperations.Where(branch => branch != choice.Condition)
                .Any(branch => branch.DescendantsAndSelf().Any(part => part is IThrowOperation)));
    }
}
