using FastConsumer.Analyzers.Reach;
using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.LateRecords;

/// <summary>The asynchronous twin of a method.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsExact">True where it takes the same arguments.</param>
internal readonly record struct BlockingTwin(string Name, bool IsExact);

/// <summary>
/// Methods that wait for a file, a network or a database, in the framework and in EF Core, Dapper and StackExchange.Redis, and their
/// asynchronous twins.
/// </summary>
internal static class BlockingTwins
{
    // these, and what derives from them
    private static readonly (string Namespace, string Name)[] s_types =
    [
        ("System.IO", "File"),
        ("System.IO", "FileStream"),
        ("System.IO.Pipes", "PipeStream"),
        ("System.Net", "Dns"),
        ("System.Net.Http", "HttpMessageInvoker"),
        ("System.Net.Security", "SslStream"),
        ("System.Net.Sockets", "NetworkStream"),
        ("System.Net.Sockets", "Socket"),
        ("System.Net.Sockets", "TcpClient"),
        ("System.Net.Sockets", "UdpClient"),
        ("System.Data.Common", "DbBatch"),
        ("System.Data.Common", "DbCommand"),
        ("System.Data.Common", "DbConnection"),
        ("System.Data.Common", "DbDataReader"),
        ("System.Data.Common", "DbDataSource"),
        ("System.Data.Common", "DbTransaction"),
        ("System.Diagnostics", "Process"),
        ("Microsoft.EntityFrameworkCore", "DbContext"),
        ("Microsoft.EntityFrameworkCore", "DbSet"),
        ("Microsoft.EntityFrameworkCore", "RelationalDatabaseFacadeExtensions"),
        ("Microsoft.EntityFrameworkCore", "RelationalQueryableExtensions"),
        ("Microsoft.EntityFrameworkCore", "EntityFrameworkQueryableExtensions"),
        ("Microsoft.EntityFrameworkCore.Infrastructure", "DatabaseFacade"),
        ("Microsoft.EntityFrameworkCore.Storage", "IDbContextTransaction"),
        ("Dapper", "SqlMapper"),
        ("StackExchange.Redis", "ConnectionMultiplexer"),
        ("StackExchange.Redis", "IDatabase"),
        ("StackExchange.Redis", "IServer"),
        ("StackExchange.Redis", "ISubscriber"),
        ("StackExchange.Redis", "ITransaction"),
    ];

    private static readonly HashSet<string> s_names = [.. s_types.Select(entry => entry.Name)];

    // no wait, or one that the asynchronous form does not spare: what is read already, what only marks, what closes
    private static readonly string[] s_quick = ["Add", "AddRange", "Close", "Dispose", "GetFieldValue", "IsDBNull"];

    // of a query they run it; the twin is EF's, not LINQ's
    private static readonly string[] s_queries =
    [
        "All", "Any", "Average", "Contains", "Count", "ElementAt", "ElementAtOrDefault", "First", "FirstOrDefault", "Last", "LastOrDefault",
        "LongCount",
        "Max", "Min", "Single", "SingleOrDefault", "Sum", "ToArray", "ToDictionary", "ToHashSet", "ToList",
    ];

    /// <summary>The twin of a call that blocks; null for other calls.</summary>
    public static BlockingTwin? Find(IInvocationOperation call)
    {
        IMethodSymbol method = call.TargetMethod;
        if (method.Name.EndsWith("Async", StringComparison.Ordinal) || method.ReturnType.IsTask()
            || Array.IndexOf(s_quick, method.Name) >= 0)
        {
            return null;
        }

        if (Array.IndexOf(s_queries, method.Name) >= 0
            && method.ContainingType.Name is "Enumerable" or "Queryable"
            && method.ContainingType.NamespaceName() == "System.Linq"
            && call.Arguments.FirstOrDefault()?.Value is { } source
            && IsDatabaseQuery(source, steps: 0))
        {
            return new BlockingTwin(method.Name + "Async", IsExact: false);
        }

        return IsKnown(method.ContainingType) && !IsSentOnly(call) ? Twin(method) : null;
    }

    private static bool IsKnown(INamedTypeSymbol type)
    {
        for (INamedTypeSymbol? part = type; part is not null; part = part.BaseType)
        {
            // a reader of Dapper lies inside SqlMapper
            INamedTypeSymbol outer = part.ContainingType ?? part;
            if (s_names.Contains(outer.Name) && s_types.Any(entry => outer.Is(entry.Namespace, entry.Name)))
            {
                return true;
            }
        }

        // the commands of Redis stand in an interface of their own
        return type.TypeKind == TypeKind.Interface && type.NamespaceName() == "StackExchange.Redis" && type.Name is "IRedis" or "IDatabase";
    }

