using System.ComponentModel;
using FastConsumer.State;

namespace FastConsumer.Processors;

/// <summary>Reads a stored value.</summary>
/// <typeparam name="T">The state's type.</typeparam>
/// <param name="bytes">What was stored; borrowed for the call.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public delegate T StateRead<T>(ReadOnlySpan<byte> bytes);

/// <summary>How values of older versions are read. See <see cref="StateMigrationAttribute"/>.</summary>
/// <param name="From">The last version that it reads.</param>
/// <param name="Read">Reads a value of that version as one of this.</param>
/// <typeparam name="T">The state's type.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly record struct StateMigration<T>(int From, StateRead<T> Read);

/// <summary>Unites two values of one key. See <see cref="StateMergeAttribute"/>.</summary>
/// <typeparam name="T">The state's type.</typeparam>
/// <param name="a">The value of the shard with the lower hash keys.</param>
/// <param name="b">The value of the other shard.</param>
/// <param name="hasCommon">True where both began with one value.</param>
/// <param name="common">That value.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public delegate T StateMerger<T>(T a, T b, bool hasCommon, T? common);

/// <summary>
/// All states of one shard's processor. The pipeline's constructor makes it and adds each state; then the pipeline calls
/// <see cref="Begin"/> before each handler and <see cref="Complete"/> behind it.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class ProcessorState
{
    /// <summary>Creates the states of one shard's processor.</summary>
    /// <param name="version">Its <see cref="KinesisProcessorAttribute.StateVersion"/>.</param>
    public ProcessorState(int version)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(version, 1);
        Version = version;
    }

    /// <summary>The version under which values are written.</summary>
    internal int Version { get; }

    /// <summary>Adds a state with a value for each partition key.</summary>
    /// <param name="name">Its name in checkpoints.</param>
    /// <param name="ttl">How long a value stays after its last write, by the stream's time; null for ever.</param>
    /// <param name="serializer">Its serializer.</param>
    /// <param name="merge">Unites two values of one key; null where the shard is to stop.</param>
    /// <param name="migrations">How older values are read, in any order.</param>
    /// <typeparam name="T">The values' type.</typeparam>
    public KeyedState<T> AddState<T>(
        string name, TimeSpan? ttl, IStateSerializer<T> serializer, StateMerger<T>? merge = null, params StateMigration<T>[] migrations) =>
        throw new NotImplementedException();

    /// <summary>Adds a state with a map for each partition key.</summary>
    /// <param name="name">Its name in checkpoints.</param>
    /// <param name="ttl">How long an entry stays after its last write, by the stream's time; null for ever.</param>
    /// <param name="serializer">The serializer of the values.</param>
    /// <param name="merge">Unites two values of one entry; null where the shard is to stop.</param>
    /// <param name="migrations">How older values are read, in any order.</param>
    /// <typeparam name="TSubKey">The keys inside the map.</typeparam>
    /// <typeparam name="T">The values' type.</typeparam>
    public KeyedMap<TSubKey, T> AddMap<TSubKey, T>(
        string name, TimeSpan? ttl, IStateSerializer<T> serializer, StateMerger<T>? merge = null, params StateMigration<T>[] migrations)
        where TSubKey : notnull => throw new NotImplementedException();

    /// <summary>Adds a state with a list for each partition key.</summary>
    /// <param name="name">Its name in checkpoints.</param>
    /// <param name="ttl">How long a list stays after its last write, by the stream's time; null for ever.</param>
    /// <param name="serializer">The serializer of the list's values.</param>
    /// <param name="migrations">How older values are read, in any order.</param>
    /// <typeparam name="T">The values' type.</typeparam>
    public KeyedList<T> AddList<T>(
        string name, TimeSpan? ttl, IStateSerializer<T> serializer, params StateMigration<T>[] migrations) =>
        throw new NotImplementedException();

    /// <summary>Called right before the handler: the effects of one attempt begin, and what an earlier one left is gone.</summary>
    /// <param name="cursor">Stands on the record.</param>
    public void Begin(RecordCursor cursor) => throw new NotImplementedException();

    /// <summary>
    /// Called when the handler has returned, instead of <see cref="RecordCursor.Complete"/>: applies the effects and marks the record done,
    /// so that no cut comes between the two.
    /// </summary>
    /// <param name="cursor">Stands on the record.</param>
    /// <exception cref="InvalidOperationException">The run of the shard is over.</exception>
    /// <exception cref="StateUnreadableException">The handler has passed over one.</exception>
    public void Complete(RecordCursor cursor) => throw new NotImplementedException();

    internal long AttemptOf(in RecordContext context) => throw new NotImplementedException();

    internal void ThrowIfOver(long attempt) => throw new NotImplementedException();
}
