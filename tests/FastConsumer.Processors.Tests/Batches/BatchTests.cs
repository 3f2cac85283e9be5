using System.Text.Json;
using FastConsumer.Processors.Tests.Records;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Processors.Tests.Batches;

public sealed class BatchTests
{
    [Fact]
    public async Task Records_are_collected_up_to_the_bounds_and_handed_over_in_order()
    {
        using var driver = new PipelineDriver<RecordBatches>(new RecordBatches());
        driver.Cursor.Open(Page.Of("a", "b", "c", "a record of more than thirty-two bytes", "d"));

        while (!driver.Cursor.AtEnd)
        {
            await CollectAndInvokeAsync(driver);
        }

        Assert.Equal(["key-0 key-1", "key-2", "key-3", "key-4"], driver.Processor.Seen);
        Assert.Equal(new BatchLimits(2, 32, new TimeSpan(0, 1, 0)), driver.Batches.Limits);
    }

    [Fact]
    public async Task Payloads_are_read_before_the_call_and_services_come_from_a_scope()
    {
        var log = new List<string>();
        using var driver = new PipelineDriver<PayloadBatches>(
            new PayloadBatches(log), services => services.AddScoped(_ => new Resource(log)));
        driver.Cursor.Open(Page.Of("""{"id":1,"item":"tea"}""", """{"id":2,"item":"milk"}"""));

        await CollectAndInvokeAsync(driver);

        Assert.Equal(["created", "tea milk", "disposed"], log);
    }

    [Fact]
    public void A_payload_that_cannot_be_read_leaves_the_cursor_on_its_record()
    {
        using var driver = new PipelineDriver<PayloadBatches>(new PayloadBatches([]));
        driver.Cursor.Open(Page.Of("""{"id":1,"item":"tea"}""", "null", """{"id":2,"item":"milk"}"""));

        Assert.Throws<JsonException>(() => driver.Batches.Collect(driver.Cursor));

        Assert.Equal(1, driver.Batches.Count);
        Assert.Equal(1, driver.Cursor.Index);
        Assert.False(driver.Cursor.HandlerStarted);
    }

    [Fact]
    public async Task Deserialized_structs_are_batched_too()
    {
        using var driver = new PipelineDriver<LengthBatches>(new LengthBatches());
        driver.Cursor.Open(Page.Of("a", "bcd"));

        await CollectAndInvokeAsync(driver);

        Assert.Equal(4, driver.Processor.Sum);
    }

    private static async Task CollectAndInvokeAsync<T>(PipelineDriver<T> driver)
        where T : class, IKinesisProcessor<T>
    {
        driver.Batches.Collect(driver.Cursor);
        await driver.Batches.InvokeAsync(driver.Batch(), TestContext.Current.CancellationToken);
        driver.Batches.Clear();
    }
}

[KinesisProcessor("batches")]
internal sealed partial class RecordBatches
{
    public List<string> Seen { get; } = [];

    [OnBatch(MaxRecords = 2, MaxBytes = 32, MaxWait = "00:01:00")]
    private async Task HandleAsync(RecordBatch batch, BatchContext context, CancellationToken cancellationToken)
    {
        await Task.Yield();
        cancellationToken.ThrowIfCancellationRequested();
        Assert.Equal(1, context.Attempt);
        Seen.Add(string.Join(' ', Enumerable.Range(0, batch.Count).Select(i => batch[i].PartitionKey)));
    }
}

[KinesisProcessor("batches", JsonContext = typeof(TestJson))]
internal sealed partial class PayloadBatches(List<string> log)
{
    [OnBatch]
    private void Handle(ReadOnlyMemory<OrderPlaced> orders, [FromServices] Resource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        log.Add(string.Join(' ', orders.ToArray().Select(order => order.Item)));
    }
}

internal readonly struct LengthReader : IRecordDeserializer<int>
{
    public int Deserialize(KinesisRecord record) => record.DataSpan.Length;
}

[KinesisProcessor("batches")]
internal sealed partial class LengthBatches
{
    public int Sum { get; private set; }

    [OnBatch]
    private ValueTask HandleAsync([Deserializer(typeof(LengthReader))] ReadOnlyMemory<int> lengths)
    {
        foreach (int length in lengths.Span)
        {
            Sum += length;
        }

        return default;
    }
}
