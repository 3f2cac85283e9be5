namespace FastConsumer.SourceGenerator.Model;

/// <summary>What a user's method returns.</summary>
internal enum ReturnKind
{
    Void,
    Task,
    ValueTask,
}

/// <summary>How a payload is made of a record.</summary>
internal enum PayloadKind
{
    Json,
    Protobuf,
    Text,
    Memory,
    Span,
    Record,
    Deserializer,

    /// <summary>The records of a batch, as they are.</summary>
    Batch,
}

/// <summary>What a parameter of a user's method is given.</summary>
internal enum ArgumentKind
{
    Payload,
    Context,
    CancellationToken,
    Service,

    /// <summary>A service of a nullable type: null where it is not registered.</summary>
    OptionalService,

    /// <summary>The transaction that the handler writes with.</summary>
    Transaction,
}

/// <summary>The moments of a shard's life that a processor may take part in.</summary>
internal enum LifeCycleKind
{
    ShardStarted,
    ShardEnded,
    LeaseLost,
    Stopping,
}
