using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;
using FastConsumer.State.Format;

namespace FastConsumer.State;

/// <summary>
/// The state of one shard: stripes of keys, and the gate between their lanes and a cut. See <see cref="StateGate"/> for what must hold.
/// </summary>
internal sealed class ShardState
{
    private readonly Lock _closing = new();
    private readonly List<Func<StateStripe, StateTable>> _tables = [];
    private readonly List<Func<OutputBuffer>> _outputs = [];
    private StateStripe[] _stripes;
    private List<SnapshotManifest> _restored = [];
    private HashKeyRange _range = new(UInt128.MinValue, UInt128.MaxValue);
    private HashKeyRange? _watched;
    private Action<UInt128>? _outside;
    private long _streamTime;
    private bool _isClosed;
    private bool _isCut;
    private bool _hasLoaded;

    // what the cut writes whole
    private ulong _whole;

    // the snapshot and the range that was loaded last
    private (int Parent, int Range) _loading = (-1, 0);
    private int[] _bases = [];

    // what is kept of them
    private LoadedBytes? _loadedKeys;
    private LoadedBytes? _loadedValues;

    public ShardState(int version)
    {
        Version = version;
        _stripes = [new StateStripe(this)];
    }

    public StateGate Gate { get; private set; } = new();

    /// <summary>The version under which values are written.</summary>
    public int Version { get; }

    /// <summary>True where the last cut is kept for readers; set before <see cref="Divide"/>.</summary>
    public bool KeepsCuts { get; set; }

    public ReadOnlySpan<StateStripe> Stripes => _stripes;

    public int StripeCount => _stripes.Length;

    /// <summary>All tables of all stripes.</summary>
    public IEnumerable<StateTable> Tables => _stripes.SelectMany(static stripe => stripe.Tables);

    /// <summary>True where the run is over. Any thread may ask.</summary>
    public bool IsClosed => Volatile.Read(ref _isClosed);

    /// <summary>Before the first record: adds a state.</summary>
    public void Add(string name, Func<StateStripe, StateTable> table)
    {
        if (_stripes[0].Tables.Any(other => other.Name == name))
        {
            throw new InvalidOperationException($"Two states of the processor are named '{name}'. Give each [State] its own name.");
        }

        _tables.Add(table);
        _stripes[0].Add(table(_stripes[0]));
    }

    /// <summary>Before the first record: adds an output.</summary>
    public void Add(OutputFeed feed, Func<OutputBuffer> buffer)
    {
        if (_stripes[0].Outputs.Any(other => other.Feed.Name == feed.Name))
        {
            throw new InvalidOperationException(
                $"Two outputs of the processor are named '{feed.Name}'. Give each [Output] its own name.");
        }

        _outputs.Add(buffer);
        _stripes[0].Add(buffer());
    }

    /// <summary>How many values of these outputs wait, about. Any thread may ask.</summary>
    public int WaitingOutputs(ReadOnlySpan<int> numbers)
    {
        int waiting = 0;
        foreach (StateStripe stripe in _stripes)
        {
            foreach (int number in numbers)
            {
                waiting += stripe.Outputs[number].Waiting;
            }
        }

        return waiting;
    }

    /// <summary>
    /// Takes what waits of some outputs, and asks meanwhile which records are done: all outputs of these, and no others, were taken now or
    /// before. It takes no longer for many values.
    /// </summary>
    public TDone CutOutputs<TDone>(ReadOnlySpan<int> numbers, Func<TDone> done, out OutputValues[] values)
    {
        values = [.. numbers.ToArray().Select(number => _stripes[0].Outputs[number].CreateValues())];
        lock (_closing)
        {
            Gate.Close();
            try
            {
                ThrowIfBroken();
                foreach (StateStripe stripe in _stripes)
                {
                    for (int i = 0; i < values.Length; i++)
                    {
                        stripe.Outputs[numbers[i]].MoveTo(values[i]);
                    }
                }

                return done();
            }
            finally
            {
                Gate.Open();
            }
        }
    }

