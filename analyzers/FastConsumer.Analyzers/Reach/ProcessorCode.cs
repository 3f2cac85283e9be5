using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>A method that a processor's handlers reach, with its body.</summary>
internal sealed class ReachedMethod(IMethodSymbol method, IOperation body, bool isHandler, bool fromRecords)
{
    private readonly ConcurrentDictionary<Type, object> _byKind = new();
    private IOperation[]? _operations;

    public IMethodSymbol Method { get; } = method;

    public IOperation Body { get; } = body;

    /// <summary>True for the methods with [OnRecord] or [OnBatch] themselves.</summary>
    public bool IsHandler { get; } = isHandler;

    /// <summary>False where only the life cycle leads here.</summary>
    public bool FromRecords { get; } = fromRecords;

    public SemanticModel Model => Body.SemanticModel!;

    /// <summary>Everything in the body, with its lambdas and local functions. Walked once, for all rules.</summary>
    public IReadOnlyList<IOperation> Operations => _operations ??= [.. Body.DescendantsAndSelf()];

    /// <summary>Everything of one kind in the body. Chosen once, for all rules.</summary>
    public IReadOnlyList<T> Of<T>()
        where T : class, IOperation => (T[])_byKind.GetOrAdd(typeof(T), _ => Operations.OfType<T>().ToArray());
}

/// <summary>
/// The handlers of one processor and the methods of this compilation that they call, directly or not. Calls are followed
/// where the target is certain: not through interfaces, delegates of unknown origin, or methods that others may override.
/// </summary>
internal sealed class ProcessorCode
{
    private const int MostMethods = 200;
    private const int MostSteps = 12;

    private static readonly string[] s_lifeCycle =
        ["OnShardStartedAttribute", "OnShardEndedAttribute", "OnLeaseLostAttribute", "OnStoppingAttribute"];

    // shared by all rules; goes with the compilation
    private static readonly ConditionalWeakTable<Compilation, ConcurrentDictionary<INamedTypeSymbol, Known>> s_known = new();

    private readonly object _gate = new();
    private readonly MethodBodies _bodies;
    private readonly List<ReachedMethod> _methods = [];
    private IReadOnlyDictionary<IMethodSymbol, IReadOnlyList<ThrownException>>? _thrown;
    private ILookup<ISymbol, ReachedUse>? _uses;
    private readonly HashSet<IMethodSymbol> _seen = new(SymbolEqualityComparer.Default);

    private ProcessorCode(Compilation compilation, INamedTypeSymbol type)
    {
        Compilation = compilation;
        Type = type;
        _bodies = MethodBodies.Of(compilation);
    }

    public Compilation Compilation { get; }

    public INamedTypeSymbol Type { get; }

    /// <summary>What records pass through: the handlers first, then what they call.</summary>
    public IEnumerable<ReachedMethod> FromRecords => _methods.Where(method => method.FromRecords);

    /// <summary>The methods with [OnRecord] or [OnBatch].</summary>
    public IEnumerable<ReachedMethod> Handlers => _methods.Where(method => method.IsHandler);

    /// <summary>What records pass through, and the life cycle's methods.</summary>
    public IReadOnlyList<ReachedMethod> All => _methods;

    public static ProcessorCode Of(Compilation compilation, INamedTypeSymbol type, CancellationToken cancellationToken)
    {
        Known known = s_known.GetValue(compilation, static _ => new(SymbolEqualityComparer.Default))
            .GetOrAdd(type, static _ => new Known());
        lock (known)
        {
            // the rules run beside each other: the first one reads, the others wait for it; where it is cancelled, the next one reads
            return known.Code ??= Read(compilation, type, cancellationToken);
        }
    }

    /// <summary>The processors whose code was read in a compilation, for tests of how much an edit costs.</summary>
    public static IEnumerable<INamedTypeSymbol> ReadIn(Compilation compilation) =>
        s_known.TryGetValue(compilation, out ConcurrentDictionary<INamedTypeSymbol, Known>? known) ? known.Keys : [];

