using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
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
/// <see cref="Begin(RecordCursor)"/> before each handler and <see cref="Complete(RecordCursor)"/> behind it.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class ProcessorState
{
    private readonly ShardState _shard;
    private readonly List<SnapshotState> _states = [];
    private readonly List<StateShape> _shapes = [];
    private readonly List<ProcessorOutput> _feeds = [];
    private bool? _isReplay;

    // makes what readers are told of a cut; null where none is kept for them
    private Func<CheckpointPosition, long, StateAsOf>? _tell;

    // the only stripe of a batch's pipeline
    private BatchCall? _batch;

    // the same over all calls with its records; null where there are no outputs
    private OutputBatch? _outputBatch;

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

    /// <summary>What each state is, in the order in which they were added.</summary>
    internal IReadOnlyList<StateShape> Shapes => _shapes;

    /// <summary>The tables of one stripe, in the order in which the states were added.</summary>
    internal IReadOnlyList<StateTable> Tables => _shard.Stripes[0].Tables;

    /// <summary>The memory that the states take, about.</summary>
    internal long Bytes => _shard.Tables.Sum(static table => table.Bytes);

    /// <summary>How many stripes the keys are divided among.</summary>
    internal int StripeCount => _shard.StripeCount;

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
        new(Add<NoSubKey, T>(
            new StateShape(name, StateKind.Value, null, typeof(T)),
            ttl,
            serializer,
            new ValueCodec<T>(name, serializer, merge, migrations)));

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
            ? new(Add<TSubKey, T>(
                new StateShape(name, StateKind.Map, typeof(TSubKey), typeof(T)),
                ttl,
                serializer,
                new ValueCodec<T>(name, serializer, merge, migrations)))
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
            new StateShape(name, StateKind.List, null, typeof(T)),
            ttl,
            serializer,
            new ListCodec<T>(name, new ValueCodec<T>(name, serializer, null, migrations))));

    /// <summary>Adds an output.</summary>
    /// <param name="name">Its name.</param>
    /// <typeparam name="T">The values' type.</typeparam>
    public Output<T> AddOutput<T>(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var feed = new ProcessorOutput(name, typeof(T));
        _shard.Add(feed, () => new OutputBuffer<T>(feed));
        _feeds.Add(feed);
        return new Output<T>(this, _feeds.Count - 1);
    }

    /// <summary>Its outputs.</summary>
    internal IReadOnlyList<ProcessorOutput> Outputs => _feeds;

    /// <summary>True while records may come whose outputs a sink has; asked by the only lane of a batch's pipeline.</summary>
    internal bool IsReplay => _isReplay ??= _feeds.Exists(static feed => feed.IsReplay);

    /// <summary>True where a sink has the outputs of one record and not of the other; the second follows the first.</summary>
    internal bool Divides(CheckpointPosition first, CheckpointPosition second)
    {
        if (_feeds.TrueForAll(feed => !feed.IsAhead(first)))
        {
            _isReplay = false;
            return false;
        }

        return _feeds.Exists(feed => feed.IsWritten(first) != feed.IsWritten(second));
    }

    /// <summary>A handler adds a value to an output.</summary>
    internal void AddOutput<T>(in RecordContext context, int number, T value) =>
        AddOutput(context.Shard, StripeOf(context), null, 0, context.Page.PositionOf(context.Index), number, value);

    /// <summary>The same for a record of a batch.</summary>
    internal void AddOutput<T>(BatchContext context, int place, int number, T value)
    {
        StateStripe stripe = StripeOf(context, place);
        (RecordPage page, int index) = _batch!.RecordAt(place);
        AddOutput(context.Shard, stripe, _outputBatch, place, page.PositionOf(index), number, value);
    }

    /// <inheritdoc cref="ShardState.WaitingOutputs"/>
    internal int WaitingOutputs(ReadOnlySpan<int> numbers) => _shard.WaitingOutputs(numbers);

    /// <inheritdoc cref="ShardState.CutOutputs"/>
    internal TDone CutOutputs<TDone>(ReadOnlySpan<int> numbers, Func<TDone> done, out OutputValues[] values) =>
        _shard.CutOutputs(numbers, done, out values);

    /// <summary>
    /// Before the first record: these outputs go to one sink, and a transaction of it takes so many values. All values of a record go in
    /// one transaction, and all of a batch.
    /// </summary>
    internal void Limit(int[] numbers, int most)
    {
        foreach (int number in numbers)
        {
            _feeds[number].Limit = most == int.MaxValue ? null : (numbers, most);
        }
    }

    private void AddOutput<T>(
        ShardContext shard, StateStripe stripe, OutputBatch? batch, int place, CheckpointPosition position, int number, T value)
    {
        if (_feeds[number].Limit is { } limit)
        {
            // before the record has an effect: a handler may catch it, and name the record in Fail
            ThrowIfFull(stripe, batch, _feeds[number].Name, limit.Together, limit.Most);
        }

        stripe.AddsOutput();
        ((OutputBuffer<T>)stripe.Outputs[number]).Stage(shard, batch, place, position, value);
    }

    private static void ThrowIfFull(StateStripe stripe, OutputBatch? batch, string output, int[] together, int most)
    {
        int added = 0;
        foreach (int number in together)
        {
            added += stripe.Outputs[number].AddedIn(batch);
        }

        if (added >= most)
        {
            throw new InvalidOperationException(
                $"A {(batch is null ? "record" : "batch")} adds more than {most} values to the output '{output}' and those that go to the "
                    + "same sink, which takes no more in one transaction. "
                    + (batch is null ? "Add fewer, or unite them in one value." : "Lower MaxRecords of [OnBatch], or add fewer."));
        }
    }

    /// <summary>Called right before the handler: the effects of one attempt begin, and what an earlier one left is gone.</summary>
    /// <param name="cursor">Stands on the record.</param>
    public void Begin(RecordCursor cursor)
    {
        RecordPage page = cursor.Page!;
        StateStripe stripe = StripeOf(cursor);
        if (stripe.Page != page)
        {
            (RecordEntry[] records, byte[] bytes) = cursor.Records;
            stripe.UsePage(page, bytes, records);
        }

        int index = cursor.Index;
        stripe.Begin(index, cursor.Attempt, page.StreamTimeOf(index));
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
        StateStripe stripe = StripeOf(cursor);
        if (stripe.IsOpen)
        {
            using (stripe.Apply(stripe.Now))
            {
                cursor.MarkDone();
            }
        }

        // outside of the gate: the stripe may go to another lane, and a checkpoint may be called for
        cursor.Leave();
    }

    /// <summary>The handler has failed: nothing of the attempt is kept.</summary>
    internal void EndAttempt(RecordCursor cursor) => StripeOf(cursor).EndAttempt();

    /// <summary>Divides the keys among so many stripes, each of which belongs to one lane at a time; before anything is restored.</summary>
    internal void Divide(int stripes) => _shard.Divide(stripes);

    /// <summary>A handler says that its record is done, and goes on: applies its effects and marks it done. Its attempt is over.</summary>
    /// <exception cref="InvalidOperationException">The call is over, or the run of the shard.</exception>
    internal void Acknowledge(RecordPage page, int index, int attempt)
    {
        StateStripe stripe = StripeOf(page, index);
        if (stripe.IsOpen && stripe.Page == page && stripe.Index == index && stripe.Try == attempt)
        {
            using (stripe.Apply(stripe.Now))
            {
                page.Acknowledge(index);
            }
        }
        else if (!page.IsRecordDone(index))
        {
            throw StateErrors.CallIsOver();
        }
    }

    /// <summary>Called right before a batch's handler.</summary>
    internal void Begin(BatchContext context, BatchPipeline batch)
    {
        StateStripe stripe = _shard.Stripes[0];
        _batch ??= new BatchCall(stripe);
        _batch.Begin(context, batch);
        if (context.Attempt == 1 && _feeds.Count > 0)
        {
            (RecordPage page, int index) = batch.RecordAt(batch.Count - 1);
            _outputBatch = new OutputBatch(page.PositionOf(index));
        }

        stripe.Begin(_batch);
    }

    /// <summary>
    /// The batch's handler has returned or asks for a checkpoint: applies the effects and marks the batch's records done, but for those
    /// that have failed. Nothing where that was done before.
    /// </summary>
    internal void Complete(BatchContext context, BatchPipeline batch)
    {
        StateStripe stripe = _shard.Stripes[0];
        if (!stripe.IsOpen)
        {
            return;
        }

        using (stripe.Apply(batch.DoneTime(context.Failures)))
        {
            batch.MarkDone(context.Failures);
        }
    }

    /// <summary>The batch's handler has failed: nothing of the attempt is kept.</summary>
    internal void EndAttempt() => _shard.Stripes[0].EndAttempt();

    /// <summary>True where a record of the batch has changed state in this call.</summary>
    internal bool HasEffects(int place) => _batch is { } batch && batch.HasEffectsAt(place);

    /// <summary>
    /// Before the first record: tells, once, of the first new key whose own hash key lies outside of the shard's range, where no explicit
    /// one can be seen. A lane calls it, inside a handler.
    /// </summary>
    internal void WatchKeys(HashKeyRange range, Action<UInt128> outside) => _shard.WatchKeys(range, outside);

    /// <summary>
    /// Before the first record: says what <see cref="Load"/> will bring: the shard's own snapshot, or those of its parents. What an earlier
    /// try has loaded is gone.
    /// </summary>
    internal void Restore(IReadOnlyList<SnapshotManifest> from, HashKeyRange range, bool allowUndeclared = false) =>
        _shard.Restore(from, range, allowUndeclared);

    /// <summary>
    /// Takes in one of a manifest's ranges, or whole blocks of it. The manifests come one after the other, and the ranges of each from the
    /// last to the first.
    /// </summary>
    /// <param name="from">The manifest.</param>
    /// <param name="range">The range's number in it.</param>
    /// <param name="blocks">An array that begins with the bytes; borrowed for the call.</param>
    /// <param name="length">How many they are; null for the whole array.</param>
    internal void Load(SnapshotManifest from, int range, byte[] blocks, int? length = null) =>
        _shard.Load(from, range, blocks, length ?? blocks.Length);

    /// <summary>All was loaded.</summary>
    internal void EndRestore() => _shard.EndLoading();

    /// <summary>
    /// Closes the gate, asks for the position up to which records are done, freezes the states, and opens the gate. It takes the same time
    /// for any size of the states. Not from inside of a handler that the gate lets through, and one cut at a time.
    /// </summary>
    /// <param name="done">
    /// Asked while no record is marked done, for what is done and the stream's time up to which all is; must not wait.
    /// </param>
    /// <param name="answer">What it has answered.</param>
    /// <param name="whole">
    /// The groups of <see cref="HashKeyGroups"/> that are written whole, a bit each; of the others only what has changed since the last cut
    /// that was stored.
    /// </param>
    internal StateCut Cut<TDone>(
        Func<(TDone Done, long StreamTime)> done, out TDone answer, ulong whole = HashKeyGroups.All)
    {
        answer = _shard.Cut(done, _tell is null ? null : Tell, whole);
        return new StateCut(_shard);
    }

    /// <summary>
    /// Before <see cref="Divide"/>: the last cut is kept for <see cref="TryRead"/>, from <see cref="KeepRestored"/> on.
    /// </summary>
    /// <param name="shardId">The shard, for what readers are told.</param>
    /// <param name="fencingToken">The take of its lease.</param>
    /// <param name="time">The clock.</param>
    internal void KeepCuts(string shardId, long fencingToken, TimeProvider time)
    {
        _shard.KeepsCuts = true;
        long number = -1;
        _tell = (position, streamTime) => new StateAsOf
        {
            ShardId = shardId,
            FencingToken = fencingToken,
            Number = ++number,
            Position = position,
            StreamTime = streamTime > 0 ? DateTimeOffset.FromUnixTimeMilliseconds(streamTime) : null,
            // the first one is what was restored, of which nobody has noted when it was taken
            TakenAt = number == 0 ? null : time.GetUtcNow(),
        };
    }

    /// <summary>Before the first record, where cuts are kept: readers see what was restored.</summary>
    internal void KeepRestored(CheckpointPosition position, long streamTime)
    {
        _shard.Cut<object?>(() => (null, streamTime), _ => _tell!(position, streamTime));
        _shard.Release();
    }

    /// <summary>Reads a key as of the last cut. Any thread may call it.</summary>
    /// <param name="number">The state's number in <see cref="Shapes"/>; its types are those of the call.</param>
    /// <param name="key">The partition key, in UTF-8.</param>
    /// <param name="sub">The sub-key.</param>
    /// <param name="value">The value.</param>
    /// <param name="cut">The cut; null where nothing was restored yet.</param>
    /// <exception cref="StateUnreadableException">The stored value does not deserialize.</exception>
    internal bool TryRead<TSub, T>(
        int number, ReadOnlyMemory<byte> key, TSub sub, [MaybeNullWhen(false)] out T value, out StateAsOf? cut)
        where TSub : notnull
    {
        // the stripes are divided once, before the first cut: whoever sees those of before sees no cut
        ReadOnlySpan<StateStripe> stripes = _shard.Stripes;
        StateStripe stripe = stripes[stripes.Length == 1 ? 0 : Fnv1a.BucketOf(key.Span, stripes.Length)];
        if (!stripe.KeepsCuts)
        {
            value = default;
            cut = null;
            return false;
        }

        bool isFound = ((StateTable<TSub, T>)stripe.Tables[number]).TryReadCut(key, sub, out value, out object? told);
        cut = (StateAsOf?)told;
        return isFound;
    }

    /// <summary>
    /// The run is over: what is staged is not applied any more, and handlers that still run can neither read nor change state. A last cut
    /// may follow. Any thread may call it.
    /// </summary>
    internal void Close() => _shard.Close();

    /// <summary>The stripe that runs the attempt that a context belongs to.</summary>
    /// <exception cref="InvalidOperationException">It is over.</exception>
    internal StateStripe StripeOf(in RecordContext context)
    {
        StateStripe stripe = StripeOf(context.Page, context.Index);
        if (context.Page != stripe.Page || context.Index != stripe.Index || context.Attempt != stripe.Try)
        {
            throw StateErrors.CallIsOver();
        }

        stripe.ThrowIfOver(stripe.Attempt);
        return stripe;
    }

    /// <summary>The same for a record of a batch.</summary>
    internal StateStripe StripeOf(BatchContext context, int place)
    {
        ArgumentNullException.ThrowIfNull(context);
        StateStripe stripe = _shard.Stripes[0];
        if (_batch is null || _batch.Context != context)
        {
            throw StateErrors.CallIsOver();
        }

        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)place, (uint)context.Count, "index");
        stripe.Require(stripe.Attempt, place);
        return stripe;
    }

    private StateStripe StripeOf(RecordCursor cursor)
    {
        ReadOnlySpan<StateStripe> stripes = _shard.Stripes;
        return stripes.Length == 1 ? stripes[0] : stripes[cursor.Bucket];
    }

    private StateStripe StripeOf(RecordPage? page, int index)
    {
        ReadOnlySpan<StateStripe> stripes = _shard.Stripes;
        if (stripes.Length == 1)
        {
            return stripes[0];
        }

        // a context that was kept may be of a page that was returned: whatever is found there, its attempt is another
        int bucket = page?.Lanes?.BucketOf(index) ?? -1;
        return (uint)bucket < (uint)stripes.Length ? stripes[bucket] : throw StateErrors.CallIsOver();
    }

    private StateAccess<TSub, T> Add<TSub, T>(StateShape shape, TimeSpan? ttl, object serializer, StateCodec<T> codec)
        where TSub : notnull
    {
        (string name, StateKind kind, _, _) = shape;
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(serializer);
        ArgumentOutOfRangeException.ThrowIfLessThan(ttl?.TotalMilliseconds ?? 1, 1, nameof(ttl));
        _shard.Add(name, stripe => new StateTable<TSub, T>(stripe, name, kind, (long?)ttl?.TotalMilliseconds, codec));
        _shapes.Add(shape);
        _states.Add(new SnapshotState
        {
            Name = name,
            Kind = kind,
            Version = Version,
            Codec = CodecOf(serializer),
        });
        return new StateAccess<TSub, T>(this, _states.Count - 1);
    }

    /// <summary>What manifests call a serializer.</summary>
    internal static string CodecOf(object serializer) => serializer.GetType() is { IsGenericType: true } type
        && type.GetGenericTypeDefinition() == typeof(JsonStateSerializer<>) ? "json" : serializer.GetType().Name;

    private StateAsOf Tell<TDone>(TDone done) => done is IStateCutPosition at
        ? _tell!(at.Position, at.StreamTime)
        : throw new InvalidOperationException("Invariant violated: a cut that is kept for readers does not say its position.");

    /// <summary>The call with a batch that runs: which of its records the stripe stands on, and which have effects.</summary>
    private sealed class BatchCall(StateStripe stripe) : IBatchCall
    {
        private BatchPipeline? _batch;
        private ulong[] _changed = [];
        private int _place = -1;

        public BatchContext? Context { get; private set; }

        public void Begin(BatchContext context, BatchPipeline batch)
        {
            Context = context;
            _batch = batch;
            _place = -1;
            int words = (batch.Count + 63) / 64;
            if (_changed.Length < words)
            {
                _changed = new ulong[words];
            }

            Array.Clear(_changed, 0, words);
        }

        public (RecordPage Page, int Index) RecordAt(int place) => _batch!.RecordAt(place);

        public bool HasEffectsAt(int place) => place >> 6 < _changed.Length && (_changed[place >> 6] & (1UL << (place & 63))) != 0;

        public void StandOn(int place)
        {
            if (Context!.HasFailed(place))
            {
                throw StateErrors.HasFailed(place);
            }

            if (place != _place)
            {
                _place = place;
                (RecordPage page, int index) = _batch!.RecordAt(place);
                stripe.Stand(page.Response.Bytes, page.Response.Entries, index, page.StreamTimeOf(index));
            }
        }

        public void HasEffects() => _changed[_place >> 6] |= 1UL << (_place & 63);
    }
}