    /// <summary>Before anything is restored: divides the keys among so many stripes, which lanes can have at the same time.</summary>
    public void Divide(int stripes)
    {
        Gate = new StateGate();
        _stripes = [.. Enumerable.Range(0, stripes).Select(_ => new StateStripe(this))];
        foreach (StateStripe stripe in _stripes)
        {
            _tables.ForEach(table => stripe.Add(table(stripe)));
            _outputs.ForEach(buffer => stripe.Add(buffer()));
        }
    }

    /// <summary>Before the first record: tells of the first key that comes and whose own hash key lies outside of a range.</summary>
    public void WatchKeys(HashKeyRange range, Action<UInt128> outside)
    {
        _watched = range;
        _outside = outside;
    }

    /// <summary>A key comes into a table, and nothing but itself says where it belongs. Any lane may call it.</summary>
    public void KeyComes(UInt128 hashKey)
    {
        if (Volatile.Read(ref _outside) is not null && !_watched!.Contains(hashKey))
        {
            Interlocked.Exchange(ref _outside, null)?.Invoke(hashKey);
        }
    }

    /// <summary>The run is over: effects that were not applied will not be.</summary>
    public void Close()
    {
        lock (_closing)
        {
            Gate.Close();
            Volatile.Write(ref _isClosed, true);
            Gate.Open();
        }
    }

    /// <summary>
    /// Freezes the tables, and asks while they cannot change which records are done that they are the fold of. Takes the same time for any
    /// size of the state. The caller ends it by <see cref="Release"/>.
    /// </summary>
    /// <param name="done">Says what is done, and the stream's time up to which all is.</param>
    /// <param name="tell">Says what readers are told of the cut, where it is kept for them. Called with what is done.</param>
    /// <param name="whole">
    /// The groups that will be written whole, a bit each (<see cref="HashKeyGroups.All"/>); of the others what has changed since the last
    /// cut that was <see cref="Stored"/>. More of them may be (<see cref="IsWhole"/>).
    /// </param>
    public TDone Cut<TDone>(
        Func<(TDone Done, long StreamTime)> done, Func<TDone, object>? tell = null, ulong whole = HashKeyGroups.All)
    {
        lock (_closing)
        {
            if (_isCut)
            {
                throw new InvalidOperationException("A cut of the shard's state is open. Write and release it before the next.");
            }

            Gate.Close();
            try
            {
                ThrowIfBroken();
                if (Tables.Any(static table => table.NeedsWhole))
                {
                    whole = HashKeyGroups.All;
                }

                (TDone position, long streamTime) = done();
                object? told = KeepsCuts ? tell?.Invoke(position) : null;
                foreach (StateStripe stripe in _stripes)
                {
                    foreach (StateTable table in stripe.Tables)
                    {
                        table.Freeze(streamTime, told, whole);
                    }
                }

                _whole = whole;
                _isCut = true;
                return position;
            }
            finally
            {
                Gate.Open();
            }
        }
    }

    /// <summary>True where the last cut is of all groups.</summary>
    public bool IsWhole => _whole == HashKeyGroups.All;

    /// <summary>Writes what was frozen, on any one thread, once.</summary>
    /// <returns>How many bytes of it are what has changed: 0 where all is written whole.</returns>
    public int WriteFrozen(SegmentWriter writer)
    {
        if (IsWhole)
        {
            for (int i = 0; i < _tables.Count; i++)
            {
                BeginWriting(i);
                WriteState(writer, i, 0, HashKeyGroups.Count - 1, isWhole: true);
                ReleaseState(i);
            }

            return 0;
        }

        for (int i = 0; i < _tables.Count; i++)
        {
            BeginWriting(i);
        }

        writer.BeginRange();
        for (int i = 0; i < _tables.Count; i++)
        {
            WriteState(writer, i, 0, HashKeyGroups.Count - 1, isWhole: false);
        }

        int changed = writer.EndRange(0, HashKeyGroups.Count - 1, isWhole: false);
        foreach ((int first, int last) in HashKeyGroups.Runs(_whole))
        {
            writer.BeginRange();
            for (int i = 0; i < _tables.Count; i++)
            {
                WriteState(writer, i, first, last, isWhole: true);
            }

            writer.EndRange(first, last, isWhole: true);
        }

        for (int i = 0; i < _tables.Count; i++)
        {
            ReleaseState(i);
        }

        return changed;
    }

