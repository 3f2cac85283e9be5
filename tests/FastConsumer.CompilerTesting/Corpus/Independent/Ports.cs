// Written without a look at what the rules do: shapes as people bring them from Lambda handlers, KCL processors, Kafka loops
// and actor frameworks. The marks were set from the rules' pages before anything was run.
using System.Data.Common;
using System.Globalization;
using System.IO;
using System.Net.Http;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Amazon.Runtime;
using FastConsumer;
using Microsoft.Extensions.Logging;

namespace Corpus.Independent.Ports;

/// <summary>A Lambda handler: the first failure of a batch ends it, and the rest comes again.</summary>
[KinesisProcessor("lambda")]
public sealed partial class PartialFailure(IDeadLetters target, ILogger<PartialFailure> log)
{
    [OnBatch]
    public async Task HandleAsync(RecordBatch batch, BatchContext context, CancellationToken cancellationToken)
    {
        for (int i = 0; i < batch.Count; i++)
        {
            try
            {
                await target.SendAsync("item", batch[i].Data, cancellationToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                log.LogError(e, "Record {Index} failed", i);
                for (int k = i; k < batch.Count; k++)
                {
                    context.Fail(k, e);
                }

                return;
            }
        }
    }
}

/// <summary>A Lambda handler that logs what it could not do and reports success.</summary>
[KinesisProcessor("lambda")]
public sealed partial class LogsAndForgets(IDeadLetters target, ILogger<LogsAndForgets> log)
{
    [OnBatch]
    public async Task HandleAsync(RecordBatch batch, CancellationToken cancellationToken)
    {
        foreach (KinesisRecord record in batch)
        {
            try
            {
                log.LogInformation("Sequence {Number}", record.SequenceNumber);
                await target.SendAsync("item", record.Data, cancellationToken);
            }
            {|FC2002:catch (Exception ex)|}
            {
                log.LogError(ex, "An error occurred: {Message}", ex.Message);
            }
        }

        log.LogInformation("Processed {Count} records", batch.Count);
    }
}

/// <summary>A KCL processor of the first years: counts attempts, waits with the thread, gives up with a line.</summary>
[KinesisProcessor("kcl")]
public sealed partial class RetriesByHand(IOrderBook book, ILogger<RetriesByHand> log)
{
    [OnRecord]
    public void {|FC2001:Handle|}(string line)
    {
        bool processed = false;
        for (int attempt = 0; attempt < 3 && !processed; attempt++)
        {
            try
            {
                book.Add(new Order(line, "", 0));
                processed = true;
            }
            catch (Exception e)
            {
                log.LogWarning(e, "Attempt {Attempt}", attempt);
                {|FC3001:Thread.Sleep(1000)|};
            }
        }

        if (!processed)
        {
            log.LogError("Could not process {Line}", line);
            throw new InvalidOperationException("gave up");
        }
    }
}

/// <summary>Checkpoints now and then, and takes care of a lost lease as KCL's samples do.</summary>
[KinesisProcessor("kcl")]
public sealed partial class ChecksPoints(IDeadLetters target, ILogger<ChecksPoints> log)
{
    private int _since;

    [OnRecord]
    public async Task HandleAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken)
    {
        await target.SendAsync(context.ShardId, record.Data, cancellationToken);
        if (++_since >= 100)
        {
            try
            {
                await context.CheckpointAsync(cancellationToken);
            }
            {|FC2004:catch (LeaseLostException)|}
            {
                log.LogInformation("Another worker has {Shard}", context.ShardId);
            }

            _since = 0;
        }
    }
}

