// Shapes that look like trouble and are none.
using System.Collections.Concurrent;
using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Net.Http;
using FastConsumer;
using Microsoft.Extensions.Logging;

namespace Corpus.EverydayShapes;

public sealed class Envelope
{
    public required ReadOnlyMemory<byte> Data { get; init; }

    public string Key { get; set; } = "";

    public Task Sent { get; set; } = Task.CompletedTask;
}

[KinesisProcessor("clicks")]
public sealed partial class Initializers(IDeadLetters letters)
{
    private readonly ConcurrentBag<string> _keys = [];

    [OnBatch]
    public async Task HandleAsync(RecordBatch batch, CancellationToken cancellationToken)
    {
        var envelopes = new List<Envelope>();
        foreach (KinesisRecord record in batch)
        {
            var envelope = new Envelope { Data = record.Data, Key = record.PartitionKey };
            envelope.Sent = letters.SendAsync(envelope.Key, envelope.Data, cancellationToken);
            envelopes.Add(envelope);
        }

        await Task.WhenAll(envelopes.Select(envelope => envelope.Sent));
        await Parallel.ForEachAsync(envelopes, cancellationToken, async (envelope, token) =>
        {
            var copy = new Envelope { Data = envelope.Data, Key = envelope.Key };
            copy.Key += "!";
            _keys.Add(copy.Key);
            await letters.SendAsync(copy.Key, copy.Data, token);
        });
    }
}

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
[OnError(typeof(DbException), ErrorAction.Retry)]
public sealed partial class Queries(DbConnection connection)
{
    private static Func<string, string>? s_normalize;

    [OnRecord]
    public async Task HandleAsync(Order order, CancellationToken cancellationToken)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        s_normalize ??= static text => text.Trim();
        await using DbCommand command = connection.CreateCommand();
        command.CommandText = s_normalize("select * from orders where id = @id");
        await using DbDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            if (!reader.IsDBNull(0))
            {
                Console.WriteLine(reader.GetFieldValue<string>(0));
            }
        }

        reader.Close();
    }
}

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class Cleanup(IOrderBook book, ILogger<Cleanup> log)
{
    private static readonly ActivitySource s_source = new("corpus");

    [OnRecord]
    public async Task HandleAsync(Order order, CancellationToken cancellationToken)
    {
        using Activity? activity = s_source.StartActivity();
        using CancellationTokenRegistration registration = cancellationToken.Register(() => log.LogDebug("Stopping"));
        string temporary = Path.GetTempFileName();
        try
        {
            await book.AddAsync(order, cancellationToken);
            activity?.SetStatus(ActivityStatusCode.Ok);
        }
        finally
        {
            try
            {
                File.Delete(temporary);
            }
            catch (IOException e)
            {
                log.LogWarning(e, "{File} stays", temporary);
            }
        }

        try
        {
            File.Delete(order.Id);
        }
        catch (IOException)
        {
        }
    }
}

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class FallsBack(IOrderBook book, HttpClient http, ILogger<FallsBack> log)
{
    [OnRecord]
    public async Task HandleAsync(Order order, CancellationToken cancellationToken)
    {
        string customer;
        try
        {
            customer = await http.GetStringAsync($"/customers/{order.Customer}", cancellationToken);
        }
        catch (HttpRequestException e)
        {
            log.LogWarning(e, "No customer service");
            customer = order.Customer;
        }

        int retries = 3;
        do
        {
            try
            {
                await book.AddAsync(order with { Customer = customer }, cancellationToken);
                return;
            }
            catch (TimeoutException) when (retries-- > 0)
            {
            }
        }
        while (true);
    }
}

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class CollectsFailures(IOrderBook book)
{
    [OnBatch]
    public async Task HandleAsync(ReadOnlyMemory<Order> orders, BatchContext context, CancellationToken cancellationToken)
    {
        Task[] tasks = new Task[orders.Length];
        for (int i = 0; i < tasks.Length; i++)
        {
            tasks[i] = book.AddAsync(orders.Span[i], cancellationToken).AsTask();
        }

        try
        {
            await Task.WhenAll(tasks);
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            for (int i = 0; i < tasks.Length; i++)
            {
                if (tasks[i].Exception is { } failure)
                {
                    context.Fail(i, failure.InnerException ?? failure);
                }
            }
        }

        var failed = new List<Exception>();
        foreach (Order order in orders.ToArray())
        {
            try
            {
                await book.FindAsync(order.Id, cancellationToken);
            }
            catch (TimeoutException e)
            {
                failed.Add(e);
            }
        }

        if (failed.Count > 0)
        {
            throw new OperationCanceledException("Some failed.", new AggregateException(failed));
        }
    }
}

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
[OnError(typeof(InvalidDataException), ErrorAction.DeadLetter)]
public sealed partial class Troubled(IOrderBook book, ILogger<Troubled> log)
{
    [OnRecord]
    public async Task {|FC2001:HandleAsync|}(Order order, CancellationToken cancellationToken)
    {
        var lines = await File.ReadAllLinesAsync(order.Id, cancellationToken);
        if (lines is [])
        {
            throw new InvalidDataException($"{order.Id} is empty.");
        }

        Parallel.ForEach(lines, {|FC2003:async|} line => await book.FindAsync(line, cancellationToken));
        foreach (string line in lines)
        {
            try
            {
                await book.AddAsync(order with { Id = line }, cancellationToken);
            }
            {|FC2002:catch (TimeoutException)|}
            {
                log.LogError("{Line} timed out", line);
                continue;
            }
        }

        using var done = new ManualResetEventSlim();
        {|FC2003:Task.Run(() => done.Set(), cancellationToken)|};
        {|FC3001:done.Wait(cancellationToken)|};
    }
}
