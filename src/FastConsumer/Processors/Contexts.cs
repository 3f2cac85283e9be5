using System.Globalization;
using FastConsumer.Kinesis;
using FastConsumer.Processors;
using FastConsumer.State;

namespace FastConsumer;

/// <summary>What a handler may know and do beside its record.</summary>
public readonly struct RecordContext
{
    private readonly ShardContext _shard;
    private readonly IShardCheckpoints _checkpoints;
    private readonly RecordPage _page;
    private readonly int _index;

    internal RecordContext(ShardContext shard, IShardCheckpoints checkpoints, RecordPage page, int index, int attempt)
    {
        _shard = shard;
        _checkpoints = checkpoints;
        _page = page;
        _index = index;
        Attempt = attempt;
    }

    /// <summary>The shard's id.</summary>
    public string ShardId => _shard.ShardId;

    /// <summary>The stream's name.</summary>
    public string StreamName => _shard.StreamName;

    /// <summary>
    /// The record's number, growing inside a shard. Together with stream, shard and <see cref="SubSequenceNumber"/> it names the record,
    /// also when the record is handled again. Valid during the call, as are the other properties of the record.
    /// </summary>
    public SequenceNumber SequenceNumber => Record.SequenceNumber;

    /// <inheritdoc cref="KinesisRecord.SubSequenceNumber"/>
    public long SubSequenceNumber => Record.SubSequenceNumber;

    /// <inheritdoc cref="KinesisRecord.PartitionKey"/>
    public string PartitionKey => Record.PartitionKey;

    /// <inheritdoc cref="KinesisRecord.ApproximateArrivalTimestamp"/>
    public DateTimeOffset ApproximateArrivalTimestamp => Record.ApproximateArrivalTimestamp;

    /// <summary>1 for the first call with this record, 2 for the first retry, and so on.</summary>
    public int Attempt { get; }

    /// <inheritdoc cref="ShardContext.FencingToken"/>
    public long FencingToken => _shard.FencingToken;

    /// <summary>
    /// An id for something that the handler sends elsewhere: the same whenever the record is handled again, and another for each record and
    /// <paramref name="number"/>. A receiver that knows which ids it has taken, such as an SQS FIFO queue (<c>MessageDeduplicationId</c>)
    /// or an HTTP service with idempotency keys, takes it once.
    /// </summary>
    /// <remarks>It is made of the stream's name and creation, the shard, the record's position and the number.</remarks>
    /// <param name="number">Tells what one record sends apart.</param>
    public Guid OutputId(int number) => OutputIds.Of(_shard.OutputScope, _page.PositionOf(_index), number);

    internal ShardContext Shard => _shard;

    internal RecordPage Page => _page;

    internal int Index => _index;

    // not public: what is borrowed comes as a parameter, where FC2005 follows it
    private KinesisRecord Record => new(_page.Response, _index);

    /// <summary>
    /// Marks this record as done and returns when a checkpoint at or past it is durable. Where the handler throws
    /// afterwards, that is logged and the record is not retried.
    /// </summary>
    /// <remarks>
    /// With state, what the handler has changed so far is kept with the record, and is in the checkpoint; the handler can change nothing
    /// more.
    /// </remarks>
    /// <exception cref="LeaseLostException">Another worker owns the shard.</exception>
    /// <exception cref="InvalidOperationException">The processor's handlers take transactions, or the call is over.</exception>
    public ValueTask CheckpointAsync(CancellationToken cancellationToken = default) =>
        _checkpoints.CheckpointAsync(_page, _index, Attempt, cancellationToken);
}

/// <summary>What a batch's handler may know and do beside its records.</summary>
public sealed class BatchContext
{
    private readonly ShardContext _shard;
    private readonly BatchPipeline _batch;
    private readonly IShardCheckpoints _checkpoints;
    private readonly SortedDictionary<int, Exception> _failures = [];
    private bool _isOver;

    internal BatchContext(ShardContext shard, BatchPipeline batch, IShardCheckpoints checkpoints, int attempt)
    {
        _shard = shard;
        _batch = batch;
        _checkpoints = checkpoints;
        Attempt = attempt;
    }

    /// <summary>The shard's id.</summary>
    public string ShardId => _shard.ShardId;

    /// <summary>The stream's name.</summary>
    public string StreamName => _shard.StreamName;

    /// <summary>1 for the first call with these records, 2 for the first retry, and so on.</summary>
    public int Attempt { get; }

    /// <inheritdoc cref="ShardContext.FencingToken"/>
    public long FencingToken => _shard.FencingToken;

