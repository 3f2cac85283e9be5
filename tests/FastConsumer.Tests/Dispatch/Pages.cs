using System.Buffers;
using System.Diagnostics.Metrics;
using System.Text;
using FastConsumer.Buffers;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;
using FastConsumer.Processors;

namespace FastConsumer.Tests.Dispatch;

/// <summary>Answers and pages that came from no server. Sequence numbers count up from the given one.</summary>
internal static class Pages
{
    public static ConsumerMetrics Metrics { get; } = new(new Meters());

    public static ShardTelemetry Telemetry { get; } = Of("events", "shardId-000000000000");

    public static ShardContext Shard { get; } = new("Processor", "tests", "events", "shardId-000000000000", fencingToken: 1);

    /// <summary>What is told of a shard, to the meter of <see cref="Metrics"/>.</summary>
    public static ShardTelemetry Of(string stream, string shardId, string application = "tests", TimeProvider? time = null) =>
        new(Metrics, CallbackGuard.Silent, application, stream, shardId, time ?? TimeProvider.System);

    public static GetRecordsResponse Answer(
        int firstNumber, int count, string? next = "next", IReadOnlyList<ChildShard>? children = null, long? behind = 0)
    {
        var bytes = new ArrayBufferWriter<byte>();
        var entries = new RecordEntry[count];
        for (int i = 0; i < count; i++)
        {
            byte[] payload = Encoding.UTF8.GetBytes($"{firstNumber + i}");
            int start = bytes.WrittenCount;
            bytes.Write(payload);
            entries[i] = new RecordEntry
            {
                DataOffset = start,
                DataLength = payload.Length,
                PartitionKeyOffset = start,
                PartitionKeyLength = payload.Length,
                SequenceNumberOffset = start,
                SequenceNumberLength = payload.Length,
                SubSequenceNumber = RecordEntry.NotAggregated,
            };
        }

        return new GetRecordsResponse(ResponseBuffer.Wrap(bytes.WrittenSpan.ToArray()), entries, count, entriesArePooled: false)
        {
            NextShardIterator = next,
            ChildShards = children ?? [],
            MillisBehindLatest = behind,
            PayloadBytes = bytes.WrittenCount,
        };
    }

    public static RecordPage Page(int firstNumber, int count, Action? returned = null) =>
        new(Answer(firstNumber, count), new Reservation(returned));

    public static CheckpointPosition At(int number) => CheckpointPosition.At(SequenceNumber.Parse($"{number}"));

    private sealed class Reservation(Action? returned) : IDisposable
    {
        public void Dispose() => returned?.Invoke();
    }

    private sealed class Meters : IMeterFactory
    {
        public Meter Create(MeterOptions options) => new(options);

        public void Dispose()
        {
        }
    }
}