    /// <summary>A store has what was written of the last cut.</summary>
    public void Stored()
    {
        foreach (StateTable table in Tables)
        {
            table.Stored();
        }
    }

    /// <summary>The cut was written or has failed.</summary>
    public void Release()
    {
        foreach (StateTable table in Tables)
        {
            table.Release();
        }

        _isCut = false;
    }

    /// <summary>
    /// Before the first record, and before <see cref="Load"/>: says what will be restored: the shard's own snapshot, or those of its
    /// parents. What an earlier try has loaded is gone.
    /// </summary>
    /// <param name="from">The manifests.</param>
    /// <param name="range">The hash keys of the shard.</param>
    /// <param name="allowUndeclared">Leaves out states that the processor does not declare any more.</param>
    public void Restore(IReadOnlyList<SnapshotManifest> from, HashKeyRange range, bool allowUndeclared = false)
    {
        if (_hasLoaded)
        {
            _hasLoaded = false;
            lock (_closing)
            {
                Divide(_stripes.Length);
            }
        }

        _restored = [.. from.OrderBy(static manifest => manifest.HashKeys.StartingHashKey)];
        _loading = (-1, 0);
        _streamTime = 0;
        _range = range;
        foreach (SnapshotManifest manifest in _restored)
        {
            if (manifest.StateVersion > Version)
            {
                throw new StateRestoreException($"The state of shard {manifest.Shard} has StateVersion {manifest.StateVersion}, and the "
                    + $"processor has {Version}. Run the newer version of the processor, or go back by a savepoint.");
            }

            foreach (SnapshotState state in manifest.States)
            {
                StateTable? table = _stripes[0].Tables.FirstOrDefault(table => table.Name == state.Name);
                if (table is null ? !allowUndeclared : table.Kind != state.Kind)
                {
                    throw new StateRestoreException(table is null
                        ? $"The snapshot of shard {manifest.Shard} has a state '{state.Name}', which the processor does not declare. "
                            + "Declare it again, or set AllowNonRestoredState, which drops it (FastConsumer:AllowNonRestoredState, or "
                            + "below FastConsumer:Processors)."
                        : $"State '{state.Name}' is a {state.Kind} in the snapshot of shard {manifest.Shard}, and a {table.Kind} in the "
                            + "processor. Give the new state another name.");
                }
            }

            _streamTime = Math.Max(_streamTime, manifest.StreamTime);
        }

        foreach (StateStripe stripe in _stripes)
        {
            stripe.StreamTime = _streamTime;
        }
    }