    /// <summary>
    /// An id for something that the handler sends elsewhere for one record: the same whenever the record is handled again, in whichever
    /// batch, and another for each record and <paramref name="number"/>. See <see cref="RecordContext.OutputId"/>.
    /// </summary>
    /// <param name="index">The record's index in this call's batch.</param>
    /// <param name="number">Tells what one record sends apart.</param>
    /// <exception cref="InvalidOperationException">The call has returned.</exception>
    public Guid OutputId(int index, int number)
    {
        lock (_failures)
        {
            ThrowIfOver();
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)_batch.Count, nameof(index));
            (RecordPage page, int record) = _batch.RecordAt(index);
            return OutputIds.Of(_shard.OutputScope, page.PositionOf(record), number);
        }
    }

    internal ShardContext Shard => _shard;

    /// <summary>What <see cref="Fail"/> named; read when the call has returned.</summary>
    internal IReadOnlyDictionary<int, Exception> Failures => _failures;

    /// <summary>The number of records.</summary>
    internal int Count => _batch.Count;

    /// <summary>The records, from the first on, that <see cref="CheckpointAsync"/> has marked as done.</summary>
    internal int Acknowledged { get; private set; }

    /// <summary>
    /// Says that one record of the batch failed: it goes through the error policy, the others count as done where the method
    /// returns without an exception. Safe to call in parallel.
    /// </summary>
    /// <param name="index">The record's index in this call's batch.</param>
    /// <param name="exception">Why it failed.</param>
    /// <exception cref="InvalidOperationException">
    /// The call has returned or takes a transaction, or it has changed state for this record, or has asked for a checkpoint of it.
    /// </exception>
    public void Fail(int index, Exception exception)
    {
        if (_batch.Transactions is not null)
        {
            throw new InvalidOperationException("A batch that takes a transaction is committed as a whole, with the position behind it, so "
                + "no record of it can fail alone. Throw the exception instead: the transaction is rolled back, and the batch runs again.");
        }

        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)_batch.Count, nameof(index));
        ArgumentNullException.ThrowIfNull(exception);
        lock (_failures)
        {
            ThrowIfOver();
            if (_batch.State is { } state)
            {
                if (Acknowledged > 0)
                {
                    throw StateErrors.CallIsOver();
                }

                if (state.HasEffects(index))
                {
                    throw StateErrors.HasEffects(index);
                }
            }

            _failures[index] = exception;
        }
    }

    /// <summary>
    /// Marks the batch's records as done, up to the first that <see cref="Fail"/> named, and returns when a checkpoint at
    /// or past them is durable.
    /// </summary>
    /// <remarks>
    /// With state, what the handler has changed so far is kept with the records, and is in the checkpoint; the handler can change nothing
    /// more, and no record may have failed before.
    /// </remarks>
    /// <exception cref="InvalidOperationException">
    /// The call has returned or takes a transaction; or the processor has state, and <see cref="Fail"/> has named a record.
    /// </exception>
    /// <exception cref="LeaseLostException">Another worker owns the shard.</exception>
    public ValueTask CheckpointAsync(CancellationToken cancellationToken = default)
    {
        if (_batch.Transactions is not null)
        {
            throw new InvalidOperationException(IShardCheckpoints.RefusedInTransaction);
        }

        int done;
        lock (_failures)
        {
            ThrowIfOver();
            done = _failures.Count > 0 ? _failures.Keys.First() : _batch.Count;
        }

        if (_batch.State is { } state)
        {
            if (done < _batch.Count)
            {
                throw new InvalidOperationException("A record of the batch has failed, by Fail, and the processor has state: the call's "
                    + "state belongs to the whole batch, which is not done. Return, and let the next checkpoint take it.");
            }

            state.Complete(this, _batch);
        }
        else if (done > 0)
        {
            _batch.MarkDone(done);
        }
        else
        {
            return ValueTask.CompletedTask;
        }

        Acknowledged = Math.Max(Acknowledged, done);
        (RecordPage page, int index) = _batch.RecordAt(done - 1);
        return _checkpoints.CheckpointAsync(page, index, Attempt, cancellationToken);
    }

    /// <summary>True where <see cref="Fail"/> has named a record.</summary>
    internal bool HasFailed(int index)
    {
        lock (_failures)
        {
            return _failures.Count > 0 && _failures.ContainsKey(index);
        }
    }

    /// <summary>
    /// The call has returned: from now on the pipeline holds other records, of which a context that was kept must not speak.
    /// </summary>
    internal void Close()
    {
        lock (_failures)
        {
            _isOver = true;
        }
    }

    private void ThrowIfOver()
    {
        if (_isOver)
        {
            throw new InvalidOperationException("The batch's call has returned: its context says nothing of later records. "
                + $"Await what uses it before the handler of shard {ShardId} returns.");
        }
    }
}

/// <summary>What is known of a shard while this worker owns it.</summary>
public sealed class ShardContext
{
    private string? _outputScope;

    internal ShardContext(string processorName, string applicationName, string streamName, string shardId, long fencingToken)
    {
        ProcessorName = processorName;
        ApplicationName = applicationName;
        StreamName = streamName;
        ShardId = shardId;
        FencingToken = fencingToken;
    }

    /// <summary>When the stream was created, as far as that is known: a stream made again has other records under the same names.</summary>
    internal DateTimeOffset? StreamCreated { get; init; }

    /// <summary>What ids of outputs begin with.</summary>
    internal string OutputScope => _outputScope ??= string.Create(
        CultureInfo.InvariantCulture, $"{StreamName}/{StreamCreated?.ToUnixTimeSeconds()}/{ShardId}");

    /// <summary>The processor's class name.</summary>
    public string ProcessorName { get; }

    /// <summary>The application, under whose name the leases are kept.</summary>
    public string ApplicationName { get; }

    /// <summary>The stream's name.</summary>
    public string StreamName { get; }

    /// <summary>The shard's id.</summary>
    public string ShardId { get; }

    /// <summary>
    /// The lease's counter as it was taken: it grows with every change of owner, so a store that refuses writes with a
    /// smaller token than it has seen for the shard refuses a former owner.
    /// </summary>
    public long FencingToken { get; }
}
