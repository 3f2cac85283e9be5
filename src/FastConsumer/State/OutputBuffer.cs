using FastConsumer.Checkpoints;

namespace FastConsumer.State;

/// <summary>One output of a shard's processor: what its buffers share.</summary>
/// <param name="Name">Its name.</param>
/// <param name="ValueType">The values' type.</param>
internal sealed record OutputFeed(string Name, Type ValueType)
{
    // what the sink has of records that run again
    private CheckpointPosition? _written;
    private DoneRuns _writtenRuns = DoneRuns.None;

    /// <summary>Called by a lane, outside of the gate, when something waits where nothing did.</summary>
    public Action? Come { get; set; }

    /// <summary>Before the first record: the sink has the outputs of these records.</summary>
    public void Leave(CheckpointPosition? written, DoneRuns runs) => (_written, _writtenRuns) = (written, runs);

    /// <summary>True where the sink has the outputs of a record: it runs again after a crash.</summary>
    public bool IsWritten(CheckpointPosition position) => position <= _written || _writtenRuns.Contains(position);

    /// <summary>True where the sink has nothing of a record, nor of any behind it.</summary>
    public bool IsBehind(CheckpointPosition position) =>
        !(position <= _written) && (_writtenRuns.Count == 0 || position > _writtenRuns.Last);
}

/// <summary>
/// The values of one output that one stripe's lane has: those of the attempt, and those of calls that have succeeded, which wait for the
/// sink.
/// </summary>
internal abstract class OutputBuffer(OutputFeed feed)
{
    public OutputFeed Feed => feed;

    /// <summary>How many values wait. Any thread may ask.</summary>
    public abstract int Waiting { get; }

    /// <summary>The call has succeeded; inside of the gate. True where nothing waited before.</summary>
    public abstract bool Apply();

    /// <summary>The call has failed.</summary>
    public abstract void Discard();

    /// <summary>Puts what waits behind other values of the output; while the gate is closed.</summary>
    public abstract void MoveTo(OutputValues values);

    /// <summary>Makes an empty list for <see cref="MoveTo"/>.</summary>
    public abstract OutputValues CreateValues();
}

/// <inheritdoc/>
internal sealed class OutputBuffer<T>(OutputFeed feed) : OutputBuffer(feed)
{
    private readonly List<Positioned<T>> _staged = [];
    private readonly Dictionary<int, int> _numbers = [];
    private List<Positioned<T>> _waiting = [];

    public override int Waiting => _waiting.Count;

    /// <param name="shard">The shard.</param>
    /// <param name="place">The record's place in its batch; 0 for the only record of a call.</param>
    /// <param name="position">The record.</param>
    /// <param name="value">The value.</param>
    public void Stage(ShardContext shard, int place, CheckpointPosition position, T value)
    {
        int number = _numbers.GetValueOrDefault(place);
        _numbers[place] = number + 1;
        if (!Feed.IsWritten(position))
        {
            _staged.Add(new Positioned<T>(shard, Feed.Name, position, number, value));
        }
    }

    public override bool Apply()
    {
        _numbers.Clear();
        if (_staged.Count == 0)
        {
            return false;
        }

        bool isFirst = _waiting.Count == 0;
        _waiting.AddRange(_staged);
        _staged.Clear();
        return isFirst;
    }

    public override void Discard()
    {
        _numbers.Clear();
        _staged.Clear();
    }

    public override void MoveTo(OutputValues values)
    {
        if (_waiting.Count > 0)
        {
            ((OutputValues<T>)values).Add(_waiting);
            _waiting = [];
        }
    }

    public override OutputValues CreateValues() => new OutputValues<T>();
}

/// <summary>Values of one output that were cut off together, in the order of each key's records.</summary>
internal abstract class OutputValues
{
    public abstract int Count { get; }
}

/// <inheritdoc/>
internal sealed class OutputValues<T> : OutputValues
{
    private readonly List<List<Positioned<T>>> _parts = [];
    private Positioned<T>[]? _all;

    public override int Count => _all?.Length ?? _parts.Sum(static part => part.Count);

    /// <summary>The values.</summary>
    public ReadOnlyMemory<Positioned<T>> All => _all ??= [.. _parts.SelectMany(static part => part)];

    public void Add(List<Positioned<T>> part) => _parts.Add(part);
}
