using System.Threading.Channels;
using FastConsumer.Buffers;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Timing;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Reading;

/// <summary>
/// Reads one shard by SubscribeToShard (enhanced fan-out) from its start position to its end, and passes pages on in order.
/// Invariant: what was passed on is a contiguous run of the shard's records after the start position; a new subscription
/// always starts after the last continuation number that was passed on, whatever became of the former one.
/// An event is not read before the byte budget has room for it: until then it stays with the connection, whose window is
/// what holds the service back.
/// </summary>
internal sealed class FanOutReader : IShardReader
{
    // The service counts one call a second by its own clock, and calls do not travel evenly.
    private static readonly TimeSpan s_callInterval = TimeSpan.FromMilliseconds(1100);
    private static readonly TimeSpan s_takeOverAfter = TimeSpan.FromMilliseconds(5100);

    /// <summary>A subscription lasts for five minutes; the next one takes over before that, shard by shard at different times.</summary>
    private static readonly TimeSpan s_renewAfter = TimeSpan.FromSeconds(275);
    private static readonly TimeSpan s_renewSpread = TimeSpan.FromSeconds(15);

    /// <summary>The service sends an event every few seconds, with or without records; KCL gives up after this time too.</summary>
    private static readonly TimeSpan s_longestSilence = TimeSpan.FromSeconds(35);

    /// <summary>Two applications that take the shard from each other, as one consumer, do so at least this often.</summary>
    private static readonly TimeSpan s_undisturbed = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan s_firstThrottleWait = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_longestThrottleWait = TimeSpan.FromSeconds(20);

    private readonly IKinesisClient _client;
    private readonly ShardReaderSettings _settings;
    private readonly FanOutConsumer _consumer;
    private readonly ShardPosition _position;
    private readonly ShardOutput _output;
    private readonly IShardReader _fallback;
    private readonly ByteBudget.Account _budget;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly ShardTelemetry _shard;
    private readonly ILogger _log;
    private readonly ReadRecovery _recovery;
    private readonly ShardEnding _ending;
    private readonly Backoff _throttles;
    private IShardSubscription? _subscription;
    private Task<int?>? _announcement;
    private long? _calledAt;
    private long? _subscribedAt;
    private long _renewedAt;
    private TimeSpan _renewIn;
    private string? _consumerArn;
    private bool _consumerWasForgotten;

    /// <param name="client">The client.</param>
    /// <param name="settings">The shard.</param>
    /// <param name="consumer">The registered consumer.</param>
    /// <param name="position">Where to start; moved on by whoever reads.</param>
    /// <param name="fallback">Goes on by polling, from <paramref name="position"/>, where fan-out is refused and the options allow
    /// it.</param>
    /// <param name="budget">The shard's share of the byte budget.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">Jitter.</param>
    /// <param name="findings">Hears of what lasts.</param>
    /// <param name="log">The log.</param>
    public FanOutReader(
        IKinesisClient client,
        ShardReaderSettings settings,
        FanOutConsumer consumer,
        ShardPosition position,
        IShardReader fallback,
        ByteBudget.Account budget,
        TimeProvider time,
        Random random,
        Findings findings,
        ILogger log)
    {
        _client = client;
        _settings = settings;
        _consumer = consumer;
        _position = position;
        _output = new ShardOutput(settings, position, findings, log);
        _fallback = fallback;
        _budget = budget;
        _time = time;
        _random = random;
        _shard = settings.Shard;
        _log = log;
        _recovery = new ReadRecovery(settings, time, random, findings, log);
        StreamListings listings = settings.Listings ?? new StreamListings(client, settings.Stream, time);
        _ending = new ShardEnding(listings, settings.Shard.ShardId, time, log);
        _throttles = new Backoff(s_firstThrottleWait, s_longestThrottleWait, random);
    }

    private string ShardId => _shard.ShardId;

