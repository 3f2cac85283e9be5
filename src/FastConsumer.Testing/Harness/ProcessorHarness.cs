using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Amazon.Runtime;
using FastConsumer.Checkpoints;
using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Processors;
using FastConsumer.Testing.Checkpoints;
using FastConsumer.Testing.Harness.Replay;
using FastConsumer.Testing.Leases;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Testing.Harness;

/// <summary>
/// Runs a processor as production does (its generated pipeline, a worker in a host, its own services) inside a test: on an
/// <see cref="EmbeddedKinesis"/> of its own, with leases in memory. Several may run at a time. Dispose it: that stops the
/// consumer gracefully, then the stream's server.
/// </summary>
/// <example>
/// <code>
/// var book = new OrderBook();
/// await using ProcessorHarness harness = await ProcessorHarness.StartAsync&lt;OrderProcessor&gt;(
///     services => services.AddSingleton&lt;IOrderBook&gt;(book));
///
/// harness.Put("customer-1", """{"id":1}""");
/// await harness.WaitUntilDoneAsync();
///
/// Assert.Equal([1], book.Orders);
/// </code>
/// </example>
/// <remarks>
/// What the options of tests are, unless the test says otherwise (<c>services.AddFastConsumer(options => ...)</c>): application
/// <c>test</c>, start at TRIM_HORIZON, a checkpoint every 100 ms whatever <see cref="CheckpointAttribute"/> says, a poll every
/// 200 ms, retries after 10 to 200 ms where the rule does not say, 5 s for a graceful stop. Neither files nor environment
/// variables are read. Members are safe to call from any thread, except those that start, stop or dispose.
/// </remarks>
public sealed partial class ProcessorHarness : IAsyncDisposable
{
    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromMilliseconds(10);
    private const int MostReads = 100;
    private static readonly TimeSpan s_settling = TimeSpan.FromSeconds(1);

    private readonly Func<ReplayStream?, HostApplicationBuilder> _configure;
    private readonly ProcessorHarnessOptions _options;
    private readonly string _processorName;
    private readonly InMemoryLeaseDatabase _leases;
    private readonly FailureLog _failures;
    private readonly PutRecords _put;
    private readonly OutputLog _outputs;
    private readonly ShiftedTime _time;
    private readonly Func<IServiceProvider, ShardPipeline> _createPipeline;
    private TestConsumer? _consumer;
    private FastConsumerOptions _settings = new();
    private bool _disposed;

    private ProcessorHarness(
        EmbeddedKinesis kinesis,
        string processorName,
        string streamName,
        ProcessorHarnessOptions options,
        InMemoryLeaseDatabase leases,
        FailureLog failures,
        ShiftedTime time,
        OutputLog outputs,
        Func<IServiceProvider, ShardPipeline> createPipeline,
        Func<ReplayStream?, HostApplicationBuilder> configure)
    {
        _outputs = outputs;
        Kinesis = kinesis;
        StreamName = streamName;
        _processorName = processorName;
        _options = options;
        _leases = leases;
        _failures = failures;
        _time = time;
        _createPipeline = createPipeline;
        _configure = configure;
        _put = new PutRecords();
    }

    /// <summary>The stream's server: its URL for producers, faults on demand.</summary>
    public EmbeddedKinesis Kinesis { get; }

    /// <summary>The stream of <see cref="KinesisProcessorAttribute"/>.</summary>
    public string StreamName { get; }

    /// <summary>The services of the consumer that runs; a restart makes new ones.</summary>
    /// <exception cref="InvalidOperationException">None runs.</exception>
    public IServiceProvider Services => _consumer?.Services
        ?? throw new InvalidOperationException("No consumer runs: it was stopped or has crashed. RestartAsync starts another.");

    /// <summary>How far each shard is checkpointed, by its id; a shard that nobody has begun with is not there.</summary>
    public IReadOnlyDictionary<string, CheckpointPosition> Checkpoints =>
        Leases.ToDictionary(static lease => lease.LeaseKey, static lease => lease.Checkpoint, StringComparer.Ordinal);

    private IReadOnlyList<Lease> Leases => (_replay?.Leases ?? _leases).Snapshot(_settings.ApplicationName!);

