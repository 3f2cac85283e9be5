using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Processors.Tests.Records;

public sealed class DeserializerTests
{
    [Fact]
    public async Task A_deserializer_is_created_or_taken_from_the_services()
    {
        using var created = new PipelineDriver<LineProcessor>(new LineProcessor());
        using var registered = new PipelineDriver<LineProcessor>(
            new LineProcessor(), services => services.AddSingleton(new LineReader("> ")));

        await created.RunAsync("a,b");
        await registered.RunAsync("a,b");

        Assert.Equal(["a|b"], created.Processor.Seen);
        Assert.Equal(["> a|b"], registered.Processor.Seen);
    }

    [Fact]
    public void A_deserializer_that_cannot_be_created_must_be_registered()
    {
        InvalidOperationException failure = Assert.Throws<InvalidOperationException>(
            () => new PipelineDriver<NumberProcessor>(new NumberProcessor()));

        Assert.Equal("NumberReader is not registered as a service, and it has no parameterless constructor. Register it.", failure.Message);
    }

    [Fact]
    public async Task An_explicit_implementation_and_a_failure_are_the_payload_s()
    {
        using var driver = new PipelineDriver<NumberProcessor>(
            new NumberProcessor(), services => services.AddSingleton(new NumberReader(10)));

        await driver.RunAsync("5");
        await Assert.ThrowsAsync<FormatException>(async () => await driver.RunAsync("x"));

        Assert.Equal([15], driver.Processor.Seen);
        Assert.False(driver.Cursor.HandlerStarted);
    }

    [Fact]
    public async Task Protobuf_messages_are_read_by_their_parser()
    {
        using var driver = new PipelineDriver<TimestampProcessor>(new TimestampProcessor());

        await driver.RunAsync(Page.Of([new Timestamp { Seconds = 42 }.ToByteArray()]));
        await Assert.ThrowsAsync<InvalidProtocolBufferException>(async () => await driver.RunAsync(Page.Of([[0xFF]])));

        Assert.Equal([42], driver.Processor.Seen);
    }
}

[Deserializer(typeof(LineReader))]
internal sealed record Line(string[] Cells);

internal sealed class LineReader(string prefix) : IRecordDeserializer<Line>
{
    public LineReader()
        : this("")
    {
    }

    public Line Deserialize(KinesisRecord record) => new((prefix + Encoding.UTF8.GetString(record.DataSpan)).Split(','));
}

internal sealed class NumberReader(int offset) : IRecordDeserializer<int>
{
    int IRecordDeserializer<int>.Deserialize(KinesisRecord record) =>
        offset + int.Parse(record.DataSpan, System.Globalization.CultureInfo.InvariantCulture);
}

[KinesisProcessor("lines")]
internal sealed partial class LineProcessor
{
    public List<string> Seen { get; } = [];

    [OnRecord]
    private void Handle(Line line) => Seen.Add(string.Join('|', line.Cells));
}

[KinesisProcessor("numbers")]
internal sealed partial class NumberProcessor
{
    public List<int> Seen { get; } = [];

    [OnRecord]
    private void Handle([Deserializer(typeof(NumberReader))] int number) => Seen.Add(number);
}

[KinesisProcessor("timestamps")]
internal sealed partial class TimestampProcessor
{
    public List<long> Seen { get; } = [];

    [OnRecord]
    private Task HandleAsync(Timestamp time)
    {
        Seen.Add(time.Seconds);
        return Task.CompletedTask;
    }
}