    /// <summary>The exceptions that can leave a handler, each type once.</summary>
    public IReadOnlyList<ThrownException> ThrownBy(ReachedMethod handler, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _thrown ??= ThrownExceptions.OfHandlers(this, cancellationToken);
            return _thrown[handler.Method];
        }
    }

    /// <summary>Where the code that was reached calls a method, or hands it on as a delegate.</summary>
    public IEnumerable<ReachedUse> UsesOf(IMethodSymbol method)
    {
        lock (_gate)
        {
            _uses ??= _methods.SelectMany(Uses).ToLookup(use => (ISymbol)use.Target, SymbolEqualityComparer.Default);
            return _uses[method.OriginalDefinition];
        }
    }

    /// <summary>The method of this compilation that a call leads to for certain; null where there is none.</summary>
    public ReachedBody? Target(IInvocationOperation call, CancellationToken cancellationToken)
    {
        IMethodSymbol? method = Resolve(call);
        return method is not null && _bodies.Find(method, cancellationToken) is { } body ? new ReachedBody(method, body) : null;
    }

    /// <summary>The body of a method of this compilation.</summary>
    public IOperation? BodyOf(IMethodSymbol method, CancellationToken cancellationToken) =>
        _bodies.Find(method.OriginalDefinition, cancellationToken);

    private IEnumerable<ReachedUse> Uses(ReachedMethod method)
    {
        foreach (IInvocationOperation call in method.Of<IInvocationOperation>())
        {
            if (Resolve(call) is { } target)
            {
                yield return new ReachedUse(target, method, call);
            }
        }

        foreach (IMethodReferenceOperation reference in method.Of<IMethodReferenceOperation>())
        {
            if (Resolve(reference.Method, reference.Instance, reference.IsVirtual) is { } target)
            {
                yield return new ReachedUse(target, method, reference);
            }
        }
    }

    private static ProcessorCode Read(Compilation compilation, INamedTypeSymbol type, CancellationToken cancellationToken)
    {
        var code = new ProcessorCode(compilation, type);
        IMethodSymbol[] methods = [.. type.GetMembers().OfType<IMethodSymbol>()];
        code.Follow(methods.Where(IsHandler), fromRecords: true, cancellationToken);
        IMethodSymbol[] all = [.. methods, .. Bases(type).SelectMany(part => part.GetMembers().OfType<IMethodSymbol>())
            .Select(method => method.OriginalDefinition)];
        code.Follow(
            all.Where(method => s_lifeCycle.Any(name => method.FindAttribute(name) is not null)), fromRecords: false, cancellationToken);
        return code;
    }

    private static IEnumerable<INamedTypeSymbol> Bases(INamedTypeSymbol type)
    {
        for (INamedTypeSymbol? part = type.BaseType; part is { SpecialType: SpecialType.None }; part = part.BaseType)
        {
            yield return part;
        }
    }

    private static bool IsHandler(IMethodSymbol method) =>
        method.FindAttribute("OnRecordAttribute") is not null || method.FindAttribute("OnBatchAttribute") is not null;

    private void Follow(IEnumerable<IMethodSymbol> entries, bool fromRecords, CancellationToken cancellationToken)
    {
        var left = new Queue<(IMethodSymbol Method, int Steps)>(entries.Select(entry => (entry, 0)));
        while (left.Count > 0 && _methods.Count < MostMethods)
        {
            (IMethodSymbol method, int steps) = left.Dequeue();
            if (!_seen.Add(method) || _bodies.Find(method, cancellationToken) is not { } body)
            {
                continue;
            }

            _methods.Add(new ReachedMethod(method, body, fromRecords && steps == 0, fromRecords));
            if (steps < MostSteps)
            {
                foreach (IMethodSymbol next in Calls(_methods[_methods.Count - 1]))
                {
                    left.Enqueue((next, steps + 1));
                }
            }
        }
    }

    private IEnumerable<IMethodSymbol> Calls(ReachedMethod method)
    {
        foreach (IOperation operation in method.Operations)
        {
            IMethodSymbol? next = operation switch
            {
                IInvocationOperation call => Resolve(call),
                IMethodReferenceOperation reference => Resolve(reference.Method, reference.Instance, reference.IsVirtual),
                IObjectCreationOperation { Constructor: { } constructor } => constructor.OriginalDefinition,
                _ => null,
            };
            // the body of a local function is part of the body it stands in
            if (next is { MethodKind: not MethodKind.LocalFunction })
            {
                yield return next;
            }
        }
    }

    private IMethodSymbol? Resolve(IInvocationOperation call) => Resolve(call.TargetMethod, call.Instance, call.IsVirtual);

    private IMethodSymbol? Resolve(IMethodSymbol target, IOperation? instance, bool isVirtual)
    {
        IMethodSymbol method = (target.ReducedFrom ?? target).OriginalDefinition;
        if (!isVirtual)
        {
            return method.PartialImplementationPart ?? method;
        }

        ITypeSymbol? receiver = instance switch
        {
            IInstanceReferenceOperation when InheritsFrom(Type, method.ContainingType) => Type,
            IObjectCreationOperation creation => creation.Type,
            { Type.IsSealed: true } => instance.Type,
            _ => null,
        };
        for (ITypeSymbol? type = receiver; type is not null; type = type.BaseType)
        {
            foreach (IMethodSymbol candidate in type.GetMembers(method.Name).OfType<IMethodSymbol>())
            {
                if (Overrides(candidate.OriginalDefinition, method))
                {
                    return candidate.OriginalDefinition;
                }
            }
        }

        return null;
    }

    private static bool Overrides(IMethodSymbol candidate, IMethodSymbol method)
    {
        for (IMethodSymbol? slot = candidate; slot is not null; slot = slot.OverriddenMethod?.OriginalDefinition)
        {
            if (SymbolEqualityComparer.Default.Equals(slot, method))
            {
                return true;
            }
        }

        return false;
    }

    private static bool InheritsFrom(ITypeSymbol type, ITypeSymbol ancestor)
    {
        for (ITypeSymbol? part = type; part is not null; part = part.BaseType)
        {
            if (SymbolEqualityComparer.Default.Equals(part.OriginalDefinition, ancestor.OriginalDefinition))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A place for what is known of a processor's code.</summary>
    private sealed class Known
    {
        public ProcessorCode? Code { get; set; }
    }
}

/// <summary>A place that calls a method, or hands it on as a delegate.</summary>
internal readonly record struct ReachedUse(IMethodSymbol Target, ReachedMethod In, IOperation Operation);

/// <summary>A method with its body.</summary>
internal readonly record struct ReachedBody(IMethodSymbol Method, IOperation Body);