/// <summary>A Kafka loop's body: deserialize, upsert, say so.</summary>
[KinesisProcessor("upserts")]
[OnError(typeof(DbException), ErrorAction.Retry)]
public sealed partial class Upserts(DbConnection connection)
{
    [OnRecord]
    public async Task {|FC2001:HandleAsync|}(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        Order? order = JsonSerializer.Deserialize(data.Span, CorpusJson.Default.Order);
        await using DbCommand command = connection.CreateCommand();
        command.CommandText = "insert into orders values (@id)";
        DbParameter id = command.CreateParameter();
        id.Value = order?.Id ?? throw new InvalidDataException("no id");
        command.Parameters.Add(id);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

/// <summary>The same with policies for all that can go wrong.</summary>
[KinesisProcessor("upserts")]
[OnError(typeof(DbException), ErrorAction.Retry)]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(InvalidDataException), ErrorAction.Skip)]
public sealed partial class CarefulUpserts(DbConnection connection)
{
    [OnRecord]
    public async Task HandleAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        Order? order = JsonSerializer.Deserialize(data.Span, CorpusJson.Default.Order);
        await using DbCommand command = connection.CreateCommand();
        command.CommandText = order is null ? throw new InvalidDataException("null") : "insert into orders values (1)";
        int rows = await command.ExecuteNonQueryAsync(cancellationToken);
        if (rows == 0)
        {
            throw new InvalidDataException($"{order.Id} is there");
        }
    }
}

/// <summary>Idempotent by a conditional write: that the item is there is success.</summary>
[KinesisProcessor("once", JsonContext = typeof(CorpusJson))]
[OnError(typeof(AmazonServiceException), ErrorAction.Retry)]
public sealed partial class Once(IAmazonDynamoDB table, ILogger<Once> log)
{
    [OnRecord]
    public async ValueTask HandleAsync(Order order, CancellationToken cancellationToken)
    {
        try
        {
            await table.PutItemAsync("seen", new Dictionary<string, AttributeValue> { ["id"] = new(order.Id) }, cancellationToken);
        }
        catch (ConditionalCheckFailedException)
        {
            log.LogDebug("{Id} was here before", order.Id);
        }
    }
}

/// <summary>An actor's OnNextAsync: hands on, and does not wait.</summary>
[KinesisProcessor("actors", JsonContext = typeof(CorpusJson))]
public sealed partial class FansOut(IOrderBook book, ILogger<FansOut> log)
{
    [OnRecord]
    public Task OnNextAsync(Order order, CancellationToken cancellationToken)
    {
        log.LogDebug("{Order}", order.Id);
        _ = {|FC2003:Task.Run(async () => await book.AddAsync(order, cancellationToken), cancellationToken)|};
        return Task.CompletedTask;
    }
}

/// <summary>Several writes beside each other, all awaited.</summary>
[KinesisProcessor("actors", JsonContext = typeof(CorpusJson))]
public sealed partial class WaitsForAll(IOrderBook book, IDeadLetters letters)
{
    [OnRecord]
    public async Task OnNextAsync(Order order, CancellationToken cancellationToken)
    {
        Task add = book.AddAsync(order, cancellationToken).AsTask();
        Task tell = letters.SendAsync(order.Id, ReadOnlyMemory<byte>.Empty, cancellationToken);
        await Task.WhenAll(add, tell);
    }
}

/// <summary>A sensor's average in fields, as one instance per shard allows.</summary>
[KinesisProcessor("sensors", JsonContext = typeof(CorpusJson))]
public sealed partial class Averages(ILogger<Averages> log)
{
    private readonly Dictionary<string, (double Sum, int Count)> _sums = [];
    private DateTimeOffset _last;

    [OnRecord]
    public void Handle(Reading reading, RecordContext context)
    {
        (double sum, int count) = _sums.GetValueOrDefault(reading.Sensor);
        _sums[reading.Sensor] = (sum + reading.Value, count + 1);
        if (reading.Value > 100)
        {
            _last = DateTimeOffset.FromUnixTimeSeconds(context.FencingToken);
            log.LogWarning("{Sensor} is hot since {Time}", reading.Sensor, _last);
        }
    }
}

/// <summary>The same with lanes: now the fields are shared.</summary>
[KinesisProcessor("sensors", JsonContext = typeof(CorpusJson))]
[Concurrency(8)]
public sealed partial class SharedAverages
{
    private readonly Dictionary<string, double> _sums = [];
    private long _count;
    private long _safe;

