using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using FastConsumer.Buffers;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;
using FastConsumer.Processors;

namespace FastConsumer.LoadTest.Pipeline;

/// <summary>One answer of many records, read over and over: as a page for the pipeline, and as bare arrays for a loop by hand.</summary>
internal sealed class PipelinePages : IDisposable
{
    private readonly GetRecordsResponse _response;

    private PipelinePages(IEnumerable<byte[]> payloads, int[]? keys = null)
    {
        var bytes = new ArrayBufferWriter<byte>();
        var entries = new List<RecordEntry>();
        foreach (byte[] payload in payloads)
        {
            int number = keys is null ? entries.Count : keys[entries.Count];
            byte[] key = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"key-{number}"));
            byte[] sequenceNumber = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"4959{entries.Count:D52}"));
            int start = bytes.WrittenCount;
            bytes.Write(payload);
            bytes.Write(key);
            bytes.Write(sequenceNumber);
            entries.Add(new RecordEntry
            {
                DataOffset = start,
                DataLength = payload.Length,
                PartitionKeyOffset = start + payload.Length,
                PartitionKeyLength = key.Length,
                SequenceNumberOffset = start + payload.Length + key.Length,
                SequenceNumberLength = sequenceNumber.Length,
                SubSequenceNumber = RecordEntry.NotAggregated,
            });
        }

        Bytes = bytes.WrittenSpan.ToArray();
        Entries = [.. entries];
        Buffer = ResponseBuffer.Wrap(Bytes);
        _response = new GetRecordsResponse(Buffer, Entries, Entries.Length, entriesArePooled: false);
    }

    public byte[] Bytes { get; }

    public ResponseBuffer Buffer { get; }

    public RecordEntry[] Entries { get; }

    public int Count => Entries.Length;

    /// <summary>JSON objects of about so many bytes.</summary>
    public static PipelinePages OfJson(int count, int size) => new(Enumerable.Range(0, count).Select(i => Json(i, size)));

    /// <summary>Payloads of so many bytes; the record at each place has the key at that place.</summary>
    public static PipelinePages OfKeys(int[] keys, int size) => new(keys.Select(_ => new byte[size]), keys);

    /// <summary>The page as if it had just arrived.</summary>
    public RecordPage Arrive() => new(_response, NoReservation.Instance);

    public void Dispose() => _response.Dispose();

    private static byte[] Json(int i, int size)
    {
        var order = new OrderEvent($"o{i}", "c1", i % 90, 12.5m, "");
        int rest = size - JsonSerializer.SerializeToUtf8Bytes(order, PipelineJson.Default.OrderEvent).Length;
        return JsonSerializer.SerializeToUtf8Bytes(
            order with { Note = new string('n', Math.Max(0, rest)) }, PipelineJson.Default.OrderEvent);
    }

    private sealed class NoReservation : IDisposable
    {
        public static readonly NoReservation Instance = new();

        public void Dispose()
        {
            // nothing was reserved
        }
    }
}
