using FastConsumer.SourceGenerator.Model;
using Microsoft.CodeAnalysis;

namespace FastConsumer.SourceGenerator.Parsing;

/// <summary>
/// A processor as the user wrote it, and every rule it breaks. The generator and the analyzer both read it, so they cannot
/// disagree; it looks at symbols that the user wrote only, since a generator does not see what generators add.
/// </summary>
internal sealed class ProcessorShape
{
    private static readonly (LifeCycleKind Kind, string Attribute)[] s_lifeCycle =
    [
        (LifeCycleKind.ShardStarted, "OnShardStartedAttribute"),
        (LifeCycleKind.ShardEnded, "OnShardEndedAttribute"),
        (LifeCycleKind.LeaseLost, "OnLeaseLostAttribute"),
        (LifeCycleKind.Stopping, "OnStoppingAttribute"),
    ];

    private static readonly string[] s_orders = ["PartitionKey", "Shard", "None"];

    private const int MaxLanes = 1024;

    private readonly ShapeProblems _problems = new();
    private readonly List<HandlerShape> _handlers = [];
    private readonly List<LifeCycleShape> _lifeCycle = [];

    private readonly bool _checksPayloads;
    private IMethodSymbol? _batchMethod;

    private ProcessorShape(INamedTypeSymbol type, bool checksPayloads)
    {
        Type = type;
        _checksPayloads = checksPayloads;
    }

    public INamedTypeSymbol Type { get; }

    /// <summary>False where no part can be added to the class.</summary>
    public bool IsExtensible { get; private set; }

    public string Stream { get; private set; } = "";

    public INamedTypeSymbol? JsonContext { get; private set; }

    public string? RouteProperty { get; private set; }

    public CheckpointModel? Checkpoint { get; private set; }

    /// <summary>The bounds of a batch; null for handlers per record.</summary>
    public BatchModel? Batch { get; private set; }

    /// <summary>The error rules of the class, then those of the assembly.</summary>
    public EquatableArray<ErrorRuleModel> ErrorRules { get; private set; }

    /// <summary>The filter of records; null without one.</summary>
    public FilterModel? Filter { get; private set; }

    /// <summary>The lanes; null without the attribute.</summary>
    public ConcurrencyModel? Concurrency { get; private set; }

    public IReadOnlyList<HandlerShape> Handlers => _handlers;

    /// <summary>The states that are in order.</summary>
    public IReadOnlyList<StateShape> States { get; private set; } = [];

    /// <summary>The outputs that are in order.</summary>
    public IReadOnlyList<OutputShape> Outputs { get; private set; } = [];

    /// <summary>The properties with [State] or [Output] whose other part can be written.</summary>
    public IReadOnlyList<IPropertySymbol> EffectProperties { get; private set; } = [];

    /// <summary>The version of the states' shape; 0 without state and outputs.</summary>
    public int StateVersion { get; private set; }

    public IReadOnlyList<LifeCycleShape> LifeCycle => _lifeCycle;

    /// <summary>The broken rules, in the order of the source as far as they stand in it.</summary>
    public IReadOnlyList<ShapeProblem> Problems => _problems.Items;

    /// <summary>A type that the compiler refuses; it reports it.</summary>
    public string? UnknownType => _problems.UnknownType;

    /// <param name="checksPayloads">False leaves out whether the JSON context knows the payloads: that walks through their types, and
    /// nothing of what is generated depends on it.</param>
    public static ProcessorShape Read(
        INamedTypeSymbol type, AttributeData attribute, bool checksPayloads, CancellationToken cancellationToken)
    {
        var shape = new ProcessorShape(type, checksPayloads);
        shape.IsExtensible = TypeReader.Check(type, shape._problems, cancellationToken);
        shape.ReadProcessor(attribute, cancellationToken);
        shape.ReadCheckpoint(cancellationToken);
        shape.ReadMethods(attribute, cancellationToken);
        shape.ReadConcurrency(cancellationToken);
        shape.ReadEffects(attribute, cancellationToken);
        shape.ReadErrorRules(cancellationToken);
        shape.Filter = FilterReader.Read(type, shape._handlers, shape._problems);
        return shape;
    }

