namespace FastConsumer;

/// <summary>
/// Makes a partial property of a processor its state: a value, a map or a list for each partition key, which is part of the shard's
/// checkpoints. The property's type is <see cref="KeyedState{T}"/>, <see cref="KeyedMap{TSubKey, T}"/> or <see cref="KeyedList{T}"/>.
/// </summary>
/// <param name="name">The state's name in checkpoints. It is unique in the processor and must not change.</param>
[AttributeUsage(AttributeTargets.Property, Inherited = false)]
public sealed class StateAttribute(string name) : Attribute
{
    /// <summary>The state's name in checkpoints.</summary>
    public string Name { get; } = name;

    /// <summary>
    /// How long an entry stays after its last write, as <c>[d.]hh:mm:ss[.fffffff]</c>, to the millisecond; for ever by default. The time is
    /// that of the stream: the greatest arrival of the records that were handled so far. Reads do not extend it. Each entry of a map
    /// expires by itself, a list expires as a whole.
    /// </summary>
    public string? Ttl { get; set; }
}

/// <summary>
/// Names the serializer of a state's values. Without it they go through the <c>JsonTypeInfo</c> of the processor's
/// <see cref="KinesisProcessorAttribute.JsonContext"/>.
/// </summary>
/// <param name="serializer">A type that implements <see cref="IStateSerializer{T}"/> for the state's values.</param>
[AttributeUsage(AttributeTargets.Property, Inherited = false)]
public sealed class StateSerializerAttribute(Type serializer) : Attribute
{
    /// <summary>The serializer.</summary>
    public Type Serializer { get; } = serializer;
}

/// <summary>
/// A static method of the processor that reads values of an older <see cref="KinesisProcessorAttribute.StateVersion"/>: it takes the older
/// type and returns the state's. Of several, the one with the smallest <see cref="From"/> that is not below the version of a stored value
/// is called. Without one, the value is read as it is.
/// </summary>
/// <param name="state">The state's name.</param>
[AttributeUsage(AttributeTargets.Method, Inherited = false)]
public sealed class StateMigrationAttribute(string state) : Attribute
{
    /// <summary>The state's name.</summary>
    public string State { get; } = state;

    /// <summary>The last version whose values the method reads.</summary>
    public int From { get; set; }
}

/// <summary>
/// A static method of the processor that unites two values of one key when two shards are merged: <c>T Merge(T a, T b, T? common)</c>.
/// It is called where a key was written in both shards, which happens only to keys whose producer sets explicit hash keys. <c>common</c> is
/// the value from which both began, where there is one. Without the method such a key stops the shard. Lists are united without it.
/// </summary>
/// <param name="state">The state's name.</param>
[AttributeUsage(AttributeTargets.Method, Inherited = false)]
public sealed class StateMergeAttribute(string state) : Attribute
{
    /// <summary>The state's name.</summary>
    public string State { get; } = state;
}
