// As Ports.cs: with services, streams of their own and the life cycle.
using System.Collections.Concurrent;
using System.IO;
using System.Net.Http;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Amazon.S3;
using Amazon.S3.Model;
using FastConsumer;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;

namespace Corpus.Independent.Services;

/// <summary>A unit of work per record.</summary>
[KinesisProcessor("rows", JsonContext = typeof(CorpusJson))]
[OnError(typeof(DbUpdateException), ErrorAction.Retry, MaxAttempts = 3, Then = ErrorAction.DeadLetter)]
public sealed partial class UnitOfWork
{
    [OnRecord]
    public async Task HandleAsync(Order order, [FromServices] ShopContext shop, CancellationToken cancellationToken)
    {
        Order? known = await shop.Orders.FindAsync([order.Id], cancellationToken);
        if (known is null)
        {
            shop.Orders.Add(order);
            await shop.SaveChangesAsync(cancellationToken);
        }
    }
}

/// <summary>The same as it was before asynchronous code came.</summary>
[KinesisProcessor("rows", JsonContext = typeof(CorpusJson))]
public sealed partial class OldUnitOfWork
{
    [OnRecord]
    public void {|FC2001:Handle|}(Order order, [FromServices] ShopContext shop)
    {
        shop.Orders.Add(order);
        {|FC3001:shop.SaveChanges()|};
    }
}

public sealed class ShopContext : DbContext
{
    public DbSet<Order> Orders => Set<Order>();
}

/// <summary>Batches into objects of a store.</summary>
[KinesisProcessor("archive")]
[OnError(typeof(Amazon.Runtime.AmazonServiceException), ErrorAction.Retry)]
public sealed partial class Archive(IAmazonS3 s3)
{
    [OnBatch(MaxRecords = 1_000)]
    public async Task HandleAsync(RecordBatch batch, BatchContext context, CancellationToken cancellationToken)
    {
        using var content = new MemoryStream();
        foreach (KinesisRecord record in batch)
        {
            content.Write(record.DataSpan);
            content.WriteByte((byte)'\n');
        }

        content.Position = 0;
        await s3.PutObjectAsync(
            new PutObjectRequest { BucketName = "archive", Key = $"{context.ShardId}/{batch[0].SequenceNumber}", InputStream = content },
            cancellationToken);
    }
}

/// <summary>One sender for all records of a shard, started and ended with it.</summary>
[KinesisProcessor("pump")]
public sealed partial class Pump(IDeadLetters target)
{
    private readonly Channel<byte[]> _channel = Channel.CreateBounded<byte[]>(100);
    private readonly CancellationTokenSource _end = new();
    private Task _pump = Task.CompletedTask;

    [OnShardStarted]
    public void Start() => _pump = PumpAsync(_end.Token);

    [OnRecord]
    public ValueTask HandleAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        {|FC2006:_channel.Writer.WriteAsync(data.ToArray(), cancellationToken)|};

    [OnStopping]
    public async Task StopAsync()
    {
        _channel.Writer.Complete();
        await _pump;
    }

    private async Task PumpAsync(CancellationToken cancellationToken)
    {
        await foreach (byte[] item in _channel.Reader.ReadAllAsync(cancellationToken))
        {
            await target.SendAsync("pump", item, cancellationToken);
        }
    }
}

/// <summary>A circuit breaker of its own: what fails is thrown on, and remembered.</summary>
[KinesisProcessor("breaker", JsonContext = typeof(CorpusJson))]
[OnError(typeof(CircuitOpenException), ErrorAction.Retry, InitialBackoff = "00:00:10")]
public sealed partial class Breaker(IOrderBook book)
{
    private int _failures;

    [OnRecord]
    public async ValueTask HandleAsync(Order order, CancellationToken cancellationToken)
    {
        if (_failures > 10)
        {
            _failures = 0;
            throw new CircuitOpenException();
        }

        try
        {
            await book.AddAsync(order, cancellationToken);
            _failures = 0;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _failures++;
            throw new CircuitOpenException(e);
        }
    }
}

public sealed class CircuitOpenException(Exception? inner = null) : Exception("open", inner);

/// <summary>Enriches from a cache; a miss is loaded, a failure of the cache is only slower.</summary>
[KinesisProcessor("enrich", JsonContext = typeof(CorpusJson))]
public sealed partial class Enrich(IOrderBook book, ICache cache, ILogger<Enrich> log)
{
    [OnRecord]
    public async Task HandleAsync(Order order, CancellationToken cancellationToken)
    {
        string? name = null;
        try
        {
            name = await cache.GetAsync(order.Customer, cancellationToken);
        }
        catch (IOException e)
        {
            log.LogWarning(e, "The cache is away");
        }

        name ??= (await book.FindAsync(order.Customer, cancellationToken))?.Customer ?? order.Customer;
        await book.AddAsync(order with { Customer = name }, cancellationToken);
    }
}

public interface ICache
{
    Task<string?> GetAsync(string key, CancellationToken cancellationToken);
}

/// <summary>A parallel loop over a batch, with a list that is not safe for it.</summary>
[KinesisProcessor("parallel")]
public sealed partial class ParallelBatch(IDeadLetters target)
{
    [OnBatch]
    public async Task HandleAsync(ReadOnlyMemory<string> lines, CancellationToken cancellationToken)
    {
        var failed = new List<string>();
        var sent = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(lines.ToArray(), cancellationToken, async (line, token) =>
        {
            await target.SendAsync(line, ReadOnlyMemory<byte>.Empty, token);
            sent.Add(line);
            {|FC3003:failed|}.Add(line);
        });
        Console.WriteLine(failed.Count + sent.Count);
    }
}

