using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>An exception type that code can throw.</summary>
/// <param name="Type">The type.</param>
/// <param name="Origin">What throws it, as messages write it; null for a throw in plain sight.</param>
internal readonly record struct ThrownException(ITypeSymbol Type, string? Origin);

/// <summary>
/// The exceptions that can leave a method: through <c>throw</c>, through methods of this compilation, and through framework
/// methods of which it is known. Not counted: cancellation and a lost lease, which have a meaning of their own, and guards
/// against mistakes of the programmer.
/// </summary>
internal sealed class ThrownExceptions(ProcessorCode code, CancellationToken cancellationToken)
{
    private const int MostSteps = 16;

    private static readonly IReadOnlyList<ThrownException> s_none = [];

    private readonly FrameworkExceptions _framework = FrameworkExceptions.Of(code.Compilation);
    private readonly Dictionary<IMethodSymbol, IReadOnlyList<ThrownException>> _known = new(SymbolEqualityComparer.Default);
    private int _steps;

    /// <summary>What can leave each handler, each type once.</summary>
    public static IReadOnlyDictionary<IMethodSymbol, IReadOnlyList<ThrownException>> OfHandlers(
        ProcessorCode code, CancellationToken cancellationToken)
    {
        var all = new ThrownExceptions(code, cancellationToken);
        var found = new Dictionary<IMethodSymbol, IReadOnlyList<ThrownException>>(SymbolEqualityComparer.Default);
        foreach (ReachedMethod handler in code.Handlers)
        {
            found[handler.Method] = all.Leaving(handler.Method, handler.Body);
        }

        return found;
    }

    private IReadOnlyList<ThrownException> Leaving(IMethodSymbol method, IOperation body)
    {
        if (_known.TryGetValue(method, out IReadOnlyList<ThrownException>? known))
        {
            return known;
        }

        if (_steps == MostSteps)
        {
            return s_none;
        }

        // what a method that calls itself throws is found in its outer call
        _known[method] = s_none;
        _steps++;
        var thrown = new List<ThrownException>();
        foreach (IOperation part in body.ChildOperations)
        {
            Collect(part, thrown, default);
        }

        _steps--;
        IReadOnlyList<ThrownException> result = [.. Distinct(thrown)];
        _known[method] = result;
        return result;
    }

    private static IEnumerable<ThrownException> Distinct(List<ThrownException> thrown)
    {
        var seen = new HashSet<ITypeSymbol>(SymbolEqualityComparer.Default);
        return thrown.Where(exception => seen.Add(exception.Type));
    }

    private void Collect(IOperation operation, List<ThrownException> into, Caught caught)
    {
        cancellationToken.ThrowIfCancellationRequested();
        switch (operation)
        {
            case ILocalFunctionOperation or IAnonymousFunctionOperation:
                // they throw where they are called
                return;
            case ITryOperation { Catches.Length: > 0 } attempt:
                CollectTry(attempt, into, caught);
                return;
            case IThrowOperation { Exception: null }:
                into.AddRange(caught.Exceptions ?? s_none);
                return;
            case IThrowOperation { Exception: { } exception }:
                CollectThrow(exception.Unwrapped(), into, caught);
                return;
        }

        foreach (IOperation part in operation.ChildOperations)
        {
            Collect(part, into, caught);
        }

        switch (operation)
        {
            case IInvocationOperation call:
                CollectCall(call, into, caught);
                break;
            case IObjectCreationOperation { Constructor: { } constructor } when code.BodyOf(constructor, cancellationToken) is { } body:
                Add(into, Leaving(constructor.OriginalDefinition, body), $"new {constructor.ContainingType.Name}");
                break;
            case IObjectCreationOperation creation when _framework.Of(creation) is { } type:
                Add(into, type, $"new {creation.Type?.Name}");
                break;
            case IPropertyReferenceOperation { Property.IsIndexer: true } element when DictionaryKey.MayBeMissing(
                element, code, cancellationToken):
                Add(into, _framework.OfMissingKey(), $"{element.Property.ContainingType.Name}[...]");
                break;
            case IPropertyReferenceOperation { Property: { IsVirtual: false, IsOverride: false, IsAbstract: false } property }:
                IMethodSymbol? accessor = operation.Parent is ISimpleAssignmentOperation { Target: var target } && target == operation
                    ? property.SetMethod
                    : property.GetMethod;
                if (accessor is not null && code.BodyOf(accessor, cancellationToken) is { } accessorBody)
                {
                    Add(into, Leaving(accessor.OriginalDefinition, accessorBody), $"{property.ContainingType.Name}.{property.Name}");
                }

                break;
        }
    }