    /// <summary>
    /// Takes in some blocks of a manifest: one range or a part of it. The manifests come one after the other, and the ranges of each from
    /// the last to the first, since the last one with an entry counts.
    /// </summary>
    /// <param name="from">One of those that <see cref="Restore"/> was told.</param>
    /// <param name="range">The range's number in it.</param>
    /// <param name="blocks">An array that begins with their bytes; borrowed for the call.</param>
    /// <param name="length">How many they are.</param>
    /// <exception cref="SnapshotDamagedException">They are none.</exception>
    /// <exception cref="StateMergeException">A key was written in both parents.</exception>
    public void Load(SnapshotManifest from, int range, byte[] blocks, int length)
    {
        int parent = _restored.IndexOf(from);
        if (parent < 0)
        {
            throw new ArgumentException("The manifest is none of those that are restored.", nameof(from));
        }

        BeginLoading(from, parent, range);
        _hasLoaded = true;
        HashKeyRange former = from.HashKeys;
        bool isSplit = !_range.Contains(former.StartingHashKey) || !_range.Contains(former.EndingHashKey);
        ulong copyId = from.CopyId;
        var loaded = new LoadedRange(
            parent,
            range - from.Ranges.Count,
            from.StreamTime,
            _streamTime,
            _loadedKeys ??= new LoadedBytes(),
            _loadedValues ??= new LoadedBytes());
        for (int position = 0; position < length;)
        {
            BlockReader block = SegmentReader.ReadBlock(blocks, ref position, length, from.StateVersion);
            int number = NumberOf(block.State);
            if (number >= 0 && _stripes[0].Tables[number].Kind != block.Kind)
            {
                throw new SnapshotDamagedException($"a block says that state '{block.State}' is a {block.Kind}");
            }

            while (block.TryRead(out StateEntry entry))
            {
                if (_bases[HashKeyGroups.Of(entry.HashKey)] > range)
                {
                    // a later range has all of its group
                    continue;
                }

                if (isSplit && former.Contains(entry.HashKey))
                {
                    if (!_range.Contains(entry.HashKey))
                    {
                        // the other child's
                        continue;
                    }
                }
                else if (isSplit && !entry.IsCopy && !entry.IsRemoved)
                {
                    // each shard that begins with the snapshot gets it, and has it in common with the others; where it is of the shard's
                    // own range, as it may be after a savepoint, the shard has the original
                    entry.Bases = new CopyBase(copyId, entry.Exists, entry.Stored, entry.Bases);
                    entry.IsCopy = !_range.Contains(entry.HashKey);
                }

                if (number >= 0)
                {
                    _stripes[Fnv1a.BucketOf(entry.Key, _stripes.Length)].Tables[number].Load(in entry, in loaded);
                }
            }
        }
    }

    /// <summary>Before the first record: all ranges of all snapshots were loaded.</summary>
    public void EndLoading()
    {
        (_loadedKeys, _loadedValues) = (null, null);
        EndSnapshot();
    }

    private int NumberOf(string state)
    {
        for (int i = 0; i < _tables.Count; i++)
        {
            if (_stripes[0].Tables[i].Name == state)
            {
                return i;
            }
        }

        return -1;
    }

    private void EndSnapshot()
    {
        foreach (StateTable table in Tables)
        {
            table.EndLoading();
        }
    }

    private void ThrowIfBroken()
    {
        if (Array.Exists(_stripes, static stripe => stripe.IsBroken))
        {
            throw new InvalidOperationException("The effects of a record were applied in part, so the state cannot be stored. The shard "
                + "has to be restored.");
        }
    }

    private void BeginLoading(SnapshotManifest from, int parent, int range)
    {
        if (_loading.Parent != parent)
        {
            EndSnapshot();
            _bases = SnapshotRanges.Bases(from.Ranges);
        }
        else if (range > _loading.Range)
        {
            throw new ArgumentException($"Range {range} was loaded after range {_loading.Range}.", nameof(range));
        }

        _loading = (parent, range);
    }

    private void BeginWriting(int state)
    {
        foreach (StateStripe stripe in _stripes)
        {
            stripe.Tables[state].BeginWriting();
        }
    }

    private void ReleaseState(int state)
    {
        foreach (StateStripe stripe in _stripes)
        {
            stripe.Tables[state].Release();
        }
    }

    /// <summary>Writes those groups of a state that are whole in the cut, or the others.</summary>
    private void WriteState(SegmentWriter writer, int state, int firstGroup, int lastGroup, bool isWhole)
    {
        StateTable first = _stripes[0].Tables[state];
        writer.BeginState(first.Name, first.Kind, Version, _tables.Count);
        for (int group = firstGroup; group <= lastGroup; group++)
        {
            if (HashKeyGroups.Contains(_whole, group) == isWhole)
            {
                foreach (StateStripe stripe in _stripes)
                {
                    stripe.Tables[state].WriteFrozen(group, writer);
                }
            }
        }

        writer.EndState();
    }
}
