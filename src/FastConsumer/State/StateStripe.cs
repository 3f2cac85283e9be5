using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.State;

/// <summary>
/// The tables of some of a shard's partition keys, and the attempt that runs on them: the call of a handler, of which all effects are
/// applied or none. One lane at a time has a stripe, and runs one call at a time.
/// </summary>
internal sealed class StateStripe
{
    /// <summary>Entries are looked at for several records at once.</summary>
    private const int RecordsBetweenSweeps = 8;

    private readonly ShardState _shard;
    private readonly StateGate.Entrance _gate;
    private readonly List<StateTable> _tables = [];
    private readonly List<OutputBuffer> _outputs = [];
    private StateTable[] _expiring = [];

    // the attempt has added to an output; what was applied is to be told of
    private bool _hasOutputs;
    private bool _isToldOf;

    // those with effects of the attempt
    private StateTable[] _changed = [];
    private int _changedCount;
    private int _untilSweep = RecordsBetweenSweeps;

    // the record that the attempt's effects belong to now: its only one, or the one of a batch that was asked for last
    private byte[] _bytes = [];
    private RecordEntry[] _records = [];
    private int _record;
    private long _focus;
    private uint _keyHash;
    private long _keyHashOf;
    private UInt128 _hashKey;
    private long _hashKeyOf;
    private IBatchCall? _batch;
    private bool _isBroken;

    public StateStripe(ShardState shard)
    {
        _shard = shard;
        _gate = shard.Gate.AddEntrance();
    }

    public int Version => _shard.Version;

    /// <summary>How many stripes the shard has.</summary>
    public int StripeCount => _shard.StripeCount;

    /// <summary>True where the last cut is kept for readers.</summary>
    public bool KeepsCuts => _shard.KeepsCuts;

    public IReadOnlyList<StateTable> Tables => _tables;

    /// <summary>The number of the attempt that runs, or ran last.</summary>
    public long Attempt { get; private set; }

    /// <summary>True while the attempt's effects may grow.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>The page of the attempt's record; null for a batch.</summary>
    public object? Page { get; private set; }

    /// <summary>The record's place in it.</summary>
    public int Index => _record;

    /// <summary>The number of the try.</summary>
    public int Try { get; private set; }

    /// <summary>Grows with each record that effects belong to.</summary>
    public long Focus => _focus;

    /// <summary>Its partition key, in UTF-8; borrowed for the attempt.</summary>
    public ReadOnlySpan<byte> Key => _bytes.AsSpan(Record.PartitionKeyOffset, Record.PartitionKeyLength);

    public uint KeyHash
    {
        get
        {
            if (_keyHashOf != _focus)
            {
                _keyHashOf = _focus;
                _keyHash = KeyTable.Hash(Key);
            }

            return _keyHash;
        }
    }

    /// <summary>
    /// Its hash key: the explicit one of an aggregated record, else its partition key's. Asked where a key comes into a table: it is dear.
    /// </summary>
    public UInt128 HashKey
    {
        get
        {
            if (_hashKeyOf != _focus)
            {
                if (Record.ExplicitHashKeyLength == 0)
                {
                    _hashKey = HashKeys.Of(Key);
                    _shard.KeyComes(_hashKey);
                }
                else
                {
                    _hashKey = UInt128.Parse(
                        _bytes.AsSpan(Record.ExplicitHashKeyOffset, Record.ExplicitHashKeyLength),
                        NumberStyles.None,
                        CultureInfo.InvariantCulture);
                }

                _hashKeyOf = _focus;
            }

            return _hashKey;
        }
    }

    /// <summary>
    /// The stream's time with it: the greatest arrival of all of the shard's records up to it, in epoch milliseconds. A function of the
    /// shard alone, so whoever handles the record again expires the same entries.
    /// </summary>
    public long Now { get; private set; }

    /// <summary>The stream's time up to which all records of the stripe's keys are done.</summary>
    public long StreamTime { get; set; }

    /// <summary>What a read of the attempt has failed with.</summary>
    public Exception? Unreadable { get; set; }

    /// <summary>True where the effects of a call were applied in part.</summary>
    public bool IsBroken => _isBroken;

    private ref readonly RecordEntry Record => ref _records[_record];

    /// <summary>Before the first record.</summary>
    public void Add(StateTable table)
    {
        _tables.Add(table);
        _changed = new StateTable[_tables.Count];
        _expiring = [.. _tables.Where(static table => table.Ttl is not null)];
    }

    /// <summary>Before the first record.</summary>
    public void Add(OutputBuffer output) => _outputs.Add(output);

    /// <summary>What its lane has for each output.</summary>
    public IReadOnlyList<OutputBuffer> Outputs => _outputs;

    public void Enter() => _gate.Enter();

    public void Exit() => _gate.Exit();

    /// <summary>The attempt adds to an output, for the record that the stripe stands on.</summary>
    public void AddsOutput()
    {
        _batch?.HasEffects();
        _hasOutputs = true;
    }

    /// <summary>The records that follow are of this page, whose table and bytes stay what they are.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void UsePage(object page, byte[] bytes, RecordEntry[] records)
    {
        EndAttempt();
        Page = page;
        _batch = null;
        _bytes = bytes;
        _records = records;
    }