    private void CollectThrow(IOperation exception, List<ThrownException> into, Caught caught)
    {
        if (exception is ILocalReferenceOperation local && SymbolEqualityComparer.Default.Equals(local.Local, caught.Local))
        {
            into.AddRange(caught.Exceptions ?? s_none);
            return;
        }

        foreach (IOperation part in exception.ChildOperations)
        {
            Collect(part, into, caught);
        }

        Add(into, exception.Type, origin: null);
    }

    private void CollectTry(ITryOperation attempt, List<ThrownException> into, Caught outer)
    {
        var left = new List<ThrownException>();
        Collect(attempt.Body, left, outer);
        foreach (ICatchClauseOperation clause in attempt.Catches)
        {
            var taken = new List<ThrownException>();
            var passed = new List<ThrownException>();
            foreach (ThrownException exception in left)
            {
                bool? takes = CatchFilter.Takes(clause, exception.Type);
                if (takes != false)
                {
                    taken.Add(exception);
                }

                if (takes != true)
                {
                    passed.Add(exception);
                }
            }

            // who catches a type expects it, known or not
            if (taken.Count == 0 && !clause.IsGeneral())
            {
                Add(taken, clause.ExceptionType, origin: null);
            }

            left = passed;
            var local = (clause.ExceptionDeclarationOrExpression as IVariableDeclaratorOperation)?.Symbol;
            Collect(clause.Handler, into, new Caught(taken, local));
        }

        into.AddRange(left);
        if (attempt.Finally is not null)
        {
            Collect(attempt.Finally, into, outer);
        }
    }

    private void CollectCall(IInvocationOperation call, List<ThrownException> into, Caught caught)
    {
        IMethodSymbol method = call.TargetMethod;
        if (method.ContainingType.Is("System.Runtime.ExceptionServices", "ExceptionDispatchInfo") && method.Name == "Throw")
        {
            IOperation? exception = call.Arguments.FirstOrDefault()?.Value
                ?? (call.Instance as IInvocationOperation)?.Arguments.FirstOrDefault()?.Value;
            if (exception is not null)
            {
                CollectThrow(exception.Unwrapped(), into, caught);
            }

            return;
        }

        // what nobody awaits throws into nothing
        if (call.Type.IsAwaitable() && call.IsUnawaited())
        {
            return;
        }

        if (code.Target(call, cancellationToken) is { } target)
        {
            Add(into, Leaving(target.Method, target.Body), $"{method.ContainingType.Name}.{method.Name}");
        }

        foreach (ITypeSymbol type in _framework.Of(call))
        {
            Add(into, type, $"{method.ContainingType.Name}.{method.Name}");
        }

        if (FrameworkExceptions.RunsArguments(method))
        {
            foreach (IArgumentOperation argument in call.Arguments)
            {
                CollectDelegate(argument.Value, into);
            }
        }
    }

    private void CollectDelegate(IOperation value, List<ThrownException> into)
    {
        switch (value.Unwrapped())
        {
            case IDelegateCreationOperation creation:
                CollectDelegate(creation.Target, into);
                break;
            case IAnonymousFunctionOperation lambda:
                Collect(lambda.Body, into, default);
                break;
            case IMethodReferenceOperation reference when code.BodyOf(reference.Method, cancellationToken) is { } body:
                Add(into, Leaving(reference.Method.OriginalDefinition, body), reference.Method.Name);
                break;
        }
    }

    private static void Add(List<ThrownException> into, IReadOnlyList<ThrownException> exceptions, string origin)
    {
        foreach (ThrownException exception in exceptions)
        {
            Add(into, exception.Type, exception.Origin ?? origin);
        }
    }

    private static void Add(List<ThrownException> into, ITypeSymbol? type, string? origin)
    {
        if (type is INamedTypeSymbol { TypeKind: TypeKind.Class } && !IsLeftOut(type))
        {
            into.Add(new ThrownException(type, origin));
        }
    }

    private static bool IsLeftOut(ITypeSymbol type) => type.IsCancellation()
        || type.IsLeaseLost()
        || type.Is("System", "ArgumentNullException")
        || type.Is("System", "ObjectDisposedException")
        || type.Is("System.Diagnostics", "UnreachableException");

    /// <summary>What the innermost catch around a place holds.</summary>
    private readonly record struct Caught(IReadOnlyList<ThrownException>? Exceptions, ILocalSymbol? Local);
}
