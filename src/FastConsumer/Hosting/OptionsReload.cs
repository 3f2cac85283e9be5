using FastConsumer.Buffers;
using FastConsumer.Diagnostics;
using FastConsumer.Timing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace FastConsumer.Hosting;

/// <summary>
/// Takes changes of a consumer's configuration over while it runs (<see cref="FastConsumerOptions.ReloadOnChange"/>). Options are read,
/// validated and compared when changes have been quiet for a moment; changes that come meanwhile lead to one more look. Options that cannot
/// work change nothing at all.
/// </summary>
/// <remarks>
/// It listens to the tokens of the options and makes them itself: <see cref="IOptionsMonitor{TOptions}.OnChange"/> is silent where the
/// new options are invalid.
/// </remarks>
internal sealed class OptionsReload : IAsyncDisposable
{
    /// <summary>Watchers of files tell one change several times.</summary>
    internal static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(250);

    /// <summary>A configuration that changes all the time is looked at all the same.</summary>
    private const int MostQuiets = 20;

    private readonly FastConsumerBuilder _consumer;
    private readonly FastConsumerOptions _start;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Func<FastConsumerOptions> _read;
    private readonly Func<ProcessorRegistration, ProcessorOptions> _readOwn;
    private readonly List<IDisposable> _tokens = [];
    private readonly CancellationTokenSource _end = new();
    private readonly AsyncSignal _signal = new();
    private readonly HashSet<string> _told = new(StringComparer.Ordinal);
    private readonly List<Reloaded> _workers = [];
    private ByteBudget? _budget;
    private Action<long> _warnOfPrefetchBytes = static _ => { };
    private AwsDefaults? _aws;
    private string? _refusal;
    private int _changes;
    private Task _reloading = Task.CompletedTask;

    /// <summary>Listens from now on.</summary>
    /// <param name="consumer">The consumer.</param>
    /// <param name="services">The host's services.</param>
    /// <param name="start">The consumer's options as it starts with them.</param>
    /// <param name="log">The consumer's logger.</param>
    public OptionsReload(FastConsumerBuilder consumer, IServiceProvider services, FastConsumerOptions start, ILogger log)
    {
        _consumer = consumer;
        _start = start;
        // a logger that throws must not end the listening
        _log = new GuardedLogger(log, CallbackGuard.Silent);
        _time = services.GetRequiredService<TimeProvider>();
        IOptionsFactory<FastConsumerOptions> options = services.GetRequiredService<IOptionsFactory<FastConsumerOptions>>();
        IOptionsFactory<ProcessorOptions> own = services.GetRequiredService<IOptionsFactory<ProcessorOptions>>();
        _read = () => options.Create(consumer.Name);
        _readOwn = processor => own.Create(consumer.OptionsName(processor));
        HashSet<string> names = [.. consumer.Processors.Select(consumer.OptionsName)];
        Listen(services.GetServices<IOptionsChangeTokenSource<FastConsumerOptions>>(), name => name == consumer.Name);
        Listen(services.GetServices<IOptionsChangeTokenSource<ProcessorOptions>>(), names.Contains);
    }

    /// <summary>Begins to take changes over.</summary>
    /// <param name="workers">The workers, each with its processor and that one's own options as it starts with them.</param>
    /// <param name="budget">What all shards share.</param>
    /// <param name="aws">What the application says for all of its AWS clients, as it was at the start.</param>
    /// <param name="warnOfPrefetchBytes">Warns of a budget that is too large.</param>
    public void Start(
        IEnumerable<(StreamWorker Worker, ProcessorRegistration Processor, ProcessorOptions Own)> workers,
        ByteBudget budget,
        AwsDefaults aws,
        Action<long> warnOfPrefetchBytes)
    {
        _workers.AddRange(workers.Select(static one => new Reloaded(one.Worker, one.Processor, one.Own)));
        _budget = budget;
        _aws = aws;
        _warnOfPrefetchBytes = warnOfPrefetchBytes;
        _reloading = Task.Run(RunAsync);
    }

    /// <summary>Takes no further change over: a stop during a reload is a stop. Returns at once.</summary>
    public void Stop()
    {
        lock (_tokens)
        {
            _tokens.ForEach(static token => token.Dispose());
            _tokens.Clear();
        }

        _ = _end.CancelAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Stop();
        await _reloading.ConfigureAwait(false);
    }

    private void Listen<TOptions>(IEnumerable<IOptionsChangeTokenSource<TOptions>> sources, Predicate<string> isOurs)
    {
        foreach (IOptionsChangeTokenSource<TOptions> source in sources.Where(source => source.Name is null || isOurs(source.Name)))
        {
            _tokens.Add(ChangeToken.OnChange(source.GetChangeToken, () =>
            {
                Interlocked.Increment(ref _changes);
                _signal.Set();
            }));
        }
    }

