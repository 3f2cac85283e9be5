using FastConsumer.SourceGenerator.Model;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace FastConsumer.SourceGenerator.Parsing;

/// <summary>Turns a shape, which holds symbols, into a model, which does not.</summary>
internal static class ModelBuilder
{
    private static readonly SymbolDisplayFormat s_namespace = SymbolDisplayFormat.FullyQualifiedFormat
        .WithGlobalNamespaceStyle(SymbolDisplayGlobalNamespaceStyle.Omitted);

    /// <summary>The model of an annotated class; null where no part can be added to it.</summary>
    public static ProcessorModel? Build(GeneratorAttributeSyntaxContext context, CancellationToken cancellationToken)
    {
        var type = (INamedTypeSymbol)context.TargetSymbol;
        if (type.FindAttribute("KinesisProcessorAttribute")?.ApplicationSyntaxReference is not { } first
            || !context.TargetNode.Span.Contains(first.Span) || first.SyntaxTree != context.TargetNode.SyntaxTree)
        {
            // a second attribute on another part is the compiler's error; the file is written once
            return null;
        }

        var shape = ProcessorShape.Read(type, context.Attributes[0], checksPayloads: false, cancellationToken);
        if (!shape.IsExtensible)
        {
            return null;
        }

        string? problem = shape.Problems.Where(candidate => candidate.StopsGeneration)
            .Select(candidate => $"{candidate.Rule}: {candidate.Message}").FirstOrDefault()
            ?? (shape.UnknownType is { } unknown
                ? $"The type '{unknown}' was not there when FastConsumer's source generator ran; a type that another generator makes, "
                    + "or that is local to a file, cannot be part of a handler."
                : null);
        Dictionary<IPropertySymbol, EffectPropertyModel> properties = Properties(shape, cancellationToken);
        return new ProcessorModel(
            HintName(type),
            type.ToDisplayString(s_namespace),
            type.ContainingNamespace.IsGlobalNamespace ? null : type.ContainingNamespace.ToDisplayString(s_namespace),
            Containers(type).Reverse().Select(Declaration).ToEquatableArray(),
            Declaration(type),
            type.InCode(),
            problem,
            problem is null ? Pipeline(shape, properties) : null)
        {
            EffectProperties = shape.EffectProperties.Select(property => properties[property]).ToEquatableArray(),
        };
    }

    private static PipelineModel Pipeline(ProcessorShape shape, Dictionary<IPropertySymbol, EffectPropertyModel> properties) => new(
        FreeName(shape.Type, "GeneratedPipeline"),
        shape.Type.Name,
        shape.Stream,
        shape.JsonContext?.InCodeNotNull(),
        shape.RouteProperty,
        shape.Checkpoint,
        shape.Batch,
        shape.Handlers.Select(Handler).ToEquatableArray(),
        shape.LifeCycle.Select(stage => new LifeCycleModel(
            stage.Kind, Method(stage.Method, stage.Returns), stage.Arguments.Select(Argument).ToEquatableArray())).ToEquatableArray())
    {
        ErrorRules = shape.ErrorRules,
        Filter = shape.Filter,
        Concurrency = shape.Concurrency,
        StateVersion = shape.StateVersion,
        States = shape.States.Select(state => State(state, properties[state.Property].Field)).ToEquatableArray(),
        Outputs = shape.Outputs
            .Select(output => new OutputModel(output.Name, properties[output.Property].Field, output.Type.InCode())).ToEquatableArray(),
    };

    private static Dictionary<IPropertySymbol, EffectPropertyModel> Properties(ProcessorShape shape, CancellationToken cancellationToken)
    {
        var models = new Dictionary<IPropertySymbol, EffectPropertyModel>(SymbolEqualityComparer.Default);
        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (IPropertySymbol property in shape.EffectProperties)
        {
            var syntax = (BasePropertyDeclarationSyntax)property.DeclaringSyntaxReferences[0].GetSyntax(cancellationToken);
            string field = FreeName(shape.Type, "__" + char.ToLowerInvariant(property.Name[0]) + property.Name.Substring(1), taken);
            taken.Add(field);
            models.Add(property, new EffectPropertyModel(
                string.Join(" ", syntax.Modifiers.Select(modifier => modifier.ValueText)),
                property.Type.InCode(),
                SymbolNames.Escape(property.Name),
                property.GetMethod is not null,
                property.SetMethod is { } setter ? (setter.IsInitOnly ? "init" : "set") : null,
                field));
        }

        return models;
    }