    private void ReadProcessor(AttributeData attribute, CancellationToken cancellationToken)
    {
        string? stream = attribute.FirstValue() as string;
        if (!StreamName.IsValid(stream) && attribute.ConstructorArguments.Length == 1)
        {
            _problems.Add(
                RuleIds.Value,
                attribute.Place(SymbolNames.FirstArgument, cancellationToken),
                $"'{stream}' is neither a stream's name (1 to 128 letters, digits, '_', '.' and '-') nor a stream's ARN "
                    + "(arn:aws:kinesis:<region>:<account>:stream/<name>). Correct it.");
        }

        Stream = stream ?? "";
        RouteProperty = attribute.Value("RouteProperty") as string;
        if (attribute.Value("JsonContext") is not ITypeSymbol context)
        {
            return;
        }

        if (context.FindUnknown() is { } unknown)
        {
            _problems.UnknownType ??= unknown.Name;
        }
        else if (context is not INamedTypeSymbol { IsUnboundGenericType: false, IsAbstract: false } named || !JsonReader.IsContext(named)
            || named.IsFileLocal())
        {
            _problems.Add(
                RuleIds.Json,
                attribute.Place("JsonContext", cancellationToken),
                $"'{context.InMessages()}' is no context that generated code can use. Name a class derived from JsonSerializerContext that "
                    + "is neither abstract nor local to its file.");
        }
        else
        {
            JsonContext = named;
        }
    }

    private void ReadCheckpoint(CancellationToken cancellationToken)
    {
        if (Type.FindAttribute("CheckpointAttribute") is not { } attribute)
        {
            return;
        }

        TimeSpan interval = ReadDuration(attribute, "Interval", "DefaultInterval", cancellationToken);
        if (interval == TimeSpan.Zero)
        {
            _problems.Add(
                RuleIds.Value,
                attribute.Place("Interval", cancellationToken),
                "An interval of zero would never end. Give the longest time between two checkpoints, such as \"00:00:05\".");
        }

        Checkpoint = new CheckpointModel(interval, ReadNumber(attribute, "Records", "DefaultRecords", least: 0, cancellationToken));
    }

    private void ReadConcurrency(CancellationToken cancellationToken)
    {
        if (Type.FindAttribute("ConcurrencyAttribute") is not { } attribute || attribute.FirstValue() is not int lanes)
        {
            return;
        }

        if (lanes is < 1 or > MaxLanes)
        {
            _problems.Add(
                RuleIds.Value,
                attribute.Place(SymbolNames.FirstArgument, cancellationToken),
                $"{lanes} lanes are not possible; allowed are 1 to {MaxLanes}. Correct the number.");
        }

        int order = attribute.Value("Order") as int? ?? 0;
        if (order < 0 || order >= s_orders.Length)
        {
            _problems.Add(
                RuleIds.Value,
                attribute.Place("Order", cancellationToken),
                "The order is none of PartitionKey, Shard and None. Name one of them.");
            return;
        }

        if (Batch is not null)
        {
            _problems.Add(RuleIds.HandlerSet, attribute.Place("(none)", cancellationToken), $"'{Type.Name}' takes batches, which are "
                + "handed over one at a time in the shard's order, so [Concurrency] has no effect. Remove it, or use [OnRecord].");
        }

        if (lanes > 1 && _handlers.Find(handler => handler.Transaction is not null) is { } transactional)
        {
            _problems.Add(
                RuleIds.HandlerSet,
                attribute.Place(SymbolNames.FirstArgument, cancellationToken),
                $"'{transactional.Method.Name}' takes a transaction, and a shard has one at a time, so that its position is one; "
                    + $"'{Type.Name}' has {lanes} lanes. Remove [Concurrency]; to write more at a time, take batches with [OnBatch].");
        }

        Concurrency = new ConcurrencyModel(lanes, s_orders[order]);
    }

    private void ReadEffects(AttributeData attribute, CancellationToken cancellationToken)
    {
        var properties = new EffectProperties(Type, _problems, cancellationToken);
        var states = new StateReader(Type, JsonContext, _checksPayloads, properties, _problems, cancellationToken);
        var outputs = new OutputReader(Type, properties, _problems, cancellationToken);
        states.Read(attribute);
        outputs.Read();
        States = states.States;
        Outputs = outputs.Outputs;
        EffectProperties = properties.All;
        if (!states.HasState && !outputs.HasOutputs)
        {
            return;
        }

        StateVersion = states.Version;
        if (_handlers.Find(handler => handler.Transaction is not null) is { } transactional)
        {
            string what = !outputs.HasOutputs ? "state" : !states.HasState ? "outputs" : "state and outputs";
            Conflict(transactional.Method, $"'{transactional.Method.Name}' takes a transaction, and '{Type.Name}' has {what}, which is not "
                + "supported together yet: the position would stand in two places. Remove one of them.");
        }
    }

