using FastConsumer.SourceGenerator.Model;
using Microsoft.CodeAnalysis;

namespace FastConsumer.SourceGenerator.Parsing;

/// <summary>A state whose declaration is in order.</summary>
internal sealed class StateShape(IPropertySymbol property, string name, StateKind kind, ITypeSymbol? subKey, ITypeSymbol type)
{
    public IPropertySymbol Property { get; } = property;

    /// <summary>Its name in checkpoints.</summary>
    public string Name { get; } = name;

    public StateKind Kind { get; } = kind;

    /// <summary>The type of a map's keys; null for others.</summary>
    public ITypeSymbol? SubKey { get; } = subKey;

    /// <summary>The type of its values.</summary>
    public ITypeSymbol Type { get; } = type;

    /// <summary>How long a value stays after its last write; null for ever.</summary>
    public TimeSpan? Ttl { get; init; }

    /// <summary>The user's serializer; null for JSON.</summary>
    public INamedTypeSymbol? Serializer { get; init; }

    /// <summary>The method that unites two values of one key; null without one.</summary>
    public IMethodSymbol? Merge { get; set; }

    /// <summary>The methods that read values of older versions, by version.</summary>
    public IReadOnlyList<StateMigrationShape> Migrations { get; set; } = [];
}

/// <summary>A way from an older type to the state's.</summary>
internal sealed class StateMigrationShape(int from, IMethodSymbol method)
{
    /// <summary>The last version it reads.</summary>
    public int From { get; } = from;

    public IMethodSymbol Method { get; } = method;

    public ITypeSymbol OldType => Method.Parameters[0].Type;

    /// <summary>The user's serializer of the older type; null for JSON.</summary>
    public INamedTypeSymbol? Serializer { get; set; }

    /// <summary>The methods that a value passes through, in order.</summary>
    public IReadOnlyList<IMethodSymbol> Methods { get; set; } = [];
}
