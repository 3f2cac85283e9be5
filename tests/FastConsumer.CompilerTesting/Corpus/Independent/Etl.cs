// Written from the rules' pages alone. The marks were set before anything was run.
using System.IO;
using System.IO.Compression;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Amazon.Kinesis;
using Amazon.Kinesis.Model;
using Amazon.KinesisFirehose;
using Amazon.KinesisFirehose.Model;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using FastConsumer;
using FastConsumer.Kinesis;
using Microsoft.Extensions.Logging;

namespace Corpus.Independent.Etl;

public sealed record Product(string Id, string Title, decimal Price);

[JsonSerializable(typeof(Product))]
public sealed partial class EtlJson : JsonSerializerContext;

public sealed class IndexRefusedException(string message) : Exception(message);

/// <summary>Objects of a batch, named by position, so that a repetition writes the same object again.</summary>
[KinesisProcessor("events")]
[OnError(typeof(AmazonServiceException), ErrorAction.Retry)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 8, Then = ErrorAction.Stop)]
public sealed partial class Objects(IAmazonS3 s3)
{
    [OnBatch(MaxRecords = 10_000, MaxWait = "00:01:00")]
    public async Task HandleAsync(RecordBatch batch, BatchContext context, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        await using (var gzip = new GZipStream(body, CompressionLevel.Fastest, leaveOpen: true))
        {
            for (int i = 0; i < batch.Count; i++)
            {
                await gzip.WriteAsync(batch[i].Data, cancellationToken);
                gzip.WriteByte((byte)'\n');
            }
        }

        body.Position = 0;
        await s3.PutObjectAsync(
            new PutObjectRequest
            {
                BucketName = "lake",
                Key = $"{context.ShardId}/{batch[0].SequenceNumber}.gz",
                InputStream = body,
                AutoCloseStream = false
            },
            cancellationToken);
    }
}

/// <summary>Objects of five megabytes, collected over records in memory.</summary>
[KinesisProcessor("events")]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 8, Then = ErrorAction.Stop)]
public sealed partial class ObjectsOfFiveMegabytes(IAmazonS3 s3)
{
    private MemoryStream _body = new();

    [OnRecord]
    public async Task HandleAsync(KinesisRecord record, CancellationToken cancellationToken)
    {
        {|FC2006:_body.Write(record.DataSpan)|};
        if (_body.Length > 5 * 1024 * 1024)
        {
            await UploadAsync(record.SequenceNumber.ToString(), cancellationToken);
        }
    }

    [OnStopping]
    public Task StopAsync(ShardContext shard, CancellationToken cancellationToken) => UploadAsync(shard.ShardId, cancellationToken);

    private async Task UploadAsync(string key, CancellationToken cancellationToken)
    {
        _body.Position = 0;
        await s3.PutObjectAsync(new PutObjectRequest { BucketName = "lake", Key = key, InputStream = _body }, cancellationToken);
        _body = new MemoryStream();
    }
}

/// <summary>A spool on the disk, written by the thread, in a file that may not be there.</summary>
[KinesisProcessor("events")]
public sealed partial class Spool(string folder)
{
    [OnRecord]
    public void {|FC2001:Handle|}(KinesisRecord record, RecordContext context)
    {
        string path = Path.Combine(folder, context.ShardId);
        {|FC3001:File.AppendAllText(path, Convert.ToBase64String(record.DataSpan) + "\n")|};
    }
}

/// <summary>A spool that is written asynchronously, to a stream that is open as long as the shard.</summary>
[KinesisProcessor("events")]
[OnError(typeof(IOException), ErrorAction.Retry, MaxAttempts = 5, Then = ErrorAction.StopHost)]
public sealed partial class SpoolOpen : IAsyncDisposable
{
    private FileStream? _file;

    [OnShardStarted]
    public void Start(ShardContext shard) =>
        _file = new FileStream("/var/spool/" + shard.ShardId, FileMode.Append, FileAccess.Write, FileShare.Read, 4096, useAsync: true);

    [OnRecord]
    public async ValueTask HandleAsync(ReadOnlyMemory<byte> line, CancellationToken cancellationToken)
    {
        if (_file is { } file)
        {
            await file.WriteAsync(line, cancellationToken);
            await file.FlushAsync(cancellationToken);
        }
    }

    public ValueTask DisposeAsync() => _file?.DisposeAsync() ?? ValueTask.CompletedTask;
}

/// <summary>Firehose takes what it can of five hundred, and says how many it did not.</summary>
[KinesisProcessor("events")]
[OnError(typeof(AmazonServiceException), ErrorAction.Retry)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 8, Then = ErrorAction.Stop)]
public sealed partial class Hose(IAmazonKinesisFirehose firehose)
{
    [OnBatch(MaxRecords = 500)]
    public Task HandleAsync(RecordBatch batch, CancellationToken cancellationToken)
    {
        var records = new List<Record>(batch.Count);
        foreach (KinesisRecord record in batch)
        {
            records.Add(new Record { Data = new MemoryStream(record.Data.ToArray()) });
        }

        return {|FC2007:firehose.PutRecordBatchAsync("lake", records, cancellationToken)|};
    }
}

