// A worker of a user's, as large as one is: three processors with what FastConsumer offers, leases on DynamoDB, dead letters to a file.
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using FastConsumer;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
builder.Services
    .AddSingleton<Output>()
    .AddFastConsumer()
    .AddProcessor<OrderProcessor>()
    .AddProcessor<ClickProcessor>()
    .AddProcessor<ReadingProcessor>()
    .UseDynamoDb()
    .UseDeadLettersToFile(builder.Configuration["DeadLetters"] ?? "dead-letters.ndjson");
await builder.Build().RunAsync();

/// <summary>Says on standard output what is handled, and at the first record what the process has cost so far.</summary>
public sealed class Output
{
    private int _records;

    public void Handled(string what)
    {
        if (Interlocked.Increment(ref _records) == 1)
        {
            using Process own = Process.GetCurrentProcess();
            Console.WriteLine($"first {(DateTime.Now - own.StartTime).TotalMilliseconds:F0} {Environment.WorkingSet}");
        }

        Console.WriteLine($"handled {what}");
    }
}

public sealed record OrderPlaced(int Id, int Amount);

public sealed record OrderCancelled(int Id);

public sealed record Reading(int Meter, double Kilowatts);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(OrderPlaced))]
[JsonSerializable(typeof(OrderCancelled))]
[JsonSerializable(typeof(Reading))]
public sealed partial class WorkerJson : JsonSerializerContext;

/// <summary>JSON by route; what is not JSON, or fails twice, becomes a dead letter.</summary>
[KinesisProcessor("orders", JsonContext = typeof(WorkerJson), RouteProperty = "type")]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(ArgumentException), ErrorAction.Retry, MaxAttempts = 2, InitialBackoff = "00:00:00.01", Then = ErrorAction.DeadLetter)]
public sealed partial class OrderProcessor(Output output)
{
    [OnRecord(Route = "placed")]
    public async ValueTask HandleAsync(OrderPlaced order, RecordContext context, CancellationToken cancellationToken)
    {
        if (order.Amount < 0)
        {
            throw new ArgumentException($"Order {order.Id} has a negative amount.");
        }

        if (order.Amount == 0)
        {
            await context.CheckpointAsync(cancellationToken);
        }

        output.Handled($"placed {order.Id} {order.Amount}");
    }

    [OnRecord(Route = "cancelled")]
    public void Handle(OrderCancelled order, [FromServices] IConfiguration configuration) =>
        output.Handled($"cancelled {order.Id} {configuration["Shop"]}");

    [OnShardEnded]
    public void End(ShardContext shard) => Console.WriteLine($"ended {shard.ShardId}");
}

/// <summary>Raw bytes in four lanes: the clicks of one user in their order.</summary>
[KinesisProcessor("clicks")]
[Concurrency(4)]
public sealed partial class ClickProcessor(Output output, TimeProvider time)
{
    [OnRecord]
    public async Task HandleAsync(KinesisRecord record, CancellationToken cancellationToken)
    {
        string click = System.Text.Encoding.UTF8.GetString(record.DataSpan);
        await Task.Delay(TimeSpan.FromMilliseconds(5), time, cancellationToken);
        output.Handled($"click {record.PartitionKey} {click}");
    }
}

/// <summary>JSON in batches, with a filter; a reading that is refused fails alone.</summary>
[KinesisProcessor("readings", JsonContext = typeof(WorkerJson))]
[OnError(typeof(ArgumentException), ErrorAction.DeadLetter)]
public sealed partial class ReadingProcessor(Output output)
{
    [Filter]
    public static bool IsMetered(Reading reading) => reading.Meter != 0;

    [OnBatch(MaxRecords = 4, MaxWait = "00:00:00.2")]
    public void Handle(ReadOnlyMemory<Reading> readings, BatchContext context)
    {
        for (int i = 0; i < readings.Length; i++)
        {
            Reading reading = readings.Span[i];
            if (reading.Kilowatts < 0)
            {
                context.Fail(i, new ArgumentException($"Meter {reading.Meter} shows less than nothing."));
                continue;
            }

            output.Handled($"reading {reading.Meter} {reading.Kilowatts}");
        }
    }
}