/// <summary>Blocks where it could wait.</summary>
[KinesisProcessor("blocks", JsonContext = typeof(CorpusJson))]
public sealed partial class Blocks(IOrderBook book)
{
    private readonly SemaphoreSlim _gate = new(1);

    [OnRecord]
    public void Handle(Order order, CancellationToken cancellationToken)
    {
        {|FC3001:_gate.Wait(cancellationToken)|};
        try
        {
            Order? known = {|FC3001:book.FindAsync(order.Id, cancellationToken).GetAwaiter().GetResult()|};
            Console.WriteLine(known);
        }
        finally
        {
            _gate.Release();
        }
    }
}

/// <summary>A gate, waited for as it should be.</summary>
[KinesisProcessor("gates", JsonContext = typeof(CorpusJson))]
[Concurrency(4)]
public sealed partial class Gates(IOrderBook book)
{
    private readonly SemaphoreSlim _gate = new(1);
    private int _count;

    [OnRecord]
    public async ValueTask HandleAsync(Order order, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            _count++;
            await book.AddAsync(order, cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
    }
}

/// <summary>Sends what fails to a queue, and takes a stop for a failure.</summary>
[KinesisProcessor("letters", JsonContext = typeof(CorpusJson))]
public sealed partial class Letters(IOrderBook book, IDeadLetters letters)
{
    [OnRecord]
    public async Task HandleAsync(Order order, CancellationToken cancellationToken)
    {
        try
        {
            await book.AddAsync(order, cancellationToken);
        }
        {|FC2004:catch (Exception e)|}
        {
            await letters.SendAsync(e.Message, ReadOnlyMemory<byte>.Empty, CancellationToken.None);
        }
    }
}

/// <summary>Two kinds of events, one of which is not ours.</summary>
[KinesisProcessor("routes", JsonContext = typeof(CorpusJson), RouteProperty = "kind")]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class Routes(IOrderBook book)
{
    [OnRecord(Route = "order")]
    public ValueTask OrderAsync(Order order, CancellationToken cancellationToken) => book.AddAsync(order, cancellationToken);

    [OnRecord(Route = "click")]
    public void Click(Click click) => Console.WriteLine(click.Page);

    [OnRecord]
    public static void Other(ReadOnlySpan<byte> data) => Console.WriteLine(data.Length);
}

/// <summary>Text where bytes would do.</summary>
[KinesisProcessor("text")]
public sealed partial class Text
{
    [OnRecord]
    public void Handle(KinesisRecord record)
    {
        if (record.Data.IsEmpty || {|FC3004:record.PartitionKey|} == "ping")
        {
            return;
        }

        var reader = new Utf8JsonReader(record.DataSpan);
        Console.WriteLine(reader.Read() ? Encoding.UTF8.GetString(record.DataSpan) : "");
    }
}

/// <summary>Retries all for ever, bad numbers too.</summary>
[KinesisProcessor("numbers")]
[{|FC4003:OnError(typeof(Exception), ErrorAction.Retry)|}]
public sealed partial class Numbers
{
    private long _sum;

    [OnRecord]
    public void Handle(string text) => _sum += long.Parse(text);
}

/// <summary>A timer flushes; it belongs to the shard, not to a record.</summary>
[KinesisProcessor("timers", JsonContext = typeof(CorpusJson))]
public sealed partial class Timers(TimeProvider time)
{
    private readonly ConcurrentQueue<Order> _queue = new();
    private ITimer? _timer;

    [OnShardStarted]
    public void Start() => _timer = time.CreateTimer(_ => Flush(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));

    [OnRecord]
    public void Handle(Order order) => {|FC2006:_queue.Enqueue(order)|};

    [OnShardEnded, OnStopping]
    public void Stop()
    {
        _timer?.Dispose();
        Flush();
    }

    private void Flush()
    {
        while (_queue.TryDequeue(out Order? order))
        {
            Console.WriteLine(order.Id);
        }
    }
}

/// <summary>A log line of its own for each failure, then on with it.</summary>
[KinesisProcessor("rethrow", JsonContext = typeof(CorpusJson))]
public sealed partial class Rethrows(IOrderBook book, ILogger<Rethrows> log)
{
    [OnRecord]
    public async Task HandleAsync(Order order, CancellationToken cancellationToken)
    {
        try
        {
            await book.AddAsync(order, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e)
        {
            log.LogError(e, "{Order} failed", order.Id);
            throw;
        }
    }
}

/// <summary>Has its own time for a call, and says what it means when that is over.</summary>
[KinesisProcessor("bounded", JsonContext = typeof(CorpusJson))]
[OnError(typeof(TimeoutException), ErrorAction.Retry)]
public sealed partial class Bounded(IOrderBook book)
{
    [OnRecord]
    public async Task HandleAsync(Order order, CancellationToken cancellationToken)
    {
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        bounded.CancelAfter(TimeSpan.FromSeconds(2));
        try
        {
            await book.AddAsync(order, bounded.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException("The book took more than 2 s.");
        }
    }
}

/// <summary>A list that a local function fills and an async lambda forgets.</summary>
[KinesisProcessor("lambdas", JsonContext = typeof(CorpusJson))]
public sealed partial class Lambdas(IOrderBook book)
{
    private static long s_total;

    [OnBatch]
    public async Task HandleAsync(ReadOnlyMemory<Order> orders, CancellationToken cancellationToken)
    {
        List<Order> list = [.. orders.Span];
        list.ForEach({|FC2003:async|} order => await book.AddAsync(order, cancellationToken));
        await Task.WhenAll(list.Select(order => AddAsync(order)));
        {|FC3003:s_total|} += list.Count;

        async Task AddAsync(Order order) => await book.AddAsync(order, cancellationToken);
    }
}
