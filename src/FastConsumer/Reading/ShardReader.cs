using System.Threading.Channels;
using FastConsumer.Buffers;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Processors;
using FastConsumer.Timing;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Reading;

/// <summary>What a reader is told about its shard.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Shard">The shard, and what its figures are told apart by.</param>
/// <param name="Start">Where to start.</param>
/// <param name="StartedAt">The time that LATEST and AT_TIMESTAMP stand for.</param>
/// <param name="IsFirstStart">True where nobody has read the shard for this application before: LATEST then means now.</param>
/// <param name="Limit">The most records of an answer.</param>
/// <param name="IdlePollInterval">The time between two calls when nothing is left to read.</param>
/// <param name="Deaggregate">Whether KPL aggregates are unpacked.</param>
/// <param name="HashKeyRange">The shard's hash keys, where they are known: what else an aggregate holds is left out.</param>
internal sealed record ShardReaderSettings(
    StreamIdentifier Stream,
    ShardTags Shard,
    CheckpointPosition Start,
    DateTimeOffset? StartedAt,
    bool IsFirstStart,
    int Limit,
    TimeSpan IdlePollInterval,
    bool Deaggregate = true,
    HashKeyRange? HashKeyRange = null);

/// <summary>
/// Reads one shard by GetRecords from its start position to its end, and passes pages on in order.
/// Invariant: what was passed on is a contiguous run of the shard's records after the start position. A new iterator
/// therefore always starts after the last record passed on, whatever made the former one unusable.
/// </summary>
internal sealed class ShardReader
{
    private const int FirstEstimateBytes = 256 * 1024;
    private const int InvalidAnswersInARow = 3;
    private static readonly TimeSpan s_slowRetry = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_throttledRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_firstRetry = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_maximumRetry = TimeSpan.FromSeconds(10);

    private readonly IKinesisClient _client;
    private readonly ShardReaderSettings _settings;
    private readonly ByteBudget.Account _budget;
    private readonly ReadQuota _quota;
    private readonly BurstMeter _bursts;
    private readonly Backoff _backoff;
    private readonly TimeProvider _time;
    private readonly ConsumerMetrics _metrics;
    private readonly ConsumerHealth _health;
    private readonly ILogger _log;
    private readonly Deaggregation? _deaggregation;
    private CheckpointPosition _position;
    private bool _insideRecord;
    private bool _foreignSaid;
    private string? _iterator;
    private long _estimate = FirstEstimateBytes;
    private int _invalidAnswers;
    private bool _iteratorRefreshed;
    private bool _latestIsNow;

    public ShardReader(
        IKinesisClient client,
        ShardReaderSettings settings,
        ByteBudget.Account budget,
        TimeProvider time,
        Random random,
        ConsumerMetrics metrics,
        ConsumerHealth health,
        ILogger log)
    {
        _client = client;
        _settings = settings;
        _budget = budget;
        _time = time;
        _metrics = metrics;
        _health = health;
        _log = log;
        _position = settings.Start;
        _deaggregation = settings.Deaggregate ? new Deaggregation(settings.HashKeyRange) : null;
        // A checkpoint does not say how many records its aggregate has, nor, at sub-sequence number 0, whether it is one; KCL
        // writes both kinds alike. So it is read AT, and what is done is dropped.
        _insideRecord = settings.Start.Kind == CheckpointKind.Record && (settings.Deaggregate || settings.Start.SubSequenceNumber > 0);
        _latestIsNow = settings.IsFirstStart || settings.StartedAt is null;
        _quota = new ReadQuota(time, random, settings.Limit, settings.IdlePollInterval);
        _bursts = new BurstMeter(time, metrics, settings.Shard);
        _backoff = new Backoff(s_firstRetry, s_maximumRetry, random);
    }

    private string ShardId => _settings.Shard.Shard;

    private string Place => $"{_settings.Shard.Application}/{_settings.Shard.Stream}/{ShardId}/read";

    /// <summary>Reads until the shard's end, or until cancelled; completes the writer either way.</summary>
    public async Task RunAsync(ChannelWriter<ReadItem> output, CancellationToken cancellationToken)
    {
        Exception? failure = null;
        try
        {
            while (!await ReadOnceAsync(output, cancellationToken).ConfigureAwait(false))
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
            _health.Clear(Place);
            output.TryComplete(failure);
        }
    }