    /// <summary>Starts the stream's server, creates the processor's stream, and starts the consumer.</summary>
    /// <typeparam name="TProcessor">The processor.</typeparam>
    /// <param name="services">
    /// The services that the processor needs; called at each start. <c>services.AddFastConsumer(...)</c> reaches the same consumer: for
    /// options, and for a dead-letter sink.
    /// </param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="InvalidOperationException">The consumer refuses to start; the message says what is missing.</exception>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option cannot work.</exception>
    public static async Task<ProcessorHarness> StartAsync<[DynamicallyAccessedMembers(
        DynamicallyAccessedMemberTypes.PublicConstructors)] TProcessor>(
            Action<IServiceCollection>? services = null,
            ProcessorHarnessOptions? options = null)
        where TProcessor : class, IKinesisProcessor<TProcessor>
    {
        options ??= new ProcessorHarnessOptions();
        options.Validate();
        EmbeddedKinesisOptions server = options.Kinesis ?? new EmbeddedKinesisOptions();
        server.Validate();
        var time = new ShiftedTime(server.TimeProvider);
        EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(server, time, options.CancellationToken).ConfigureAwait(false);
        try
        {
            ProcessorDefinition<TProcessor> definition = TProcessor.Definition;
            string streamName = StreamIdentifier.Parse(definition.Stream).Name;
            kinesis.CreateStream(streamName, options.ShardCount);
            var leases = new InMemoryLeaseDatabase();
            var failures = new FailureLog();
            var checkpoints = new InMemoryCheckpointStore();
            var outputs = new OutputLog();
            var harness = new ProcessorHarness(
                kinesis, definition.Name, streamName, options, leases, failures, time, outputs, CreatePipeline<TProcessor>, Configure);
            await harness.StartConsumerAsync().ConfigureAwait(false);
            return harness;

            HostApplicationBuilder Configure(ReplayStream? replay)
            {
                HostApplicationBuilder builder = Host.CreateApplicationBuilder(
                    new HostApplicationBuilderSettings { DisableDefaults = true });
                builder.Logging.AddProvider(failures);
                builder.Logging.AddFilter<FailureLog>(null, LogLevel.None).AddFilter<FailureLog>("FastConsumer", LogLevel.Warning);
                builder.Services.AddSingleton<IHostLifetime, UnattendedLifetime>();
                builder.Services
                    .AddFastConsumer(consumer => ForTests(consumer, kinesis, options.Kinesis))
                    .AddProcessor<TProcessor>(processor => processor.Stream = streamName)
                    // its leases last as long as it does, and so do its streams
                    .UseInMemoryLeases(replay?.Leases ?? leases, keepsEpochs: true)
                    .OtherOutputs = (replay is null ? outputs : new OutputLog()).RouteOf;
                services?.Invoke(builder.Services);
                // what the test chooses comes first
                builder.Services.TryAddKeyedSingleton<ICheckpointStore>(
                    "", replay is null ? checkpoints : new InMemoryCheckpointStore());
                if (replay is not null)
                {
                    // a file is read from its first record, in one way
                    builder.Services.Replace(ServiceDescriptor.Singleton<IKinesisClientFactory>(replay));
                    builder.Services.AddFastConsumer(static consumer =>
                    {
                        consumer.StartPosition = StartPosition.TrimHorizon;
                        consumer.ReadMode = ReadMode.Polling;
                    });
                }

                return builder;
            }
        }
        catch
        {
            await kinesis.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Puts a record; <paramref name="data"/> is copied.</summary>
    /// <param name="partitionKey">Its hash decides on the shard.</param>
    /// <param name="data">The payload.</param>
    /// <param name="explicitHashKey">Decides on the shard instead.</param>
    /// <exception cref="KinesisException">The record is too large, or a write quota was asked for and is used up.</exception>
    public PutRecordResponse Put(string partitionKey, ReadOnlySpan<byte> data, UInt128? explicitHashKey = null) => _replay is null
        ? _put.Put(Kinesis, StreamName, partitionKey, data, explicitHashKey, _settings.Deaggregate ?? true)
        : throw new InvalidOperationException("A file is replayed: nothing can be put any more. Start another harness to put records.");

    /// <summary>Puts a record with a text, such as JSON, in UTF-8.</summary>
    /// <param name="partitionKey">Its hash decides on the shard.</param>
    /// <param name="text">The payload.</param>
    /// <param name="explicitHashKey">Decides on the shard instead.</param>
    /// <exception cref="KinesisException">The record is too large, or a write quota was asked for and is used up.</exception>
    public PutRecordResponse Put(string partitionKey, string text, UInt128? explicitHashKey = null) =>
        Put(partitionKey, Encoding.UTF8.GetBytes(text), explicitHashKey);

    /// <summary>Puts a record with a value as JSON.</summary>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="partitionKey">Its hash decides on the shard.</param>
    /// <param name="value">The payload.</param>
    /// <param name="type">From the user's <c>JsonSerializerContext</c>.</param>
    /// <param name="explicitHashKey">Decides on the shard instead.</param>
    /// <exception cref="KinesisException">The record is too large, or a write quota was asked for and is used up.</exception>
    public PutRecordResponse Put<T>(string partitionKey, T value, JsonTypeInfo<T> type, UInt128? explicitHashKey = null) =>
        Put(partitionKey, JsonSerializer.SerializeToUtf8Bytes(value, type), explicitHashKey);

    /// <summary>
    /// Waits until all records that were put here are done and checkpointed, and closed shards with their end. Fails before its
    /// time where what is left cannot come: each shard that is not done has stopped.
    /// </summary>
    /// <exception cref="RecordsNotDoneException">The time is over, or shards have stopped; the message says how far each of them is, and
    /// why.</exception>
    public async Task WaitUntilDoneAsync()
    {
        RequireRunning();
        List<ShardStanding> shards = [];
        long? stoppedAt = null;
        bool ended = await LookUntilAsync(() =>
        {
            shards = Look();
            if (!shards.TrueForAll(static shard => shard.IsDone || shard.HasStopped))
            {
                stoppedAt = null;
                return false;
            }

            // of several lanes what stands before the stop may stay open
            stoppedAt ??= TimeProvider.System.GetTimestamp();
            return shards.TrueForAll(static shard => shard.IsDone || shard.IsSettled)
                || TimeProvider.System.GetElapsedTime(stoppedAt.Value) > s_settling;
        }).ConfigureAwait(false);
        if (!shards.TrueForAll(static shard => shard.IsDone))
        {
            throw NotDone(
                $"{_processorName} {(ended ? "has stopped before it was" : $"was, after {_options.WaitTimeout}, not")} done with what "
                    + "was put",
                shards);
        }
    }

    /// <summary>Waits until something is true, such as <c>() => sink.Letters.Count == 1</c>.</summary>
    /// <param name="condition">Asked again and again, from another thread than the handlers'.</param>
    /// <param name="description">What is waited for, in words; the condition's own text where it is not given.</param>
    /// <exception cref="RecordsNotDoneException">The time is over; the message says how far each shard is, and why.</exception>
    public async Task WaitUntilAsync(Func<bool> condition, [CallerArgumentExpression(nameof(condition))] string description = "")
    {
        ArgumentNullException.ThrowIfNull(condition);
        RequireRunning();
        if (!await LookUntilAsync(condition).ConfigureAwait(false))
        {
            throw NotDone($"'{description}' did not come true within {_options.WaitTimeout}", Look());
        }
    }

    /// <summary>Splits a shard in the middle.</summary>
    /// <param name="shardId">An open shard.</param>
    public void SplitShard(string shardId) => Kinesis.SplitShard(StreamName, shardId);

    /// <summary>Merges two adjacent shards.</summary>
    /// <param name="shardId">An open shard.</param>
    /// <param name="adjacentShardId">The one beside it.</param>
    public void MergeShards(string shardId, string adjacentShardId) => Kinesis.MergeShards(StreamName, shardId, adjacentShardId);

    /// <summary>Stops the consumer gracefully: what runs is finished and checkpointed. Records may be put meanwhile.</summary>
    public async Task StopAsync()
    {
        if (Interlocked.Exchange(ref _consumer, null) is { } consumer)
        {
            await consumer.StopAsync().ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Ends the consumer as a crash does: no last checkpoint is written, so what was done since the one before runs again after
    /// <see cref="RestartAsync"/>. Handlers are cancelled, for they cannot be killed; <see cref="OnLeaseLostAttribute"/> methods are
    /// called, <see cref="OnStoppingAttribute"/> methods are not.
    /// </summary>
    public async Task CrashAsync()
    {
        if (Interlocked.Exchange(ref _consumer, null) is { } consumer)
        {
            await consumer.CrashAsync().ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Starts a new consumer, with new services, on the stream and the leases as they are; one that runs is stopped gracefully before.
    /// </summary>
    public async Task RestartAsync()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        await StopAsync().ConfigureAwait(false);
        await StartConsumerAsync().ConfigureAwait(false);
    }

    /// <summary>Stops the consumer gracefully, then the stream's server.</summary>
    public async ValueTask DisposeAsync()
    {
        _disposed = true;
        try
        {
            await StopAsync().ConfigureAwait(false);
        }
        finally
        {
            await Kinesis.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>A pipeline that handles nothing: it tells what the processor's states are, and none of the user's code runs.</summary>
    [UnconditionalSuppressMessage(
        "Trimming", "IL2087", Justification = "The container calls the class's constructors, which keeps them. Here none is called.")]
    private static ShardPipeline CreatePipeline<TProcessor>(IServiceProvider services)
        where TProcessor : class, IKinesisProcessor<TProcessor> =>
        TProcessor.Definition.CreatePipeline((TProcessor)RuntimeHelpers.GetUninitializedObject(typeof(TProcessor)), services);

    private static void ForTests(FastConsumerOptions consumer, EmbeddedKinesis kinesis, EmbeddedKinesisOptions? server)
    {
        consumer.ApplicationName = "test";
        // the same at each start: after a crash its leases are its own, and need not expire
        consumer.WorkerId = "test-worker";
        consumer.ServiceUrl = kinesis.ServiceUrl;
        consumer.Region = kinesis.Region;
        consumer.Credentials = server?.Credentials is { } required
            ? new BasicAWSCredentials(required.AccessKeyId, required.SecretAccessKey)
            : new BasicAWSCredentials("test", "test");
        consumer.IdlePollInterval = TimeSpan.FromMilliseconds(200);
        consumer.CheckpointInterval = TimeSpan.FromMilliseconds(100);
        consumer.ShardSyncInterval = TimeSpan.FromSeconds(1);
        consumer.RetryInitialBackoff = TimeSpan.FromMilliseconds(10);
        consumer.RetryMaxBackoff = TimeSpan.FromMilliseconds(200);
        consumer.StopTimeout = TimeSpan.FromSeconds(5);
        consumer.SkipTrial = true;
    }

    private async Task StartConsumerAsync()
    {
        _failures.Clear();
        var consumer = new TestConsumer(_configure(_replay).Build());
        await consumer.StartAsync(_options.CancellationToken).ConfigureAwait(false);
        _settings = consumer.Options;
        _consumer = consumer;
    }

    private void RequireRunning()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _ = Services;
    }

    private async Task<bool> LookUntilAsync(Func<bool> condition)
    {
        long started = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            if (TimeProvider.System.GetElapsedTime(started) > _options.WaitTimeout)
            {
                return false;
            }

            await Task.Delay(s_betweenLooks, TimeProvider.System, _options.CancellationToken).ConfigureAwait(false);
        }

        return true;
    }

    private List<ShardStanding> Look()
    {
        IReadOnlyList<Finding> findings = _consumer?.Findings ?? [];
        Dictionary<string, Lease> leases = Leases.ToDictionary(static lease => lease.LeaseKey, StringComparer.Ordinal);
        string scope = $"{_settings.ApplicationName}/{StreamName}";
        return [.. (_replay?.Shards ?? Kinesis.ListShards(StreamName)).Select(shard => ShardStanding.Of(
            shard, leases.GetValueOrDefault(shard.ShardId), _replay?.Put ?? _put, findings, scope, _failures.StopOf(shard.ShardId)))];
    }

    private RecordsNotDoneException NotDone(string what, List<ShardStanding> shards)
    {
        string own = $"{_settings.ApplicationName}/{StreamName}/{_processorName}";
        string worker = string.Concat((_consumer?.Findings ?? []).Where(finding => finding.Scope == own)
            .Select(static finding => $"\n  {finding.Message}"));
        string failure = _failures.Last is { } last
            ? $"The last failure: {last.GetType().Name}: {last.Message}"
            : "Nothing has failed: a handler may not have returned, or waits for something that the test does not give it.";
        return new RecordsNotDoneException($"{what}:{worker}\n{string.Join('\n', shards)}\n{failure}", _failures.Last);
    }
}
