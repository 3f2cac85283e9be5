using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Threading.Channels;
using FastConsumer.Buffers;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Timing;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Reading;

/// <summary>What a reader is told about its shard.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Shard">The shard, and what is told of it.</param>
/// <param name="Start">Where to start.</param>
/// <param name="StartedAt">The time that LATEST and AT_TIMESTAMP stand for.</param>
/// <param name="IsFirstStart">True where nobody has read the shard for this application before: LATEST then means now.</param>
/// <param name="Limit">The most records of an answer.</param>
/// <param name="IdlePollInterval">The time between two calls when nothing is left to read.</param>
/// <param name="Deaggregate">Whether KPL aggregates are unpacked.</param>
/// <param name="HashKeyRange">The shard's hash keys, where they are known: what else an aggregate holds is left out.</param>
/// <param name="IgnoreQuota">For load tests: never waits for the quota.</param>
/// <param name="Key">The stream's key, for messages.</param>
/// <param name="Intake">Hears of what is read, to compare shards by; null where nobody does.</param>
/// <param name="ForeignRecords">What becomes of user records of an aggregate that belong to another shard.</param>
/// <param name="Listings">The stream's listings, shared by the worker's shards; null for the reader's own.</param>
/// <param name="Spread">Keeps readers that start together out of step; null where there is one.</param>
/// <param name="SinceTableThrottle">How long ago the lease table throttled this worker's writes; null, or the answer null, where it did
/// not.</param>
internal sealed record ShardReaderSettings(
    StreamIdentifier Stream,
    ShardTelemetry Shard,
    CheckpointPosition Start,
    DateTimeOffset? StartedAt,
    bool IsFirstStart,
    int Limit,
    TimeSpan IdlePollInterval,
    bool Deaggregate = true,
    HashKeyRange? HashKeyRange = null,
    bool IgnoreQuota = false,
    StreamKey? Key = null,
    ThroughputMeter? Intake = null,
    Func<TimeSpan?>? SinceTableThrottle = null,
    ForeignRecords ForeignRecords = ForeignRecords.Auto,
    StreamListings? Listings = null,
    StartSpread? Spread = null);

/// <summary>
/// Reads one shard by GetRecords from its start position to its end, and passes pages on in order.
/// Invariant: what was passed on is a contiguous run of the shard's records after the start position. A new iterator
/// therefore always starts after the last record passed on, whatever made the former one unusable.
/// </summary>
internal sealed class ShardReader : IShardReader
{
    private const int FirstEstimateBytes = 256 * 1024;

    private readonly IKinesisClient _client;
    private readonly ShardReaderSettings _settings;
    private readonly ShardPosition _position;
    private readonly ShardOutput _output;
    private readonly ByteBudget.Account _budget;
    private readonly TimeProvider _time;
    private readonly ReadQuota _quota;
    private readonly ReadRecovery _recovery;
    private readonly ShardEnding _ending;
    private readonly IteratorExpiries _expiries;
    private readonly ShardTelemetry _shard;
    private readonly ILogger _log;
    // in UTF-8, and none where it is empty: the same memory for each call
    private readonly ArrayBufferWriter<byte> _iterator = new(512);
    private long _estimate = FirstEstimateBytes;
    private bool _iteratorRefreshed;

    public ShardReader(
        IKinesisClient client,
        ShardReaderSettings settings,
        ByteBudget.Account budget,
        TimeProvider time,
        Random random,
        Findings findings,
        ILogger log)
        : this(client, settings, new ShardPosition(settings), budget, time, random, findings, log)
    {
    }

    /// <summary>A reader that goes on from where another one left <paramref name="position"/>.</summary>
    public ShardReader(
        IKinesisClient client,
        ShardReaderSettings settings,
        ShardPosition position,
        ByteBudget.Account budget,
        TimeProvider time,
        Random random,
        Findings findings,
        ILogger log)
    {
        _client = client;
        _settings = settings;
        _position = position;
        _output = new ShardOutput(settings, position, findings, log);
        _budget = budget;
        _time = time;
        _shard = settings.Shard;
        _log = log;
        _quota = new ReadQuota(time, random, settings.Limit, settings.IdlePollInterval);
        _recovery = new ReadRecovery(settings, time, random, findings, log);
        StreamListings listings = settings.Listings ?? new StreamListings(client, settings.Stream, time);
        _ending = new ShardEnding(listings, settings.Shard.ShardId, time, log);
        _expiries = new IteratorExpiries(settings, time, findings, log);
    }

