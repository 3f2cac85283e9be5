using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;

namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>
/// Writes to a stream and reshards it with the AWS SDK for JavaScript, over HTTP/1.1 with invented credentials, region us-east-1.
/// Methods may be called in parallel.
/// </summary>
public sealed class SdkProducer : IAsyncDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private readonly ConcurrentDictionary<long, TaskCompletionSource<JsonElement>> _pending = new();
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly ChildProcess _child;
    private long _lastId;

    private SdkProducer(NodePackages packages, string serviceUrl)
    {
        _pending[0] = NewAnswer(); // the script reports itself ready as the answer to command 0
        _child = ChildProcess.Start(
            "node",
            [NodePackages.Script("producer.mjs"), packages.Root, serviceUrl],
            packages.Root,
            onOutputLine: OnOutputLine);
    }

    public static async Task<SdkProducer> StartAsync(string serviceUrl, CancellationToken cancellationToken)
    {
        var producer = new SdkProducer(await NodePackages.GetAsync(cancellationToken), serviceUrl);
        try
        {
            await producer.AnswerAsync(0, producer._pending[0], cancellationToken);
            return producer;
        }
        catch
        {
            await producer.DisposeAsync();
            throw;
        }
    }

    /// <summary>Creates a stream and returns when it is ACTIVE.</summary>
    public Task CreateStreamAsync(string streamName, int shardCount, CancellationToken cancellationToken) =>
        SendAsync(new { command = "createStream", stream = streamName, shardCount }, cancellationToken);

    /// <summary>Deletes a stream with its consumers and returns when it is gone.</summary>
    public Task DeleteStreamAsync(string streamName, CancellationToken cancellationToken) =>
        SendAsync(new { command = "deleteStream", stream = streamName }, cancellationToken);

    /// <summary>Puts records, any number of them, and repeats those that were refused until all are written.</summary>
    /// <returns>Where each record went, in the order of <paramref name="records"/>.</returns>
    public async Task<IReadOnlyList<ProducedRecord>> PutRecordsAsync(
        string streamName, IEnumerable<RecordToPut> records, CancellationToken cancellationToken)
    {
        var entries = records.Select(record => new
        {
            key = record.PartitionKey,
            data = Convert.ToBase64String(record.Data.Span),
            explicitHashKey = record.ExplicitHashKey?.ToString(CultureInfo.InvariantCulture),
        });
        var answer = await SendAsync(new { command = "putRecords", stream = streamName, records = entries }, cancellationToken);
        return answer.Deserialize<ProducedRecord[]>(Json)!;
    }

    /// <summary>All shards of the stream, closed ones too.</summary>
    public async Task<IReadOnlyList<StreamShard>> ListShardsAsync(string streamName, CancellationToken cancellationToken) =>
        Shards(await SendAsync(new { command = "listShards", stream = streamName }, cancellationToken));

    /// <summary>Splits a shard, in the middle unless told otherwise, and returns when the stream is ACTIVE again.</summary>
    /// <returns>The two children.</returns>
    public async Task<IReadOnlyList<StreamShard>> SplitShardAsync(
        string streamName, string shardId, CancellationToken cancellationToken, UInt128? newStartingHashKey = null) =>
        Shards(await SendAsync(
            new
            {
                command = "splitShard",
                stream = streamName,
                shardId,
                newStartingHashKey = newStartingHashKey?.ToString(CultureInfo.InvariantCulture),
            },
            cancellationToken));

    /// <summary>Merges two neighbours and returns when the stream is ACTIVE again.</summary>
    /// <returns>Their child.</returns>
    public async Task<StreamShard> MergeShardsAsync(
        string streamName, string shardId, string adjacentShardId, CancellationToken cancellationToken) =>
        Shards(await SendAsync(new { command = "mergeShards", stream = streamName, shardId, adjacentShardId }, cancellationToken)).Single();

    public async ValueTask DisposeAsync()
    {
        await _child.DisposeAsync();
        _writing.Dispose();
    }

    private static StreamShard[] Shards(JsonElement answer) => answer.Deserialize<StreamShard[]>(Json)!;

    private static TaskCompletionSource<JsonElement> NewAnswer() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task<JsonElement> SendAsync(object command, CancellationToken cancellationToken)
    {
        var id = Interlocked.Increment(ref _lastId);
        var answer = _pending[id] = NewAnswer();
        var message = JsonSerializer.SerializeToNode(command, Json)!.AsObject();
        message["id"] = id;
        var line = message.ToJsonString();
        await _writing.WaitAsync(cancellationToken);
        try
        {
            // Half a line would garble the next command, so a started line is always finished.
            await _child.Input.WriteLineAsync(line.AsMemory(), CancellationToken.None);
            await _child.Input.FlushAsync(CancellationToken.None);
        }
        finally
        {
            _writing.Release();
        }

        return await AnswerAsync(id, answer, cancellationToken);
    }

    private async Task<JsonElement> AnswerAsync(long id, TaskCompletionSource<JsonElement> answer, CancellationToken cancellationToken)
    {
        try
        {
            if (await Task.WhenAny(answer.Task, _child.Exited).WaitAsync(cancellationToken) != answer.Task && !answer.Task.IsCompleted)
                throw new SdkProducerException(
                    $"The producer ended with exit code {await _child.Exited}:{Environment.NewLine}{_child.LastOutput}");
            return await answer.Task;
        }
        finally
        {
            _pending.TryRemove(id, out _);
        }
    }

    private void OnOutputLine(string line)
    {
        using var message = JsonDocument.Parse(line);
        var id = message.RootElement.GetProperty("id").GetInt64();
        if (!_pending.TryGetValue(id, out var answer))
            return; // its caller was cancelled
        if (message.RootElement.TryGetProperty("error", out var error))
            answer.TrySetException(new SdkProducerException(error.GetString()!));
        else
            answer.TrySetResult(message.RootElement.GetProperty("result").Clone());
    }
}