    /// <inheritdoc/>
    public async Task RunAsync(ChannelWriter<ReadItem> output, CancellationToken cancellationToken)
    {
        Exception? failure = null;
        bool isHandedOver = false;
        try
        {
            if (_settings.Spread is { } spread)
            {
                await spread.WaitAsync(_settings.IdlePollInterval, cancellationToken);
            }

            while (!await ReadOnceAsync(output, cancellationToken))
            {
                if (_consumer.HasFallenBack)
                {
                    isHandedOver = true;
                    break;
                }
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
            await UnsubscribeAsync();
            _recovery.End();
            if (!isHandedOver)
            {
                output.TryComplete(failure);
            }
        }

        if (isHandedOver)
        {
            await _fallback.RunAsync(output, cancellationToken);
        }
    }

    /// <summary>One event and what follows from it; true at the shard's end.</summary>
    private async ValueTask<bool> ReadOnceAsync(ChannelWriter<ReadItem> output, CancellationToken cancellationToken)
    {
        try
        {
            if (_subscription is null)
            {
                _shard.Time.Enter(ShardState.Refused);
                await PaceAsync(cancellationToken);
                _shard.Time.Enter(ShardState.Reading);
                _subscription = await SubscribeAsync(cancellationToken);
            }

            _shard.Time.Enter(ShardState.Idle);
            if (await NextEventAsync(_subscription, cancellationToken) is not { } bytes)
            {
                return false;
            }

            return await PassOnAsync(_subscription, bytes, output, cancellationToken);
        }
        catch (KinesisException e)
        {
            await UnsubscribeAsync();
            _shard.Time.Enter(ShardState.Refused);
            return await RecoverAsync(e, output, cancellationToken);
        }
    }

    /// <summary>Waits until the service takes another call for this shard.</summary>
    private async ValueTask PaceAsync(CancellationToken cancellationToken)
    {
        TimeSpan rest = Rest(_calledAt, s_callInterval);
        TimeSpan untilTakeOver = Rest(_subscribedAt, s_takeOverAfter);
        rest = untilTakeOver > rest ? untilTakeOver : rest;
        if (rest > TimeSpan.Zero)
        {
            await Task.Delay(rest, _time, cancellationToken);
        }
    }

    private async ValueTask<IShardSubscription> SubscribeAsync(CancellationToken cancellationToken)
    {
        string arn = await _consumer.ArnAsync(cancellationToken);
        StartingPosition start = await _position.NextAsync(_client, _time, cancellationToken);
        _consumerArn = arn;
        _calledAt = _time.GetTimestamp();
        IShardSubscription subscription = await _client.SubscribeToShardAsync(arn, ShardId, start, cancellationToken);
        FanOutLog.Subscribed(_log, ShardId, start);
        _subscribedAt = _calledAt = _renewedAt = _time.GetTimestamp();
        _renewIn = s_renewAfter + (_random.NextDouble() * s_renewSpread);
        return subscription;
    }

    /// <summary>
    /// Waits for the next event, and sees to it meanwhile that the subscription is renewed in time; null where there is a new subscription,
    /// or none.
    /// </summary>
    private async ValueTask<int?> NextEventAsync(IShardSubscription subscription, CancellationToken cancellationToken)
    {
        _announcement ??= ApartTask.OnPool(() => subscription.WaitForEventAsync(cancellationToken).AsTask());
        long since = _time.GetTimestamp();
        while (true)
        {
            TimeSpan untilRenewal = Rest(_renewedAt, _renewIn);
            if (untilRenewal == TimeSpan.Zero)
            {
                if (await TryRenewAsync(cancellationToken))
                {
                    return null;
                }

                continue;
            }

            if (!_announcement.IsCompleted)
            {
                TimeSpan untilSilent = Rest(since, s_longestSilence);
                if (untilSilent == TimeSpan.Zero)
                {
                    FanOutLog.SubscriptionSilent(_log, ShardId, s_longestSilence);
                    subscription.GiveUpConnection();
                    await UnsubscribeAsync();
                    return null;
                }

                await ApartTask.WaitAsync(_announcement, untilSilent < untilRenewal ? untilSilent : untilRenewal, _time, cancellationToken);
                cancellationToken.ThrowIfCancellationRequested();
                continue;
            }

            int? bytes = await _announcement;
            _announcement = null;
            if (bytes is null)
            {
                FanOutLog.SubscriptionEnded(_log, ShardId);
                await UnsubscribeAsync();
            }

            return bytes;
        }
    }

    /// <summary>
    /// Takes the subscription over by a new one; what the old one still had is sent again by the new one. False where it goes on for now.
    /// </summary>
    private async ValueTask<bool> TryRenewAsync(CancellationToken cancellationToken)
    {
        IShardSubscription next;
        try
        {
            next = await SubscribeAsync(cancellationToken);
        }
        catch (KinesisException e)
        {
            // The old one still runs: where the reason lasts, its end will show it.
            TimeSpan wait = s_takeOverAfter * (1 + _random.NextDouble());
            FanOutLog.SubscriptionRefused(_log, ShardId, wait, e.Message);
            _renewedAt = _time.GetTimestamp();
            _renewIn = wait;
            return false;
        }

        await UnsubscribeAsync();
        _subscription = next;
        return true;
    }

    private async ValueTask<bool> PassOnAsync(
        IShardSubscription subscription, int bytes, ChannelWriter<ReadItem> output, CancellationToken cancellationToken)
    {
        ByteBudget.Reservation? reservation = await _output.ReserveAsync(_budget, bytes, cancellationToken);
        GetRecordsResponse? response = null;
        try
        {
            _shard.Time.Enter(ShardState.Reading);
            response = await ReadEventAsync(subscription, cancellationToken);
            if (response is null)
            {
                await UnsubscribeAsync();
                return false;
            }

            CheckpointPosition? end = _output.Unpack(response);
            _settings.Intake?.Behind(response.MillisBehindLatest);
            _shard.Read(response.Count, response.PayloadBytes);
            IReadOnlyList<ChildShard>? children = null;
            if (response.ContinuationSequenceNumber is null)
            {
                children = await _ending.JudgeAsync(response.ChildShards, cancellationToken);
                if (children is null)
                {
                    // not believed: the same records come again with a new subscription
                    await UnsubscribeAsync();
                    return false;
                }
            }
            else
            {
                _ending.GoesOn();
            }

            _recovery.Succeeded(isSettled: _subscribedAt is { } since && _time.GetElapsedTime(since) >= s_undisturbed);
            _throttles.Reset();
            _consumerWasForgotten = false;
            SequenceNumber? continuation = response.ContinuationSequenceNumber;
            if (end is { } last)
            {
                (GetRecordsResponse records, ByteBudget.Reservation room) = (response, reservation);
                response = null;
                reservation = null;
                await _output.PassOnAsync(output, records, room, last, cancellationToken);
                _recovery.Advanced();
            }

            if (children is not null)
            {
                ConsumerLog.ShardEndRead(_log, ShardId, children.Count);
                _shard.Time.Enter(ShardState.Handling);
                await output.WriteAsync(ReadItem.End(children), cancellationToken);
                return true;
            }

            _position.Advance(continuation!.Value);
            return false;
        }
        finally
        {
            response?.Dispose();
            reservation?.Dispose();
        }
    }

    /// <summary>The event that has begun; null where the subscription has ended, or is given up since nothing more of it comes.</summary>
    private async ValueTask<GetRecordsResponse?> ReadEventAsync(IShardSubscription subscription, CancellationToken cancellationToken)
    {
        Task<GetRecordsResponse?> reading = ApartTask.OnPool(() => subscription.ReadAsync(cancellationToken).AsTask());
        long received = subscription.ReceivedBytes;
        long since = _time.GetTimestamp();
        // at a stop it ends by itself, and what it may have brought by then is owned by somebody
        while (!reading.IsCompleted && !cancellationToken.IsCancellationRequested)
        {
            TimeSpan untilSilent = Rest(since, s_longestSilence);
            if (subscription.ReceivedBytes is var now && now != received)
            {
                received = now;
                since = _time.GetTimestamp();
            }
            else if (untilSilent == TimeSpan.Zero)
            {
                FanOutLog.EventSilent(_log, ShardId, s_longestSilence, received);
                subscription.GiveUpConnection();
                _recovery.StoodStill("Events of its subscription stop in their midst. Where the server is not AWS, "
                    + $"set FastConsumer:StreamWindowBytes to {KinesisClientOptions.LargestStreamWindowBytes}, or read by polling.");
                await UnsubscribeAsync();
                break;
            }
            else
            {
                await ApartTask.WaitAsync(reading, untilSilent, _time, cancellationToken);
            }
        }

        return await reading;
    }

    /// <summary>Waits as the error asks, or gives way to polling. Returns when the next try is due; true where the shard is gone.</summary>
    private async ValueTask<bool> RecoverAsync(KinesisException error, ChannelWriter<ReadItem> output, CancellationToken cancellationToken)
    {
        switch (error.Kind)
        {
            case KinesisErrorKind.Denied or KinesisErrorKind.Throttled when _consumer.TryFallBack(error):
                return false;

            case KinesisErrorKind.Client when _position.TryForgetContinuation(out SequenceNumber refused):
                ReadingLog.ContinuationRefused(_log, ShardId, refused, _position.Current, error.Message);
                return false;

            case KinesisErrorKind.ResourceInUse:
                // the consumer's subscription of a moment ago, or another worker that has just taken the shard over
                _recovery.Refused(
                    error,
                    " Another application may read as the same consumer: give each a name of its own (FastConsumer:ApplicationName or "
                        + "FastConsumer:ConsumerName).");
                await RefusedAsync(error, s_takeOverAfter * (1 + (_random.NextDouble() / 2)), cancellationToken);
                return false;

            case KinesisErrorKind.Throttled:
                _shard.ReadThrottled();
                _recovery.Refused(error);
                await RefusedAsync(error, _throttles.Next(), cancellationToken);
                return false;

            case KinesisErrorKind.NotFound when !_consumerWasForgotten:
                // Somebody may have deregistered the consumer, or registered it anew under another ARN: that is seen to first.
                _consumerWasForgotten = true;
                ForgetConsumer();
                return false;

            case KinesisErrorKind.NotFound when await _ending.FindTrimmedAsync(cancellationToken) is { } children:
                ConsumerLog.ShardGone(_log, ShardId, _position.Current, children.Count);
                _recovery.Gone(_position.Current);
                await output.WriteAsync(ReadItem.End(children), cancellationToken);
                return true;

            default:
                if (error.Kind == KinesisErrorKind.NotFound)
                {
                    ForgetConsumer();
                }

                await _recovery.WaitAsync(error, cancellationToken);
                return false;
        }
    }

    private void ForgetConsumer()
    {
        if (_consumerArn is { } arn)
        {
            _consumer.Forget(arn);
        }

        _subscribedAt = null;
    }

    private Task RefusedAsync(KinesisException error, TimeSpan wait, CancellationToken cancellationToken)
    {
        FanOutLog.SubscriptionRefused(_log, ShardId, wait, error.Message);
        return Task.Delay(wait, _time, cancellationToken);
    }

    private async ValueTask UnsubscribeAsync()
    {
        IShardSubscription? subscription = _subscription;
        Task? announcement = _announcement;
        _subscription = null;
        _announcement = null;
        if (subscription is not null)
        {
            await subscription.DisposeAsync();
        }

        if (announcement is not null)
        {
            await announcement.ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private TimeSpan Rest(long? since, TimeSpan interval)
    {
        TimeSpan rest = since is { } start ? interval - _time.GetElapsedTime(start) : TimeSpan.Zero;
        return rest > TimeSpan.Zero ? rest : TimeSpan.Zero;
    }
}