    private async Task RunAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                await _signal.WaitAsync(Timeout.InfiniteTimeSpan, _time, _end.Token);
                await ReloadAsync(await QuietAsync());
            }
            catch (OperationCanceledException)
            {
                // the consumer stops, or one of its workers does
            }
            catch (Exception e)
            {
                ReloadLog.Failed(_log, _consumer.Described, e);
            }
        }
    }

    /// <summary>Waits until no change has come for a moment. Returns how many there were.</summary>
    private async Task<int> QuietAsync()
    {
        int changes = Volatile.Read(ref _changes);
        for (int i = 0; i < MostQuiets; i++)
        {
            await Task.Delay(Quiet, _time, _end.Token);
            int now = Volatile.Read(ref _changes);
            if (now == changes)
            {
                break;
            }

            changes = now;
        }

        return changes;
    }

    /// <param name="changes">The changes that this looks at: where there are more, a further reload follows.</param>
    private async Task ReloadAsync(int changes)
    {
        TakeOver();
        bool IsSuperseded() => Volatile.Read(ref _changes) != changes;
        // also where nothing has changed now: what a reload before has left undone is done here
        foreach (Reloaded reloaded in _workers.Where(static reloaded => reloaded.Worker.HasOutdatedRuns))
        {
            ReloadLog.RestartsRuns(_log, reloaded.Processor.Name);
            await reloaded.Worker.RestartRunsAsync(IsSuperseded, _end.Token);
            if (IsSuperseded())
            {
                return;
            }

            if (!reloaded.Worker.HasOutdatedRuns)
            {
                ReloadLog.RunsRestarted(_log, reloaded.Processor.Name);
            }
        }
    }

    private void TakeOver()
    {
        FastConsumerOptions wanted;
        List<(Reloaded Reloaded, ProcessorOptions Own, WorkerSettings Settings)> planned = [];
        try
        {
            wanted = _read();
            foreach (Reloaded reloaded in _workers)
            {
                ProcessorOptions own = _readOwn(reloaded.Processor);
                WorkerSettings before = reloaded.Worker.Settings;
                WorkerSettings resolved = WorkerSettings.Resolve(reloaded.Processor, wanted, own, before.WorkerId, _aws);
                planned.Add((reloaded, own, ChangedSettings.Merge(before, resolved)));
            }
        }
        catch (Exception e)
        {
            // validation, a value that is none, or code of the application that configures options
            if (e.Message != _refusal)
            {
                _refusal = e.Message;
                ReloadLog.Refused(_log, _consumer.Described, e.Message);
            }

            return;
        }

        _refusal = null;
        TellRestart(
        [
            .. ChangedSettings.FindRestart(_start, wanted, _consumer.ConfigurationSection),
            .. planned.SelectMany(plan => ChangedSettings.FindRestart(
                plan.Reloaded.Start, plan.Own, _consumer.SectionOf(plan.Reloaded.Processor.Name))),
        ]);
        List<ChangedSetting> changed = [];
        if (_budget!.Capacity is var capacity && capacity != wanted.PrefetchBytes)
        {
            changed.Add(new ChangedSetting(
                $"{_consumer.ConfigurationSection}:{nameof(FastConsumerOptions.PrefetchBytes)}",
                ChangedSettings.Text(capacity),
                ChangedSettings.Text(wanted.PrefetchBytes)));
            _warnOfPrefetchBytes(wanted.PrefetchBytes);
            _budget.Resize(wanted.PrefetchBytes);
        }

        foreach ((Reloaded reloaded, ProcessorOptions own, WorkerSettings settings) in planned)
        {
            ChangedSetting[] ofWorker = [.. ChangedSettings.Find(
                reloaded.Worker.Settings, settings, reloaded.Own, own, wanted, _consumer.ConfigurationSection,
                _consumer.SectionOf(reloaded.Processor.Name))];
            reloaded.Own = own;
            if (ofWorker.Length > 0)
            {
                reloaded.Worker.Change(settings);
                changed.AddRange(ofWorker);
            }
        }

        // a key of the consumer changes for several processors, and is told once
        foreach (ChangedSetting setting in changed.Distinct())
        {
            ReloadLog.Changed(_log, setting.Key, setting.Old, setting.New);
        }
    }

    /// <summary>Each key is told once, until it is as it was.</summary>
    private void TellRestart(List<string> keys)
    {
        _told.IntersectWith(keys);
        foreach (string key in keys.Where(_told.Add))
        {
            ReloadLog.NeedsRestart(_log, key);
        }
    }

    private sealed class Reloaded(StreamWorker worker, ProcessorRegistration processor, ProcessorOptions start)
    {
        public StreamWorker Worker => worker;

        public ProcessorRegistration Processor => processor;

        /// <summary>The processor's own options as it has started with them.</summary>
        public ProcessorOptions Start { get; } = start;

        /// <summary>Its own options as they were read last.</summary>
        public ProcessorOptions Own { get; set; } = start;
    }
}
