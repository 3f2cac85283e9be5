namespace FastConsumer.Testing.Harness;

/// <summary>What a <see cref="KeyedState{T}"/> holds for one partition key, as of the shard's last checkpoint.</summary>
/// <typeparam name="T">The value's type.</typeparam>
/// <param name="Exists">True where there is a value.</param>
/// <param name="Value">The value; the type's default where there is none.</param>
public readonly record struct CheckpointedValue<T>(bool Exists, T? Value);