    /// <summary>An attempt with one record of the page begins; what an earlier one has staged is gone.</summary>
    public void Begin(int index, int number, long now)
    {
        BeginAttempt();
        _focus++;
        _record = index;
        Try = number;
        // not below what was restored, whatever the page was told
        Now = now > StreamTime ? now : StreamTime;
    }

    /// <summary>An attempt with a batch begins.</summary>
    public void Begin(IBatchCall batch)
    {
        BeginAttempt();
        Page = null;
        _batch = batch;
    }

    /// <summary>The effects of the batch's attempt belong to this record from now on.</summary>
    public void Stand(byte[] bytes, RecordEntry[] records, int record, long now)
    {
        _focus++;
        _bytes = bytes;
        _records = records;
        _record = record;
        Now = Math.Max(StreamTime, now);
    }

    /// <summary>The attempt must be the one that runs: not done, not failed, and not one of a run that is over.</summary>
    public void ThrowIfOver(long attempt)
    {
        if (attempt != Attempt || !IsOpen || _shard.IsClosed)
        {
            throw StateErrors.CallIsOver();
        }
    }

    /// <summary>Makes sure of the attempt, and of the record of a batch that is meant.</summary>
    public void Require(long attempt, int place)
    {
        ThrowIfOver(attempt);
        _batch?.StandOn(place);
    }

    /// <summary>A table has an effect: the first one of the attempt, or one of a batch.</summary>
    public void HasEffects(StateTable table, bool isFirst)
    {
        // refused before anything of it is noted
        _batch?.HasEffects();
        if (isFirst)
        {
            _changed[_changedCount++] = table;
        }
    }

    /// <summary>
    /// Goes into the gate, applies the effects and moves the stream's time. The caller marks there that the records are done, and goes out
    /// by disposing the answer. What a read of the attempt has failed with is thrown again, and nothing is applied.
    /// </summary>
    /// <param name="streamTime">The stream's time of the last record up to which all of the stripe are done.</param>
    /// <exception cref="InvalidOperationException">The run is over; nothing is applied.</exception>
    public Passage Apply(long streamTime)
    {
        if (Unreadable is { } unreadable)
        {
            // the value would be taken as absent
            ExceptionDispatchInfo.Throw(unreadable);
        }

        Enter();
        try
        {
            ApplyInside(streamTime);
        }
        catch
        {
            Exit();
            throw;
        }

        return new Passage(this);
    }

    private void ApplyInside(long streamTime)
    {
        if (_shard.IsClosed || _isBroken)
        {
            throw StateErrors.CallIsOver();
        }

        if (_changedCount > 0)
        {
            ApplyChanges();
        }

        if (_hasOutputs)
        {
            ApplyOutputs();
        }

        if (streamTime > StreamTime)
        {
            StreamTime = streamTime;
        }

        if (_expiring.Length > 0 && --_untilSweep == 0)
        {
            Sweep();
        }

        IsOpen = false;
    }

    /// <summary>The attempt is over without effects.</summary>
    public void EndAttempt()
    {
        IsOpen = false;
        if (_changedCount > 0 || _hasOutputs)
        {
            Discard();
        }
    }

    private void BeginAttempt()
    {
        if (_changedCount > 0 || _hasOutputs)
        {
            Discard();
        }

        Attempt++;
        if (Unreadable is not null)
        {
            Unreadable = null;
        }

        IsOpen = true;
    }

    // where one of these throws, some effects are applied and some are not: no cut may tell of that
    private void ApplyChanges()
    {
        _isBroken = true;
        for (int i = 0; i < _changedCount; i++)
        {
            _changed[i].Apply();
        }

        _changedCount = 0;
        _isBroken = false;
    }

    private void ApplyOutputs()
    {
        _isBroken = true;
        foreach (OutputBuffer output in _outputs)
        {
            _isToldOf |= output.Apply();
        }

        _hasOutputs = false;
        _isBroken = false;
    }

    /// <summary>Goes out of the gate, and tells of outputs that wait since then.</summary>
    private void Leave()
    {
        Exit();
        if (_isToldOf)
        {
            _isToldOf = false;
            foreach (OutputBuffer output in _outputs)
            {
                output.Feed.Come?.Invoke();
            }
        }
    }

    private void Sweep()
    {
        _isBroken = true;
        _untilSweep = RecordsBetweenSweeps;
        foreach (StateTable table in _expiring)
        {
            table.Sweep(StreamTime);
        }

        _isBroken = false;
    }

    private void Discard()
    {
        if (_hasOutputs)
        {
            // nobody else sees what is staged
            _outputs.ForEach(static output => output.Discard());
            _hasOutputs = false;
        }

        Enter();
        try
        {
            for (int i = 0; i < _changedCount; i++)
            {
                _changed[i].Discard();
            }
        }
        catch
        {
            _isBroken = true;
            throw;
        }
        finally
        {
            Exit();
        }

        _changedCount = 0;
    }

    /// <summary>A lane inside of the gate, until this is disposed.</summary>
    public readonly ref struct Passage(StateStripe stripe)
    {
        public void Dispose() => stripe.Leave();
    }
}

/// <summary>The call of a handler with a batch, which has the state of several records at hand.</summary>
internal interface IBatchCall
{
    /// <summary>Lets the stripe stand on a record of the batch.</summary>
    void StandOn(int place);

    /// <summary>The record that the stripe stands on has an effect.</summary>
    /// <exception cref="InvalidOperationException">The call has said that it failed.</exception>
    void HasEffects();
}
