using System.Text;
using System.Threading.Channels;
using Amazon.Runtime;
using FastConsumer.Buffers;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Reading;
using FastConsumer.Testing;
using FastConsumer.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using FastConsumer.Tests.Dispatch;

namespace FastConsumer.Tests.Reading;

/// <summary>A fan-out reader on an EmbeddedKinesis, both on one manual clock, and what has come out of it.</summary>
internal sealed class FanOutBench : IAsyncDisposable
{
    public const string StreamName = "orders";
    public const string Shard = "shardId-000000000000";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_realStep = TimeSpan.FromMilliseconds(4);

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
    private readonly List<string> _texts = [];
    private Task _reading = Task.CompletedTask;
    private Task _taking = Task.CompletedTask;
    private int _put;

    private FanOutBench(EmbeddedKinesis kinesis, ManualClock clock, long budget, HttpMessageHandler? handler, string serviceUrl)
    {
        Kinesis = kinesis;
        Clock = clock;
        Budget = new ByteBudget(budget);
        Client = new KinesisClient(
            new KinesisClientOptions
            {
                Credentials = new BasicAWSCredentials("AKID", "secret"),
                ServiceUrl = serviceUrl,
                Region = kinesis.Region,
                TimeProvider = clock,
                RequestTimeout = TimeSpan.FromHours(1),
                RandomSeed = 1,
            },
            handler);
    }

    public EmbeddedKinesis Kinesis { get; }

    public ManualClock Clock { get; }

    public KinesisClient Client { get; }

    public ByteBudget Budget { get; }

    public Findings Findings { get; } = new(TimeProvider.System);

    public LogRecorder Log { get; } = new();

    public IReadOnlyList<ChildShard>? Children { get; private set; }

    /// <summary>What was put so far, in order.</summary>
    public IEnumerable<string> Expected => Enumerable.Range(0, _put).Select(static i => $"record {i}");

    public IReadOnlyList<string> Texts
    {
        get
        {
            lock (_texts)
            {
                return [.. _texts];
            }
        }
    }

    public long Subscriptions => Kinesis.RequestCount("SubscribeToShard");

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<FanOutBench> StartAsync(
        TimeSpan? lifetime = null,
        long budget = 64 * 1024 * 1024,
        TimeSpan createDelay = default,
        HttpMessageHandler? handler = null,
        ManualClock? manual = null,
        Func<string, string>? through = null)
    {
        ManualClock clock = manual ?? new ManualClock();
        EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions
            {
                TimeProvider = clock,
                SubscriptionLifetime = lifetime ?? TimeSpan.FromMinutes(5),
                CreateDelay = createDelay,
            },
            Token);
        kinesis.CreateStream(StreamName);
        clock.Advance(createDelay);
        return new FanOutBench(kinesis, clock, budget, handler, through?.Invoke(kinesis.ServiceUrl) ?? kinesis.ServiceUrl);
    }

    public FanOutConsumer Consumer(bool mayFallBack = false, string name = "app") =>
        new(Client, StreamIdentifier.Parse(StreamName), name, mayFallBack, Clock, new Random(2), NullLogger.Instance);

    public async Task<string> ArnAsync(FanOutConsumer consumer)
    {
        Task<string> arn = Task.Run(() => consumer.ArnAsync(Token).AsTask(), Token);
        await UntilAsync(() => arn.IsCompleted);
        return await arn;
    }

    /// <summary>Starts a reader; what it passes on is taken at once, or when <paramref name="gate"/> lets it.</summary>
    public void Read(
        CheckpointPosition? start = null,
        DateTimeOffset? startedAt = null,
        FanOutConsumer? consumer = null,
        SemaphoreSlim? gate = null,
        string shard = Shard)
    {
        var settings = new ShardReaderSettings(
            StreamIdentifier.Parse(StreamName), Pages.Of(StreamName, shard, "app", Clock), start ?? CheckpointPosition.TrimHorizon,
            startedAt, startedAt is null, 10_000, TimeSpan.FromMilliseconds(400));
        var position = new ShardPosition(settings);
        ByteBudget.Account account = Budget.OpenAccount();
        var polling = new ShardReader(Client, settings, position, account, Clock, new Random(3), Findings, NullLogger.Instance);
        var reader = new FanOutReader(
            Client, settings, consumer ?? Consumer(), position, polling, account, Clock, new Random(4), Findings,
            Log.CreateLogger("reader"));
        Channel<ReadItem> items = Channel.CreateBounded<ReadItem>(2);
        _reading = Task.Run(() => reader.RunAsync(items.Writer, _stop.Token));
        _taking = Task.Run(() => TakeAsync(items.Reader, gate));
    }

    public void Put(int count = 1)
    {
        for (int i = 0; i < count; i++)
        {
            Kinesis.Put(StreamName, "key", $"record {_put++}");
        }
    }

    /// <summary>Lets time pass, in small steps, until something is so.</summary>
    public async Task UntilAsync(Func<bool> condition, TimeSpan? step = null)
    {
        long started = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            if (TimeProvider.System.GetElapsedTime(started) > s_patience)
            {
                Assert.Fail($"Waited {s_patience} in vain; {Texts.Count} of {_put} records, {Subscriptions} subscriptions, health: "
                    + $"{string.Join("; ", Findings.Current.Select(static c => c.Message))}");
            }

            Clock.Advance(step ?? TimeSpan.FromMilliseconds(50));
            await Task.Delay(s_realStep, Token);
        }
    }

    /// <summary>Lets so much time pass, in small steps that leave the others room to act.</summary>
    public async Task PassAsync(TimeSpan time)
    {
        DateTimeOffset end = Clock.GetUtcNow() + time;
        await UntilAsync(() => Clock.GetUtcNow() >= end, TimeSpan.FromMilliseconds(500));
    }

    /// <summary>Waits until everything put has come, and checks that it came once and in order.</summary>
    public async Task AllAsync()
    {
        await UntilAsync(() => Texts.Count >= _put);
        Assert.Equal(Expected, Texts);
    }

    /// <summary>Ends the reader; nothing of the budget may be left in use.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _reading.WaitAsync(s_patience, CancellationToken.None);
        await _taking.WaitAsync(s_patience, CancellationToken.None);
        Assert.Equal(0, Budget.Used);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        // a test that failed is told, whatever still runs of it
        await Task.WhenAll(_reading, _taking).WaitAsync(s_patience, CancellationToken.None)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Client.Dispose();
        await Kinesis.DisposeAsync();
        await _services.DisposeAsync();
        _stop.Dispose();
    }

    private async Task TakeAsync(ChannelReader<ReadItem> items, SemaphoreSlim? gate)
    {
        await foreach (ReadItem item in items.ReadAllAsync(CancellationToken.None))
        {
            if (item.Page is not { } page)
            {
                Children = item.Children;
                continue;
            }

            if (gate is not null)
            {
                await gate.WaitAsync(_stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            using (page)
            {
                lock (_texts)
                {
                    for (int i = 0; i < page.Count; i++)
                    {
                        _texts.Add(Encoding.UTF8.GetString(page.Response.GetDataSpan(i)));
                    }
                }
            }
        }
    }
}
