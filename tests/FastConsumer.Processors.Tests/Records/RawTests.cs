using System.Text;

namespace FastConsumer.Processors.Tests.Records;

public sealed class RawTests
{
    [Fact]
    public async Task Spans_memory_records_and_text_arrive_in_order()
    {
        using var span = new PipelineDriver<SpanProcessor>(new SpanProcessor());
        using var memory = new PipelineDriver<MemoryProcessor>(new MemoryProcessor());
        using var record = new PipelineDriver<RecordProcessor>(new RecordProcessor());
        using var text = new PipelineDriver<TextProcessor>(new TextProcessor());

        await span.RunAsync("a", "bc", "");
        await memory.RunAsync("a", "bc", "");
        await record.RunAsync("a", "bc", "");
        await text.RunAsync("a", "bc", "ä");

        Assert.Equal(["a", "bc", ""], span.Processor.Seen);
        Assert.Equal(["a", "bc", ""], memory.Processor.Seen);
        Assert.Equal(["key-0/1000", "key-1/1001", "key-2/1002"], record.Processor.Seen);
        Assert.Equal(["a", "bc", "ä"], text.Processor.Seen);
    }

    [Fact]
    public async Task A_context_names_its_record_beside_a_payload_that_does_not()
    {
        using var driver = new PipelineDriver<NamingProcessor>(new NamingProcessor());

        await driver.RunAsync(Page.Of([[1], [2]], areAggregated: true));

        DateTimeOffset arrival = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000);
        Assert.Equal([("key-0", "1000", 0, arrival), ("key-1", "1001", 1, arrival.AddMilliseconds(1))], driver.Processor.Seen);
    }

    [Fact]
    public async Task A_context_that_was_kept_does_not_name_another_record()
    {
        using var driver = new PipelineDriver<NamingProcessor>(new NamingProcessor());
        RecordPage page = Page.Of("a");
        await driver.RunAsync(page);
        page.Dispose();

        Assert.Throws<ObjectDisposedException>(() => driver.Processor.Kept.SequenceNumber);
        Assert.Throws<ObjectDisposedException>(() => driver.Processor.Kept.SubSequenceNumber);
        Assert.Throws<ObjectDisposedException>(() => driver.Processor.Kept.PartitionKey);
        Assert.Throws<ObjectDisposedException>(() => driver.Processor.Kept.ApproximateArrivalTimestamp);
    }

    [Fact]
    public async Task Records_are_done_when_their_handler_has_returned()
    {
        using var driver = new PipelineDriver<SpanProcessor>(new SpanProcessor());
        RecordPage page = Page.Of("a", "b", "c");

        await driver.RunAsync(page);

        Assert.True(page.IsDone);
        Assert.True(driver.Cursor.AtEnd);
    }

    [Fact]
    public async Task A_failed_record_is_where_the_cursor_stands_and_is_tried_again_alone()
    {
        using var driver = new PipelineDriver<StumblingProcessor>(new StumblingProcessor());
        RecordPage page = Page.Of("a", "b", "c");

        InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(async () => await driver.RunAsync(page));

        Assert.Equal("stumbled over b", failure.Message);
        Assert.Equal(1, driver.Cursor.Index);
        Assert.Equal(1, page.Done);
        Assert.True(driver.Cursor.HandlerStarted);

        driver.Cursor.NextAttempt();
        await driver.ResumeAsync();

        Assert.Equal(["a#1", "b#1", "b#2", "c#1"], driver.Processor.Seen);
        Assert.True(page.IsDone);
    }

    [Fact]
    public async Task Text_that_is_not_utf8_fails_before_the_handler()
    {
        using var driver = new PipelineDriver<TextProcessor>(new TextProcessor());

        await Assert.ThrowsAsync<DecoderFallbackException>(async () => await driver.RunAsync(Page.Of([[0xC3, 0x28]])));

        Assert.False(driver.Cursor.HandlerStarted);
        Assert.Empty(driver.Processor.Seen);
    }

    [Fact]
    public async Task A_stop_request_ends_the_run_between_two_records()
    {
        var processor = new StoppingProcessor();
        using var driver = new PipelineDriver<StoppingProcessor>(processor);
        processor.Stop = driver.Cursor.RequestStop;
        RecordPage page = Page.Of("a", "b");

        await driver.RunAsync(page);

        Assert.Equal(1, page.Done);
    }

    [Fact]
    public void The_definition_holds_what_the_attributes_say()
    {
        ProcessorDefinition<MemoryProcessor> memory = Definition<MemoryProcessor>();
        ProcessorDefinition<SpanProcessor> span = Definition<SpanProcessor>();

        Assert.Equal(("MemoryProcessor", "raw.memory"), (memory.Name, memory.Stream));
        Assert.Equal(new TimeSpan(1, 2, 3, 4, 500), memory.CheckpointInterval);
        Assert.Equal(0, memory.CheckpointRecords);
        Assert.Null(span.CheckpointInterval);
        Assert.Null(span.CheckpointRecords);

        static ProcessorDefinition<T> Definition<T>()
            where T : class, IKinesisProcessor<T> => T.Definition;
    }
}

[KinesisProcessor("raw-span")]
internal sealed partial class SpanProcessor
{
    public List<string> Seen { get; } = [];

    [OnRecord]
    private void Handle(ReadOnlySpan<byte> data) => Seen.Add(Encoding.UTF8.GetString(data));
}

[KinesisProcessor("raw.memory")]
[Checkpoint(Interval = "1.02:03:04.5", Records = 0)]
internal sealed partial class MemoryProcessor
{
    public List<string> Seen { get; } = [];

    [OnRecord]
    public async Task HandleAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        await Task.Yield();
        cancellationToken.ThrowIfCancellationRequested();
        Seen.Add(Encoding.UTF8.GetString(data.Span));
    }
}

[KinesisProcessor("raw-record")]
internal sealed partial class RecordProcessor
{
    public List<string> Seen { get; } = [];

    [OnRecord]
    internal void Handle(in KinesisRecord record) => Seen.Add($"{record.PartitionKey}/{record.SequenceNumber}");
}

[KinesisProcessor("naming")]
internal sealed partial class NamingProcessor
{
    public List<(string Key, string Number, long SubNumber, DateTimeOffset Arrival)> Seen { get; } = [];

    public RecordContext Kept { get; private set; }

    [OnRecord]
    public void Handle(string text, RecordContext context)
    {
        Kept = context;
        Seen.Add((context.PartitionKey, context.SequenceNumber.ToString(), context.SubSequenceNumber, context.ApproximateArrivalTimestamp));
    }
}

[KinesisProcessor("text")]
internal sealed partial class TextProcessor
{
    public List<string> Seen { get; } = [];

    [OnRecord]
    public ValueTask HandleAsync(string text)
    {
        Seen.Add(text);
        return default;
    }
}

[KinesisProcessor("stumbling")]
internal sealed partial class StumblingProcessor
{
    public List<string> Seen { get; } = [];

    [OnRecord]
    public async ValueTask HandleAsync(string text, RecordContext context)
    {
        await Task.Yield();
        Seen.Add($"{text}#{context.Attempt}");
        if (text == "b" && context.Attempt == 1)
        {
            throw new InvalidOperationException("stumbled over b");
        }
    }
}

[KinesisProcessor("stopping")]
internal sealed partial class StoppingProcessor
{
    public Action Stop { get; set; } = static () => { };

    [OnRecord]
    public void Handle(ReadOnlySpan<byte> data) => Stop();
}
