using System.Text;
using System.Text.Json;

namespace FastConsumer.Processors.Tests.Records;

/// <summary>Nothing per record on the heap, measured on the calling thread over a page of ten thousand records.</summary>
public sealed class AllocationTests
{
    private const int Records = 10_000;
    private const int Measurements = 5;

    [Fact]
    public void Span_handlers_allocate_nothing() => Verify<CountSpan>(new CountSpan(), "payload");

    [Fact]
    public void Memory_handlers_that_return_ValueTask_allocate_nothing() => Verify<CountMemory>(new CountMemory(), "payload");

    [Fact]
    public void Record_handlers_with_a_context_allocate_nothing() => Verify<CountRecord>(new CountRecord(), "payload");

    [Fact]
    public void Routed_raw_handlers_allocate_nothing() => Verify<CountRouted>(
        new CountRouted(),
        """{"n":1,"type":"a"}""",
        """{"list":[{"type":"x"}],"t\u0079pe":"b\u0062"}""",
        """{"type":"elsewhere"}""");

    [Fact]
    public void Batches_of_raw_records_allocate_nothing_once_their_arrays_are_rented()
    {
        using var driver = new PipelineDriver<CountBatch>(new CountBatch());
        BatchContext context = driver.Batch();
        RecordPage page = Page.Of(Enumerable.Repeat("payload"u8.ToArray(), Records));
        Assert.Equal(0, LeastAllocated(Run));
        Assert.Equal((1 + Measurements) * Records, driver.Processor.Count);

        void Run()
        {
            driver.Cursor.Open(page);
            while (!driver.Cursor.AtEnd)
            {
                driver.Batches.Collect(driver.Cursor);
                ValueTask pending = driver.Batches.InvokeAsync(context, CancellationToken.None);
                Assert.True(pending.IsCompletedSuccessfully);
                pending.GetAwaiter().GetResult();
                driver.Batches.Clear();
            }
        }
    }

    [Fact]
    public void Json_handlers_allocate_what_the_framework_allocates_for_the_same_bytes()
    {
        using var driver = new PipelineDriver<CountJson>(new CountJson());
        byte[][] payloads = [.. Enumerable.Range(0, Records).Select(i => Encoding.UTF8.GetBytes($$"""{"id":{{i}},"item":"item {{i}}"}"""))];
        RecordPage page = Page.Of(payloads);

        // the framework fills caches of its own now and then: what is left is the least of several runs
        long ours = Enumerable.Range(0, 10).Min(_ => Allocated(Run));
        long theirs = Enumerable.Range(0, 10).Min(_ => Allocated(Deserialize));

        Assert.Equal(10 * Records, driver.Processor.Count);
        Assert.Equal(theirs, ours);

        static long Allocated(Action action)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            action();
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        void Run()
        {
            driver.Cursor.Open(page);
            ValueTask pending = driver.Records.RunAsync(driver.Cursor, CancellationToken.None);
            Assert.True(pending.IsCompletedSuccessfully);
            pending.GetAwaiter().GetResult();
        }

        void Deserialize()
        {
            foreach (byte[] payload in payloads)
            {
                JsonSerializer.Deserialize(payload, TestJson.Default.OrderPlaced);
            }
        }
    }

    [Fact]
    public void The_measurement_sees_what_is_allocated() =>
        Assert.Throws<Xunit.Sdk.EqualException>(() => Verify(new CountText(), "payload"));

    /// <summary>
    /// The least of several measurements after a first run: a collection that another test causes meanwhile closes this thread's
    /// allocation buffer, and its unused rest counts as allocated. What the pipeline allocates is there each time.
    /// </summary>
    private static long LeastAllocated(Action run)
    {
        run();
        long least = long.MaxValue;
        for (int i = 0; i < Measurements; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            run();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }

    private static void Verify<T>(T processor, params string[] payloads)
        where T : class, IKinesisProcessor<T>, ICount
    {
        using var driver = new PipelineDriver<T>(processor);
        byte[][] distinct = [.. payloads.Select(Encoding.UTF8.GetBytes)];
        RecordPage page = Page.Of(Enumerable.Range(0, Records).Select(i => distinct[i % distinct.Length]));
        Assert.Equal(0, LeastAllocated(Run));
        Assert.Equal((1 + Measurements) * Records, processor.Count);

        void Run()
        {
            driver.Cursor.Open(page);
            ValueTask pending = driver.Records.RunAsync(driver.Cursor, CancellationToken.None);
            pending.GetAwaiter().GetResult();
        }
    }
}

internal interface ICount
{
    int Count { get; }
}

[KinesisProcessor("count")]
internal sealed partial class CountSpan : ICount
{
    public int Count { get; private set; }

    [OnRecord]
    private void Handle(ReadOnlySpan<byte> data) => Count += data.Length / 7;
}

[KinesisProcessor("count")]
internal sealed partial class CountMemory : ICount
{
    public int Count { get; private set; }

    [OnRecord]
    private ValueTask HandleAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Count += data.Length / 7;
        return default;
    }
}

[KinesisProcessor("count")]
internal sealed partial class CountRecord : ICount
{
    public int Count { get; private set; }

    [OnRecord]
    private ValueTask HandleAsync(KinesisRecord record, RecordContext context)
    {
        Count += record.Data.Length / 7 * context.Attempt;
        return default;
    }
}

[KinesisProcessor("count", RouteProperty = "type")]
internal sealed partial class CountRouted : ICount
{
    private int _a;
    private int _b;
    private int _other;

    public int Count => _a + _b + _other;

    [OnRecord(Route = "a")]
    private void A(ReadOnlySpan<byte> json) => _a++;

    [OnRecord(Route = "bb")]
    private ValueTask B(ReadOnlyMemory<byte> json)
    {
        _b++;
        return default;
    }

    [OnRecord]
    private void Other(KinesisRecord record) => _other++;
}

[KinesisProcessor("count", JsonContext = typeof(TestJson))]
internal sealed partial class CountJson : ICount
{
    public int Count { get; private set; }

    [OnRecord]
    private void Handle(OrderPlaced order) => Count += order.Item.Length > 0 ? 1 : 0;
}

[KinesisProcessor("count")]
internal sealed partial class CountText : ICount
{
    public int Count { get; private set; }

    [OnRecord]
    private void Handle(string text) => Count += text.Length / 7;
}

[KinesisProcessor("count")]
internal sealed partial class CountBatch
{
    public int Count { get; private set; }

    [OnBatch]
    private void Handle(RecordBatch batch)
    {
        foreach (KinesisRecord record in batch)
        {
            Count += record.DataSpan.Length / 7;
        }
    }
}