    [OnRecord]
    public void Handle(Reading reading)
    {
        {|FC3003:_sums|}[reading.Sensor] = reading.Value;
        {|FC3003:_count|}++;
        Interlocked.Increment(ref _safe);
    }
}

/// <summary>Buffers records until there are enough; keeps the borrowed ones.</summary>
[KinesisProcessor("buffers")]
public sealed partial class Buffers(IDeadLetters target)
{
    private readonly List<KinesisRecord> _buffer = [];

    [OnRecord]
    public async Task HandleAsync(KinesisRecord record, CancellationToken cancellationToken)
    {
        {|FC2006:_buffer.Add({|FC2005:record|})|};
        if (_buffer.Count < 100)
        {
            return;
        }

        foreach (KinesisRecord each in _buffer)
        {
            await target.SendAsync("buffered", each.Data, cancellationToken);
        }

        _buffer.Clear();
    }
}

/// <summary>The same with copies.</summary>
[KinesisProcessor("buffers")]
public sealed partial class BuffersCopies(IDeadLetters target)
{
    private readonly List<KinesisRecord> _buffer = [];
    private readonly Dictionary<string, byte[]> _latest = [];

    [OnRecord]
    public async Task HandleAsync(KinesisRecord record, CancellationToken cancellationToken)
    {
        {|FC2006:_buffer.Add(record.ToOwned())|};
        _latest[record.PartitionKey] = record.Data.ToArray();
        if (_buffer.Count >= 100)
        {
            KinesisRecord first = _buffer[0];
            await target.SendAsync("buffered", first.Data, cancellationToken);
            _buffer.Clear();
        }
    }
}

/// <summary>A webhook per record, with the answer looked at.</summary>
[KinesisProcessor("hooks", JsonContext = typeof(CorpusJson))]
public sealed partial class Webhooks(HttpClient http, ILogger<Webhooks> log)
{
    [OnRecord]
    [OnError(typeof(HttpRequestException), ErrorAction.Retry, MaxAttempts = 5, Then = ErrorAction.DeadLetter)]
    public async Task HandleAsync(Click click, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await http.PostAsJsonAsync("/hook", click, cancellationToken);
        if (!answer.IsSuccessStatusCode)
        {
            string why = await answer.Content.ReadAsStringAsync(cancellationToken);
            log.LogError("The hook said {Why}", why);
            throw new HttpRequestException(why);
        }
    }
}

/// <summary>The same without a policy, and without the token in one place.</summary>
[KinesisProcessor("hooks", JsonContext = typeof(CorpusJson))]
public sealed partial class CarelessWebhooks(HttpClient http)
{
    [OnRecord]
    public async Task {|FC2001:HandleAsync|}(Click click, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await {|FC2007:http.PostAsJsonAsync("/hook", click, cancellationToken)|};
        string text = await {|FC3002:answer.Content.ReadAsStringAsync()|};
        Console.WriteLine(text);
    }
}

/// <summary>Parses lines of text; what does not fit is counted and left out on purpose.</summary>
[KinesisProcessor("lines")]
public sealed partial class Lines
{
    private int _bad;

    public int Bad => _bad;

    [OnRecord]
    public void Handle(string line)
    {
        string[] parts = line.Split(',');
        if (parts.Length != 3 || !double.TryParse(parts[1], CultureInfo.InvariantCulture, out double value))
        {
            _bad++;
            return;
        }

        Console.WriteLine(value);
    }
}

/// <summary>Parses lines of text and trusts them.</summary>
[KinesisProcessor("lines")]
public sealed partial class TrustsLines
{
    private double _sum;

    [OnRecord]
    public void {|FC2001:Handle|}(string line) => _sum += Amount(line);

    private static double Amount(string line) => double.Parse(line.Split(',')[1], CultureInfo.InvariantCulture);
}
