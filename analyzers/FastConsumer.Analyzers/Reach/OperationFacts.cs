using System.Runtime.CompilerServices;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>Questions about operations and types that several rules ask.</summary>
internal static class OperationFacts
{
    private const string Tasks = "System.Threading.Tasks";

    // asked of nearly every call; go with their compilation
    private static readonly ConditionalWeakTable<INamespaceSymbol, string> s_namespaces = new();

    public static bool IsTask(this ITypeSymbol? type) => type.Is(Tasks, "Task") || type.Is(Tasks, "ValueTask");

    public static bool IsAwaitable(this ITypeSymbol? type) => type.IsTask()
        || type.Is("System.Runtime.CompilerServices", "ConfiguredTaskAwaitable")
        || type.Is("System.Runtime.CompilerServices", "ConfiguredValueTaskAwaitable");

    /// <summary>True for Task and ValueTask without a result.</summary>
    public static bool IsTaskWithoutResult(this ITypeSymbol? type) => type.IsTask() && type is INamedTypeSymbol { Arity: 0 };

    public static bool IsCancellationToken(this ITypeSymbol? type) => type.Is("System.Threading", "CancellationToken");

    public static bool DerivesFrom(this ITypeSymbol? type, ITypeSymbol ancestor)
    {
        for (ITypeSymbol? part = type; part is not null; part = part.BaseType)
        {
            if (SymbolEqualityComparer.Default.Equals(part, ancestor))
            {
                return true;
            }
        }

        return false;
    }

    public static bool DerivesFrom(this ITypeSymbol? type, string containingNamespace, string name)
    {
        for (ITypeSymbol? part = type; part is not null; part = part.BaseType)
        {
            if (part.Is(containingNamespace, name))
            {
                return true;
            }
        }

        return false;
    }

    public static bool IsCancellation(this ITypeSymbol? type) => type.DerivesFrom("System", "OperationCanceledException");

    public static bool IsLeaseLost(this ITypeSymbol? type) => type.IsContract("LeaseLostException");

    /// <summary>True for a catch that takes every exception: of Exception, SystemException or no type.</summary>
    public static bool IsGeneral(this ICatchClauseOperation clause) =>
        clause.ExceptionType.Is("System", "Exception") || clause.ExceptionType.Is("System", "Object") || clause.ExceptionType is null;

    public static IOperation Unwrapped(this IOperation operation)
    {
        while (operation is IConversionOperation or IParenthesizedOperation)
        {
            operation = operation is IConversionOperation conversion ? conversion.Operand : ((IParenthesizedOperation)operation).Operand;
        }

        return operation;
    }

    /// <summary>Where a local variable is declared; null where its method is not at hand.</summary>
    public static IVariableDeclaratorOperation? Declarator(this ILocalReferenceOperation local)
    {
        IOperation root = local;
        while (root.Parent is not null)
        {
            root = root.Parent;
        }

        return root.Descendants().OfType<IVariableDeclaratorOperation>()
            .FirstOrDefault(declarator => SymbolEqualityComparer.Default.Equals(declarator.Symbol, local.Local));
    }

    /// <summary>What a local variable is declared with; null where it is declared without a value.</summary>
    public static IOperation? InitialValue(this ILocalReferenceOperation local) => local.Declarator()?.GetVariableInitializer()?.Value;

    /// <summary>
    /// The call whose task nobody awaits: a statement of its own, or assigned to a discard; null where the statement is another.
    /// </summary>
    public static IOperation? UnawaitedValue(this IExpressionStatementOperation statement)
    {
        IOperation value = statement.Operation.Unwrapped();
        if (value is ISimpleAssignmentOperation { Target: IDiscardOperation } assignment)
        {
            value = assignment.Value.Unwrapped();
        }

        return StartedWork.Start(value) is { } start && start.Type.IsAwaitable() ? start : null;
    }

    /// <summary>True where nobody can await the result of this call.</summary>
    public static bool IsUnawaited(this IOperation call)
    {
        IOperation? parent = call.Parent;
        while (parent is IConversionOperation or IConditionalAccessOperation
            || (parent is IInvocationOperation { TargetMethod.Name: "ConfigureAwait" or "AsTask" or "Unwrap" }))
        {
            parent = parent.Parent;
        }

        return parent is IExpressionStatementOperation or ISimpleAssignmentOperation { Target: IDiscardOperation };
    }

    /// <summary>True for <c>this</c>; not for the new object of an initializer.</summary>
    public static bool IsThis(this IOperation? operation) =>
        operation?.Unwrapped() is IInstanceReferenceOperation { ReferenceKind: InstanceReferenceKind.ContainingTypeInstance };

    /// <summary>What a method is called on, also where it is an extension.</summary>
    public static IOperation? Receiver(this IInvocationOperation call) => call.Instance ?? call.Arguments.FirstOrDefault()?.Value;

    /// <summary>What a chain of members begins with.</summary>
    public static IOperation? Root(this IOperation? operation)
    {
        while (true)
        {
            switch (operation?.Unwrapped())
            {
                case IFieldReferenceOperation { Instance: { } instance } when !instance.IsThis():
                    operation = instance;
                    break;
                case IPropertyReferenceOperation { Instance: { } instance } when !instance.IsThis():
                    operation = instance;
                    break;
                case IArrayElementReferenceOperation element:
                    operation = element.ArrayReference;
                    break;
                case IInvocationOperation { Instance: { } instance } when !instance.IsThis():
                    operation = instance;
                    break;
                default:
                    return operation?.Unwrapped();
            }
        }
    }

    /// <summary>True for what lives longer than a call: fields, properties, services, and parameters of a primary constructor.</summary>
    public static bool OutlivesCall(this IOperation? root) => root switch
    {
        IFieldReferenceOperation or IPropertyReferenceOperation => true,
        IParameterReferenceOperation { Parameter.ContainingSymbol: IMethodSymbol { MethodKind: MethodKind.Constructor } } => true,
        IParameterReferenceOperation { Parameter: { } parameter } => parameter.IsService(),
        _ => false,
    };

    /// <summary>The lambda or local function that an operation stands in; null where it is the method itself.</summary>
    public static IMethodSymbol? EnclosingFunction(this IOperation operation)
    {
        for (IOperation? parent = operation.Parent; parent is not null; parent = parent.Parent)
        {
            switch (parent)
            {
                case IAnonymousFunctionOperation lambda:
                    return lambda.Symbol;
                case ILocalFunctionOperation local:
                    return local.Symbol;
            }
        }

        return null;
    }

    public static string NamespaceName(this ITypeSymbol type) =>
        type.ContainingNamespace is { } place ? s_namespaces.GetValue(place, static key => key.ToDisplayString()) : "";
}
