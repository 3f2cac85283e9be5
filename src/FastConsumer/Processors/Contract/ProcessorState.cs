using System.ComponentModel;
using System.Runtime.ExceptionServices;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;
using FastConsumer.State;
using FastConsumer.State.Format;

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
    private readonly ShardState _shard;
    private readonly List<SnapshotState> _states = [];

    // the attempt
    private RecordCursor? _cursor;
    private RecordPage? _page;
    private int _index;
    private int _number;

    /// <summary>Creates the states of one shard's processor.</summary>
    /// <param name="version">Its <see cref="KinesisProcessorAttribute.StateVersion"/>.</param>
    public ProcessorState(int version)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(version, 1);
        _shard = new ShardState(version);
    }

    /// <summary>The version under which values are written.</summary>
    internal int Version => _shard.Version;

    /// <summary>True where the run is over, or its effects cannot be told any more. Any thread may ask.</summary>
    internal bool IsClosed => _shard.IsClosed;

    /// <summary>The states, as a manifest names them.</summary>
    internal IReadOnlyList<SnapshotState> States => _states;

    /// <summary>The states themselves, in the order in which they were added.</summary>
    internal IReadOnlyList<StateTable> Tables => _shard.Tables;

    /// <summary>The memory that the states take, about.</summary>
    internal long Bytes => _shard.Tables.Sum(static table => table.Bytes);

    /// <summary>
    /// Entries that a split gave to both children, since their keys lie outside of the shard's range, and that were not written since.
    /// </summary>
    internal int Copies => _shard.Tables.Sum(static table => table.Copies);

    /// <summary>Adds a state with a value for each partition key.</summary>
    /// <param name="name">Its name in checkpoints.</param>
    /// <param name="ttl">How long a value stays after its last write, by the stream's time; null for ever.</param>
    /// <param name="serializer">Its serializer.</param>
    /// <param name="merge">Unites two values of one key; null where the shard is to stop.</param>
    /// <param name="migrations">How older values are read, in any order.</param>
    /// <typeparam name="T">The values' type.</typeparam>
    public KeyedState<T> AddState<T>(
        string name, TimeSpan? ttl, IStateSerializer<T> serializer, StateMerger<T>? merge = null, params StateMigration<T>[] migrations) =>
        new(Add<NoSubKey, T>(name, StateKind.Value, ttl, serializer, new ValueCodec<T>(name, serializer, merge, migrations)));

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
        where TSubKey : notnull =>
        SubKeys.IsSupported<TSubKey>()
            ? new(Add<TSubKey, T>(name, StateKind.Map, ttl, serializer, new ValueCodec<T>(name, serializer, merge, migrations)))
            : throw new NotSupportedException($"A map's keys are text, integers, Guid or enums, and not {typeof(TSubKey).Name}.");

    /// <summary>Adds a state with a list for each partition key.</summary>
    /// <param name="name">Its name in checkpoints.</param>
    /// <param name="ttl">How long a list stays after its last write, by the stream's time; null for ever.</param>
    /// <param name="serializer">The serializer of the list's values.</param>
    /// <param name="migrations">How older values are read, in any order.</param>
    /// <typeparam name="T">The values' type.</typeparam>
    public KeyedList<T> AddList<T>(
        string name, TimeSpan? ttl, IStateSerializer<T> serializer, params StateMigration<T>[] migrations) =>
        new(Add<NoSubKey, ListCells<T>>(
            name, StateKind.List, ttl, serializer, new ListCodec<T>(name, new ValueCodec<T>(name, serializer, null, migrations))));

    /// <summary>Called right before the handler: the effects of one attempt begin, and what an earlier one left is gone.</summary>
    /// <param name="cursor">Stands on the record.</param>
    public void Begin(RecordCursor cursor)
    {
        _cursor = cursor;
        _page = cursor.Page;
        _index = cursor.Index;
        _number = cursor.Attempt;
        (RecordEntry[] records, byte[] bytes) = cursor.Records;
        _shard.Begin(bytes, records, _index);
    }

    /// <summary>
    /// Called when the handler has returned, instead of <see cref="RecordCursor.Complete"/>: applies the effects and marks the record done,
    /// so that no cut comes between the two.
    /// </summary>
    /// <param name="cursor">Stands on the record.</param>
    /// <exception cref="InvalidOperationException">The run of the shard is over.</exception>
    /// <exception cref="StateUnreadableException">The handler has passed over one.</exception>
    public void Complete(RecordCursor cursor)
    {
        if (_shard.Unreadable is { } unreadable)
        {
            // the value would be taken as absent
            ExceptionDispatchInfo.Throw(unreadable);
        }

        _shard.Gate.Enter();
        try
        {
            if (!_shard.Apply())
            {
                throw StateErrors.CallIsOver();
            }

            cursor.MarkDone();
        }
        finally
        {
            _shard.Gate.Exit();
        }

        // outside of the gate: it may call for a checkpoint
        cursor.CountDown();
    }

    /// <summary>
    /// Before the first record: says what <see cref="Load"/> will bring: the shard's own snapshot, or those of its parents.
    /// </summary>
    internal void Restore(IReadOnlyList<SnapshotManifest> from, HashKeyRange range, bool allowUndeclared = false) =>
        _shard.Restore(from, range, allowUndeclared);

    /// <summary>Takes in one of a manifest's ranges, or whole blocks of it, in any order.</summary>
    /// <param name="from">The manifest.</param>
    /// <param name="blocks">The bytes, which must not be changed any more: values stay in them until they are touched.</param>
    internal void Load(SnapshotManifest from, byte[] blocks) => _shard.Load(from, blocks);

    /// <summary>
    /// Closes the gate, asks for the position up to which records are done, freezes the states, and opens the gate. It takes the same time
    /// for any size of the states. Not from inside of a handler that the gate lets through, and one cut at a time.
    /// </summary>
    /// <param name="done">Asked while no record is marked done; must not wait.</param>
    internal StateCut Cut(Func<CheckpointPosition> done)
    {
        (CheckpointPosition position, long streamTime) = _shard.Cut(done);
        return new StateCut(_shard, position, streamTime);
    }

    /// <summary>
    /// The run is over: what is staged is not applied any more, and handlers that still run can neither read nor change state. A last cut
    /// may follow. Any thread may call it.
    /// </summary>
    internal void Close() => _shard.Close();

    /// <summary>The number of the attempt that a context belongs to.</summary>
    /// <exception cref="InvalidOperationException">It is over.</exception>
    internal long AttemptOf(in RecordContext context)
    {
        if (context.Page != _page || context.Index != _index || context.Attempt != _number)
        {
            throw StateErrors.CallIsOver();
        }

        ThrowIfOver(_shard.Attempt);
        return _shard.Attempt;
    }

    /// <summary>The attempt must be the one that runs: not done, not failed, and not one of a run that is over.</summary>
    internal void ThrowIfOver(long attempt)
    {
        if (attempt != _shard.Attempt || _cursor is not { } cursor || cursor.Page != _page || cursor.Index != _index
            || cursor.Attempt != _number || _shard.IsClosed)
        {
            throw StateErrors.CallIsOver();
        }
    }

    private StateAccess<TSub, T> Add<TSub, T>(string name, StateKind kind, TimeSpan? ttl, object serializer, StateCodec<T> codec)
        where TSub : notnull
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(serializer);
        ArgumentOutOfRangeException.ThrowIfLessThan(ttl?.TotalMilliseconds ?? 1, 1, nameof(ttl));
        var table = new StateTable<TSub, T>(_shard, name, kind, (long?)ttl?.TotalMilliseconds, codec);
        _shard.Add(table);
        Type type = serializer.GetType();
        _states.Add(new SnapshotState
        {
            Name = name,
            Kind = kind,
            Version = Version,
            Codec = type.IsGenericType && type.GetGenericTypeDefinition() == typeof(JsonStateSerializer<>) ? "json" : type.Name,
        });
        return new StateAccess<TSub, T>(this, table);
    }
}
