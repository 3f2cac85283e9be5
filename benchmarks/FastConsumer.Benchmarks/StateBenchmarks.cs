using System.Buffers;
using System.Text;
using System.Diagnostics.CodeAnalysis;
using BenchmarkDotNet.Attributes;
using FastConsumer.Buffers;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;
using FastConsumer.Processors;

namespace FastConsumer.Benchmarks;

/// <summary>A change of keyed state by a handler, per record, 10,000 records in random order of their keys.</summary>
[MemoryDiagnoser(displayGenColumns: false)]
[SuppressMessage("Design", "CA1001", Justification = "Cleanup disposes it, as benchmarks do.")]
public class StateBenchmarks
{
    private const int Records = 10_000;

    private readonly ProcessorState _state = new(1);
    private readonly KeyedState<Total> _totals;
    private readonly KeyedState<Total> _expiring;
    private readonly KeyedMap<int, Total> _map;
    private readonly RecordCursor _cursor;
    private RecordPage _page = null!;

    public StateBenchmarks()
    {
        _totals = _state.AddState("totals", null, new TotalSerializer());
        _expiring = _state.AddState("expiring", TimeSpan.FromDays(1), new TotalSerializer());
        _map = _state.AddMap<int, Total>("map", null, new TotalSerializer());
        _cursor = new RecordCursor(
            new ShardContext("Totals", "benchmarks", "stream", "shardId-000000000000", fencingToken: 1),
            new NoCheckpoints(),
            recordsPerCheckpoint: 0);
    }

    [GlobalCleanup]
    public void Cleanup() => _page.Dispose();

    [Params(100, 10_000)]
    public int Keys { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var bytes = new ArrayBufferWriter<byte>();
        var entries = new RecordEntry[Records];
        int[] keys = [.. Enumerable.Range(0, Records)];
        new Random(1).Shuffle(keys);
        for (int i = 0; i < Records; i++)
        {
            int start = bytes.WrittenCount;
            int length = (int)Encoding.UTF8.GetBytes($"customer-{keys[i] % Keys}", bytes);
            entries[i] = new RecordEntry
            {
                PartitionKeyOffset = start,
                PartitionKeyLength = length,
                SequenceNumberOffset = start + length,
                SequenceNumberLength = (int)Encoding.UTF8.GetBytes($"{i + 1}", bytes),
                SubSequenceNumber = RecordEntry.NotAggregated,
                ArrivalMilliseconds = i,
            };
        }

        _page = new RecordPage(
            new GetRecordsResponse(ResponseBuffer.Wrap(bytes.WrittenSpan.ToArray()), entries, Records, entriesArePooled: false),
            new MemoryStream());
        EditOfAValue();
        EditOfAnExpiringValue();
        EditOfAMap();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Records)]
    public void WithoutState()
    {
        _cursor.Open(_page);
        while (_cursor.MoveNext())
        {
            _cursor.EnterHandler();
            Ignore(_cursor.Context);
            _cursor.Complete();
        }
    }

    [Benchmark(OperationsPerInvoke = Records)]
    public void Untouched()
    {
        _cursor.Open(_page);
        while (_cursor.MoveNext())
        {
            _cursor.EnterHandler();
            _state.Begin(_cursor);
            Ignore(_cursor.Context);
            _state.Complete(_cursor);
        }
    }

    [Benchmark(OperationsPerInvoke = Records)]
    public void EditOfAValue()
    {
        _cursor.Open(_page);
        while (_cursor.MoveNext())
        {
            _cursor.EnterHandler();
            _state.Begin(_cursor);
            Edit(_totals, _cursor.Context);
            _state.Complete(_cursor);
        }
    }

    [Benchmark(OperationsPerInvoke = Records)]
    public void EditOfAnExpiringValue()
    {
        _cursor.Open(_page);
        while (_cursor.MoveNext())
        {
            _cursor.EnterHandler();
            _state.Begin(_cursor);
            Edit(_expiring, _cursor.Context);
            _state.Complete(_cursor);
        }
    }

    [Benchmark(OperationsPerInvoke = Records)]
    public void EditOfAMap()
    {
        _cursor.Open(_page);
        while (_cursor.MoveNext())
        {
            _cursor.EnterHandler();
            _state.Begin(_cursor);
            _map.Of(_cursor.Context).Edit(1).Count++;
            _state.Complete(_cursor);
        }
    }

    // as a handler that is called, and not made part of the loop
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static void Edit(KeyedState<Total> state, RecordContext context)
    {
        ref Total total = ref state.Of(context).Edit();
        total.Sum += 5;
        total.Count++;
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static void Ignore(RecordContext context) => _ = context.Attempt;

    private sealed class NoCheckpoints : IShardCheckpoints
    {
        public ValueTask CheckpointAsync(RecordPage page, int index, int attempt, CancellationToken cancellationToken) => default;

        public void Completed(RecordPage page, int index)
        {
        }

        public void RequestCheckpoint()
        {
        }
    }

    private record struct Total(long Sum, long Count);

    private sealed class TotalSerializer : IStateSerializer<Total>
    {
        public void Write(Total value, IBufferWriter<byte> output) => throw new NotSupportedException();

        public Total Read(ReadOnlySpan<byte> bytes) => throw new NotSupportedException();
    }
}

/// <summary>The hash key of a partition key of 12 bytes.</summary>
public class HashKeyBenchmarks
{
    private readonly byte[] _key = "customer-123"u8.ToArray();

    [Benchmark(Baseline = true)]
    public byte[] Framework() => System.Security.Cryptography.MD5.HashData(_key);

    [Benchmark]
    public UInt128 Managed() => HashKeys.Of(_key);
}
