using System.Text;
using System.Text.Json;

namespace FastConsumer.Processors.Tests.Records;

public sealed class RouteTests
{
    [Fact]
    public async Task A_property_chooses_the_method_wherever_it_stands()
    {
        using var driver = new PipelineDriver<RoutedProcessor>(new RoutedProcessor());

        await driver.RunAsync(
            """{"type":"order.placed","id":1,"item":"tea"}""",
            """{"id":2,"nested":{"type":"no"},"list":[{"type":"no"}],"type":"order.cancelled"}""",
            """{"type":"something else"}""",
            """{"id":3}""",
            """{"type":4}""");

        Assert.Equal(["placed 1 tea", "cancelled", "other", "other", "other"], driver.Processor.Seen);
    }

    [Fact]
    public async Task Escapes_in_the_property_and_in_the_route_are_understood()
    {
        using var driver = new PipelineDriver<RoutedProcessor>(new RoutedProcessor());

        await driver.RunAsync(
            """{"t\u0079pe":"order\u002Eplaced","id":1,"item":"tea"}""",
            """{"type":"quote \" and \\ and \u00e4"}""");

        Assert.Equal(["placed 1 tea", "quoted"], driver.Processor.Seen);
    }

    [Fact]
    public async Task Without_a_method_for_the_rest_the_failure_names_stream_and_property_but_no_payload()
    {
        using var driver = new PipelineDriver<StrictProcessor>(new StrictProcessor());

        UnmatchedRouteException failure = await Assert.ThrowsAsync<UnmatchedRouteException>(
            async () => await driver.RunAsync("""{"@kind":"secret"}"""));

        Assert.Contains("stream-at-run-time", failure.Message, StringComparison.Ordinal);
        Assert.Contains("@kind", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", failure.Message, StringComparison.Ordinal);
        Assert.False(driver.Cursor.HandlerStarted);
    }

    [Fact]
    public async Task A_record_that_is_no_json_object_has_no_route()
    {
        using var driver = new PipelineDriver<StrictProcessor>(new StrictProcessor());

        await Assert.ThrowsAsync<JsonException>(async () => await driver.RunAsync("[1]"));
    }
}

[KinesisProcessor("routed", JsonContext = typeof(TestJson), RouteProperty = "type")]
internal sealed partial class RoutedProcessor
{
    public List<string> Seen { get; } = [];

    [OnRecord(Route = "order.placed")]
    public async Task PlacedAsync(OrderPlaced order)
    {
        await Task.Yield();
        Seen.Add($"placed {order.Id} {order.Item}");
    }

    [OnRecord(Route = "order.cancelled")]
    public ValueTask CancelledAsync(KinesisRecord record)
    {
        Seen.Add("cancelled");
        return default;
    }

    [OnRecord(Route = "quote \" and \\ and ä")]
    private void Quoted(ReadOnlyMemory<byte> raw) => Seen.Add("quoted");

    [OnRecord]
    private void Other(ReadOnlySpan<byte> raw) => Seen.Add("other");
}

[KinesisProcessor("strict", RouteProperty = "@kind")]
internal sealed partial class StrictProcessor
{
    private readonly StringBuilder _seen = new();

    [OnRecord(Route = "a")]
    private void A(string text) => _seen.Append(text);

    [OnRecord(Route = "b")]
    private void B(string text) => _seen.Append(text);
}
