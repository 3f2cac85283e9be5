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
internal sealed record ShardReaderSettings(
    StreamIdentifier Stream,
    ShardTags Shard,
    CheckpointPosition Start,
    DateTimeOffset? StartedAt,
    bool IsFirstStart,
    int Limit,
    TimeSpan IdlePollInterval);

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
    private CheckpointPosition _position;
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
        _latestIsNow = settings.IsFirstStart || settings.StartedAt is null;
        _quota = new ReadQuota(time, random, settings.Limit, settings.IdlePollInterval);
        _bursts = new BurstMeter(time, metrics, settings.Shard);
        _backoff = new Backoff(s_firstRetry, s_maximumRetry, random);
    }

    private string ShardId => _settings.Shard.Shard;

    private string Place => $"{_settings.Shard.Stream}/{ShardId}/read";

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
            _iterator ??= await _client.GetShardIteratorAsync(_settings.Stream, ShardId, IteratorPosition(), cancellationToken).ConfigureAwait(false);
            // from here on LATEST is a moment in the past
            _latestIsNow = _settings.StartedAt is null;
            await _quota.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (KinesisException e)
        {
            await RecoverAsync(e, "GetShardIterator", cancellationToken).ConfigureAwait(false);
            return false;
        }

        ByteBudget.Reservation? reservation = await _budget.ReserveAsync(_estimate, cancellationToken).ConfigureAwait(false);
        GetRecordsResponse? response = null;
        try
        {
            response = await _client.GetRecordsAsync(_settings.Stream, _iterator, _quota.Start(), cancellationToken).ConfigureAwait(false);
            _quota.Succeeded(response.Count, response.PayloadBytes, response.MillisBehindLatest);
            _bursts.Add(response.PayloadBytes);
            _metrics.ReadShare(_settings.Shard, _quota.Share);
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
            if (response.Count > 0)
            {
                _estimate = response.RetainedBytes;
                reservation.Resize(response.RetainedBytes);
                CheckpointPosition last = new KinesisRecord(response, response.Count - 1).Position;
                var page = new RecordPage(response, reservation);
                response = null;
                reservation = null;
                await WriteAsync(output, page, cancellationToken).ConfigureAwait(false);
                _position = last;
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
            await RecoverAsync(e, "GetRecords", cancellationToken).ConfigureAwait(false);
            return false;
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
        // inside an aggregate the rest of it is still to do
        CheckpointKind.Record when _position.SubSequenceNumber > 0 => StartingPosition.At(_position.SequenceNumber),
        CheckpointKind.Record => StartingPosition.After(_position.SequenceNumber),
        CheckpointKind.Latest when _latestIsNow => StartingPosition.Latest,
        CheckpointKind.Latest or CheckpointKind.AtTimestamp => StartingPosition.AtTimestamp(_settings.StartedAt
            ?? throw new InvalidOperationException($"Shard {ShardId} starts at a timestamp, and neither its lease nor the options say at which: set StartTimestamp.")),
        _ => StartingPosition.TrimHorizon,
    };

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
            return [.. listing
                .Where(shard => shard.ParentShardId == ShardId || shard.AdjacentParentShardId == ShardId)
                .Select(shard => new ChildShard(shard.ShardId, shard.ParentIds(), shard.HashKeyRange))];
        }

        // the shard is open, so the answer was wrong: go on with a new iterator
        ConsumerLog.IteratorWithoutEnd(_log, ShardId);
        _invalidAnswers = 0;
        _iterator = null;
        return null;
    }

    /// <summary>Waits as the error asks, and gives up the iterator where a new one may help. Returns when the next try is due.</summary>
    private async ValueTask RecoverAsync(KinesisException error, string operation, CancellationToken cancellationToken)
    {
        TimeSpan wait;
        switch (error.Kind)
        {
            case KinesisErrorKind.ExpiredIterator:
                ConsumerLog.IteratorExpired(_log, ShardId, _position);
                _iterator = null;
                return;

            case KinesisErrorKind.Throttled when operation == "GetRecords":
                _metrics.ReadThrottled(_settings.Shard);
                ConsumerLog.ReadThrottled(_log, ShardId, _quota.Throttled(), error.Message);
                return;

            case KinesisErrorKind.Client when !_iteratorRefreshed && operation == "GetRecords":
                // InvalidArgument: an iterator of another form or age; ask once for a new one before surfacing it
                _iteratorRefreshed = true;
                _iterator = null;
                return;

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

                _health.Report(Place, ConditionSeverity.Degraded, error.Message);
                ConsumerLog.ReadFailed(_log, ShardId, wait, error);
                break;
        }

        await Task.Delay(wait, _time, cancellationToken).ConfigureAwait(false);
    }
}
