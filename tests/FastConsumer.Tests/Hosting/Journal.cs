using System.Globalization;
using FastConsumer.Kinesis;

namespace FastConsumer.Tests.Hosting;

/// <summary>One call of a handler.</summary>
internal sealed record Delivery(
    string ShardId, string Key, string Text, SequenceNumber Number, int Attempt, long FencingToken, bool Completed);

/// <summary>What the processors of a test have seen, and what they are to do. One for all hosts of a test.</summary>
internal sealed class Journal
{
    private readonly Lock _lock = new();
    private readonly List<Delivery> _deliveries = [];
    private readonly List<string> _events = [];
    private int _instances;
    private int _disposed;
    private int _started;

    /// <summary>What the handler of a record does.</summary>
    public Func<Delivery, RecordContext, CancellationToken, ValueTask> Handler { get; set; } = static (_, _, _) => default;

    /// <summary>What the handler of a batch does.</summary>
    public Func<IReadOnlyList<Delivery>, BatchContext, CancellationToken, ValueTask> BatchHandler { get; set; } =
        static (_, _, _) => default;

    /// <summary>The records of a batch that the handler has named as failed, and leaves alone.</summary>
    public Func<Delivery, bool> Failing { get; set; } = static _ => false;

    /// <summary>What the handler of a batch does once it has changed its state.</summary>
    public Func<IReadOnlyList<Delivery>, BatchContext, CancellationToken, ValueTask> AfterBatch { get; set; } =
        static (_, _, _) => default;

    /// <summary>What a life-cycle method does: its name, its shard, its token.</summary>
    public Func<string, ShardContext, CancellationToken, ValueTask> LifeCycle { get; set; } = static (_, _, _) => default;

    /// <summary>All calls, in the order they were begun; those that completed are marked when they are read.</summary>
    public IReadOnlyList<Delivery> Begun
    {
        get
        {
            lock (_lock)
            {
                return [.. _deliveries];
            }
        }
    }

    /// <summary>Calls that returned without an exception, in the order they were begun.</summary>
    public IReadOnlyList<Delivery> Done
    {
        get
        {
            lock (_lock)
            {
                return [.. _deliveries.Where(static delivery => delivery.Completed)];
            }
        }
    }

    /// <summary>Everything, records and life cycle, as it came: <c>shard what</c>.</summary>
    public IReadOnlyList<string> Events
    {
        get
        {
            lock (_lock)
            {
                return [.. _events];
            }
        }
    }

    /// <summary>The instances of shards; a host that starts makes one more and disposes of it, to check its services.</summary>
    public int Instances => Volatile.Read(ref _instances) - Volatile.Read(ref _started);

    /// <summary>The instances of shards that were disposed of.</summary>
    public int Disposed => Volatile.Read(ref _disposed) - Volatile.Read(ref _started);

    /// <summary>A host has started.</summary>
    public void HostStarted() => Interlocked.Increment(ref _started);

    public void Created() => Interlocked.Increment(ref _instances);

    public void Removed() => Interlocked.Increment(ref _disposed);

    public void Note(string shardId, string what)
    {
        lock (_lock)
        {
            _events.Add($"{Short(shardId)} {what}");
        }
    }

    public async ValueTask RunAsync(Delivery delivery, RecordContext context, CancellationToken cancellationToken)
    {
        int index = Begin(delivery);
        await Handler(delivery, context, cancellationToken);
        Complete(index, delivery);
    }

    public void Run(Delivery delivery, RecordContext context)
    {
        int index = Begin(delivery);
        Task handled = Handler(delivery, context, CancellationToken.None).AsTask();
        Assert.True(handled.IsCompleted, "The handler of a synchronous processor must be synchronous.");
        handled.GetAwaiter().GetResult();
        Complete(index, delivery);
    }

    public async ValueTask RunBatchAsync(IReadOnlyList<Delivery> batch, BatchContext context, CancellationToken cancellationToken)
    {
        int[] indexes = [.. batch.Select(Begin)];
        await BatchHandler(batch, context, cancellationToken);
        for (int i = 0; i < indexes.Length; i++)
        {
            Complete(indexes[i], batch[i]);
        }
    }

    public async ValueTask RunLifeCycleAsync(string method, ShardContext shard, CancellationToken cancellationToken)
    {
        Note(shard.ShardId, method);
        await LifeCycle(method, shard, cancellationToken);
    }

    /// <summary>Waits until every text has been handled.</summary>
    public Task WaitForAsync(IReadOnlyCollection<string> texts, LogRecorder? log = null) => Eventually.TrueAsync(
        () => texts.Except(Done.Select(static delivery => delivery.Text)).Any() is false,
        () => $"Not handled: {string.Join(", ", texts.Except(Done.Select(static delivery => delivery.Text)).Take(20))}\n{log}");

    /// <summary>Exactly these texts have been handled, each once, those of one key in the order of their numbers.</summary>
    public void AssertEachOnce(IReadOnlyCollection<string> texts)
    {
        IReadOnlyList<Delivery> done = Done;
        Assert.Equal(texts.Order(StringComparer.Ordinal), done.Select(static delivery => delivery.Text).Order(StringComparer.Ordinal));
        AssertInOrder();
    }

    /// <summary>The records of one key were handled in the order they were put.</summary>
    public void AssertInOrder()
    {
        foreach (IGrouping<string, Delivery> key in Done.GroupBy(static delivery => delivery.Key))
        {
            int[] numbers = [.. key.Select(static delivery => int.Parse(
                delivery.Text[(delivery.Text.IndexOf(':', StringComparison.Ordinal) + 1)..], CultureInfo.InvariantCulture))];
            Assert.Equal(numbers.Order(), numbers);
        }
    }

    private static string Short(string shardId) =>
        shardId.TrimStart("shardId-".ToCharArray()).TrimStart('0') is { Length: > 0 } number ? number : "0";

    private int Begin(Delivery delivery)
    {
        lock (_lock)
        {
            _deliveries.Add(delivery);
            _events.Add($"{Short(delivery.ShardId)} {delivery.Text}#{delivery.Attempt}");
            return _deliveries.Count - 1;
        }
    }

    private void Complete(int index, Delivery delivery)
    {
        lock (_lock)
        {
            _deliveries[index] = delivery with { Completed = true };
        }
    }
}
