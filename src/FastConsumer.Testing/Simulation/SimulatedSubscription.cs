using FastConsumer.Kinesis;
using FastConsumer.Testing.Engine;

namespace FastConsumer.Testing.Simulation;

/// <summary>
/// A fan-out subscription: the service pushes events over the link, at most a few ahead of the reader, an empty one after some
/// silence, and an end after some minutes. Where the link is cut, nothing comes, and after a while the connection breaks.
/// </summary>
internal sealed class SimulatedSubscription(
    SimulationLoop loop, SimulatedProcess process, SimulatedLink link, KinesisEngine engine, Random random) : IShardSubscription
{
    private const int EventsAhead = 4;

    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(5);

    private readonly Queue<(SubscriptionEvent? Event, KinesisException? Error)> _arrived = new();
    private SubscriptionState? _state;
    private TaskCompletionSource? _waiting;
    private long _lastSent;
    private long _lastArrival;
    private int _underWay;
    private bool _isOver;
    private bool _isPushing;
    private bool _isDisposed;
    private bool _isBroken;

    /// <summary>The service has accepted it.</summary>
    public void Open(SubscriptionState state)
    {
        _state = state;
        _lastSent = loop.Now - s_silence.Ticks;
        loop.At(s_longest * (0.8 + (random.NextDouble() / 5)), () => Send(null, null, isLast: true));
        Wake();
        Tick();
    }

    /// <summary>There may be something to push.</summary>
    public void Wake()
    {
        if (!_isPushing)
        {
            _isPushing = true;
            // not inside of the service's own call
            loop.At(TimeSpan.Zero, Push);
        }
    }

    /// <summary>Events come whole here.</summary>
    public long ReceivedBytes { get; private set; }

    public async ValueTask<int?> WaitForEventAsync(CancellationToken cancellationToken = default)
    {
        while (_arrived.Count == 0)
        {
            if (_isDisposed)
            {
                return null;
            }

            TaskCompletionSource waiting = _waiting = new();
            using (cancellationToken.UnsafeRegister(_ => waiting.TrySetCanceled(cancellationToken), null))
            {
                await waiting.Task;
            }
        }

        (SubscriptionEvent? next, KinesisException? error) = _arrived.Peek();
        return error is not null ? throw error : next is null ? null : 200 + next.Records.Sum(static record => record.Bytes + 100);
    }

    public async ValueTask<GetRecordsResponse?> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (await WaitForEventAsync(cancellationToken) is null)
        {
            return null;
        }

        SubscriptionEvent next = _arrived.Dequeue().Event!;
        _underWay--;
        Wake();
        return SimulatedAnswer.Of(next.Records, next.MillisBehindLatest, next.ChildShards, null, next.ContinuationSequenceNumber);
    }

    public ValueTask DisposeAsync()
    {
        _isDisposed = true;
        _waiting?.TrySetResult();
        // the service hears of it a little later
        loop.At(link.Travel(), End);
        return ValueTask.CompletedTask;
    }

    private void Tick()
    {
        if (!_isOver)
        {
            Wake();
            loop.At(s_silence, Tick);
        }
    }

    private void Push()
    {
        _isPushing = false;
        while (!_isOver && _underWay < EventsAhead)
        {
            SubscriptionEvent? next;
            try
            {
                bool isSilent = loop.Now - _lastSent >= s_silence.Ticks;
                next = engine.ReadSubscription(_state!, isSilent);
            }
            catch (EngineException e)
            {
                Send(null, SimulatedKinesisClient.Refused(KinesisOperation.SubscribeToShard, e), isLast: true);
                return;
            }

            if (next is null)
            {
                return;
            }

            _lastSent = loop.Now;
            Send(next, null, isLast: next.ContinuationSequenceNumber is null);
            if (next.Records.Length == 0)
            {
                return;
            }
        }
    }

    private void Send(SubscriptionEvent? next, KinesisException? error, bool isLast)
    {
        if (_isOver)
        {
            return;
        }

        if (isLast)
        {
            End();
        }

        _underWay++;
        // one connection: nothing overtakes
        _lastArrival = Math.Max(loop.Now + link.Travel().Ticks, _lastArrival + 1);
        if (random.NextDouble() < link.LostAnswers)
        {
            error = new KinesisException("The connection of the subscription broke.", KinesisErrorKind.Unavailable);
            End();
        }

        loop.At(TimeSpan.FromTicks(_lastArrival - loop.Now), () =>
        {
            if (_isBroken)
            {
                return;
            }

            if (link.State != LinkState.Up)
            {
                // a connection that lost something is of no use any more
                _isBroken = true;
                End();
                link.Troubled?.Invoke();
                loop.At(
                    link.Patience,
                    () => Arrive(null, new KinesisException("The connection of the subscription broke.", KinesisErrorKind.Unavailable)));
                return;
            }

            Arrive(next, error);
        });
    }

    private void Arrive(SubscriptionEvent? next, KinesisException? error)
    {
        // behind a break nothing comes
        if (_arrived.Count == 0 || _arrived.Last().Error is null)
        {
            _arrived.Enqueue((next, error));
            ReceivedBytes += next?.Records.Sum(static record => (long)record.Bytes) ?? 0;
        }

        process.Post(() => _waiting?.TrySetResult());
    }

    private void End()
    {
        if (!_isOver)
        {
            _isOver = true;
            if (_state is not null)
            {
                engine.EndSubscription(_state);
            }
        }
    }
}