    /// <summary>Redis is told, and nobody waits for an answer.</summary>
    private static bool IsSentOnly(IInvocationOperation call) => call.Arguments.Any(argument =>
        argument.ArgumentKind == ArgumentKind.Explicit
        && argument.Value.Type.Is("StackExchange.Redis", "CommandFlags")
        && argument.Value.DescendantsAndSelf().Any(part => part is IFieldReferenceOperation { Field.Name: "FireAndForget" }));

    /// <summary>True for a query that begins at a set, or at a context, of EF Core.</summary>
    private static bool IsDatabaseQuery(IOperation source, int steps)
    {
        IOperation value = source.Unwrapped();
        if (steps > 20 || value.Type is null)
        {
            return false;
        }

        if (value.Type.DerivesFrom("Microsoft.EntityFrameworkCore", "DbSet"))
        {
            return true;
        }

        return value switch
        {
            // IQueryable to IQueryable; what AsEnumerable or ToList made is in memory
            IInvocationOperation call when IsQueryable(call.Type) =>
                call.TargetMethod.ContainingType.Is("Microsoft.EntityFrameworkCore", "RelationalDatabaseFacadeExtensions")
                || ((call.Instance ?? call.Arguments.FirstOrDefault()?.Value) is { } inner && IsDatabaseQuery(inner, steps + 1)),
            ILocalReferenceOperation local when IsQueryable(
                local.Type) => local.InitialValue() is { } initial && IsDatabaseQuery(initial, steps + 1),
            ITranslatedQueryOperation query => IsDatabaseQuery(query.Operation, steps + 1),
            _ => false,
        };
    }

    private static bool IsQueryable(ITypeSymbol? type) => type is INamedTypeSymbol named
        && (named.Is("System.Linq", "IQueryable") || named.AllInterfaces.Any(part => part.Is("System.Linq", "IQueryable")));

    private static BlockingTwin? Twin(IMethodSymbol method)
    {
        BlockingTwin? byName = null;
        foreach (IMethodSymbol candidate in Candidates(method))
        {
            if (candidate.IsStatic == method.IsStatic && candidate.DeclaredAccessibility == Accessibility.Public
                && candidate.ReturnType.IsTask())
            {
                if (TakesTheSame(candidate, method, exactly: true))
                {
                    return new BlockingTwin(candidate.Name, IsExact: true);
                }

                if (IsDapper(method) || TakesTheSame(candidate, method, exactly: false))
                {
                    byName = new BlockingTwin(candidate.Name, IsExact: false);
                }
            }
        }

        return byName;
    }

    private static IEnumerable<IMethodSymbol> Candidates(IMethodSymbol method)
    {
        string name = method.Name + "Async";
        for (INamedTypeSymbol? type = method.ContainingType; type is not null; type = type.BaseType)
        {
            foreach (IMethodSymbol candidate in type.GetMembers(name).OfType<IMethodSymbol>())
            {
                yield return candidate;
            }
        }

        if (method.ContainingType.TypeKind == TypeKind.Interface)
        {
            foreach (IMethodSymbol candidate in method.ContainingType.AllInterfaces.SelectMany(part => part.GetMembers(name))
                .OfType<IMethodSymbol>())
            {
                yield return candidate;
            }
        }
    }

    private static bool IsDapper(IMethodSymbol method) => method.ContainingType.NamespaceName() == "Dapper";

    private static bool TakesTheSame(IMethodSymbol candidate, IMethodSymbol method, bool exactly)
    {
        IMethodSymbol called = method.OriginalDefinition;
        candidate = candidate.OriginalDefinition;
        if (candidate.Parameters.Length < called.Parameters.Length || candidate.Arity != called.Arity)
        {
            return false;
        }

        for (int i = 0; i < candidate.Parameters.Length; i++)
        {
            IParameterSymbol other = candidate.Parameters[i];
            bool fits = i < called.Parameters.Length
                ? SameType(called.Parameters[i].Type, other.Type) || (!exactly && Widens(called.Parameters[i].Type, other.Type))
                : other.IsOptional || other.Type.IsCancellationToken();
            if (!fits)
            {
                return false;
            }
        }

        return true;
    }

    // type parameters of two methods are equal by their place only
    private static bool SameType(ITypeSymbol left, ITypeSymbol right) =>
        SymbolEqualityComparer.Default.Equals(left, right)
        || (left.Name == right.Name && left.ToDisplayString() == right.ToDisplayString());

    /// <summary>A span here is memory there.</summary>
    private static bool Widens(ITypeSymbol span, ITypeSymbol memory)
    {
        string? wanted = span.Name switch { "ReadOnlySpan" => "ReadOnlyMemory", "Span" => "Memory", _ => null };
        bool isArray = span is IArrayTypeSymbol && memory.Name is "ReadOnlyMemory" or "Memory" or "ArraySegment";
        return isArray || (wanted is not null && memory.Name == wanted
            && SymbolEqualityComparer.Default.Equals(span.OnlyTypeArgument(), memory.OnlyTypeArgument()));
    }
}
