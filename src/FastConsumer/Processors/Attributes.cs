namespace FastConsumer;

/// <summary>
/// Makes a partial class the processor of a stream: one instance per shard, created from DI, whose handlers the source
/// generator compiles into a pipeline.
/// </summary>
/// <param name="stream">The stream's name or ARN; options may override it.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class KinesisProcessorAttribute(string stream) : Attribute
{
    /// <summary>The stream's name or ARN.</summary>
    public string Stream { get; } = stream;

    /// <summary>The <c>JsonSerializerContext</c> in which JSON payloads are registered.</summary>
    public Type? JsonContext { get; set; }

    /// <summary>The top-level JSON property whose text chooses among handlers with a <see cref="OnRecordAttribute.Route"/>.</summary>
    public string? RouteProperty { get; set; }

    /// <summary>
    /// The version of the shape of the processor's state, 1 by default and at least 1. It grows by hand where the type of a
    /// <see cref="StateAttribute"/> property changes; a worker whose version is lower than that of a shard's state leaves the shard alone.
    /// It has no meaning for a processor without state.
    /// </summary>
    public int StateVersion { get; set; } = 1;
}

/// <summary>A method that is called for each record. It returns <c>void</c>, <c>Task</c> or <c>ValueTask</c>.</summary>
[AttributeUsage(AttributeTargets.Method, Inherited = false)]
public sealed class OnRecordAttribute : Attribute
{
    /// <summary>
    /// The value of <see cref="KinesisProcessorAttribute.RouteProperty"/> that chooses this method; null takes what no other route matches.
    /// </summary>
    public string? Route { get; set; }
}

/// <summary>A method that is called for each batch of records of one shard, in order.</summary>
[AttributeUsage(AttributeTargets.Method, Inherited = false)]
public sealed class OnBatchAttribute : Attribute
{
    /// <summary>The default of <see cref="MaxRecords"/>.</summary>
    public const int DefaultMaxRecords = 500;

    /// <summary>The default of <see cref="MaxBytes"/>: 4 MiB.</summary>
    public const int DefaultMaxBytes = 4 * 1024 * 1024;

    /// <summary>The default of <see cref="MaxWait"/>.</summary>
    public const string DefaultMaxWait = "00:00:01";

    /// <summary>The most records of a batch.</summary>
    public int MaxRecords { get; set; } = DefaultMaxRecords;

    /// <summary>The most payload bytes of a batch; a single larger record makes a batch of its own.</summary>
    public int MaxBytes { get; set; } = DefaultMaxBytes;

    /// <summary>How long the first record of a batch waits for others, as <c>[d.]hh:mm:ss[.fffffff]</c>.</summary>
    public string MaxWait { get; set; } = DefaultMaxWait;
}

/// <summary>A method that is called before a shard's first record, with a <see cref="ShardContext"/>.</summary>
[AttributeUsage(AttributeTargets.Method, Inherited = false)]
public sealed class OnShardStartedAttribute : Attribute;

/// <summary>A method that is called after the last record of a shard that was closed by a split or merge.</summary>
[AttributeUsage(AttributeTargets.Method, Inherited = false)]
public sealed class OnShardEndedAttribute : Attribute;

/// <summary>A method that is called when another worker owns the shard now; nothing may be written for it any more.</summary>
[AttributeUsage(AttributeTargets.Method, Inherited = false)]
public sealed class OnLeaseLostAttribute : Attribute;

/// <summary>A method that is called on a graceful stop, after the shard's last handler call and before its last checkpoint.</summary>
[AttributeUsage(AttributeTargets.Method, Inherited = false)]
public sealed class OnStoppingAttribute : Attribute;

/// <summary>How often a processor's progress is made durable. After a crash the records since the last checkpoint run again.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class CheckpointAttribute : Attribute
{
    /// <summary>The default of <see cref="Interval"/>.</summary>
    public const string DefaultInterval = "00:00:05";

    /// <summary>The default of <see cref="Records"/>.</summary>
    public const int DefaultRecords = 10_000;

    /// <summary>The longest time between two checkpoints while there is progress, as <c>[d.]hh:mm:ss[.fffffff]</c>.</summary>
    public string Interval { get; set; } = DefaultInterval;

    /// <summary>
    /// The most records between two checkpoints; 0 for no such bound, which is what a processor with state has where nothing is set.
    /// </summary>
    public int Records { get; set; } = DefaultRecords;
}

/// <summary>Names the deserializer of a payload, on the handler's parameter or on the payload's class.</summary>
/// <param name="type">A type that implements <see cref="IRecordDeserializer{T}"/>; taken from DI where it is registered, else created with
/// its parameterless constructor.</param>
[AttributeUsage(AttributeTargets.Parameter | AttributeTargets.Class | AttributeTargets.Struct, Inherited = false)]
public sealed class DeserializerAttribute(Type type) : Attribute
{
    /// <summary>The deserializer.</summary>
    public Type Type { get; } = type;
}

