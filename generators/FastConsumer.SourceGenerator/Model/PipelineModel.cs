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
    EquatableArray<LifeCycleModel> LifeCycle);

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
    public bool HasServices => Arguments.Any(argument => argument.Kind is ArgumentKind.Service or ArgumentKind.OptionalService);
}

/// <summary>One argument of a call; the type is set for services only.</summary>
internal sealed record ArgumentModel(ArgumentKind Kind, string? Type = null);

/// <summary>How a payload is read.</summary>
/// <param name="Kind">The way.</param>
/// <param name="Type">The payload's type as code names it.</param>
/// <param name="ShortName">The type's simple name, for names of fields.</param>
/// <param name="Deserializer">The user's deserializer, of its kind only.</param>
internal sealed record PayloadModel(PayloadKind Kind, string Type, string ShortName, DeserializerModel? Deserializer = null);

/// <summary>A deserializer of the user.</summary>
/// <param name="Type">Its type as code names it.</param>
/// <param name="ShortName">Its simple name, for names of fields.</param>
/// <param name="CallType">The type it is called through: its own, or the interface where its method is an explicit implementation.</param>
/// <param name="CanBeCreated">True where it has an accessible parameterless constructor.</param>
internal sealed record DeserializerModel(string Type, string ShortName, string CallType, bool CanBeCreated);

/// <summary>A life-cycle method.</summary>
internal sealed record LifeCycleModel(LifeCycleKind Kind, MethodModel Method, EquatableArray<ArgumentModel> Arguments);