/// <summary>What was refused is put again, as long as it takes.</summary>
[KinesisProcessor("events")]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 8, Then = ErrorAction.Stop)]
public sealed partial class HoseAgain(IAmazonKinesisFirehose firehose)
{
    [OnBatch(MaxRecords = 500)]
    public async Task HandleAsync(RecordBatch batch, CancellationToken cancellationToken)
    {
        var left = new List<Record>();
        foreach (KinesisRecord record in batch)
        {
            left.Add(new Record { Data = new MemoryStream(record.Data.ToArray()) });
        }

        while (left.Count > 0)
        {
            PutRecordBatchResponse answer = await firehose.PutRecordBatchAsync(
                new PutRecordBatchRequest { DeliveryStreamName = "lake", Records = left }, cancellationToken);
            left = [.. left.Where((_, i) => answer.RequestResponses[i].ErrorCode is not null)];
            if (left.Count > 0)
            {
                await Task.Delay(250, cancellationToken);
            }
        }
    }
}

/// <summary>A search index fed in bulk: the answer's status is checked, and each item's too.</summary>
[KinesisProcessor("products", JsonContext = typeof(EtlJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(HttpRequestException), ErrorAction.Retry)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 4, Then = ErrorAction.DeadLetter)]
public sealed partial class SearchBulk(HttpClient http)
{
    [OnBatch(MaxRecords = 250)]
    public async Task HandleAsync(ReadOnlyMemory<Product> products, BatchContext context, CancellationToken cancellationToken)
    {
        var lines = new StringBuilder();
        foreach (Product product in products.ToArray())
        {
            lines.Append("{\"index\":{\"_id\":\"").Append(product.Id).Append("\"}}\n");
            lines.Append(JsonSerializer.Serialize(product, EtlJson.Default.Product)).Append('\n');
        }

        using var content = new StringContent(lines.ToString(), MediaTypeHeaderValue.Parse("application/x-ndjson"));
        using HttpResponseMessage response = await http.PostAsync("/products/_bulk", content, cancellationToken);
        response.EnsureSuccessStatusCode();
        using JsonDocument answer = await JsonDocument.ParseAsync(
            await response.Content.ReadAsStreamAsync(cancellationToken), cancellationToken: cancellationToken);
        int index = 0;
        foreach (JsonElement item in answer.RootElement.GetProperty("items").EnumerateArray())
        {
            if (item.GetProperty("index").GetProperty("status").GetInt32() is var status and >= 300)
            {
                context.Fail(index, new IndexRefusedException($"{status}"));
            }

            index++;
        }
    }
}

/// <summary>One document at a time, on the thread, and the status is only written to the log.</summary>
[KinesisProcessor("products", JsonContext = typeof(EtlJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 4, Then = ErrorAction.DeadLetter)]
public sealed partial class SearchOnTheThread(HttpClient http)
{
    [OnRecord]
    public void Handle(Product product)
    {
        string json = JsonSerializer.Serialize(product, EtlJson.Default.Product);
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/products/{product.Id}") { Content = new StringContent(json) };
        using HttpResponseMessage response = {|FC2007:{|FC3001:http.Send(request)|}|};
        Console.WriteLine(response.Headers.Date);
    }
}

/// <summary>Relays to another stream; only the HTTP status of the whole is looked at.</summary>
[KinesisProcessor("events")]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 8, Then = ErrorAction.Stop)]
public sealed partial class Relay(IAmazonKinesis kinesis)
{
    [OnBatch(MaxRecords = 500)]
    public async Task HandleAsync(RecordBatch batch, CancellationToken cancellationToken)
    {
        var request = new PutRecordsRequest { StreamName = "copy", Records = [] };
        for (int i = 0; i < batch.Count; i++)
        {
            request.Records.Add(new() { PartitionKey = batch[i].PartitionKey, Data = new MemoryStream(batch[i].Data.ToArray()) });
        }

        Amazon.Kinesis.Model.PutRecordsResponse response = await {|FC2007:kinesis.PutRecordsAsync(request, cancellationToken)|};
        if (response.HttpStatusCode != System.Net.HttpStatusCode.OK)
        {
            throw new AmazonKinesisException("not put");
        }
    }
}

/// <summary>Relays, and throws where not all were taken: the batch comes again, which the other side must bear.</summary>
[KinesisProcessor("events")]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 8, Then = ErrorAction.Stop)]
public sealed partial class RelayWell(IAmazonKinesis kinesis)
{
    [OnBatch(MaxRecords = 500)]
    public async Task HandleAsync(RecordBatch batch, CancellationToken cancellationToken)
    {
        var request = new PutRecordsRequest { StreamName = "copy", Records = [] };
        foreach (var record in batch)
        {
            request.Records.Add(new() { PartitionKey = record.PartitionKey, Data = new MemoryStream(record.Data.ToArray()) });
        }

        if ((await kinesis.PutRecordsAsync(request, cancellationToken)).FailedRecordCount is > 0 and var failed)
        {
            throw new ProvisionedThroughputExceededException($"{failed} of {batch.Count} were not taken.");
        }
    }
}

/// <summary>A clause around the upload that only counts, and a copy of the bytes for a writer that takes memory.</summary>
[KinesisProcessor("events")]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 8, Then = ErrorAction.Stop)]
public sealed partial class CountsFailures(IAmazonS3 s3, ILogger<CountsFailures> logger)
{
    private int _failures;

    [OnRecord]
    public async Task HandleAsync(KinesisRecord record, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        await body.WriteAsync({|FC3004:record.Data.ToArray()|}, cancellationToken);
        try
        {
            await s3.PutObjectAsync(
                new PutObjectRequest { BucketName = "lake", Key = record.PartitionKey, InputStream = body }, cancellationToken);
        }
        {|FC2002:catch (AmazonServiceException e)|} when (e is AmazonS3Exception)
        {
            _failures++;
            logger.LogInformation("{Failures} uploads failed", _failures);
        }
    }
}
