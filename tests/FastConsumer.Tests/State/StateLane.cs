using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using FastConsumer.Buffers;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;
using FastConsumer.Processors;
using FastConsumer.State.Format;

namespace FastConsumer.Tests.State;

/// <summary>A record to handle.</summary>
internal readonly record struct StateRecord(string Key, long Arrival = 1, UInt128? HashKey = null);

/// <summary>Drives the state of a shard as the generated pipeline does, with one lane.</summary>
internal sealed class StateLane(ProcessorState state, long first = 0, long streamTime = 0) : IShardCheckpoints
{
    private static readonly ShardContext s_shard = new("Tested", "tests", "stream", "shardId-000000000000", fencingToken: 7);

    private Opened _opened = new(null, first, streamTime);
    private RecordCursor? _cursor;

    public RecordCursor Cursor => _cursor ??= new RecordCursor(s_shard, this, recordsPerCheckpoint: 0);

    public ProcessorState State => state;

    /// <summary>How many records are done, counted from the first of the shard. Any thread may ask.</summary>
    public long Done => Volatile.Read(ref _opened) is var opened ? opened.Before + (opened.Page?.Done ?? 0) : 0;

    /// <summary>The stream's time with the last record that is done.</summary>
    public long StreamTime => Volatile.Read(ref _opened).StreamTime;

    public void Open(params ReadOnlySpan<StateRecord> records)
    {
        RecordPage page = Page(records, Done);
        page.SetStreamTime(_opened.Page?.EndStreamTime ?? streamTime);
        Volatile.Write(ref _opened, new Opened(page, Done, _opened.Page?.EndStreamTime ?? streamTime));
        Cursor.Open(page);
    }

    /// <summary>Handles the record the cursor stands on.</summary>
    public void Handle(Action<RecordContext> handler)
    {
        Cursor.EnterHandler();
        state.Begin(Cursor);
        handler(Cursor.Context);
        state.Complete(Cursor);
    }

    public void Handle(string key, Action<RecordContext> handler) => Handle(new StateRecord(key), handler);

    public void Handle(StateRecord record, Action<RecordContext> handler)
    {
        Open(record);
        Handle(handler);
    }

    /// <summary>An attempt that fails after it has done something; the cursor stays.</summary>
    public void Fail(Action<RecordContext> handler)
    {
        Cursor.EnterHandler();
        state.Begin(Cursor);
        handler(Cursor.Context);
        state.EndAttempt(Cursor);
        Cursor.NextAttempt();
    }

    /// <summary>Takes a cut, with its position and the stream's time there.</summary>
    /// <param name="whole">The groups that it writes whole.</param>
    public (StateCut Cut, CheckpointPosition Position, long StreamTime) Cut(ulong whole = HashKeyGroups.All)
    {
        StateCut cut = state.Cut(
            () =>
            {
                Opened opened = Volatile.Read(ref _opened);
                long done = opened.Before + (opened.Page?.Done ?? 0);
                long time = opened.StreamTime;
                var position = CheckpointPosition.At(SequenceNumber.Parse(done.ToString(CultureInfo.InvariantCulture)));
                return (new At(position, time), time);
            },
            out At at,
            whole);
        return (cut, at.Position, at.StreamTime);
    }

    public ValueTask CheckpointAsync(RecordPage page, int index, int attempt, CancellationToken cancellationToken) => default;

    public void Completed(RecordPage page, int index) => throw new NotSupportedException();

    public void RequestCheckpoint()
    {
    }

    private static RecordPage Page(ReadOnlySpan<StateRecord> records, long first)
    {
        var bytes = new ArrayBufferWriter<byte>();
        var entries = new RecordEntry[records.Length];
        for (int i = 0; i < records.Length; i++)
        {
            StateRecord record = records[i];
            int start = bytes.WrittenCount;
            int key = Encoding.UTF8.GetBytes(record.Key, bytes) is var length ? (int)length : 0;
            int number = (int)Encoding.ASCII.GetBytes((first + i + 1).ToString(CultureInfo.InvariantCulture), bytes);
            int hash = (int)Encoding.ASCII.GetBytes(record.HashKey?.ToString(CultureInfo.InvariantCulture) ?? "", bytes);
            entries[i] = new RecordEntry
            {
                PartitionKeyOffset = start,
                PartitionKeyLength = key,
                SequenceNumberOffset = start + key,
                SequenceNumberLength = number,
                ExplicitHashKeyOffset = start + key + number,
                ExplicitHashKeyLength = hash,
                SubSequenceNumber = RecordEntry.NotAggregated,
                ArrivalMilliseconds = record.Arrival,
            };
        }

        return new RecordPage(
            new GetRecordsResponse(ResponseBuffer.Wrap(bytes.WrittenSpan.ToArray()), entries, entries.Length, entriesArePooled: false),
            new MemoryStream());
    }

