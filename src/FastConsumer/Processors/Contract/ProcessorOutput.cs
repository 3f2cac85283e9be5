using FastConsumer.State;

namespace FastConsumer.Processors;

/// <summary>An output, and of which records its sink has the values already.</summary>
/// <param name="Name">Its name.</param>
/// <param name="ValueType">The values' type.</param>
internal sealed record ProcessorOutput(string Name, Type ValueType) : OutputFeed(Name, ValueType)
{
    // what the sink has of records that run again
    private CheckpointPosition? _written;
    private DoneRuns _writtenRuns = DoneRuns.None;

    /// <summary>The numbers of the outputs that go to the same sink, and the most values that one transaction of it takes.</summary>
    public (int[] Together, int Most)? Limit { get; set; }

    /// <summary>Before the first record: the sink has the outputs of these records.</summary>
    public void Leave(CheckpointPosition? written, DoneRuns runs) => (_written, _writtenRuns) = (written, runs);

    /// <summary>True where records may come whose outputs the sink has.</summary>
    public bool IsReplay => _written is not null || _writtenRuns.Count > 0;

    /// <summary>True where the sink has the outputs of a record, or of one behind it.</summary>
    public bool IsAhead(CheckpointPosition position) =>
        position <= _written || (_writtenRuns.Count > 0 && position <= _writtenRuns.Last);

    /// <summary>True where the sink has the outputs of a record: it runs again after a crash.</summary>
    public bool IsWritten(CheckpointPosition position) => position <= _written || _writtenRuns.Contains(position);
}

/// <inheritdoc/>
internal sealed class OutputBuffer<T>(ProcessorOutput output) : OutputBuffer(output)
{
    private readonly List<Positioned<T>> _staged = [];
    private readonly Dictionary<int, int> _numbers = [];
    private List<Positioned<T>> _waiting = [];

    // how many values calls of this batch have added that have succeeded
    private OutputBatch? _batch;
    private int _ofBatch;

    public override int Waiting => _waiting.Count;

    public override int AddedIn(object? batch) => _staged.Count + (batch is not null && batch == _batch ? _ofBatch : 0);

    /// <param name="shard">The shard.</param>
    /// <param name="batch">The batch; null for a record that is handled alone.</param>
    /// <param name="place">The record's place in its batch; 0 for the only record of a call.</param>
    /// <param name="position">The record.</param>
    /// <param name="value">The value.</param>
    public void Stage(ShardContext shard, OutputBatch? batch, int place, CheckpointPosition position, T value)
    {
        if (batch != _batch)
        {
            (_batch, _ofBatch) = (batch, 0);
        }

        int number = _numbers.GetValueOrDefault(place);
        _numbers[place] = number + 1;
        if (!output.IsWritten(position))
        {
            _staged.Add(new Positioned<T>(shard, output.Name, position, number, value, batch));
        }
    }

    public override bool Apply()
    {
        _numbers.Clear();
        if (_staged.Count == 0)
        {
            return false;
        }

        _ofBatch += _staged.Count;
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
