// Written from the rules' pages alone. The marks were set before anything was run.
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Net.Http;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Threading.Tasks.Dataflow;
using Amazon.SQS;
using Amazon.SQS.Model;
using Dapper;
using FastConsumer;
using FastConsumer.Kinesis;
using Microsoft.Extensions.Logging;
using Npgsql;
using StackExchange.Redis;

namespace Corpus.Independent.Stock;

public sealed record Item(string Sku, int Delta, string? Supplier)
{
    public string Shelf { get; init; } = "";
}

[JsonSerializable(typeof(Item))]
public sealed partial class StockJson : JsonSerializerContext;

public interface ILedger
{
    Task AddAsync(Item item, CancellationToken cancellationToken);

    Task AddAsync(IEnumerable<Item> items, CancellationToken cancellationToken);

    ValueTask<bool> ExistsAsync(string sku, CancellationToken cancellationToken);
}

/// <summary>Items by shelf in a dictionary of lists that outlives the call; a shelf of fifty is written.</summary>
[KinesisProcessor("stock", JsonContext = typeof(StockJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class FiftyToAShelf(ILedger ledger)
{
    private readonly Dictionary<string, List<Item>> _shelves = new(StringComparer.Ordinal);

    [OnRecord]
    public async Task HandleAsync(Item item, CancellationToken cancellationToken)
    {
        if (!_shelves.TryGetValue(item.Shelf, out List<Item>? shelf))
        {
            shelf = [];
            _shelves.Add(item.Shelf, shelf);
        }

        {|FC2006:shelf.Add(item)|};
        if (shelf.Count >= 50)
        {
            await ledger.AddAsync(shelf, cancellationToken);
            shelf.Clear();
        }
    }
}

/// <summary>A dataflow block behind the handler: it says that it took the item, and no more.</summary>
[KinesisProcessor("stock", JsonContext = typeof(StockJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class IntoABlock
{
    private readonly ActionBlock<Item> _block;

    public IntoABlock(ILedger ledger) =>
        _block = new ActionBlock<Item>(
            item => ledger.AddAsync(item, CancellationToken.None), new ExecutionDataflowBlockOptions { BoundedCapacity = 100 });

    [OnRecord]
    public async Task HandleAsync(Item item, CancellationToken cancellationToken)
    {
        if (!await {|FC2006:_block.SendAsync(item, cancellationToken)|})
        {
            throw new UnreachableException();
        }
    }
}

/// <summary>A block of the call's own, completed and awaited.</summary>
[KinesisProcessor("stock", JsonContext = typeof(StockJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class ABlockForTheCall(ILedger ledger)
{
    [OnBatch]
    public async Task HandleAsync(ReadOnlyMemory<Item> items, CancellationToken cancellationToken)
    {
        var block = new ActionBlock<Item>(
            item => ledger.AddAsync(item, cancellationToken),
            new ExecutionDataflowBlockOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancellationToken });
        for (int i = 0; i < items.Length; i++)
        {
            block.Post(items.Span[i]);
        }

        block.Complete();
        await block.Completion;
    }
}

/// <summary>An immutable list in a field, swapped by a timer.</summary>
[KinesisProcessor("stock", JsonContext = typeof(StockJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class SwappedByATimer(ILedger ledger) : IDisposable
{
    private readonly Lock _lock = new();
    private List<Item> _items = [];
    private Timer? _timer;

    [OnShardStarted]
    public void Start(ShardContext shard) => _timer = new Timer(_ => Flush(), null, 1000, 1000);

    [OnRecord]
    public void Handle(Item item)
    {
        lock (_lock)
        {
            {|FC2006:_items.Add(item)|};
        }
    }

    public void Dispose() => _timer?.Dispose();

    private void Flush()
    {
        List<Item> all;
        lock (_lock)
        {
            all = _items;
            _items = [];
        }

        {|FC3001:ledger.AddAsync(all, CancellationToken.None).GetAwaiter().GetResult()|};
    }
}

/// <summary>The last level of each article is kept and written when it changes sign: one value for each key.</summary>
[KinesisProcessor("stock", JsonContext = typeof(StockJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class Levels(ILedger ledger)
{
    private readonly SortedDictionary<string, int> _levels = new(StringComparer.Ordinal);

    [OnRecord]
    public async ValueTask HandleAsync(Item item, CancellationToken cancellationToken)
    {
        _levels.TryGetValue(item.Sku, out int before);
        int after = _levels[item.Sku] = before + item.Delta;
        if (Math.Sign(before) != Math.Sign(after))
        {
            await ledger.AddAsync(item, cancellationToken).ConfigureAwait(false);
        }
    }
}

/// <summary>A dictionary with a handler for each supplier, asked for by the record's own text.</summary>
[KinesisProcessor("stock", JsonContext = typeof(StockJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class BySupplier
{
    private readonly Dictionary<string, Func<Item, CancellationToken, Task>> _handlers;

    public BySupplier(ILedger ledger) => _handlers = new(StringComparer.Ordinal) { ["acme"] = ledger.AddAsync };

    [OnRecord]
    public Task {|FC2001:HandleAsync|}(Item item, CancellationToken cancellationToken) =>
        _handlers[item.Supplier ?? ""](item, cancellationToken);
}

/// <summary>The process of a tool is started and waited for with the thread.</summary>
[KinesisProcessor("stock", JsonContext = typeof(StockJson))]
[OnError(typeof(Exception), ErrorAction.Stop)]
public sealed partial class RunsATool
{
    [OnRecord]
    public async Task HandleAsync(Item item, CancellationToken cancellationToken)
    {
        using var process = Process.Start("label", item.Sku);
        {|FC3001:process.WaitForExit()|};
        string text = {|FC3001:File.ReadAllText("/tmp/label")|};
        await using FileStream file = File.Create("/tmp/labels/" + item.Sku);
        await file.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken);
    }
}

/// <summary>Dapper with its parameters, and the token is nowhere; the connection is closed by a using.</summary>
[KinesisProcessor("stock", JsonContext = typeof(StockJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(DbException), ErrorAction.Retry)]
public sealed partial class DapperWithoutToken(NpgsqlDataSource source)
{
    [OnRecord]
    public async Task HandleAsync(Item item, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await {|FC3002:source.OpenConnectionAsync()|};
        await using NpgsqlTransaction transaction = await {|FC3002:connection.BeginTransactionAsync()|};
        await connection.ExecuteAsync(new CommandDefinition(
            "update stock set level = level + @Delta where sku = @Sku", item, transaction, cancellationToken: cancellationToken));
        await transaction.CommitAsync(cancellationToken);
    }
}

/// <summary>A transaction that is rolled back for everything, and the exception ends in the clause.</summary>
[KinesisProcessor("stock", JsonContext = typeof(StockJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(DbException), ErrorAction.Retry)]
public sealed partial class RollsBack(NpgsqlDataSource source)
{
    [OnRecord]
    public async Task HandleAsync(Item item, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
        try
        {
            await connection.ExecuteAsync(new CommandDefinition(
                "update stock set level = level + @Delta where sku = @Sku", item, transaction, cancellationToken: cancellationToken));
            await transaction.CommitAsync(cancellationToken);
        }
        {|FC2002:catch|}
        {
            await transaction.RollbackAsync(CancellationToken.None);
        }
    }
}

/// <summary>A lock in Redis that may be held by another: then nothing is done, and the record is done.</summary>
[KinesisProcessor("stock", JsonContext = typeof(StockJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(RedisException), ErrorAction.Retry)]
[OnError(typeof(TimeoutException), ErrorAction.Retry)]
public sealed partial class LockedInRedis(IDatabase redis, ILedger ledger)
{
    [OnRecord]
    public async Task HandleAsync(Item item, RecordContext context, CancellationToken cancellationToken)
    {
        string owner = context.ShardId + context.FencingToken.ToString(CultureInfo.InvariantCulture);
        if (!await redis.LockTakeAsync(item.Sku, owner, TimeSpan.FromSeconds(30)))
        {
            throw new TimeoutException("Somebody else writes " + item.Sku);
        }

        try
        {
            await ledger.AddAsync(item, cancellationToken);
        }
        finally
        {
            await redis.LockReleaseAsync(item.Sku, owner);
        }
    }
}

/// <summary>The answer of an HTTP call is kept in a variable of the wrong use: only its content is read.</summary>
[KinesisProcessor("stock", JsonContext = typeof(StockJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(HttpRequestException), ErrorAction.Retry)]
public sealed partial class ReadsTheContent(HttpClient http, ILedger ledger)
{
    [OnRecord]
    public async Task HandleAsync(Item item, CancellationToken cancellationToken)
    {
        HttpResponseMessage response = await {|FC2007:http.GetAsync("/suppliers/" + item.Supplier, cancellationToken)|};
        string name = await response.Content.ReadAsStringAsync(cancellationToken);
        await ledger.AddAsync(item with { Supplier = name }, cancellationToken);
    }
}

/// <summary>The answer goes through a method of the house that throws, by an extension.</summary>
[KinesisProcessor("stock", JsonContext = typeof(StockJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(HttpRequestException), ErrorAction.Retry)]
public sealed partial class OrThrow(HttpClient http)
{
    [OnRecord]
    public async Task HandleAsync(Item item, CancellationToken cancellationToken)
    {
        using HttpResponseMessage one = await http.PutAsJsonAsync("/items/" + item.Sku, item, cancellationToken).OrThrowAsync();
        Task<HttpResponseMessage>[] more = [http.PostAsync("/a", null, cancellationToken), http.PostAsync("/b", null, cancellationToken)];
        foreach (HttpResponseMessage response in await Task.WhenAll(more))
        {
            response.EnsureSuccessStatusCode().Dispose();
        }
    }
}

public static class Responses
{
    public static async Task<HttpResponseMessage> OrThrowAsync(this Task<HttpResponseMessage> response) =>
        (await response).EnsureSuccessStatusCode();
}

/// <summary>Deletes what it sent from a queue of the house; the batch's answer is looked at by another name.</summary>
[KinesisProcessor("stock", JsonContext = typeof(StockJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 9)]
public sealed partial class DeletesFromQueue(IAmazonSQS sqs, ILedger ledger)
{
    [OnBatch(MaxRecords = 10)]
    public async Task HandleAsync(ReadOnlyMemory<Item> items, CancellationToken cancellationToken)
    {
        Item[] all = items.ToArray();
        await ledger.AddAsync(all, cancellationToken);
        List<DeleteMessageBatchRequestEntry> entries = [.. all.Select((item, i) => new DeleteMessageBatchRequestEntry($"{i}", item.Sku))];
        if (await sqs.DeleteMessageBatchAsync("https://queue/in", entries, cancellationToken) is { Failed: { Count: > 0 } failed })
        {
            throw new InvalidOperationException(failed[0].Message);
        }
    }
}

/// <summary>An asynchronous stream of the house's own, with and without the token.</summary>
[KinesisProcessor("stock", JsonContext = typeof(StockJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class OwnStream(ILedger ledger)
{
    [OnBatch]
    public async Task HandleAsync(ReadOnlyMemory<Item> items, CancellationToken cancellationToken)
    {
        await foreach (Item item in KnownAsync(items.ToArray(), cancellationToken))
        {
            await ledger.AddAsync(item, cancellationToken);
        }

        await foreach (Item item in {|FC3002:KnownAsync(items.ToArray())|})
        {
            await ledger.AddAsync(item, cancellationToken);
        }
    }

    private async IAsyncEnumerable<Item> KnownAsync(Item[] items, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (Item item in items)
        {
            if (await ledger.ExistsAsync(item.Sku, cancellationToken))
            {
                yield return item;
            }
        }
    }
}

/// <summary>A queue of the process, filled by all shards: a concurrent one, and one that is not.</summary>
public static class StockQueues
{
    public static readonly ConcurrentDictionary<string, int> Safe = new(StringComparer.Ordinal);

    public static readonly SortedSet<string> Unsafe = new(StringComparer.Ordinal);

    public static ImmutableList<string> Immutable { get; set; } = [];
}

[KinesisProcessor("stock", JsonContext = typeof(StockJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class OfTheProcess
{
    [OnRecord]
    public void Handle(Item item)
    {
        StockQueues.Safe[item.Sku] = item.Delta;
        {|FC3003:StockQueues.Unsafe|}.Add(item.Sku);
        {|FC3003:StockQueues.Immutable|} = StockQueues.Immutable.Add(item.Sku);
    }
}

/// <summary>Keys are compared in every way that people know.</summary>
[KinesisProcessor("stock")]
public sealed partial class ComparesKeys(ILogger<ComparesKeys> logger)
{
    [OnRecord]
    public void Handle(KinesisRecord record)
    {
        switch ({|FC3004:record.PartitionKey|})
        {
            case "test":
                return;
            case "audit":
                logger.LogInformation("Audit");
                return;
        }

        if (record.PartitionKey.StartsWith("eu-", StringComparison.Ordinal))
        {
            logger.LogInformation("{Key}", record.PartitionKey);
        }
    }
}
