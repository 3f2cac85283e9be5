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
    private StateStripe[] _stripes;
    private List<SnapshotManifest> _restored = [];
    private HashKeyRange _range = new(UInt128.MinValue, UInt128.MaxValue);
    private HashKeyRange? _watched;
    private Action<UInt128>? _outside;
    private long _streamTime;
    private bool _isClosed;
    private bool _isCut;
    private bool _hasLoaded;

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

    /// <summary>Before anything is restored: divides the keys among so many stripes, which lanes can have at the same time.</summary>
    public void Divide(int stripes)
    {
        Gate = new StateGate();
        _stripes = [.. Enumerable.Range(0, stripes).Select(_ => new StateStripe(this))];
        foreach (StateStripe stripe in _stripes)
        {
            _tables.ForEach(table => stripe.Add(table(stripe)));
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
    public TDone Cut<TDone>(Func<(TDone Done, long StreamTime)> done, Func<TDone, object>? tell = null)
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
                if (Array.Exists(_stripes, static stripe => stripe.IsBroken))
                {
                    throw new InvalidOperationException("The effects of a record were applied in part, so the state cannot be stored. The "
                        + "shard has to be restored.");
                }

                (TDone position, long streamTime) = done();
                object? told = KeepsCuts ? tell?.Invoke(position) : null;
                foreach (StateStripe stripe in _stripes)
                {
                    foreach (StateTable table in stripe.Tables)
                    {
                        table.Freeze(Math.Max(stripe.StreamTime, streamTime), told);
                    }
                }

                _isCut = true;
                return position;
            }
            finally
            {
                Gate.Open();
            }
        }
    }

    /// <summary>Writes what was frozen, on any one thread, once.</summary>
    public void WriteFrozen(SegmentWriter writer)
    {
        for (int i = 0; i < _tables.Count; i++)
        {
            StateTable first = _stripes[0].Tables[i];
            writer.BeginState(first.Name, first.Kind, Version, _tables.Count);
            foreach (StateStripe stripe in _stripes)
            {
                stripe.Tables[i].BeginWriting();
            }

            for (int group = 0; group < HashKeyGroups.Count; group++)
            {
                foreach (StateStripe stripe in _stripes)
                {
                    stripe.Tables[i].WriteFrozen(group, writer);
                }
            }

            foreach (StateStripe stripe in _stripes)
            {
                stripe.Tables[i].Release();
            }

            writer.EndState();
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

    /// <summary>Takes in some blocks of a manifest: of those that lie behind one another, one range or a part of it.</summary>
    /// <param name="from">One of those that <see cref="Restore"/> was told.</param>
    /// <param name="blocks">Their bytes, which are kept until the values in them are touched.</param>
    /// <exception cref="SnapshotDamagedException">They are none.</exception>
    /// <exception cref="StateMergeException">A key was written in both parents.</exception>
    public void Load(SnapshotManifest from, byte[] blocks)
    {
        int parent = _restored.IndexOf(from);
        if (parent < 0)
        {
            throw new ArgumentException("The manifest is none of those that are restored.", nameof(from));
        }

        _hasLoaded = true;
        HashKeyRange former = from.HashKeys;
        bool isSplit = !_range.Contains(former.StartingHashKey) || !_range.Contains(former.EndingHashKey);
        ulong copyId = from.CopyId;
        for (int position = 0; position < blocks.Length;)
        {
            BlockReader block = SegmentReader.ReadBlock(blocks, ref position, from.StateVersion);
            string name = block.State;
            int number = _stripes[0].Tables.ToList().FindIndex(table => table.Name == name);
            if (number >= 0 && _stripes[0].Tables[number].Kind != block.Kind)
            {
                throw new SnapshotDamagedException($"a block says that state '{name}' is a {block.Kind}");
            }

            while (block.TryRead(out StateEntry entry))
            {
                if (isSplit && !_range.Contains(entry.HashKey))
                {
                    if (former.Contains(entry.HashKey))
                    {
                        // the other child's
                        continue;
                    }

                    if (!entry.IsCopy)
                    {
                        entry.Bases = new CopyBase(copyId, entry.Exists, entry.Stored, entry.Bases);
                        entry.IsCopy = true;
                    }
                }

                if (number >= 0)
                {
                    _stripes[Fnv1a.BucketOf(entry.Key, _stripes.Length)].Tables[number].Load(in entry, parent, _streamTime);
                }
            }
        }
    }
}
