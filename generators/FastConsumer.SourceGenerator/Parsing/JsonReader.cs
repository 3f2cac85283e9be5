using Microsoft.CodeAnalysis;

namespace FastConsumer.SourceGenerator.Parsing;

/// <summary>FC1005: a JSON payload is known to the context that reads it.</summary>
internal static class JsonReader
{
    private const string JsonNamespace = "System.Text.Json.Serialization";

    // names of tuple elements and nullable annotations are nothing that a JsonTypeInfo knows
    private static readonly SymbolDisplayFormat s_atRunTime = SymbolDisplayFormat.FullyQualifiedFormat
        .AddMiscellaneousOptions(SymbolDisplayMiscellaneousOptions.ExpandValueTuple);

    // a generic type may nest itself for ever; past this many types the context is taken to know the payload
    private const int MostTypes = 1_000;

    public static void Check(
        PayloadShape payload,
        IMethodSymbol method,
        INamedTypeSymbol? context,
        bool checksPayloads,
        ShapeProblems problems,
        CancellationToken cancellationToken)
    {
        if (context is null)
        {
            problems.Add(
                RuleIds.Json,
                payload.Parameter.Place(),
                $"'{payload.Parameter.Name}' of '{method.InMessages()}' is read as JSON, but [KinesisProcessor] names no JsonContext. Set "
                    + $"JsonContext = typeof(...) to a JsonSerializerContext with [JsonSerializable(typeof({payload.Type.InMessages()}))], "
                    + "or mark the parameter [FromServices] if it is a service.");
        }
        else if (checksPayloads && !Knows(context, payload.Type, cancellationToken))
        {
            problems.Add(
                RuleIds.Json,
                payload.Parameter.Place(),
                $"'{payload.Parameter.Name}' of '{method.InMessages()}' is read as JSON, but '{context.InMessages()}' "
                    + $"does not know {payload.Type.InMessages()}. Add [JsonSerializable(typeof({payload.Type.InMessages()}))] to it, "
                    + "or mark the parameter [FromServices] if it is a service.",
                stopsGeneration: false);
        }
    }

    public static bool IsContext(INamedTypeSymbol type)
    {
        for (INamedTypeSymbol? candidate = type; candidate is not null; candidate = candidate.BaseType)
        {
            if (candidate.Is(JsonNamespace, "JsonSerializerContext"))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>True where a type is registered, or reachable from one that is.</summary>
    public static bool Knows(INamedTypeSymbol context, ITypeSymbol payload, CancellationToken cancellationToken)
    {
        // nearly every payload is registered itself
        if (TypesOf(context, "JsonSerializableAttribute").Any(type => AreSame(type, payload)))
        {
            return true;
        }

        var seen = new HashSet<ITypeSymbol>(SymbolEqualityComparer.Default);
        var left = new Stack<ITypeSymbol>(TypesOf(context, "JsonSerializableAttribute"));
        while (left.Count > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ITypeSymbol type = left.Pop();
            if (AreSame(type, payload) || seen.Count > MostTypes)
            {
                return true;
            }

            if (seen.Add(type))
            {
                foreach (ITypeSymbol next in ReachableFrom(type))
                {
                    left.Push(next);
                }
            }
        }

        return false;
    }

    private static bool AreSame(ITypeSymbol type, ITypeSymbol payload) =>
        type.Name == payload.Name && type.ToDisplayString(s_atRunTime) == payload.ToDisplayString(s_atRunTime);

    /// <summary>What the framework's JSON generator goes on to from a type; observed on System.Text.Json 10.</summary>
    private static IEnumerable<ITypeSymbol> ReachableFrom(ITypeSymbol type)
    {
        if (type is IArrayTypeSymbol array)
        {
            return [array.ElementType];
        }

        if (type is not INamedTypeSymbol named)
        {
            return [];
        }

        // the framework's generic types are collections, tuples and Nullable; elements of the user's collections are the
        // arguments of their interfaces, while other generic types lead to the types of their members only
        IEnumerable<ITypeSymbol> found = TypesOf(named, "JsonDerivedTypeAttribute")
            .Concat(IsOfTheFramework(named) ? named.TypeArguments : [])
            .Concat(named.AllInterfaces.Where(IsCollection).SelectMany(candidate => candidate.TypeArguments));
        for (INamedTypeSymbol? part = named; part is not null && !IsOfTheFramework(part); part = part.BaseType)
        {
            found = found.Concat(part.GetMembers().Select(MemberType).OfType<ITypeSymbol>());
        }

        return found;
    }

    /// <summary>What JSON shows of a type of the user, the members of bases included; a hidden member counts once.</summary>
    public static IEnumerable<(ISymbol Member, ITypeSymbol Type)> Members(INamedTypeSymbol type)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (INamedTypeSymbol? part = type; part is not null && !IsOfTheFramework(part); part = part.BaseType)
        {
            foreach (ISymbol member in part.GetMembers())
            {
                if (MemberType(member) is { } memberType && seen.Add(member.Name))
                {
                    yield return (member, memberType);
                }
            }
        }
    }

    private static ITypeSymbol? MemberType(ISymbol member) => member switch
    {
        { IsStatic: true } or { IsImplicitlyDeclared: true } => null,
        _ when !IsSerialized(member) => null,
        IPropertySymbol { IsIndexer: false } property => property.Type,
        IFieldSymbol field => field.Type,
        _ => null,
    };

    private static bool IsSerialized(ISymbol member)
    {
        bool included = member.DeclaredAccessibility == Accessibility.Public;
        foreach (AttributeData attribute in member.GetAttributes())
        {
            // JsonIgnoreCondition.Always is 1, and what the attribute means without a condition
            if (attribute.AttributeClass.Is(JsonNamespace, "JsonIgnoreAttribute") && attribute.Value("Condition") is (null or 1))
            {
                return false;
            }

            included |= attribute.AttributeClass.Is(JsonNamespace, "JsonIncludeAttribute");
        }

        return included;
    }

    private static bool IsCollection(INamedTypeSymbol type) => type.ContainingNamespace.IsNamed("System.Collections.Generic");

    private static IEnumerable<ITypeSymbol> TypesOf(INamedTypeSymbol owner, string attributeName)
    {
        foreach (AttributeData attribute in owner.GetAttributes())
        {
            if (attribute.AttributeClass.Is(JsonNamespace, attributeName)
                && attribute.FirstValue() is ITypeSymbol type)
            {
                yield return type;
            }
        }
    }

    /// <summary>True for types inside the namespace System.</summary>
    public static bool IsOfTheFramework(INamedTypeSymbol type)
    {
        INamespaceSymbol? root = type.ContainingNamespace;
        while (root is { IsGlobalNamespace: false, ContainingNamespace.IsGlobalNamespace: false })
        {
            root = root.ContainingNamespace;
        }

        return root?.Name == "System";
    }
}