    /// <summary>One call and what follows from it; true at the shard's end.</summary>
    private async ValueTask<bool> ReadOnceAsync(ChannelWriter<ReadItem> output, CancellationToken cancellationToken)
    {
        try
        {
            if (_iterator is null)
            {
                StartingPosition position = IteratorPosition();
                // LATEST is now but once: from here on it is a moment in the past, whether this call succeeds or not
                _latestIsNow = _settings.StartedAt is null;
                _iterator = await _client.GetShardIteratorAsync(_settings.Stream, ShardId, position, cancellationToken).ConfigureAwait(false);
            }

            await _quota.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (KinesisException e)
        {
            return await RecoverAsync(e, "GetShardIterator", output, cancellationToken).ConfigureAwait(false);
        }

        ByteBudget.Reservation? reservation = await _budget.ReserveAsync(_estimate, cancellationToken).ConfigureAwait(false);
        GetRecordsResponse? response = null;
        try
        {
            response = await _client.GetRecordsAsync(_settings.Stream, _iterator, _quota.Start(), cancellationToken).ConfigureAwait(false);
            _quota.Succeeded(response.Count, response.PayloadBytes, response.MillisBehindLatest);
            _bursts.Add(response.PayloadBytes);
            _metrics.ReadShare(_settings.Shard, _quota.Share);
            bool isEmpty = response.Count == 0;
            CheckpointPosition end = isEmpty ? _position : Deaggregate(response);
            _metrics.Read(_settings.Shard, response.Count, response.PayloadBytes, response.MillisBehindLatest);

            IReadOnlyList<ChildShard>? children = await EndOfShardAsync(response, cancellationToken).ConfigureAwait(false);
            if (response.NextShardIterator is null && children is null)
            {
                return false;
            }

            _backoff.Reset();
            _iteratorRefreshed = false;
            _health.Clear(Place);
            _iterator = response.NextShardIterator;
            if (response.Count > 0 || end > _position)
            {
                _estimate = response.RetainedBytes;
                reservation.Resize(response.RetainedBytes);
                var page = new RecordPage(response, reservation, end);
                response = null;
                reservation = null;
                await WriteAsync(output, page, cancellationToken).ConfigureAwait(false);
            }

            if (!isEmpty)
            {
                // the answer's last aggregate was passed on as a whole
                _position = end;
                _insideRecord = false;
            }

            if (children is not null)
            {
                ConsumerLog.ShardEndRead(_log, ShardId, children.Count);
                await output.WriteAsync(ReadItem.End(children), cancellationToken).ConfigureAwait(false);
                return true;
            }

            return false;
        }
        catch (KinesisException e)
        {
            reservation?.Dispose();
            reservation = null;
            return await RecoverAsync(e, "GetRecords", output, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            response?.Dispose();
            reservation?.Dispose();
        }
    }

    private static async ValueTask WriteAsync(ChannelWriter<ReadItem> output, RecordPage page, CancellationToken cancellationToken)
    {
        try
        {
            await output.WriteAsync(ReadItem.Records(page), cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            // nobody took it over
            page.Dispose();
            throw;
        }
    }

    private StartingPosition IteratorPosition() => _position.Kind switch
    {
        CheckpointKind.Record when _insideRecord => StartingPosition.At(_position.SequenceNumber),
        CheckpointKind.Record => StartingPosition.After(_position.SequenceNumber),
        CheckpointKind.Latest when _latestIsNow => StartingPosition.Latest,
        CheckpointKind.Latest or CheckpointKind.AtTimestamp => StartingPosition.AtTimestamp(_settings.StartedAt
            ?? throw new InvalidOperationException($"Shard {ShardId} starts at a timestamp, and neither its lease nor the options say at which: set StartTimestamp.")),
        _ => StartingPosition.TrimHorizon,
    };

    /// <summary>Unpacks what the KPL aggregated; the position when all of the answer is done.</summary>
    private CheckpointPosition Deaggregate(GetRecordsResponse response)
    {
        if (_deaggregation is null)
        {
            return new KinesisRecord(response, response.Count - 1).Position;
        }

        DeaggregationResult result = _deaggregation.Apply(response, _insideRecord ? _position : default);
        if (result.Foreign > 0)
        {
            _metrics.LeftOut(_settings.Shard, result.Foreign);
            if (!_foreignSaid)
            {
                _foreignSaid = true;
                ConsumerLog.ForeignRecords(_log, ShardId, result.Foreign);
            }
        }

        return result.End;
    }

    /// <summary>
    /// The shard's children where the answer ends the shard, else null. An answer without iterator and without children is not
    /// believed until it has come several times and ListShards says that the shard is closed.
    /// </summary>
    private async ValueTask<IReadOnlyList<ChildShard>?> EndOfShardAsync(GetRecordsResponse response, CancellationToken cancellationToken)
    {
        if (response.NextShardIterator is not null)
        {
            _invalidAnswers = 0;
            return null;
        }

        if (response.ChildShards.Count > 0 && response.ChildShards.All(static child => child.ParentShards.Count > 0))
        {
            return response.ChildShards;
        }

        if (++_invalidAnswers <= InvalidAnswersInARow)
        {
            return null;
        }

        List<Shard> listing = await ShardListing.ListAllAsync(_client, _settings.Stream, cancellationToken).ConfigureAwait(false);
        Shard? self = listing.Find(shard => shard.ShardId == ShardId);
        if (self is null or { EndingSequenceNumber: not null })
        {
            return ChildrenIn(listing);
        }

        // the shard is open, so the answer was wrong: go on with a new iterator
        ConsumerLog.IteratorWithoutEnd(_log, ShardId);
        _invalidAnswers = 0;
        _iterator = null;
        return null;
    }

    /// <summary>Waits as the error asks, and gives up the iterator where a new one may help. Returns when the next try is due; true where the shard is gone.</summary>
    private async ValueTask<bool> RecoverAsync(KinesisException error, string operation, ChannelWriter<ReadItem> output, CancellationToken cancellationToken)
    {
        TimeSpan wait;
        switch (error.Kind)
        {
            case KinesisErrorKind.ExpiredIterator when !_iteratorRefreshed:
                _iteratorRefreshed = true;
                ConsumerLog.IteratorExpired(_log, ShardId, _position);
                _iterator = null;
                return false;

            case KinesisErrorKind.Throttled when operation == "GetRecords":
                _metrics.ReadThrottled(_settings.Shard);
                ConsumerLog.ReadThrottled(_log, ShardId, _quota.Throttled(), error.Message);
                return false;

            case KinesisErrorKind.Client when !_iteratorRefreshed && operation == "GetRecords":
                // InvalidArgument: an iterator of another form or age; ask once for a new one before surfacing it
                _iteratorRefreshed = true;
                _iterator = null;
                return false;

            case KinesisErrorKind.NotFound when await FindTrimmedAsync(cancellationToken).ConfigureAwait(false) is { } children:
                ConsumerLog.ShardGone(_log, ShardId, _position, children.Count);
                await output.WriteAsync(ReadItem.End(children), cancellationToken).ConfigureAwait(false);
                return true;

            case KinesisErrorKind.Denied or KinesisErrorKind.NotFound or KinesisErrorKind.Client:
                wait = s_slowRetry;
                _iterator = null;
                _health.Report(Place, ConditionSeverity.Unhealthy, error.Message);
                ConsumerLog.ReadRefused(_log, ShardId, wait, error);
                break;

            default:
                wait = _backoff.Next();
                if (error.Kind == KinesisErrorKind.Throttled)
                {
                    wait += s_throttledRetry;
                }

                bool unknownIterator = operation == "GetRecords" && error.StatusCode >= 500 && (_position.Kind != CheckpointKind.Latest || _settings.StartedAt is not null);
                if (error.Kind == KinesisErrorKind.ExpiredIterator || unknownIterator)
                {
                    // kinesis-local answers 500 to an iterator it does not know; a new one costs one call
                    _iterator = null;
                }

                _health.Report(Place, ConditionSeverity.Degraded, error.Message);
                ConsumerLog.ReadFailed(_log, ShardId, wait, error);
                break;
        }

        await Task.Delay(wait, _time, cancellationToken).ConfigureAwait(false);
        return false;
    }

    /// <summary>The shard's children where the stream is there and the shard no longer is (it was closed, and all of it is older than the retention); else null.</summary>
    private async ValueTask<IReadOnlyList<ChildShard>?> FindTrimmedAsync(CancellationToken cancellationToken)
    {
        try
        {
            List<Shard> listing = await ShardListing.ListAllAsync(_client, _settings.Stream, cancellationToken).ConfigureAwait(false);
            return listing.Count == 0 || listing.Exists(shard => shard.ShardId == ShardId) ? null : ChildrenIn(listing);
        }
        catch (KinesisException)
        {
            // the first error says what is wrong; this one says the same of the stream
            return null;
        }
    }

    private List<ChildShard> ChildrenIn(List<Shard> listing) => [.. listing
        .Where(shard => shard.ParentShardId == ShardId || shard.AdjacentParentShardId == ShardId)
        .Select(shard => new ChildShard(shard.ShardId, shard.ParentIds(), shard.HashKeyRange))];
}
