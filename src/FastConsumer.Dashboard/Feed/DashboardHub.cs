using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using FastConsumer.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Dashboard.Feed;

/// <summary>
/// What all viewers share: the samples of the last hour, taken each ten seconds, and the state as JSON, made at most once a second and only
/// where somebody asks for it.
/// </summary>
internal sealed class DashboardHub : IDisposable
{
    /// <summary>The most pages that are updated live.</summary>
    public const int MostViewers = 8;

    /// <summary>A viewer that takes nothing for so long is dropped.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    /// <summary>Viewers do not come at the same moment: each of them finds what another has made within its own second.</summary>
    private static readonly TimeSpan s_stateLasts = TimeSpan.FromMilliseconds(900);

    private readonly Lock _lock = new();
    private readonly Dictionary<StreamWorker, WorkerBook> _books = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly StateBuilder _builder;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationToken _stopped;
    private long _since;
    private byte[]? _state;
    private long _stateAt;
    private int _viewers;
    private long _made;

    /// <param name="consumers">The host's consumers.</param>
    /// <param name="options">Who may do what.</param>
    /// <param name="services">The host's services.</param>
    public DashboardHub(
        IReadOnlyList<FastConsumerBuilder> consumers, FastConsumerDashboardOptions options, IServiceProvider services)
    {
        _time = services.GetRequiredService<TimeProvider>();
        _log = services.GetRequiredService<ILoggerFactory>().CreateLogger("FastConsumer.Dashboard");
        _since = _time.GetTimestamp();
        _stopped = _stop.Token;
        Consumers =
        [
            .. consumers.Select(consumer =>
                new DashboardConsumer(consumer, services.GetRequiredKeyedService<ConsumerService>(consumer.Name), services)),
        ];
        _builder = new StateBuilder(options);
    }

    /// <summary>The host's consumers.</summary>
    public IReadOnlyList<DashboardConsumer> Consumers { get; }

    /// <summary>The clock.</summary>
    public TimeProvider Time => _time;

    /// <summary>How many pages are updated live.</summary>
    public int Viewers => Volatile.Read(ref _viewers);

    /// <summary>How often the state was made.</summary>
    public long StatesMade => Interlocked.Read(ref _made);

    /// <summary>Samples from the start of the host to its stop.</summary>
    public void Follow(IHostApplicationLifetime lifetime)
    {
        lifetime.ApplicationStarted.Register(() => _ = Task.Run(() => SampleAsync(_stopped), CancellationToken.None));
        // open streams would hold up the stop of the web server
        lifetime.ApplicationStopping.Register(_stop.Cancel);
        lifetime.ApplicationStopped.Register(Dispose);
    }

    /// <summary>A place for a viewer; false where all are taken.</summary>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _viewers) <= MostViewers)
        {
            return true;
        }

        Leave();
        return false;
    }

    /// <summary>Gives the place back.</summary>
    public void Leave() => Interlocked.Decrement(ref _viewers);

    /// <summary>The state of now, as JSON. Nobody may write to it.</summary>
    public byte[] State()
    {
        lock (_lock)
        {
            if (_state is null || _time.GetElapsedTime(_stateAt) >= s_stateLasts)
            {
                _stateAt = _time.GetTimestamp();
                _state = _builder.State(Consumers, BookOf, _time.GetUtcNow());
                Interlocked.Increment(ref _made);
            }

            return _state;
        }
    }

    /// <summary>The charts of one worker, as JSON; null where there is no such worker.</summary>
    public byte[]? History(string consumer, string processor, string? shardId)
    {
        StreamWorker? worker = Find(consumer, processor);
        if (worker is null)
        {
            return null;
        }

        lock (_lock)
        {
            return HistoryBuilder.History(BookOf(worker), Tick, _time.GetUtcNow(), shardId);
        }
    }

    /// <summary>
    /// The state each second, for one viewer. It is asked for the next one when it has taken the one before, so a slow viewer keeps nothing
    /// and nobody waiting.
    /// </summary>
    /// <param name="drop">Ends the connection of a viewer that takes nothing.</param>
    /// <param name="cancellationToken">Cancelled when the viewer has left.</param>
    public async IAsyncEnumerable<SseItem<byte[]>> StatesAsync(
        Action drop, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopped);
        using ITimer patience = _time.CreateTimer(
            _ =>
            {
                DashboardLog.ViewerDropped(_log, Patience.TotalSeconds);
                drop();
            },
            null,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
        while (!end.IsCancellationRequested)
        {
            SseItem<byte[]> item = new(State());
            patience.Change(Patience, Timeout.InfiniteTimeSpan);
            yield return item;
            patience.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            await Task.Delay(s_interval, _time, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The worker of a processor; null where there is none.</summary>
    public StreamWorker? Find(string consumer, string processor) => Consumers
        .FirstOrDefault(known => known.Name == consumer)?.Service.Workers
        .FirstOrDefault(worker => worker.ProcessorName == processor);

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }

    /// <summary>Takes the samples of now.</summary>
    internal void Sample()
    {
        DateTimeOffset now = _time.GetUtcNow();
        foreach (StreamWorker worker in Consumers.SelectMany(static consumer => consumer.Service.Workers))
        {
            var view = WorkerView.Of(worker, now);
            lock (_lock)
            {
                if (view.Fleet is not null)
                {
                    BookOf(worker).Sample(view, Tick);
                }
            }
        }
    }

    /// <summary>The number of the sample of now: rounded, since timers are a little late or early.</summary>
    private long Tick => (long)Math.Round(_time.GetElapsedTime(_since) / SampleRing.Interval);

    /// <summary>Under the lock.</summary>
    private WorkerBook BookOf(StreamWorker worker)
    {
        if (!_books.TryGetValue(worker, out WorkerBook? book))
        {
            _books[worker] = book = new WorkerBook(worker);
        }

        return book;
    }

    private async Task SampleAsync(CancellationToken stop)
    {
        _since = _time.GetTimestamp();
        using var timer = new PeriodicTimer(SampleRing.Interval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(stop).ConfigureAwait(false))
            {
                try
                {
                    Sample();
                }
                catch (Exception e)
                {
                    // the next one may succeed
                    DashboardLog.NotSampled(_log, e);
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // the host stops
        }
    }
}