    private sealed record At(CheckpointPosition Position, long StreamTime) : IStateCutPosition;

    private sealed record Opened(RecordPage? Page, long Before, long TimeBefore)
    {
        public long StreamTime => Page is { Done: > 0 } page ? page.StreamTimeOf(page.Done - 1) : TimeBefore;
    }
}

/// <summary>A shard's snapshot in memory.</summary>
internal sealed record TestSnapshot(SnapshotManifest Manifest, byte[] Segment)
{
    public const string WholeEnd = "340282366920938463463374607431768211455";

    private static readonly HashKeyRange s_whole = new(UInt128.MinValue, UInt128.MaxValue);

    /// <summary>The segments that it has ranges in, and its own.</summary>
    public Dictionary<string, byte[]> Segments { get; init; } = [];

    public static TestSnapshot Of(StateLane lane, HashKeyRange? range = null, string shard = "shardId-000000000000", long number = 1)
    {
        (StateCut Cut, CheckpointPosition, long) taken = lane.Cut();
        using StateCut cut = taken.Cut;
        return Of(lane.State, taken, range, shard, number);
    }

    public static TestSnapshot Of(
        ProcessorState state,
        (StateCut Cut, CheckpointPosition Position, long StreamTime) cut,
        HashKeyRange? range = null,
        string shard = "shardId-000000000000",
        long number = 1,
        TestSnapshot? behind = null,
        string name = "session/1")
    {
        range ??= s_whole;
        var writer = new SegmentWriter(name);
        cut.Cut.Write(writer);
        IReadOnlyList<SnapshotRange> ranges = SnapshotRanges.Live([.. behind?.Manifest.Ranges ?? [], .. writer.Ranges]);
        var manifest = new SnapshotManifest
        {
            Application = "tests",
            StreamArn = "arn:aws:kinesis:eu-central-1:123456789012:stream/stream",
            StreamCreated = 1_700_000_000_000,
            Processor = "Tested",
            StateVersion = state.Version,
            Shard = shard,
            StartingHashKey = range.StartingHashKey.ToString(CultureInfo.InvariantCulture),
            EndingHashKey = range.EndingHashKey.ToString(CultureInfo.InvariantCulture),
            Lineage = "lineage",
            Epoch = 12,
            Number = number,
            Position = cut.Position.ToCheckpointString(),
            SubSequenceNumber = cut.Position.SubSequenceNumber,
            StreamTime = cut.StreamTime,
            States = state.States,
            Format = ranges.Any(static one => one.State is null) ? SnapshotManifest.IncrementalFormat : SnapshotManifest.WholeFormat,
            Ranges = ranges,
        };
        (long offset, int length) = writer.AddManifest(manifest);
        byte[] segment = [.. writer.Finish().SelectMany(static frame => frame.ToArray())];
        return new TestSnapshot(
            SegmentReader.ReadManifest(segment.AsSpan((int)offset, length).ToArray()), segment)
        {
            Segments = new Dictionary<string, byte[]>(
                (behind?.Segments ?? []).Where(one => ranges.Any(range => range.Segment == one.Key)))
            { [name] = segment },
        };
    }

    /// <summary>Restores the shard's own snapshot, or those of its parents.</summary>
    public static void Restore(ProcessorState state, HashKeyRange? range = null, params TestSnapshot[] from)
    {
        state.Restore([.. from.Select(static one => one.Manifest)], range ?? s_whole);
        foreach (TestSnapshot one in from)
        {
            for (int i = one.Manifest.Ranges.Count - 1; i >= 0; i--)
            {
                SnapshotRange blocks = one.Manifest.Ranges[i];
                byte[] bytes = one.Segments[blocks.Segment].AsSpan((int)blocks.Offset, blocks.Length).ToArray();
                SegmentReader.CheckRange(blocks, bytes);
                state.Load(one.Manifest, i, bytes);
            }
        }
    }
}

internal sealed class NumberSerializer : IStateSerializer<long>
{
    public void Write(long value, IBufferWriter<byte> output)
    {
        BinaryPrimitives.WriteInt64LittleEndian(output.GetSpan(sizeof(long)), value);
        output.Advance(sizeof(long));
    }

    public long Read(ReadOnlySpan<byte> bytes) => bytes.Length == sizeof(long)
        ? BinaryPrimitives.ReadInt64LittleEndian(bytes)
        : throw new FormatException($"secret: {Convert.ToHexString(bytes)}");
}

internal sealed class TextSerializer : IStateSerializer<string>
{
    public void Write(string value, IBufferWriter<byte> output) => Encoding.UTF8.GetBytes(value, output);

    public string Read(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
}
