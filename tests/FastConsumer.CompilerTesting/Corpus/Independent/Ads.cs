// Written from the rules' pages alone. The marks were set before anything was run.
using System.Buffers;
using System.Collections.Concurrent;
using System.IO;
using System.IO.Pipelines;
using System.Net.Http;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using FastConsumer;
using FastConsumer.Kinesis;
using Microsoft.Extensions.Logging;

namespace Corpus.Independent.Ads;

public sealed record Impression(string Campaign, ReadOnlyMemory<byte> Body);

public interface IAdStore
{
    Task WriteAsync(ReadOnlyMemory<byte> body, CancellationToken cancellationToken);

    Task WriteAsync(Impression impression, CancellationToken cancellationToken);
}

/// <summary>The bytes go into a queue inside a tuple, and into a list inside a record.</summary>
[KinesisProcessor("ads")]
public sealed partial class KeepsInsideOthers
{
    private readonly ConcurrentQueue<(string Key, ReadOnlyMemory<byte> Body)> _queue = new();
    private readonly List<Impression> _impressions = [];

    [OnRecord]
    public void Handle(KinesisRecord record)
    {
        string key = record.PartitionKey;
        _queue.Enqueue({|FC2005:(key, record.Data)|});
        var impression = new Impression(key, record.Data[8..]);
        _impressions.Add({|FC2005:impression|});
    }
}

/// <summary>The record that was made of bytes lives as long as the call, and a second one is made of a copy.</summary>
[KinesisProcessor("ads")]
public sealed partial class KeepsCopies(IAdStore store)
{
    private readonly List<Impression> _impressions = [];
    private KinesisRecord? _last;

    [OnRecord]
    public async Task HandleAsync(KinesisRecord record, CancellationToken cancellationToken)
    {
        var impression = new Impression("all", record.Data);
        await store.WriteAsync(impression, cancellationToken);
        _impressions.Add(impression with { Body = record.Data.ToArray() });
        _last = record.ToOwned();
    }
}

/// <summary>A lambda for later, and an event that tells others.</summary>
[KinesisProcessor("ads")]
public sealed partial class KeepsInLambdas(ILogger<KeepsInLambdas> logger)
{
    private Action? _later;

    public event Action<KinesisRecord>? Seen;

    [OnRecord]
    public void Handle(KinesisRecord record)
    {
        _later?.Invoke();
        _later = {|FC2005:() => logger.LogInformation("{Number}", record.SequenceNumber)|};
        Seen?.Invoke(record);
    }
}

/// <summary>Batches of bytes: the outer memory is copied, and what lies in it is not.</summary>
[KinesisProcessor("ads")]
public sealed partial class CopiesTheOuter
{
    private ReadOnlyMemory<byte>[] _bodies = [];

    [OnBatch]
    public void Handle(ReadOnlyMemory<ReadOnlyMemory<byte>> bodies)
    {
        _bodies = {|FC2005:bodies.ToArray()|};
    }
}

/// <summary>Batches of bytes: what lies in it is copied.</summary>
[KinesisProcessor("ads")]
public sealed partial class CopiesTheInner
{
    private byte[][] _bodies = [];

    [OnBatch]
    public void Handle(ReadOnlyMemory<ReadOnlyMemory<byte>> bodies)
    {
        _bodies = [.. bodies.ToArray().Select(body => body.ToArray())];
    }
}

/// <summary>The batch itself is kept, and its records, each in another way.</summary>
[KinesisProcessor("ads")]
public sealed partial class KeepsTheBatch
{
    private RecordBatch _batch;
    private KinesisRecord[] _records = [];
    private readonly List<KinesisRecord> _owned = [];

    [OnBatch]
    public void Handle(RecordBatch batch)
    {
        _batch = {|FC2005:batch|};
        var records = new KinesisRecord[batch.Count];
        for (int i = 0; i < records.Length; i++)
        {
            records[i] = batch[i];
        }

        _records = {|FC2005:records|};
        foreach (KinesisRecord record in batch)
        {
            _owned.Add(record.ToOwned());
        }
    }
}

/// <summary>Documents: a clone and a node of one's own may be kept, a property of the document not.</summary>
[KinesisProcessor("ads")]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 3, Then = ErrorAction.DeadLetter)]
public sealed partial class Documents
{
    private readonly Dictionary<string, JsonElement> _byKey = new(StringComparer.Ordinal);
    private JsonNode? _node;
    private string? _name;