    private void ReadErrorRules(CancellationToken cancellationToken)
    {
        var reader = new ErrorRuleReader(_problems, cancellationToken);
        ErrorRules = reader.Read(Type).Concat(reader.Read(Type.ContainingAssembly)).ToEquatableArray();
        foreach (IMethodSymbol method in Type.GetMembers().OfType<IMethodSymbol>())
        {
            EquatableArray<ErrorRuleModel> rules = reader.Read(method);
            if (rules.Count > 0 && method.FindAttribute("OnRecordAttribute") is null && method.FindAttribute("OnBatchAttribute") is null)
            {
                _problems.Add(RuleIds.ErrorRules, method.Place(), $"The error rules of '{method.Name}' are never looked at: "
                    + "it is no handler. Put them on a method with [OnRecord] or [OnBatch], or on the class.");
            }

            if (_handlers.Find(candidate => SymbolEqualityComparer.Default.Equals(candidate.Method, method)) is not { } handler)
            {
                continue;
            }

            handler.ErrorRules = rules;
            handler.Timeout = rules.Concat(ErrorRules).Select(rule => rule.Timeout).FirstOrDefault(timeout => timeout is not null);
            if (handler.Timeout is not null && handler.Arguments.All(argument => argument.Kind != ArgumentKind.CancellationToken))
            {
                _problems.Add(RuleIds.ErrorRules, method.Place(), $"The time-out of [OnError] cannot end '{method.Name}': "
                    + "it takes no CancellationToken. Add the parameter, or remove Timeout.");
            }
        }
    }

    private void ReadMethods(AttributeData processor, CancellationToken cancellationToken)
    {
        var reader = new MethodReader(_problems);
        var records = new List<(IMethodSymbol Method, AttributeData Attribute, string? Route)>();
        IMethodSymbol? batch = null;
        IMethodSymbol? rest = null;
        foreach (IMethodSymbol method in Type.GetMembers().OfType<IMethodSymbol>())
        {
            if (method.GetAttributes().IsEmpty)
            {
                continue;
            }

            AttributeData? onRecord = method.FindAttribute("OnRecordAttribute");
            AttributeData? onBatch = method.FindAttribute("OnBatchAttribute");
            if (onRecord is not null)
            {
                string? route = onRecord.Value("Route") as string;
                records.Add((method, onRecord, route));
                if (route is null && rest is not null)
                {
                    Conflict(method, $"'{method.Name}' and '{rest.Name}' both take every record that no route names. "
                        + "Give one of them a Route, or remove it.");
                }

                rest ??= route is null ? method : null;
                Accept(reader.ReadHandler(method, isBatch: false, route), cancellationToken);
            }

            if (onBatch is not null)
            {
                if (batch is not null)
                {
                    Conflict(method, $"'{method.Name}' and '{batch.Name}' both take every batch. Remove one of them.");
                }

                batch ??= method;
                _batchMethod = batch;
                Batch = ReadBatch(onBatch, cancellationToken);
                Accept(reader.ReadHandler(method, isBatch: true, route: null), cancellationToken);
            }
        }

        ReadLifeCycle(reader);
        CheckTransactions();
        if (batch is not null && records.Count > 0)
        {
            Conflict(batch, $"'{batch.Name}' takes batches, but '{records[0].Method.Name}' takes each record. "
                + "Use either [OnRecord] or [OnBatch] in a processor.");
        }
        else if (batch is null && records.Count == 0)
        {
            _problems.Add(RuleIds.HandlerSet, TypeReader.Identifier(Type, cancellationToken), $"The processor '{Type.InMessages()}' has no "
                + "handler. Mark a method with [OnRecord] or [OnBatch]; methods of base classes do not count.");
            return;
        }

        RouteReader.Check(processor, RouteProperty, records, _problems, cancellationToken);
    }

    /// <summary>A shard's position stands in one place.</summary>
    private void CheckTransactions()
    {
        HandlerShape? first = null;
        foreach (HandlerShape handler in _handlers)
        {
            if (handler.Transaction is not { } transaction)
            {
                continue;
            }

            first ??= handler;
            if (!SymbolEqualityComparer.Default.Equals(first.Transaction, transaction))
            {
                Conflict(handler.Method, $"'{handler.Method.Name}' takes a {transaction.InMessages()}, and '{first.Method.Name}' takes a "
                    + $"{first.Transaction!.InMessages()}. A shard's position is kept in one place: take the same type in both.");
            }
        }
    }

