using System.Globalization;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;
using FastConsumer.State.Format;

namespace FastConsumer.State;

/// <summary>
/// The tables of one shard, the attempt that runs on them, and the gate between the lane and a cut. See <see cref="StateGate"/> for what
/// must hold.
/// </summary>
internal sealed class ShardState(int version)
{
    /// <summary>Entries are looked at for several records at once.</summary>
    private const int RecordsBetweenSweeps = 8;

    private readonly Lock _closing = new();
    private readonly List<StateTable> _tables = [];
    private StateTable[] _expiring = [];

    // those with effects of the attempt
    private StateTable[] _changed = [];
    private int _changedCount;
    private byte[] _bytes = [];
    private RecordEntry[] _records = [];
    private int _record;
    private int _untilSweep = RecordsBetweenSweeps;
    private uint _keyHash;
    private long _keyHashOf;
    private UInt128 _hashKey;
    private long _hashKeyOf;
    private List<SnapshotManifest> _restored = [];
    private HashKeyRange _range = new(UInt128.MinValue, UInt128.MaxValue);
    private bool _isClosed;
    private bool _isBroken;
    private bool _isCut;

    public StateGate Gate { get; } = new();

    /// <summary>The version under which values are written.</summary>
    public int Version { get; } = version;

    public IReadOnlyList<StateTable> Tables => _tables;

    /// <summary>The number of the attempt that runs, or ran last.</summary>
    public long Attempt { get; private set; }

    /// <summary>The partition key of the attempt's record, in UTF-8; borrowed for the attempt.</summary>
    public ReadOnlySpan<byte> Key => _bytes.AsSpan(Record.PartitionKeyOffset, Record.PartitionKeyLength);

    public uint KeyHash
    {
        get
        {
            if (_keyHashOf != Attempt)
            {
                _keyHashOf = Attempt;
                _keyHash = KeyTable.Hash(Key);
            }

            return _keyHash;
        }
    }

    /// <summary>The hash key of the attempt's record: the explicit one of an aggregated record, else its partition key's.</summary>
    public UInt128 HashKey
    {
        get
        {
            if (_hashKeyOf != Attempt)
            {
                _hashKey = Record.ExplicitHashKeyLength == 0
                    ? HashKeys.Of(Key)
                    : UInt128.Parse(
                        _bytes.AsSpan(Record.ExplicitHashKeyOffset, Record.ExplicitHashKeyLength),
                        NumberStyles.None,
                        CultureInfo.InvariantCulture);
                _hashKeyOf = Attempt;
            }

            return _hashKey;
        }
    }

    /// <summary>
    /// The greatest arrival of the records whose handlers have succeeded, in epoch milliseconds: a function of these records alone, so
    /// whoever handles them again expires the same entries.
    /// </summary>
    public long StreamTime { get; private set; }

    /// <summary>The stream time with the attempt's record.</summary>
    public long Now { get; private set; }

    /// <summary>What a read of the attempt has failed with.</summary>
    public Exception? Unreadable { get; set; }

    /// <summary>True where the run is over. Any thread may ask.</summary>
    public bool IsClosed => Volatile.Read(ref _isClosed);

    private ref readonly RecordEntry Record => ref _records[_record];

    /// <summary>Before the first record.</summary>
    public void Add(StateTable table)
    {
        if (_tables.Exists(other => other.Name == table.Name))
        {
            throw new InvalidOperationException($"Two states of the processor are named '{table.Name}'. Give each [State] its own name.");
        }

        _tables.Add(table);
        _changed = new StateTable[_tables.Count];
        _expiring = [.. _tables.Where(static table => table.Ttl is not null)];
    }

    /// <summary>An attempt begins; what an earlier one has staged is gone.</summary>
    public void Begin(byte[] bytes, RecordEntry[] records, int record)
    {
        if (_changedCount > 0)
        {
            Discard();
        }

        Attempt++;
        Unreadable = null;
        _bytes = bytes;
        _records = records;
        _record = record;
        Now = Math.Max(StreamTime, records[record].ArrivalMilliseconds);
    }

    /// <summary>A table has the first effect of the attempt.</summary>
    public void HasEffects(StateTable table) => _changed[_changedCount++] = table;

    /// <summary>
    /// Inside the gate, with the mark that the record is done: applies the effects and moves the stream's time. False where the run is
    /// over, and then nothing is applied.
    /// </summary>
    public bool Apply()
    {
        if (_isClosed || _isBroken)
        {
            return false;
        }

        // where this throws, some effects are applied and some are not: no cut may tell of that
        _isBroken = true;
        for (int i = 0; i < _changedCount; i++)
        {
            _changed[i].Apply(Now);
        }

        _changedCount = 0;
        StreamTime = Now;
        if (--_untilSweep == 0)
        {
            _untilSweep = RecordsBetweenSweeps;
            foreach (StateTable table in _expiring)
            {
                table.Sweep(StreamTime);
            }
        }

        Attempt++;
        _isBroken = false;
        return true;
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
    /// Freezes the tables, and asks while they cannot change up to where the records are done that they are the fold of. Takes the same
    /// time for any size of the state. The caller ends it by <see cref="Release"/>.
    /// </summary>
    public (TPosition Position, long StreamTime) Cut<TPosition>(Func<TPosition> done)
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
                if (_isBroken)
                {
                    throw new InvalidOperationException("The effects of a record were applied in part, so the state cannot be stored. The "
                        + "shard has to be restored.");
                }

                TPosition position = done();
                foreach (StateTable table in _tables)
                {
                    table.Freeze(StreamTime);
                }

                _isCut = true;
                return (position, StreamTime);
            }
            finally
            {
                Gate.Open();
            }
        }
    }

    /// <summary>The cut was written or has failed.</summary>
    public void Release()
    {
        foreach (StateTable table in _tables)
        {
            table.Release();
        }

        _isCut = false;
    }

    /// <summary>
    /// Before the first record, and before <see cref="Load"/>: says what will be restored: the shard's own snapshot, or those of its
    /// parents.
    /// </summary>
    /// <param name="from">The manifests.</param>
    /// <param name="range">The hash keys of the shard.</param>
    /// <param name="allowUndeclared">Leaves out states that the processor does not declare any more.</param>
    public void Restore(IReadOnlyList<SnapshotManifest> from, HashKeyRange range, bool allowUndeclared = false)
    {
        _restored = [.. from.OrderBy(static manifest => manifest.HashKeys.StartingHashKey)];
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
                StateTable? table = _tables.Find(table => table.Name == state.Name);
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

            StreamTime = Math.Max(StreamTime, manifest.StreamTime);
        }

        Now = StreamTime;
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

        HashKeyRange former = from.HashKeys;
        bool isSplit = !_range.Contains(former.StartingHashKey) || !_range.Contains(former.EndingHashKey);
        ulong copyId = from.CopyId;
        for (int position = 0; position < blocks.Length;)
        {
            BlockReader block = SegmentReader.ReadBlock(blocks, ref position, from.StateVersion);
            string name = block.State;
            StateTable? table = _tables.Find(table => table.Name == name);
            if (table is not null && table.Kind != block.Kind)
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

                table?.Load(in entry, parent, StreamTime);
            }
        }
    }

    private void Discard()
    {
        Gate.Enter();
        try
        {
            for (int i = 0; i < _changedCount; i++)
            {
                _changed[i].Discard();
            }
        }
        catch
        {
            _isBroken = _isClosed = true;
            throw;
        }
        finally
        {
            Gate.Exit();
        }

        _changedCount = 0;
    }
}
