using FastConsumer.SourceGenerator.Model;
using Microsoft.CodeAnalysis;

namespace FastConsumer.SourceGenerator.Parsing;

/// <summary>A handler whose signature is in order.</summary>
internal sealed class HandlerShape(IMethodSymbol method, ReturnKind returns, PayloadShape payload, IReadOnlyList<ArgumentShape> arguments)
{
    public IMethodSymbol Method { get; } = method;

    public ReturnKind Returns { get; } = returns;

    public PayloadShape Payload { get; } = payload;

    public IReadOnlyList<ArgumentShape> Arguments { get; } = arguments;

    /// <summary>The type of the transaction that it takes; null for none.</summary>
    public ITypeSymbol? Transaction { get; } =
        arguments.FirstOrDefault(argument => argument.Kind == ArgumentKind.Transaction)?.Parameter.Type;

    /// <summary>The value of the route property; null for the handler of the rest.</summary>
    public string? Route { get; init; }

    /// <summary>The method that filters its payloads; null without one.</summary>
    public string? Filter { get; set; }

    /// <summary>The error rules of the method.</summary>
    public EquatableArray<ErrorRuleModel> ErrorRules { get; set; }

    /// <summary>The longest time of a call; null for none.</summary>
    public TimeSpan? Timeout { get; set; }
}

/// <summary>A parameter and what it is given.</summary>
internal sealed class ArgumentShape(IParameterSymbol parameter, ArgumentKind kind)
{
    public IParameterSymbol Parameter { get; } = parameter;

    public ArgumentKind Kind { get; } = kind;
}

/// <summary>The payload of a handler: of a batch's handler, what each record is made into.</summary>
internal sealed class PayloadShape(IParameterSymbol parameter, PayloadKind kind, ITypeSymbol type)
{
    public IParameterSymbol Parameter { get; } = parameter;

    public PayloadKind Kind { get; } = kind;

    public ITypeSymbol Type { get; } = type;

    /// <summary>The user's deserializer, of its kind only.</summary>
    public DeserializerShape? Deserializer { get; init; }
}

/// <summary>A deserializer that fits its payload.</summary>
internal sealed class DeserializerShape(INamedTypeSymbol type, ITypeSymbol callType, bool canBeCreated)
{
    public INamedTypeSymbol Type { get; } = type;

    /// <summary>The type it is called through: its own, or the interface where its method is an explicit implementation.</summary>
    public ITypeSymbol CallType { get; } = callType;

    public bool CanBeCreated { get; } = canBeCreated;
}

/// <summary>A life-cycle method whose signature is in order.</summary>
internal sealed class LifeCycleShape(LifeCycleKind kind, IMethodSymbol method, ReturnKind returns, IReadOnlyList<ArgumentShape> arguments)
{
    public LifeCycleKind Kind { get; } = kind;

    public IMethodSymbol Method { get; } = method;

    public ReturnKind Returns { get; } = returns;

    public IReadOnlyList<ArgumentShape> Arguments { get; } = arguments;
}