    /// <summary>The life-cycle methods of the class and of its bases; each moment has one.</summary>
    private void ReadLifeCycle(MethodReader reader)
    {
        var stages = new Dictionary<LifeCycleKind, IMethodSymbol>();
        for (INamedTypeSymbol? part = Type; part is { SpecialType: SpecialType.None }; part = part.BaseType)
        {
            bool isInherited = !SymbolEqualityComparer.Default.Equals(part, Type);
            foreach (IMethodSymbol method in part.GetMembers().OfType<IMethodSymbol>())
            {
                foreach ((LifeCycleKind kind, string attribute) in s_lifeCycle)
                {
                    if (method.FindAttribute(attribute) is null)
                    {
                        continue;
                    }

                    stages.TryGetValue(kind, out IMethodSymbol? other);
                    if (other is not null && Overrides(other, method))
                    {
                        continue;
                    }

                    ReadStage(method, kind, other, isInherited, reader);
                    stages[kind] = other is not null && isInherited ? other : method;
                }
            }
        }
    }

    private void ReadStage(IMethodSymbol method, LifeCycleKind kind, IMethodSymbol? other, bool isInherited, MethodReader reader)
    {
        if (other is not null)
        {
            // of two classes the derived one is at hand to be changed
            IMethodSymbol place = isInherited ? other : method;
            _problems.IsShared = !SymbolEqualityComparer.Default.Equals(place.ContainingType, Type);
            Conflict(place, $"'{method.InMessages()}' and '{other.InMessages()}' are both marked [On{kind}]. Remove one of them, "
                + "or call it from the other.");
            _problems.IsShared = false;
        }

        // several processors may derive from one base
        _problems.IsShared = isInherited;
        if (method.FindAttribute("OnRecordAttribute") is not null || method.FindAttribute("OnBatchAttribute") is not null)
        {
            Conflict(method, $"'{method.Name}' is marked [On{kind}] and takes records too. Use a method of its own for each.");
        }
        else if (isInherited && method.DeclaredAccessibility == Accessibility.Private)
        {
            _problems.Add(RuleIds.Handler, method.Place() ?? Type.Place(), $"'{method.InMessages()}' is marked [On{kind}] in a base class, "
                + $"and private, so it cannot be called for '{Type.Name}'. Make it protected.");
        }
        else if (reader.ReadLifeCycle(method, kind) is { } stage && (other is null || !isInherited))
        {
            _lifeCycle.Add(stage);
        }

        _problems.IsShared = false;
    }

    private static bool Overrides(IMethodSymbol method, IMethodSymbol ancestor)
    {
        for (IMethodSymbol? slot = method.OverriddenMethod; slot is not null; slot = slot.OverriddenMethod)
        {
            if (SymbolEqualityComparer.Default.Equals(slot.OriginalDefinition, ancestor.OriginalDefinition))
            {
                return true;
            }
        }

        return false;
    }

    private void Accept(HandlerShape? handler, CancellationToken cancellationToken)
    {
        if (handler is null)
        {
            return;
        }

        _handlers.Add(handler);
        if (handler.Payload.Kind == PayloadKind.Json)
        {
            JsonReader.Check(handler.Payload, handler.Method, JsonContext, _checksPayloads, _problems, cancellationToken);
        }
    }

    private BatchModel ReadBatch(AttributeData attribute, CancellationToken cancellationToken) => new(
        ReadNumber(attribute, "MaxRecords", "DefaultMaxRecords", least: 1, cancellationToken),
        ReadNumber(attribute, "MaxBytes", "DefaultMaxBytes", least: 1, cancellationToken),
        ReadDuration(attribute, "MaxWait", "DefaultMaxWait", cancellationToken));

    private int ReadNumber(AttributeData attribute, string name, string defaultName, int least, CancellationToken cancellationToken)
    {
        int value = attribute.ValueOrDefault<int>(name, defaultName);
        if (value < least)
        {
            _problems.Add(
                RuleIds.Value,
                attribute.Place(name, cancellationToken),
                $"{name} is {value}; the least is {least}. Raise it, or leave it out for the default.");
        }

        return value;
    }

    private TimeSpan ReadDuration(AttributeData attribute, string name, string defaultName, CancellationToken cancellationToken)
    {
        string text = attribute.ValueOrDefault<string>(name, defaultName);
        if (Duration.TryParse(text, out TimeSpan value))
        {
            return value;
        }

        _problems.Add(
            RuleIds.Value,
            attribute.Place(name, cancellationToken),
            $"{name} is \"{text}\", which is no duration. Write it as {Duration.Form}.");
        return TimeSpan.MinValue;
    }

    private void Conflict(IMethodSymbol method, string message) => _problems.Add(RuleIds.HandlerSet, method.Place(), message);
}
