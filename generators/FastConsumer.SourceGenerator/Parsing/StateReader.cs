using FastConsumer.SourceGenerator.Model;
using Microsoft.CodeAnalysis;

namespace FastConsumer.SourceGenerator.Parsing;

/// <summary>
/// The states of a processor: its properties with [State], and the methods with [StateMigration] and [StateMerge]. Findings are FC1002 for
/// declarations, FC1003 for what does not go together, FC1005 and FC5003 for JSON, FC4001 for values.
/// </summary>
internal sealed class StateReader(
    INamedTypeSymbol type,
    INamedTypeSymbol? jsonContext,
    bool checksJson,
    EffectProperties properties,
    ShapeProblems problems,
    CancellationToken cancellationToken)
{
    private static readonly string[] s_ofBases = ["StateMigrationAttribute", "StateMergeAttribute"];

    private readonly List<StateShape> _states = [];

    // states whose declaration is broken have been reported already: their migrations are not reported too
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    /// <summary>The states that are in order.</summary>
    public IReadOnlyList<StateShape> States => _states;

    /// <summary>Whether a property has [State], in order or not.</summary>
    public bool HasState { get; private set; }

    /// <summary>The version of the states' shape.</summary>
    public int Version { get; private set; } = 1;

    public void Read(AttributeData processor)
    {
        ReadVersion(processor);
        foreach (IPropertySymbol property in type.GetMembers().OfType<IPropertySymbol>())
        {
            if (property.FindAttribute("StateAttribute") is { } attribute)
            {
                HasState = true;
                ReadProperty(property, attribute);
            }
            else if (property.FindAttribute("StateSerializerAttribute") is { } serializer)
            {
                string reason = property.FindAttribute("OutputAttribute") is null
                    ? $"'{property.Name}' is no state. Add [State(\"...\")], or remove it"
                    : $"'{property.Name}' is an output, whose values are not stored. Remove it";
                problems.Add(
                    RuleIds.HandlerSet, serializer.Place("(none)", cancellationToken), $"[StateSerializer] has no effect: {reason}.");
            }
        }

        ReadMethods();
        CheckBases();
    }

    private void ReadVersion(AttributeData processor)
    {
        if (processor.Value("StateVersion") is not int version)
        {
            return;
        }

        if (version < 1)
        {
            problems.Add(
                RuleIds.Value,
                processor.Place("StateVersion", cancellationToken),
                $"StateVersion is {version}; the least is 1. Raise it, or leave it out for 1.");
            return;
        }

        Version = version;
    }

    private void ReadProperty(IPropertySymbol property, AttributeData attribute)
    {
        bool inOrder = properties.Check(property, EffectProperties.State);
        if (attribute.ConstructorArguments.Length != 1)
        {
            // the compiler reports the missing name
            return;
        }

        inOrder &= properties.CheckName(attribute, EffectProperties.State, _names, out string name);
        if (property.FindAttribute("OutputAttribute") is not null)
        {
            // reported with the outputs
            return;
        }

        TimeSpan? ttl = ReadTtl(attribute, ref inOrder);
        (StateKind kind, ITypeSymbol? valueType, ITypeSymbol? subKey) = ReadType(property);
        if (valueType is null)
        {
            return;
        }

        INamedTypeSymbol? serializer = ReadSerializer(property, valueType, ref inOrder);
        if (serializer is null && inOrder)
        {
            CheckJson(property, valueType);
        }

        if (inOrder)
        {
            _states.Add(new StateShape(property, name, kind, subKey, valueType) { Ttl = ttl, Serializer = serializer });
        }
    }

    private TimeSpan? ReadTtl(AttributeData attribute, ref bool inOrder)
    {
        if (attribute.Value("Ttl") is not string text)
        {
            return null;
        }

        string? problem = !Duration.TryParse(text, out TimeSpan value) ? $"which is no duration. Write it as {Duration.Form}"
            : value < TimeSpan.FromMilliseconds(1) ? "but the least is a millisecond. Raise it, or leave it out to keep values for ever"
            : null;
        if (problem is null)
        {
            return value;
        }

        problems.Add(RuleIds.Value, attribute.Place("Ttl", cancellationToken), $"Ttl is \"{text}\", {problem}.");
        inOrder = false;
        return null;
    }

    private (StateKind Kind, ITypeSymbol? Type, ITypeSymbol? SubKey) ReadType(IPropertySymbol property)
    {
        if ((property.Type.FindUnknown() ?? (property.Type.IsFileLocal() ? property.Type : null)) is { } unusable)
        {
            problems.UnknownType ??= unusable.Name;
            return default;
        }

        var named = property.Type as INamedTypeSymbol;
        StateKind? kind = named switch
        {
            { Name: "KeyedState", Arity: 1 } => StateKind.Value,
            { Name: "KeyedMap", Arity: 2 } => StateKind.Map,
            { Name: "KeyedList", Arity: 1 } => StateKind.List,
            _ => null,
        };
        string? problem = null;
        if (kind is null || !named.IsContract(named!.Name) || named.NullableAnnotation == NullableAnnotation.Annotated)
        {
            problem = $"The state '{property.Name}' is of type {property.Type.InMessages()}. A state is a KeyedState<T>, a "
                + "KeyedMap<TSubKey, T> or a KeyedList<T>, and never null. Change its type";
        }
        else if (kind == StateKind.Map && !IsSubKey(named!.TypeArguments[0]))
        {
            problem = $"The map '{property.Name}' has keys of type {named.TypeArguments[0].InMessages()}, but they are stored as they are: "
                + "string, an integer type, Guid or an enum. Use one of them";
        }

        if (problem is not null)
        {
            problems.Add(RuleIds.Handler, property.Place(), problem + ".");
            return default;
        }

        return (kind!.Value, named!.TypeArguments[named.Arity - 1], kind == StateKind.Map ? named.TypeArguments[0] : null);
    }

    private static bool IsSubKey(ITypeSymbol subKey) =>
        subKey.TypeKind == TypeKind.Enum
        || subKey.SpecialType is SpecialType.System_String or SpecialType.System_SByte or SpecialType.System_Byte
            or SpecialType.System_Int16 or SpecialType.System_UInt16 or SpecialType.System_Int32 or SpecialType.System_UInt32
            or SpecialType.System_Int64 or SpecialType.System_UInt64
        || subKey.Is("System", "Guid");

    private INamedTypeSymbol? ReadSerializer(IPropertySymbol property, ITypeSymbol valueType, ref bool inOrder)
    {
        if (property.FindAttribute("StateSerializerAttribute") is not { } attribute || attribute.ConstructorArguments.Length != 1)
        {
            return null;
        }

        string? problem = null;
        if (attribute.FirstValue() is not INamedTypeSymbol { IsUnboundGenericType: false } serializer)
        {
            serializer = null!;
            problem = "[StateSerializer] names no type that can be created";
        }
        else if (serializer.FindUnknown() is { } unknown)
        {
            problems.UnknownType ??= unknown.Name;
            inOrder = false;
            return serializer;
        }
        else if (!Serializes(serializer, valueType))
        {
            problem = $"{serializer.InMessages()} does not implement IStateSerializer<{valueType.InMessages()}>";
        }
        else if (serializer.IsFileLocal())
        {
            problem = $"{serializer.InMessages()} is local to its file, so generated code cannot name it";
        }
        else if (!PayloadReader.CanBeCreated(serializer, type.ContainingAssembly))
        {
            problem = $"{serializer.InMessages()} has no public constructor without parameters";
        }

        if (problem is not null)
        {
            problems.Add(
                RuleIds.Handler,
                attribute.Place(SymbolNames.FirstArgument, cancellationToken),
                $"The state '{property.Name}' has no serializer: {problem}. Name a class that implements "
                    + $"IStateSerializer<{valueType.InMessages()}> and has such a constructor.");
            inOrder = false;
        }

        return serializer ?? type;
    }

    private static bool Serializes(INamedTypeSymbol serializer, ITypeSymbol valueType) => serializer.AllInterfaces.Any(
        candidate => candidate.IsContract("IStateSerializer") && candidate.OnlyTypeArgument() is { } of
            && SymbolEqualityComparer.Default.Equals(of, valueType));

    private void CheckJson(IPropertySymbol property, ITypeSymbol valueType)
    {
        string way = $"or name a serializer: [StateSerializer(typeof(...))], a class that implements "
            + $"IStateSerializer<{valueType.InMessages()}>.";
        if (jsonContext is null)
        {
            problems.Add(
                RuleIds.Json,
                property.Place(),
                $"The state '{property.Name}' is kept as JSON, but [KinesisProcessor] names no JsonContext. Set JsonContext = typeof(...) "
                    + $"to a JsonSerializerContext with [JsonSerializable(typeof({valueType.InMessages()}))], {way}");
        }
        else if (checksJson && !JsonReader.Knows(jsonContext, valueType, cancellationToken))
        {
            problems.Add(
                RuleIds.StateJson,
                property.Place(),
                $"The state '{property.Name}' is kept as JSON, but '{jsonContext.InMessages()}' does not know {valueType.InMessages()}. "
                    + $"Add [JsonSerializable(typeof({valueType.InMessages()}))] to it, {way}",
                stopsGeneration: false);
        }
    }

    private void ReadMethods()
    {
        var migrations = new Dictionary<string, List<StateMigrationShape>>(StringComparer.Ordinal);
        foreach (IMethodSymbol method in type.GetMembers().OfType<IMethodSymbol>())
        {
            if (method.GetAttributes().IsEmpty)
            {
                continue;
            }

            if (method.FindAttribute("StateMigrationAttribute") is { ConstructorArguments.Length: 1 } migration)
            {
                ReadMigration(method, migration, migrations);
            }

            if (method.FindAttribute("StateMergeAttribute") is { ConstructorArguments.Length: 1 } merge)
            {
                ReadMerge(method, merge);
            }
        }

        foreach (StateShape state in _states)
        {
            if (migrations.TryGetValue(state.Name, out List<StateMigrationShape>? own))
            {
                Chain(state, [.. own.OrderBy(migration => migration.From)]);
            }
        }
    }

    private void ReadMigration(IMethodSymbol method, AttributeData attribute, Dictionary<string, List<StateMigrationShape>> migrations)
    {
        if (!IsKnown(attribute, method, out string name))
        {
            return;
        }

        int from = attribute.Value("From") as int? ?? 0;
        if (from < 1 || from >= Version)
        {
            problems.Add(
                RuleIds.Value,
                attribute.Place("From", cancellationToken),
                Version == 1
                    ? $"'{method.Name}' reads values of an older version, but the StateVersion of '{type.Name}' is 1, and there is none "
                        + "before it. Raise StateVersion of [KinesisProcessor], and set From to the version before."
                    : $"From is {from}; '{method.Name}' reads values of an older version, and the StateVersion of '{type.Name}' is "
                        + $"{Version}. Set From to 1 to {Version - 1}, the last version whose values the method reads.");
            return;
        }

        if (method is not
            {
                IsStatic: true,
                IsGenericMethod: false,
                MethodKind: MethodKind.Ordinary,
                ReturnsVoid: false,
                RefKind: RefKind.None,
                Parameters.Length: 1
            }
            || method.Parameters[0] is not { RefKind: RefKind.None or RefKind.In, IsParams: false })
        {
            problems.Add(
                RuleIds.Handler,
                method.Place(),
                $"'{method.InMessages()}' is no migration: a method marked [StateMigration] is static, has no type parameters, takes a "
                    + "value of the older type and returns one of the newer.");
            return;
        }

        if ((method.ReturnType.FindUnknown() ?? method.Parameters[0].Type.FindUnknown()) is { } unknown)
        {
            problems.UnknownType ??= unknown.Name;
            return;
        }

        if (!migrations.TryGetValue(name, out List<StateMigrationShape>? own))
        {
            migrations.Add(name, own = []);
        }

        if (own.Find(other => other.From == from) is { } same)
        {
            problems.Add(
                RuleIds.HandlerSet,
                attribute.Place("From", cancellationToken),
                $"'{method.Name}' and '{same.Method.Name}' both read the values of '{name}' up to version {from}. Remove one of them, or "
                    + "correct From.");
            return;
        }

        own.Add(new StateMigrationShape(from, method));
    }

    /// <summary>Each migration goes on with the next one that takes what it returns; the last of them returns the state's type.</summary>
    private void Chain(StateShape state, IReadOnlyList<StateMigrationShape> migrations)
    {
        bool inOrder = true;
        for (int i = 0; i < migrations.Count; i++)
        {
            var methods = new List<IMethodSymbol> { migrations[i].Method };
            for (int j = i + 1; j < migrations.Count; j++)
            {
                if (AreSame(methods[methods.Count - 1].ReturnType, migrations[j].OldType))
                {
                    methods.Add(migrations[j].Method);
                }
            }

            migrations[i].Methods = methods;
            IMethodSymbol last = methods[methods.Count - 1];
            if (!AreSame(last.ReturnType, state.Type) && methods.Count == 1)
            {
                problems.Add(
                    RuleIds.Handler,
                    last.Place(),
                    $"'{last.InMessages()}' returns {last.ReturnType.InMessages()}, which is neither the type of the state '{state.Name}', "
                        + $"{state.Type.InMessages()}, nor what a migration of a later version takes. Return one of them.");
            }

            inOrder &= AreSame(last.ReturnType, state.Type);
            ReadOldType(state, migrations[i], ref inOrder);
        }

        state.Migrations = inOrder ? migrations : [];
    }

    private void ReadOldType(StateShape state, StateMigrationShape migration, ref bool inOrder)
    {
        ITypeSymbol old = migration.OldType;
        if (state.Serializer is { } serializer && Serializes(serializer, old))
        {
            migration.Serializer = serializer;
            return;
        }

        string way = state.Serializer is null
            ? ""
            : $", or implement IStateSerializer<{old.InMessages()}> in {state.Serializer.InMessages()} too";
        IParameterSymbol parameter = migration.Method.Parameters[0];
        if (jsonContext is null)
        {
            inOrder = false;
            if (state.Serializer is not null)
            {
                problems.Add(
                    RuleIds.Json,
                    parameter.Place(),
                    $"'{parameter.Name}' of '{migration.Method.InMessages()}' is read as JSON, but [KinesisProcessor] names no "
                        + $"JsonContext. Set JsonContext = typeof(...) to a JsonSerializerContext with "
                        + $"[JsonSerializable(typeof({old.InMessages()}))]{way}.");
            }
        }
        else if (checksJson && !JsonReader.Knows(jsonContext, old, cancellationToken))
        {
            problems.Add(
                RuleIds.StateJson,
                parameter.Place(),
                $"'{parameter.Name}' of '{migration.Method.InMessages()}' is read as JSON, but '{jsonContext.InMessages()}' does not know "
                    + $"{old.InMessages()}. Add [JsonSerializable(typeof({old.InMessages()}))] to it{way}.",
                stopsGeneration: false);
        }
    }

    private void ReadMerge(IMethodSymbol method, AttributeData attribute)
    {
        if (!IsKnown(attribute, method, out string name) || _states.Find(state => state.Name == name) is not { } state)
        {
            return;
        }

        if (state.Kind == StateKind.List)
        {
            problems.Add(
                RuleIds.HandlerSet,
                attribute.Place("(none)", cancellationToken),
                $"'{name}' is a list, and lists are united without a method. Remove [StateMerge].");
        }
        else if (!IsMerge(method, state.Type))
        {
            string value = state.Type.InMessages();
            string common = IsNullable(state.Type) ? value : value.TrimEnd('?') + "?";
            problems.Add(
                RuleIds.Handler,
                method.Place(),
                $"'{method.InMessages()}' cannot unite values of '{name}'. Write it as 'static {value} {method.Name}({value} a, {value} b, "
                    + $"{common} common)'.");
        }
        else if (state.Merge is { } other)
        {
            problems.Add(
                RuleIds.HandlerSet,
                attribute.Place("(none)", cancellationToken),
                $"'{method.Name}' and '{other.Name}' both unite the values of '{name}'. Remove one of them.");
        }
        else
        {
            state.Merge = method;
        }
    }

    private static bool IsMerge(IMethodSymbol method, ITypeSymbol valueType) =>
        method is
        {
            IsStatic: true,
            IsGenericMethod: false,
            MethodKind: MethodKind.Ordinary,
            RefKind: RefKind.None,
            Parameters.Length: 3
        }
        && AreSame(method.ReturnType, valueType)
        && method.Parameters.All(parameter => parameter is { RefKind: RefKind.None or RefKind.In, IsParams: false })
        && AreSame(method.Parameters[0].Type, valueType)
        && AreSame(method.Parameters[1].Type, valueType)
        && IsOrNull(method.Parameters[2].Type, valueType);

    /// <summary>True for the type that holds a value or none.</summary>
    private static bool IsOrNull(ITypeSymbol common, ITypeSymbol valueType) => valueType.IsReferenceType || IsNullable(valueType)
        ? AreSame(common, valueType) && common.NullableAnnotation != NullableAnnotation.NotAnnotated
        : IsNullable(common) && AreSame(((INamedTypeSymbol)common).TypeArguments[0], valueType);

    private static bool IsNullable(ITypeSymbol valueType) =>
        valueType is INamedTypeSymbol { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T };

    private bool IsKnown(AttributeData attribute, IMethodSymbol method, out string name)
    {
        name = attribute.FirstValue() as string ?? "";
        if (_names.Contains(name))
        {
            return true;
        }

        problems.Add(
            RuleIds.HandlerSet,
            attribute.Place(SymbolNames.FirstArgument, cancellationToken),
            $"'{method.Name}' is of a state '{name}', which '{type.Name}' does not have. Name a state of the class, or remove "
                + "the attribute.");
        return false;
    }

    /// <summary>A part can be added to the processor only, and what stands in a base class would be passed over in silence.</summary>
    private void CheckBases()
    {
        problems.IsShared = true;
        for (INamedTypeSymbol? part = type.BaseType; part is { SpecialType: SpecialType.None }; part = part.BaseType)
        {
            foreach (ISymbol member in part.GetMembers())
            {
                string? attribute = member switch
                {
                    IPropertySymbol property when property.FindAttribute("StateAttribute") is not null => "State",
                    IPropertySymbol property when property.FindAttribute("OutputAttribute") is not null => "Output",
                    IMethodSymbol method when s_ofBases.FirstOrDefault(name => method.FindAttribute(name) is not null) is { } name =>
                        name.Substring(0, name.Length - "Attribute".Length),
                    _ => null,
                };
                if (attribute is not null)
                {
                    problems.Add(
                        RuleIds.HandlerSet,
                        member.Place() ?? type.Place(),
                        $"'{member.InMessages()}' is marked [{attribute}] in a base class, but the "
                            + $"{(attribute == "Output" ? "outputs" : "states")} of a processor stand in the class with [KinesisProcessor] "
                            + "itself. Move it there.");
                }
            }
        }

        problems.IsShared = false;
    }

    private static bool AreSame(ITypeSymbol a, ITypeSymbol b) => SymbolEqualityComparer.Default.Equals(a, b);
}