    private string ShardId => _shard.ShardId;

    /// <inheritdoc/>
    public async Task RunAsync(ChannelWriter<ReadItem> output, CancellationToken cancellationToken)
    {
        Exception? failure = null;
        try
        {
            if (_settings.Spread is { } spread)
            {
                await spread.WaitAsync(_settings.IdlePollInterval, cancellationToken);
            }

            while (!await ReadOnceAsync(output, cancellationToken))
            {
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // a stop; what was not passed on is read again by the next owner
        }
        catch (Exception e)
        {
            failure = e;
            throw;
        }
        finally
        {
            _recovery.End();
            _expiries.End();
            output.TryComplete(failure);
        }
    }

    /// <summary>One call and what follows from it; true at the shard's end.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> ReadOnceAsync(ChannelWriter<ReadItem> output, CancellationToken cancellationToken)
    {
        try
        {
            if (_iterator.WrittenCount == 0)
            {
                _shard.Time.Enter(ShardState.Reading);
                StartingPosition start = await _position.NextAsync(_client, _time, cancellationToken);
                Encoding.UTF8.GetBytes(await _client.GetShardIteratorAsync(_settings.Stream, ShardId, start, cancellationToken), _iterator);
                _expiries.Given();
            }

            if (!_settings.IgnoreQuota && _quota.UntilNext is var rest && rest > TimeSpan.Zero)
            {
                _shard.Time.Enter(_quota.WaitsFor);
                await Task.Delay(rest, _time, cancellationToken);
            }
        }
        catch (KinesisException e)
        {
            return await RecoverAsync(e, "GetShardIterator", output, cancellationToken);
        }

        ByteBudget.Reservation? reservation = await _output.ReserveAsync(_budget, _estimate, cancellationToken);
        GetRecordsResponse? response = null;
        try
        {
            int limit = _settings.IgnoreQuota ? _settings.Limit : _quota.Start();
            _expiries.Used();
            _shard.Time.Enter(ShardState.Reading);
            long? calledAt = _shard.TimesReads ? _time.GetTimestamp() : null;
            try
            {
                // measured here: another asynchronous method would allocate
                response = await CallAsync(limit, cancellationToken);
            }
            catch (Exception e)
            {
                Took(calledAt, e);
                throw;
            }

            Took(calledAt, null);
            _quota.Succeeded(response.Count, response.PayloadBytes, response.MillisBehindLatest);
            _shard.Seconds.Add(response.PayloadBytes);
            _shard.ReadShare = _quota.Share;
            // one that the quota asked for in fewer is full for another reason
            bool isFull = limit == _settings.Limit && response.Count == limit;
            CheckpointPosition? end = _output.Unpack(response);
            _settings.Intake?.Behind(response.MillisBehindLatest);
            _shard.Read(response.Count, response.PayloadBytes, isFull, _quota.IsSilent);

            IReadOnlyList<ChildShard>? children = null;
            if (response.IsLast)
            {
                children = await _ending.JudgeAsync(response.ChildShards, cancellationToken);
                if (children is null)
                {
                    // where the shard is open, the answer was wrong: a new iterator goes on
                    if (_ending.IsRefuted)
                    {
                        _iterator.ResetWrittenCount();
                    }

                    return false;
                }
            }
            else
            {
                _ending.GoesOn();
            }

            _recovery.Succeeded();
            _expiries.Succeeded();
            _iteratorRefreshed = false;
            _iterator.ResetWrittenCount();
            if (!response.IsLast)
            {
                response.CopyNextShardIteratorTo(_iterator);
                _expiries.Given();
            }

            if (end is { } last)
            {
                _estimate = response.RetainedBytes;
                (GetRecordsResponse records, ByteBudget.Reservation room) = (response, reservation);
                response = null;
                reservation = null;
                await _output.PassOnAsync(output, records, room, last, cancellationToken);
            }

            if (children is not null)
            {
                ConsumerLog.ShardEndRead(_log, ShardId, children.Count);
                _shard.Time.Enter(ShardState.Handling);
                await output.WriteAsync(ReadItem.End(children), cancellationToken);
                return true;
            }

            return false;
        }
        catch (KinesisException e)
        {
            reservation?.Dispose();
            reservation = null;
            return await RecoverAsync(e, "GetRecords", output, cancellationToken);
        }
        finally
        {
            response?.Dispose();
            reservation?.Dispose();
        }
    }

    private Task<GetRecordsResponse> CallAsync(int limit, CancellationToken cancellationToken) =>
        ApartTask.OnPool(() => _client.GetRecordsAsync(_settings.Stream, _iterator.WrittenMemory, limit, cancellationToken));

    /// <param name="calledAt">When the call began; null where nobody wanted to know.</param>
    /// <param name="error">What it failed with; null where it did not.</param>
    private void Took(long? calledAt, Exception? error)
    {
        if (calledAt is { } since)
        {
            _shard.ReadTook(
                _time.GetElapsedTime(since), error is null ? null : (error as KinesisException)?.ErrorCode ?? error.GetType().FullName);
        }
    }

    /// <summary>
    /// Waits as the error asks, and gives up the iterator where a new one may help. Returns when the next try is due; true where the shard
    /// is gone.
    /// </summary>
    private async ValueTask<bool> RecoverAsync(
        KinesisException error, string operation, ChannelWriter<ReadItem> output, CancellationToken cancellationToken)
    {
        _shard.Time.Enter(ShardState.Refused);
        if (error.ErrorCode == "ExpiredIteratorException")
        {
            _shard.IteratorExpired();
            _expiries.Expired();
        }
        else
        {
            _expiries.Refused();
        }

        switch (error.Kind)
        {
            case KinesisErrorKind.ExpiredIterator when !_iteratorRefreshed:
                _iteratorRefreshed = true;
                ConsumerLog.IteratorExpired(_log, ShardId, _position.Current);
                _iterator.ResetWrittenCount();
                return false;

            // other throttles, such as KMS's, say nothing of the shard's quota
            case KinesisErrorKind.Throttled when operation == "GetRecords" && error.ErrorCode == "ProvisionedThroughputExceededException":
                _shard.ReadThrottled();
                ConsumerLog.ReadThrottled(_log, ShardId, _quota.Throttled(), error.Message);
                _recovery.Refused(error, " Other consumers may take the shard's quota of 5 calls and 2 MiB a second: "
                    + "let fewer applications poll, read by enhanced fan-out (FastConsumer:ReadMode), or split the shard.");
                return false;

            case KinesisErrorKind.Client when !_iteratorRefreshed && operation == "GetRecords":
                // InvalidArgument: an iterator of another form or age; ask once for a new one before surfacing it
                _iteratorRefreshed = true;
                _iterator.ResetWrittenCount();
                return false;

            case KinesisErrorKind.Client when operation == "GetShardIterator"
                && _position.TryForgetContinuation(out SequenceNumber refused):
                ReadingLog.ContinuationRefused(_log, ShardId, refused, _position.Current, error.Message);
                return false;

            case KinesisErrorKind.NotFound when await _ending.FindTrimmedAsync(cancellationToken) is { } children:
                ConsumerLog.ShardGone(_log, ShardId, _position.Current, children.Count);
                _recovery.Gone(_position.Current);
                await output.WriteAsync(ReadItem.End(children), cancellationToken);
                return true;

            // after Denied it is as good as before, for as long as it lives
            case KinesisErrorKind.Denied when _expiries.IsOld:
                _iterator.ResetWrittenCount();
                break;

            case KinesisErrorKind.NotFound or KinesisErrorKind.Client or KinesisErrorKind.ExpiredIterator:
                _iterator.ResetWrittenCount();
                break;

            case KinesisErrorKind.Unavailable when operation == "GetRecords" && error.StatusCode >= 500:
                // kinesis-local answers 500 to an iterator it does not know; a new one costs one call
                _iterator.ResetWrittenCount();
                break;
        }

        await _recovery.WaitAsync(error, cancellationToken);
        return false;
    }
}