    [OnRecord]
    public void Handle(KinesisRecord record)
    {
        using JsonDocument document = JsonDocument.Parse(record.Data);
        _byKey["clone"] = document.RootElement.Clone();
        _byKey["body"] = {|FC2005:document.RootElement.GetProperty("body")|};
        _node = JsonNode.Parse(record.DataSpan);
        _name = document.RootElement.GetProperty("name").GetString();
    }
}

/// <summary>Bytes in a BinaryData that a field keeps, and in one that an awaited call is given.</summary>
[KinesisProcessor("ads")]
public sealed partial class Binaries(IAdStore store)
{
    private BinaryData? _last;

    [OnRecord]
    public async Task HandleAsync(ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var binary = new BinaryData(body);
        await store.WriteAsync(binary.ToMemory(), cancellationToken);
        _last = {|FC2005:binary|};
    }
}

/// <summary>A local that held the bytes holds a copy by then; a span is used before the await only.</summary>
[KinesisProcessor("ads")]
public sealed partial class AssignedAgain(IAdStore store)
{
    private ReadOnlyMemory<byte> _head;

    [OnRecord]
    public async Task HandleAsync(ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> head = body.Length > 16 ? body[..16] : body;
        int sum = 0;
        foreach (byte one in head.Span)
        {
            sum += one;
        }

        await store.WriteAsync(head, cancellationToken);
        head = head.ToArray();
        _head = sum > 0 ? head : default;
    }
}

/// <summary>A pipe takes a copy by itself; a rented array is filled and returned.</summary>
[KinesisProcessor("ads")]
public sealed partial class Pipes(PipeWriter pipe)
{
    [OnRecord]
    public async Task HandleAsync(ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        byte[] rented = ArrayPool<byte>.Shared.Rent(body.Length);
        try
        {
            body.CopyTo(rented);
            await pipe.WriteAsync(rented.AsMemory(0, body.Length), cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }
}

/// <summary>A call that nobody awaits, with the bytes.</summary>
[KinesisProcessor("ads")]
public sealed partial class GivesBytesAway(IAdStore store)
{
    [OnRecord]
    public void Handle(KinesisRecord record, CancellationToken cancellationToken)
    {
        _ = {|FC2003:store.WriteAsync({|FC2005:record.Data|}, cancellationToken)|};
    }
}

/// <summary>A channel of records, with its reader somewhere else.</summary>
[KinesisProcessor("ads")]
public sealed partial class GivesRecordsAway(ChannelWriter<KinesisRecord> records)
{
    [OnRecord]
    public ValueTask HandleAsync(KinesisRecord record, CancellationToken cancellationToken) =>
        {|FC2006:records.WriteAsync({|FC2005:record|}, cancellationToken)|};
}

/// <summary>Through two methods and an object of the house into a field.</summary>
public sealed class Window
{
    private readonly Queue<ReadOnlyMemory<byte>> _last = new();

    public void Push(ReadOnlyMemory<byte> body)
    {
        if (_last.Count == 10)
        {
            _last.Dequeue();
        }

        _last.Enqueue({|FC2005:body|});
    }

    public int Bytes => _last.Sum(body => body.Length);
}

[KinesisProcessor("ads")]
public sealed partial class ThroughAWindow(ILogger<ThroughAWindow> logger)
{
    private readonly Window _window = new();

    [OnRecord]
    public void Handle(KinesisRecord record)
    {
        Note(record.Data);
        logger.LogTrace("{Bytes}", _window.Bytes);
    }

    private void Note(ReadOnlyMemory<byte> body) => _window.Push(body);
}

[KinesisProcessor("ads")]
public sealed partial class ThroughAWindowWithCopies(ILogger<ThroughAWindowWithCopies> logger)
{
    private readonly Window _window = new();

    [OnRecord]
    public void Handle(KinesisRecord record)
    {
        _window.Push(record.Data.ToArray());
        logger.LogTrace("{Bytes}", _window.Bytes);
    }
}

/// <summary>A form with the bytes in it, awaited.</summary>
[KinesisProcessor("ads")]
[OnError(typeof(HttpRequestException), ErrorAction.Retry)]
public sealed partial class Forms(HttpClient http)
{
    [OnRecord]
    public async Task HandleAsync(KinesisRecord record, CancellationToken cancellationToken)
    {
        using var form = new MultipartFormDataContent
        {
            { new ReadOnlyMemoryContent(record.Data), "body", Encoding.UTF8.GetString(record.PartitionKeyUtf8) }
        };
        using HttpResponseMessage response = await http.PostAsync("/ads", form, cancellationToken);
        response.EnsureSuccessStatusCode();
    }
}
