namespace FastConsumer.SourceGenerator.Model;

/// <summary>The pipeline of a processor that is in order.</summary>
/// <param name="ClassName">The name of the generated nested class, free in the user's class.</param>
/// <param name="ProcessorName">The user's class, by its simple name.</param>
/// <param name="Stream">The stream's name or ARN.</param>
/// <param name="JsonContext">The JSON context as code names it; null without one.</param>
/// <param name="RouteProperty">The JSON property that chooses a handler; null without routes.</param>
/// <param name="Checkpoint">The checkpoint attribute; null without one.</param>
/// <param name="Batch">The bounds of a batch; null for a class with handlers per record.</param>
/// <param name="Handlers">The handlers, in source order; exactly one for a batch.</param>
/// <param name="LifeCycle">The life-cycle methods.</param>
internal sealed record PipelineModel(
    string ClassName,
    string ProcessorName,
    string Stream,
    string? JsonContext,
    string? RouteProperty,
    CheckpointModel? Checkpoint,
    BatchModel? Batch,
    EquatableArray<HandlerModel> Handlers,
    EquatableArray<LifeCycleModel> LifeCycle)
{
    /// <summary>The error rules of the class, then those of the assembly.</summary>
    public EquatableArray<ErrorRuleModel> ErrorRules { get; init; }

    /// <summary>The filter of records; null without one.</summary>
    public FilterModel? Filter { get; init; }

    /// <summary>The lanes; null without the attribute.</summary>
    public ConcurrencyModel? Concurrency { get; init; }

    /// <summary>The states.</summary>
    public EquatableArray<StateModel> States { get; init; }

    /// <summary>The outputs.</summary>
    public EquatableArray<OutputModel> Outputs { get; init; }

    /// <summary>The version of the states' shape; 0 without state and outputs.</summary>
    public int StateVersion { get; init; }

    /// <summary>True where calls have effects that are applied once they have succeeded: state, outputs or both.</summary>
    public bool HasEffects => States.Count > 0 || Outputs.Count > 0;

    /// <summary>True where the choice of an error rule needs to know the handler.</summary>
    public bool ChoosesErrorRules => Handlers.Count > 1 && Handlers.Any(handler => handler.ErrorRules.Count > 0);

    /// <summary>The type of the transactions that handlers take, as code names it; null where none takes one.</summary>
    public string? TransactionType => Handlers.Select(handler => handler.TransactionType).FirstOrDefault(type => type is not null);

    /// <summary>True where a rule writes dead letters.</summary>
    public bool UsesDeadLetters => ErrorRules.Concat(Handlers.SelectMany(handler => handler.ErrorRules))
        .Any(rule => rule.WritesDeadLetters);
}

/// <summary>A filter of records, which takes a span or a record.</summary>
internal sealed record FilterModel(string Method, PayloadKind Kind);

/// <summary>The values of a concurrency attribute.</summary>
internal sealed record ConcurrencyModel(int Lanes, string Order);

/// <summary>An error rule.</summary>
/// <param name="ExceptionType">The exception as code names it.</param>
/// <param name="TakesAll">True for System.Exception itself.</param>
/// <param name="Action">The name of the action.</param>
/// <param name="MaxAttempts">The most attempts; 0 for no bound.</param>
/// <param name="InitialBackoff">The first wait; null for the options'.</param>
/// <param name="MaxBackoff">The longest wait; null for the options'.</param>
/// <param name="Then">The name of the action after the last attempt.</param>
/// <param name="Timeout">The longest time of a call; null for none.</param>
/// <param name="WritesDeadLetters">True where it may write a dead letter.</param>
internal sealed record ErrorRuleModel(
    string ExceptionType,
    bool TakesAll,
    string Action,
    int MaxAttempts,
    TimeSpan? InitialBackoff,
    TimeSpan? MaxBackoff,
    string Then,
    TimeSpan? Timeout,
    bool WritesDeadLetters);

/// <summary>The values of a checkpoint attribute.</summary>
internal sealed record CheckpointModel(TimeSpan Interval, int Records);

/// <summary>The bounds of a batch.</summary>
internal sealed record BatchModel(int MaxRecords, int MaxBytes, TimeSpan MaxWait);

/// <summary>A method of the user and how to call it.</summary>
/// <param name="Name">The method's name as code writes it.</param>
/// <param name="IsStatic">True for a static method.</param>
/// <param name="Returns">What it returns.</param>
internal sealed record MethodModel(string Name, bool IsStatic, ReturnKind Returns);

/// <summary>A handler of records or batches.</summary>
/// <param name="Method">The method.</param>
/// <param name="Route">The value of the route property; null for the handler of the rest.</param>
/// <param name="Payload">The payload.</param>
/// <param name="Arguments">The arguments of the call, in order.</param>
internal sealed record HandlerModel(MethodModel Method, string? Route, PayloadModel Payload, EquatableArray<ArgumentModel> Arguments)
{
    /// <summary>The error rules of the method.</summary>
    public EquatableArray<ErrorRuleModel> ErrorRules { get; init; }

    /// <summary>The longest time of a call; null for none.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>The method that filters its payloads; null without one.</summary>
    public string? Filter { get; init; }

    /// <summary>True where the call is awaited in a method of its own.</summary>
    public bool IsWrapped => HasServices || Timeout is not null || TransactionType is not null;

    /// <summary>The type of its transaction, as code names it; null where it takes none.</summary>
    public string? TransactionType => Arguments.Where(argument => argument.Kind == ArgumentKind.Transaction)
        .Select(argument => argument.Type).FirstOrDefault();

    public bool HasServices => Arguments.Any(argument => argument.IsService);
}

/// <summary>One argument of a call.</summary>
/// <param name="Kind">What it is given.</param>
/// <param name="Type">The type of a service or a transaction as code names it; else null.</param>
/// <param name="Name">The parameter's name, of services only.</param>
/// <param name="Key">The service's key as code writes it; null for a service without a key.</param>
internal sealed record ArgumentModel(ArgumentKind Kind, string? Type = null, string? Name = null, string? Key = null)
{
    public bool IsService => Kind is ArgumentKind.Service or ArgumentKind.OptionalService;
}

/// <summary>How a payload is read.</summary>
/// <param name="Kind">The way.</param>
/// <param name="Type">The payload's type as code names it.</param>
/// <param name="ShortName">The type's simple name, for names of fields.</param>
/// <param name="Deserializer">The user's deserializer, of its kind only.</param>
/// <param name="ElementType">The type with its annotation, as a handler of batches takes it.</param>
internal sealed record PayloadModel(
    PayloadKind Kind, string Type, string ShortName, DeserializerModel? Deserializer = null, string ElementType = "");

/// <summary>A deserializer of the user.</summary>
/// <param name="Type">Its type as code names it.</param>
/// <param name="ShortName">Its simple name, for names of fields.</param>
/// <param name="CallType">The type it is called through: its own, or the interface where its method is an explicit implementation.</param>
/// <param name="CanBeCreated">True where it has an accessible parameterless constructor.</param>
internal sealed record DeserializerModel(string Type, string ShortName, string CallType, bool CanBeCreated);

/// <summary>A life-cycle method.</summary>
internal sealed record LifeCycleModel(LifeCycleKind Kind, MethodModel Method, EquatableArray<ArgumentModel> Arguments);