/// <summary>
/// A handler's parameter that is a service, resolved from a scope of its own for each call. For a service that is registered with a key,
/// use <c>Microsoft.Extensions.DependencyInjection.FromKeyedServicesAttribute</c> instead. Each service is looked up once when the host
/// starts, which fails if it is missing, unless the parameter's type is nullable.
/// </summary>
[AttributeUsage(AttributeTargets.Parameter, Inherited = false)]
public sealed class FromServicesAttribute : Attribute;

/// <summary>What becomes of a record whose payload cannot be read or whose handler throws.</summary>
public enum ErrorAction
{
    /// <summary>It is tried again with back-off; nothing of its lane starts before it is done.</summary>
    Retry,

    /// <summary>It is left out: counted (<c>fastconsumer.records.skipped</c>) and logged.</summary>
    Skip,

    /// <summary>It is written to the <see cref="IDeadLetterSink"/>, then left out.</summary>
    DeadLetter,

    /// <summary>Its shard stops in front of it, the others go on, and health says so.</summary>
    Stop,

    /// <summary>
    /// The host stops gracefully (<c>IHostApplicationLifetime.StopApplication</c>), with all that runs in it; the record is not passed, and
    /// comes again after the restart. For failures that no other shard would survive either.
    /// </summary>
    StopHost,
}

/// <summary>
/// What becomes of a record for one type of exception: looked up on the handler's method, then on the class, then on the
/// assembly; the first that the exception fits, in the order of the source, decides. Without one, a record that can never
/// succeed (its payload does not deserialize, no route matches) stops its shard, and any other is tried again for ever.
/// </summary>
/// <param name="exceptionType">The exception, or a base of it.</param>
/// <param name="action">What becomes of the record.</param>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Class | AttributeTargets.Assembly, AllowMultiple = true, Inherited = false)]
public sealed class OnErrorAttribute(Type exceptionType, ErrorAction action) : Attribute
{
    /// <summary>The exception, or a base of it.</summary>
    public Type ExceptionType { get; } = exceptionType;

    /// <summary>What becomes of the record.</summary>
    public ErrorAction Action { get; } = action;

    /// <summary>
    /// For <see cref="ErrorAction.Retry"/>: the most calls with one record that may end with this rule's exceptions, the first
    /// one included; 0, the default, for no bound.
    /// </summary>
    public int MaxAttempts { get; set; }

    /// <summary>
    /// For <see cref="ErrorAction.Retry"/>: the wait before the second attempt, as <c>[d.]hh:mm:ss[.fffffff]</c>; what the options say by
    /// default (200 ms). It doubles with each attempt.
    /// </summary>
    public string? InitialBackoff { get; set; }

    /// <summary>
    /// For <see cref="ErrorAction.Retry"/>: the longest wait between two attempts, as <c>[d.]hh:mm:ss[.fffffff]</c>; what the options say
    /// by default (30 s).
    /// </summary>
    public string? MaxBackoff { get; set; }

    /// <summary>
    /// For <see cref="ErrorAction.Retry"/> with <see cref="MaxAttempts"/>: what becomes of the record after the last attempt; <see
    /// cref="ErrorAction.Stop"/> by default.
    /// </summary>
    public ErrorAction Then { get; set; } = ErrorAction.Stop;

    /// <summary>
    /// On a rule that takes <see cref="TimeoutException"/>: the longest time of one call of the handler, as
    /// <c>[d.]hh:mm:ss[.fffffff]</c>. Its token is cancelled then, and a call that ends by that counts as a
    /// <see cref="TimeoutException"/>. The first rule with a time-out on method, class and assembly counts; none by default.
    /// </summary>
    public string? Timeout { get; set; }
}

/// <summary>
/// A static method of the processor that says which records are of interest: <c>bool</c> of a <c>ReadOnlySpan&lt;byte&gt;</c> or a
/// <see cref="KinesisRecord"/>, asked before anything else is done with the record, or of a handler's payload type, asked before
/// that handler. A record for which it is false is done without a handler's call, and counted (<c>fastconsumer.records.filtered</c>).
/// </summary>
[AttributeUsage(AttributeTargets.Method, Inherited = false)]
public sealed class FilterAttribute : Attribute;

/// <summary>Which records wait for each other where a shard has several lanes.</summary>
public enum RecordOrder
{
    /// <summary>Those of one partition key run one after the other, in the shard's order.</summary>
    PartitionKey,

    /// <summary>All of the shard run one after the other: one lane, whatever the number.</summary>
    Shard,

    /// <summary>None wait for another.</summary>
    None,
}

/// <summary>
/// Runs the records of a shard in several lanes at a time. Members of the processor are called in parallel then; what is not
/// safe for that comes through <see cref="FromServicesAttribute"/>. Only the contiguous run of finished records is
/// checkpointed, so after a crash records behind an unfinished one may run again, up to some 20,000.
/// </summary>
/// <param name="lanes">How many records of a shard run at a time, 1 to 1,024.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class ConcurrencyAttribute(int lanes) : Attribute
{
    /// <summary>How many records of a shard run at a time.</summary>
    public int Lanes { get; } = lanes;

    /// <summary>Which records wait for each other; those of one partition key by default.</summary>
    public RecordOrder Order { get; set; }
}
