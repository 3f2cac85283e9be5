using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Timing;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Reading;

/// <summary>
/// The registered consumer that all workers of an application share on a stream. Whoever comes first registers it; it is
/// never deregistered here, for nobody knows whether another worker still reads with it.
/// </summary>
internal sealed class FanOutConsumer
{
    /// <summary>The fewest registered consumers at which a stream may have no room for another (50 in On-demand Advantage).</summary>
    private const int ConsumerLimit = 20;

    private static readonly TimeSpan s_firstPoll = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_longestPoll = TimeSpan.FromSeconds(5);

    private readonly IKinesisClient _client;
    private readonly StreamIdentifier _stream;
    private readonly string _name;
    private readonly bool _mayFallBack;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly ILogger _log;
    private readonly AsyncLock _one = new();
    private volatile string? _arn;
    private int _hasFallenBack;

    public FanOutConsumer(
        IKinesisClient client, StreamIdentifier stream, string name, bool mayFallBack, TimeProvider time, Random random, ILogger log)
    {
        _client = client;
        _stream = stream;
        _name = name;
        _mayFallBack = mayFallBack;
        _time = time;
        _random = random;
        _log = log;
    }

    /// <summary>True once the stream is read by polling instead.</summary>
    public bool HasFallenBack => Volatile.Read(ref _hasFallenBack) != 0;

    /// <summary>Finds or registers the consumer, or falls back where that is allowed.</summary>
    /// <exception cref="KinesisException">It cannot be had now.</exception>
    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (!HasFallenBack)
            {
                await ArnAsync(cancellationToken);
            }
        }
        catch (KinesisException e) when (TryFallBack(e))
        {
            // it has been said; the shards are polled
        }
    }

    /// <summary>The consumer's ARN, when it is ACTIVE; registers it where it is not there.</summary>
    public async ValueTask<string> ArnAsync(CancellationToken cancellationToken)
    {
        if (_arn is { } known)
        {
            return known;
        }

        await _one.EnterAsync(cancellationToken);
        try
        {
            return _arn ??= await FindAsync(cancellationToken);
        }
        finally
        {
            _one.Exit();
        }
    }

    /// <summary>The service does not know the consumer any more: it is looked for, and registered, anew.</summary>
    public void Forget(string arn) => Interlocked.CompareExchange(ref _arn, null, arn);

    /// <summary>True where fan-out cannot be had for the given reason and polling may take its place; says so once.</summary>
    public bool TryFallBack(KinesisException reason)
    {
        if (!_mayFallBack || !(reason is FanOutUnavailableException || ErrorCatalog.IsPermission(reason.ErrorCode)))
        {
            return false;
        }

        if (Interlocked.Exchange(ref _hasFallenBack, 1) == 0)
        {
            FanOutLog.FellBack(_log, _stream.Name, reason.Message);
        }

        return true;
    }

    private async Task<string> FindAsync(CancellationToken cancellationToken)
    {
        string streamArn = _stream.Arn ?? (await _client.DescribeStreamSummaryAsync(_stream, cancellationToken)).StreamARN;
        var backoff = new Backoff(s_firstPoll, s_longestPoll, _random);
        while (true)
        {
            // Described first, which is allowed four times as often: but for the first worker it is there.
            Consumer? consumer = await DescribeAsync(streamArn, cancellationToken)
                ?? await RegisterAsync(streamArn, cancellationToken);
            if (consumer is { ConsumerStatus: "ACTIVE" })
            {
                FanOutLog.ConsumerReady(_log, _stream.Name, _name, consumer.ConsumerARN);
                return consumer.ConsumerARN;
            }

            await Task.Delay(backoff.Next(), _time, cancellationToken);
        }
    }

    private async Task<Consumer?> DescribeAsync(string streamArn, CancellationToken cancellationToken)
    {
        try
        {
            return await _client.DescribeStreamConsumerAsync(streamArn, _name, cancellationToken);
        }
        catch (KinesisException e) when (e.Kind == KinesisErrorKind.NotFound)
        {
            return null;
        }
    }

    private async Task<Consumer?> RegisterAsync(string streamArn, CancellationToken cancellationToken)
    {
        try
        {
            Consumer consumer = await _client.RegisterStreamConsumerAsync(streamArn, _name, cancellationToken);
            FanOutLog.ConsumerRegistered(_log, _stream.Name, _name);
            return consumer;
        }
        catch (KinesisException e) when (e.Kind == KinesisErrorKind.ResourceInUse)
        {
            // another worker was faster, or the stream is changing: it is described next
            return null;
        }
        catch (KinesisException e) when (e.ErrorCode == "LimitExceededException")
        {
            // this error stands for too many calls and for too many consumers
            StreamDescriptionSummary stream = await _client.DescribeStreamSummaryAsync(_stream, cancellationToken);
            throw stream.ConsumerCount < ConsumerLimit ? e : new FanOutUnavailableException(
                $"Consumer '{_name}' cannot be registered: stream {_stream.Name} has {stream.ConsumerCount} registered consumers already, "
                    + $"and {ConsumerLimit} are allowed (50 with On-demand Advantage). Deregister one that nobody uses, "
                    + $"share one by setting ConsumerName, set ReadMode to Polling, or set FanOutFallback. {e.Message}",
                e);
        }
    }

    /// <summary>The stream has no room for the consumer.</summary>
    private sealed class FanOutUnavailableException(string message, KinesisException reason)
        : KinesisException(message, reason.Kind, reason.ErrorCode, reason);
}
