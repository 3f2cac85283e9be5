// Written from the rules' pages alone. The marks were set before anything was run.
using System.Globalization;
using System.IO;
using System.Net.Http;
using System.Net.Http.Json;
using System.Runtime.ExceptionServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Amazon.S3;
using Amazon.S3.Model;
using Amazon.SQS;
using Amazon.SQS.Model;
using Confluent.Kafka;
using FastConsumer;
using FastConsumer.Kinesis;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Corpus.Independent.Loyalty;

public sealed record Points(string Member, int Amount, string Reason);

[JsonSerializable(typeof(Points))]
public sealed partial class LoyaltyJson : JsonSerializerContext;

public interface IMembers
{
    Task AddAsync(Points points, CancellationToken cancellationToken);

    Task<int> BalanceAsync(string member, CancellationToken cancellationToken);

    Task NotifyAsync(string member, string text, CancellationToken cancellationToken);
}

public sealed class NotEnoughException(string member) : Exception(member);

/// <summary>Two queries beside each other, and what comes of both.</summary>
[KinesisProcessor("points", JsonContext = typeof(LoyaltyJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(NotEnoughException), ErrorAction.Skip)]
public sealed partial class TwoQueries(IMembers members)
{
    [OnRecord]
    public async Task HandleAsync(Points points, CancellationToken cancellationToken)
    {
        Task<int> own = members.BalanceAsync(points.Member, cancellationToken);
        Task<int> house = members.BalanceAsync("house", cancellationToken);
        if (await own + points.Amount < 0 || await house < points.Amount)
        {
            await house;
            throw new NotEnoughException(points.Member);
        }

        await members.AddAsync(points, cancellationToken);
    }
}

/// <summary>As many as eight at a time, by WhenAny: the first that is done makes room.</summary>
[KinesisProcessor("points", JsonContext = typeof(LoyaltyJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class EightAtATime(IMembers members)
{
    [OnBatch]
    public async Task HandleAsync(ReadOnlyMemory<Points> batch, CancellationToken cancellationToken)
    {
        var running = new List<Task>(8);
        foreach (Points points in batch.ToArray())
        {
            if (running.Count == 8)
            {
                Task done = await Task.WhenAny(running);
                running.Remove(done);
                await done;
            }

            running.Add(members.AddAsync(points, cancellationToken));
        }

        await Task.WhenAll(running);
    }
}

/// <summary>Each record's failure by its index, from tasks that are told apart by WhenEach.</summary>
[KinesisProcessor("points", JsonContext = typeof(LoyaltyJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 5, Then = ErrorAction.DeadLetter)]
public sealed partial class EachByItself(IMembers members)
{
    [OnBatch]
    public async Task HandleAsync(ReadOnlyMemory<Points> batch, BatchContext context, CancellationToken cancellationToken)
    {
        var indices = new Dictionary<Task, int>();
        for (int i = 0; i < batch.Length; i++)
        {
            indices.Add(members.AddAsync(batch.Span[i], cancellationToken), i);
        }

        await foreach (Task done in Task.WhenEach(indices.Keys).WithCancellation(cancellationToken))
        {
            if (done.Exception is { InnerException: { } failure } && indices.TryGetValue(done, out int index))
            {
                context.Fail(index, failure);
            }
        }
    }
}

/// <summary>The first failure is kept and thrown when all have had their turn.</summary>
[KinesisProcessor("points", JsonContext = typeof(LoyaltyJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 5)]
public sealed partial class FirstFailure(IMembers members)
{
    [OnBatch]
    public async Task HandleAsync(ReadOnlyMemory<Points> batch, CancellationToken cancellationToken)
    {
        ExceptionDispatchInfo? first = null;
        foreach (Points points in batch.ToArray())
        {
            try
            {
                await members.AddAsync(points, cancellationToken);
            }
            catch (Exception e)
            {
                first ??= ExceptionDispatchInfo.Capture(e);
            }
        }

        first?.Throw();
    }
}

/// <summary>The last failure is kept too, and shown in a property for the health page: nobody throws it.</summary>
[KinesisProcessor("points", JsonContext = typeof(LoyaltyJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class LastFailure(IMembers members, ILogger<LastFailure> logger)
{
    public Exception? Last { get; private set; }

    [OnRecord]
    public async Task HandleAsync(Points points, CancellationToken cancellationToken)
    {
        try
        {
            await members.AddAsync(points, cancellationToken);
        }
        {|FC2002:catch (Exception e)|}
        {
            Last = e;
            logger.LogError(e, "Points of {Member}", points.Member);
        }
    }
}

/// <summary>The notice is worth less than the points: its failure may be dropped, which the author says by a method of his own.</summary>
[KinesisProcessor("points", JsonContext = typeof(LoyaltyJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class NoticeIfPossible(IMembers members, ILogger<NoticeIfPossible> logger)
{
    [OnRecord]
    public async Task HandleAsync(Points points, CancellationToken cancellationToken)
    {
        await members.AddAsync(points, cancellationToken);
        if (!await NotifyAsync(points, cancellationToken))
        {
            logger.LogInformation("{Member} was not told", points.Member);
        }
    }

    private async Task<bool> NotifyAsync(Points points, CancellationToken cancellationToken)
    {
        try
        {
            await members.NotifyAsync(points.Member, points.Reason, cancellationToken);
            return true;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            logger.LogWarning(e, "Notice");
            return false;
        }
    }
}

/// <summary>Kafka with a delivery handler that ends a source, and the handler waits for it.</summary>
[KinesisProcessor("points", JsonContext = typeof(LoyaltyJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 5)]
public sealed partial class ByDeliveryHandler(IProducer<string, string> producer)
{
    [OnRecord]
    public async Task HandleAsync(Points points, CancellationToken cancellationToken)
    {
        var delivered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        producer.Produce("points", new Message<string, string> { Key = points.Member, Value = points.Reason }, report =>
        {
            if (report.Error.IsError)
            {
                delivered.TrySetException(new KafkaException(report.Error));
            }
            else
            {
                delivered.TrySetResult();
            }
        });
        await delivered.Task.WaitAsync(cancellationToken);
    }
}

/// <summary>A cache aside: what Redis cannot say is asked of the store, and a failure of Redis is no failure of the record.</summary>
[KinesisProcessor("points", JsonContext = typeof(LoyaltyJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class CacheAside(IDatabase redis, IMembers members, ILogger<CacheAside> logger)
{
    [OnRecord]
    public async Task HandleAsync(Points points, CancellationToken cancellationToken)
    {
        int balance = await CachedAsync(points.Member) ?? await members.BalanceAsync(points.Member, cancellationToken);
        if (balance + points.Amount >= 0)
        {
            await members.AddAsync(points, cancellationToken);
        }
    }

    private async Task<int?> CachedAsync(string member)
    {
        try
        {
            RedisValue found = await redis.StringGetAsync("balance:" + member);
            return found.HasValue ? (int)found : null;
        }
        catch (RedisException e)
        {
            logger.LogWarning(e, "Redis");
            return null;
        }
    }
}

/// <summary>An upload in parts, which is aborted when a part fails, and the failure passes.</summary>
[KinesisProcessor("points")]
[OnError(typeof(AmazonS3Exception), ErrorAction.Retry)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 5)]
public sealed partial class UploadsParts(IAmazonS3 s3)
{
    [OnBatch(MaxRecords = 10_000, MaxBytes = 8 * 1024 * 1024, MaxWait = "00:02:00")]
    public async Task HandleAsync(RecordBatch batch, BatchContext context, CancellationToken cancellationToken)
    {
        string key = $"{context.ShardId}/{batch[0].SequenceNumber}";
        InitiateMultipartUploadResponse upload = await s3.InitiateMultipartUploadAsync("points", key, cancellationToken);
        try
        {
            using var body = new MemoryStream();
            foreach (KinesisRecord record in batch)
            {
                body.Write(record.DataSpan);
            }

            UploadPartResponse part = await s3.UploadPartAsync(
                new UploadPartRequest { BucketName = "points", Key = key, UploadId = upload.UploadId, PartNumber = 1, InputStream = body },
                cancellationToken);
            await s3.CompleteMultipartUploadAsync(
                new CompleteMultipartUploadRequest
                {
                    BucketName = "points",
                    Key = key,
                    UploadId = upload.UploadId,
                    PartETags = [new PartETag(1, part.ETag)]
                },
                cancellationToken);
        }
        catch
        {
            await s3.AbortMultipartUploadAsync("points", key, upload.UploadId);
            throw;
        }
    }
}

/// <summary>Items of a transaction in DynamoDB: a reason that says "there already" is success, any other passes.</summary>
[KinesisProcessor("points", JsonContext = typeof(LoyaltyJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 5)]
public sealed partial class Transacts(IAmazonDynamoDB table)
{
    [OnRecord]
    public async Task HandleAsync(Points points, RecordContext context, CancellationToken cancellationToken)
    {
        var request = new TransactWriteItemsRequest { ClientRequestToken = context.ShardId, TransactItems = [] };
        request.TransactItems.Add(new TransactWriteItem
        {
            Update = new Update
            {
                TableName = "points",
                Key = new() { ["member"] = new AttributeValue(points.Member) },
                UpdateExpression = "ADD amount :a",
                ExpressionAttributeValues = new()
                {
                    [":a"] = new AttributeValue { N = points.Amount.ToString(CultureInfo.InvariantCulture) }
                },
            },
        });
        try
        {
            await table.TransactWriteItemsAsync(request, cancellationToken);
        }
        catch (TransactionCanceledException e)
        {
            if (e.CancellationReasons.Any(reason => reason.Code is not ("None" or "ConditionalCheckFailed")))
            {
                throw;
            }
        }
    }
}