    private static StateModel State(StateShape state, string field) => new(
        state.Name,
        state.Kind,
        field,
        state.SubKey?.InCodeNotNull(),
        state.Type.InCode(),
        state.Ttl,
        state.Serializer?.InCodeNotNull())
    {
        Merge = state.Merge is { } merge
            ? new StateMergeModel(
                SymbolNames.Escape(merge.Name),
                !SymbolEqualityComparer.Default.Equals(merge.Parameters[2].Type, state.Type) || state.Type.IsReferenceType)
            : null,
        Migrations = state.Migrations.Select(migration => new StateMigrationModel(
            migration.From,
            migration.OldType.InCode(),
            migration.Serializer?.InCodeNotNull(),
            migration.Methods.Select(method => SymbolNames.Escape(method.Name)).ToEquatableArray())).ToEquatableArray(),
    };

    private static HandlerModel Handler(HandlerShape handler) => new(
        Method(handler.Method, handler.Returns),
        handler.Route,
        Payload(handler.Payload),
        handler.Arguments.Select(Argument).ToEquatableArray())
    {
        ErrorRules = handler.ErrorRules,
        Timeout = handler.Timeout,
        Filter = handler.Filter,
    };

    private static MethodModel Method(IMethodSymbol method, ReturnKind returns) =>
        new(SymbolNames.Escape(method.Name), method.IsStatic, returns);

    private static ArgumentModel Argument(ArgumentShape argument) => argument.Kind is ArgumentKind.Service or ArgumentKind.OptionalService
        ? new ArgumentModel(
            argument.Kind, argument.Parameter.Type.InCodeNotNull(), argument.Parameter.Name, argument.Parameter.ServiceKeyInCode())
        : new ArgumentModel(
            argument.Kind, argument.Kind == ArgumentKind.Transaction ? argument.Parameter.Type.InCodeNotNull() : null);

    private static PayloadModel Payload(PayloadShape payload) => new(
        payload.Kind,
        payload.Kind == PayloadKind.Deserializer ? payload.Type.InCode() : payload.Type.InCodeNotNull(),
        ShortName(payload.Type),
        payload.Deserializer is { } deserializer
            ? new DeserializerModel(
                deserializer.Type.InCodeNotNull(),
                ShortName(deserializer.Type),
                deserializer.CallType.InCodeNotNull(),
                deserializer.CanBeCreated)
            : null,
        payload.Type.InCode());

    private static string ShortName(ITypeSymbol type) => type switch
    {
        IArrayTypeSymbol array => ShortName(array.ElementType) + "Array",
        INamedTypeSymbol { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T } nullable => ShortName(nullable.TypeArguments[0]),
        _ => type.Name,
    };

    private static IEnumerable<INamedTypeSymbol> Containers(INamedTypeSymbol type)
    {
        for (INamedTypeSymbol? outer = type.ContainingType; outer is not null; outer = outer.ContainingType)
        {
            yield return outer;
        }
    }

    private static string Declaration(INamedTypeSymbol type)
    {
        string kind = type switch
        {
            { IsRecord: true, IsValueType: true } => "record struct",
            { IsRecord: true } => "record",
            { TypeKind: TypeKind.Interface } => "interface",
            { IsValueType: true } => "struct",
            _ => "class",
        };
        string parameters = type.Arity == 0
            ? ""
            : $"<{string.Join(", ", type.TypeParameters.Select(parameter => SymbolNames.Escape(parameter.Name)))}>";
        return $"{(type.IsRefLikeType ? "ref " : "")}partial {kind} {SymbolNames.Escape(type.Name)}{parameters}";
    }

    private static string HintName(INamedTypeSymbol type)
    {
        IEnumerable<string> types = Containers(type).Reverse().Concat([type])
            .Select(part => part.Arity == 0 ? part.Name : $"{part.Name}({part.Arity})");
        return string.Join(".", Namespaces(type).Reverse().Concat(types));
    }

    private static IEnumerable<string> Namespaces(INamedTypeSymbol type)
    {
        for (INamespaceSymbol outer = type.ContainingNamespace; !outer.IsGlobalNamespace; outer = outer.ContainingNamespace)
        {
            yield return outer.Name;
        }
    }

    private static string FreeName(INamedTypeSymbol type, string name, HashSet<string>? taken = null)
    {
        while (IsTaken())
        {
            name += "_";
        }

        return name;

        bool IsTaken()
        {
            if (taken?.Contains(name) == true)
            {
                return true;
            }

            for (INamedTypeSymbol? part = type; part is not null; part = part.BaseType)
            {
                if (part.Name == name || !part.GetMembers(name).IsEmpty)
                {
                    return true;
                }
            }

            return false;
        }
    }
}
