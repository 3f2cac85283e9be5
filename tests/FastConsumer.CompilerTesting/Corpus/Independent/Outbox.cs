// Written from the rules' pages alone. The marks were set before anything was run.
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Amazon.EventBridge;
using Amazon.EventBridge.Model;
using Amazon.SQS;
using Amazon.SQS.Model;
using Confluent.Kafka;
using FastConsumer;
using FastConsumer.Kinesis;
using Microsoft.Extensions.Logging;

namespace Corpus.Independent.Outbox;

public sealed record Message(string Id, string Topic, string Body, int Version);

[JsonSerializable(typeof(Message))]
public sealed partial class OutboxJson : JsonSerializerContext;

public sealed class RelayFailedException(string message) : Exception(message);

/// <summary>Ten messages to a queue, the refused ones given to the policy.</summary>
[KinesisProcessor("outbox", JsonContext = typeof(OutboxJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 20, Then = ErrorAction.Stop)]
public sealed partial class ToQueue(IAmazonSQS sqs, string url)
{
    [OnBatch(MaxRecords = 10)]
    public async Task HandleAsync(ReadOnlyMemory<Message> messages, BatchContext context, CancellationToken cancellationToken)
    {
        List<SendMessageBatchRequestEntry> entries = [];
        for (int i = 0; i < messages.Length; i++)
        {
            entries.Add(new SendMessageBatchRequestEntry(i.ToString(CultureInfo.InvariantCulture), messages.Span[i].Body));
        }

        SendMessageBatchResponse response = await sqs.SendMessageBatchAsync(url, entries, cancellationToken);
        response.Failed?.ForEach(
            failed => context.Fail(int.Parse(failed.Id, CultureInfo.InvariantCulture), new RelayFailedException(failed.Code)));
    }
}

/// <summary>Ten messages to a queue, from a method of its own, whose answer nobody reads.</summary>
[KinesisProcessor("outbox", JsonContext = typeof(OutboxJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 20, Then = ErrorAction.Stop)]
public sealed partial class ToQueueBlind(IAmazonSQS sqs, string url)
{
    [OnBatch(MaxRecords = 100)]
    public async Task HandleAsync(ReadOnlyMemory<Message> messages, CancellationToken cancellationToken)
    {
        foreach (Message[] chunk in messages.ToArray().Chunk(10))
        {
            await SendAsync(chunk, cancellationToken);
        }
    }

    private Task SendAsync(Message[] messages, CancellationToken cancellationToken)
    {
        var request = new SendMessageBatchRequest { QueueUrl = url };
        request.Entries = [.. messages.Select(message => new SendMessageBatchRequestEntry(message.Id, message.Body))];
        return {|FC2007:sqs.SendMessageBatchAsync(request, cancellationToken)|};
    }
}

/// <summary>Kafka without a delivery handler, flushed never.</summary>
[KinesisProcessor("outbox", JsonContext = typeof(OutboxJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 20, Then = ErrorAction.Stop)]
public sealed partial class ToKafkaBlind(IProducer<string, string> producer)
{
    [OnRecord]
    public void Handle(Message message) =>
        {|FC2007:producer.Produce(message.Topic, new Message<string, string> { Key = message.Id, Value = message.Body })|};
}

/// <summary>Kafka, awaited for each of a batch.</summary>
[KinesisProcessor("outbox", JsonContext = typeof(OutboxJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(ProduceException<string, string>), ErrorAction.Retry, MaxAttempts = 20, Then = ErrorAction.Stop)]
[OnError(typeof(RelayFailedException), ErrorAction.Retry, MaxAttempts = 20, Then = ErrorAction.Stop)]
public sealed partial class ToKafka(IProducer<string, string> producer)
{
    [OnBatch]
    public async Task HandleAsync(ReadOnlyMemory<Message> messages, CancellationToken cancellationToken)
    {
        var sends = messages.ToArray().Select(message =>
            producer.ProduceAsync(message.Topic, new Message<string, string> { Key = message.Id, Value = message.Body }, cancellationToken))
            .ToList();
        DeliveryResult<string, string>[] results = await Task.WhenAll(sends);
        if (results.Any(result => result.Status == PersistenceStatus.NotPersisted))
        {
            throw new RelayFailedException("not persisted");
        }
    }
}

/// <summary>Kafka, started for each record and left alone.</summary>
[KinesisProcessor("outbox", JsonContext = typeof(OutboxJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class ToKafkaLeft(IProducer<string, string> producer)
{
    [OnRecord]
    public ValueTask HandleAsync(Message message, CancellationToken cancellationToken)
    {
        var kafka = new Message<string, string> { Key = message.Id, Value = message.Body };
        _ = {|FC2003:message.Version > 1
            ? producer.ProduceAsync(message.Topic, kafka, cancellationToken)
            : producer.ProduceAsync("first." + message.Topic, kafka, cancellationToken)|};
        return ValueTask.CompletedTask;
    }
}

/// <summary>Events on a bus; the id of the first is all that is read.</summary>
[KinesisProcessor("outbox", JsonContext = typeof(OutboxJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 20, Then = ErrorAction.Stop)]
public sealed partial class ToBusBlind(IAmazonEventBridge bus, ILogger<ToBusBlind> logger)
{
    [OnRecord]
    public async Task HandleAsync(Message message, CancellationToken cancellationToken)
    {
        var entry = new PutEventsRequestEntry { Source = "outbox", DetailType = message.Topic, Detail = message.Body };
        var response = await {|FC2007:bus.PutEventsAsync(new PutEventsRequest { Entries = [entry] }, cancellationToken)|};
        logger.LogInformation("Request {Id}", response.ResponseMetadata.RequestId);
    }
}

/// <summary>Events on a bus, the count of refused ones looked at by a method of the house.</summary>
[KinesisProcessor("outbox", JsonContext = typeof(OutboxJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 20, Then = ErrorAction.Stop)]
public sealed partial class ToBus(IAmazonEventBridge bus)
{
    [OnRecord]
    public async Task HandleAsync(Message message, CancellationToken cancellationToken)
    {
        var entry = new PutEventsRequestEntry { Source = "outbox", DetailType = message.Topic, Detail = message.Body };
        EnsureAll(await bus.PutEventsAsync(new PutEventsRequest { Entries = [entry] }, cancellationToken));
    }

    private static void EnsureAll(PutEventsResponse response)
    {
        if (response is { FailedEntryCount: > 0, Entries: [var first, ..] })
        {
            throw new RelayFailedException(first.ErrorCode);
        }
    }
}

/// <summary>An item per message, once: the condition that fails says that it is there already.</summary>
[KinesisProcessor("outbox", JsonContext = typeof(OutboxJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(ProvisionedThroughputExceededException), ErrorAction.Retry)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 20, Then = ErrorAction.Stop)]
public sealed partial class ToTable(IAmazonDynamoDB table)
{
    [OnRecord]
    public async Task HandleAsync(Message message, RecordContext context, CancellationToken cancellationToken)
    {
        var put = new PutItemRequest
        {
            TableName = "messages",
            ConditionExpression = "attribute_not_exists(id)",
            Item = new Dictionary<string, AttributeValue>
            {
                ["id"] = new(message.Id),
                ["fence"] = new() { N = context.FencingToken.ToString(CultureInfo.InvariantCulture) },
            },
        };
        try
        {
            await table.PutItemAsync(put, cancellationToken);
        }
        catch (ConditionalCheckFailedException)
        {
            // it came before
        }
    }
}

/// <summary>Items of a batch; what the table had no room for is in an answer that is only counted.</summary>
[KinesisProcessor("outbox", JsonContext = typeof(OutboxJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 20, Then = ErrorAction.Stop)]
public sealed partial class ToTableBlind(IAmazonDynamoDB table)
{
    private double _units;

    [OnBatch(MaxRecords = 25)]
    public async Task HandleAsync(ReadOnlyMemory<Message> messages, CancellationToken cancellationToken)
    {
        List<WriteRequest> writes = [
            .. messages.ToArray().Select(message => new WriteRequest(new PutRequest(new() { ["id"] = new AttributeValue(message.Id) })))];
        var answer = await {|FC2007:table.BatchWriteItemAsync(
            new BatchWriteItemRequest(new Dictionary<string, List<WriteRequest>> { ["messages"] = writes }), cancellationToken)|};
        _units += answer.ConsumedCapacity?.Sum(capacity => capacity.CapacityUnits) ?? 0;
    }
}

/// <summary>Items of a batch until none is left.</summary>
[KinesisProcessor("outbox", JsonContext = typeof(OutboxJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 20, Then = ErrorAction.Stop)]
public sealed partial class ToTableUntilDone(IAmazonDynamoDB table, TimeProvider time)
{
    [OnBatch(MaxRecords = 25)]
    public async Task HandleAsync(ReadOnlyMemory<Message> messages, CancellationToken cancellationToken)
    {
        var left = new Dictionary<string, List<WriteRequest>>
        {
            ["messages"] = [.. messages.ToArray()
                .Select(message => new WriteRequest(new PutRequest(new() { ["id"] = new AttributeValue(message.Id) })))],
        };
        do
        {
            left = (await table.BatchWriteItemAsync(left, cancellationToken)).UnprocessedItems;
            await Task.Delay(TimeSpan.FromMilliseconds(50), time, cancellationToken);
        }
        while (left is { Count: > 0 });
    }
}

/// <summary>Statements in a batch: each has an error of its own, in an answer that is dropped.</summary>
[KinesisProcessor("outbox", JsonContext = typeof(OutboxJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 20, Then = ErrorAction.Stop)]
public sealed partial class ByStatements(IAmazonDynamoDB table)
{
    [OnBatch(MaxRecords = 25)]
    public async Task HandleAsync(ReadOnlyMemory<Message> messages, CancellationToken cancellationToken)
    {
        var request = new BatchExecuteStatementRequest { Statements = [] };
        foreach (Message message in messages.ToArray())
        {
            request.Statements.Add(
                new BatchStatementRequest { Statement = "insert into messages value {'id': ?}", Parameters = [new(message.Id)] });
        }

        await {|FC2007:table.BatchExecuteStatementAsync(request, cancellationToken)|};
    }
}

/// <summary>A checkpoint after each record, whose loss is taken for a failure of the message.</summary>
[KinesisProcessor("outbox", JsonContext = typeof(OutboxJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 20, Then = ErrorAction.Stop)]
public sealed partial class CheckpointsInTry(IAmazonSQS sqs, string dead, ILogger<CheckpointsInTry> logger)
{
    [OnRecord]
    public async Task HandleAsync(Message message, RecordContext context, CancellationToken cancellationToken)
    {
        try
        {
            await sqs.SendMessageAsync("https://queue/out", message.Body, cancellationToken);
            await context.CheckpointAsync(cancellationToken);
        }
        {|FC2004:catch (Exception e)|}
        {
            logger.LogError(e, "Message {Id}", message.Id);
            await sqs.SendMessageAsync(dead, message.Body);
        }
    }
}
