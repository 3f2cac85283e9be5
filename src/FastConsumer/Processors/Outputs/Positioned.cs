namespace FastConsumer;

/// <summary>A value on its way to a sink, and the record that it was made of.</summary>
/// <param name="Position">The record's position in its shard.</param>
/// <param name="Number">The value's number among those that the record's call has added to this output, from 0.</param>
/// <param name="Value">The value.</param>
/// <typeparam name="T">The value's type.</typeparam>
public readonly record struct Positioned<T>(CheckpointPosition Position, int Number, T Value);
