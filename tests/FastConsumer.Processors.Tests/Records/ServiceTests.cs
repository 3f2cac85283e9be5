using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Processors.Tests.Records;

public sealed class ServiceTests
{
    [Fact]
    public async Task Each_call_has_a_scope_of_its_own_that_outlives_the_handler()
    {
        var log = new List<string>();
        using var driver = new PipelineDriver<ScopedProcessor>(
            new ScopedProcessor(log), services => services.AddScoped(_ => new Resource(log)));

        await driver.RunAsync("a", "b");

        Assert.Equal(["created", "begin a", "end a", "disposed", "created", "begin b", "end b", "disposed"], log);
    }

    [Fact]
    public async Task A_span_may_stand_beside_services_and_a_missing_optional_one_is_null()
    {
        var log = new List<string>();
        using var driver = new PipelineDriver<SpanAndServiceProcessor>(
            new SpanAndServiceProcessor(), services => services.AddSingleton(log));

        await driver.RunAsync("abc", "");

        Assert.Equal(["3 True", "0 True"], log);
    }

    [Fact]
    public async Task A_missing_service_is_the_handler_s_failure_and_not_the_payload_s()
    {
        using var driver = new PipelineDriver<SpanAndServiceProcessor>(new SpanAndServiceProcessor());

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await driver.RunAsync("a"));

        Assert.True(driver.Cursor.HandlerStarted);
        Assert.Equal(0, driver.Cursor.Index);
    }
}

internal sealed class Resource : IAsyncDisposable
{
    private readonly List<string> _log;

    public Resource(List<string> log)
    {
        _log = log;
        log.Add("created");
    }

    public ValueTask DisposeAsync()
    {
        _log.Add("disposed");
        return default;
    }
}

[KinesisProcessor("scoped")]
internal sealed partial class ScopedProcessor(List<string> log)
{
    [OnRecord]
    private async Task HandleAsync([FromServices] Resource resource, string text)
    {
        log.Add($"begin {text}");
        await Task.Yield();
        ArgumentNullException.ThrowIfNull(resource);
        log.Add($"end {text}");
    }
}

[KinesisProcessor("span-and-service")]
internal sealed partial class SpanAndServiceProcessor
{
    [OnRecord]
    private void Handle(ReadOnlySpan<byte> data, [FromServices] List<string> log, [FromServices] Resource? none) =>
        log.Add($"{data.Length} {none is null}");
}
