using System.Text.Json;
using FastConsumer.Processors.Tests.Records;

[assembly: FastConsumer.OnError(typeof(NotFiniteNumberException), FastConsumer.ErrorAction.Skip)]

namespace FastConsumer.Processors.Tests.Errors;

public sealed class ErrorRuleTests
{
    [Fact]
    public async Task The_method_comes_before_the_class_and_the_class_before_the_assembly()
    {
        using var driver = new PipelineDriver<RuledOrders>(new RuledOrders());

        await FailAsync(driver, """{"type":"a","id":true}""");
        Assert.Equal(ErrorAction.Skip, RuleFor(new JsonException())?.Action);
        Assert.Equal(ErrorAction.DeadLetter, RuleFor(new InvalidOperationException())?.Action);
        Assert.Equal(ErrorAction.Stop, RuleFor(new ObjectDisposedException("x"))?.Action);

        await FailAsync(driver, """{"type":"b","id":true}""");
        ErrorRule? retry = RuleFor(new JsonException());
        Assert.Equal((ErrorAction.Retry, 3, ErrorAction.Skip), (retry?.Action, retry?.MaxAttempts, retry?.Then));
        Assert.Equal((TimeSpan.FromMilliseconds(5), TimeSpan.FromDays(1)), (retry?.InitialBackoff, retry?.MaxBackoff));
        Assert.Equal(ErrorAction.Skip, RuleFor(new NotFiniteNumberException())?.Action);
        Assert.Null(RuleFor(new FormatException()));

        // no handler was chosen, after one was
        await FailAsync(driver, """{"type":"c"}""");
        Assert.Equal(ErrorAction.Retry, RuleFor(new JsonException())?.Action);
        Assert.True(RuledOrders.GetDefinition<RuledOrders>().UsesDeadLetters);
        Assert.False(RuledOrders.GetDefinition<RuledRecords>().UsesDeadLetters);

        ErrorRule? RuleFor(Exception exception) => driver.Pipeline.RuleFor(exception, driver.Cursor.Handler);
    }

    [Fact]
    public void One_handlers_rules_hold_for_every_record()
    {
        using var driver = new PipelineDriver<RuledRecords>(new RuledRecords());
        Assert.Equal(ErrorAction.Retry, driver.Pipeline.RuleFor(new FormatException(), 0)?.Action);
        Assert.Equal(ErrorAction.Skip, driver.Pipeline.RuleFor(new NotFiniteNumberException(), 0)?.Action);
        Assert.Equal(ErrorAction.Skip, driver.Pipeline.RuleFor(new InvalidOperationException(), 0)?.Action);
    }

    [Fact]
    public async Task A_call_that_its_time_out_ends_fails_with_a_TimeoutException()
    {
        using var driver = new PipelineDriver<SlowRecords>(new SlowRecords());
        TimeoutException exception = await Assert.ThrowsAsync<TimeoutException>(() => driver.RunAsync("a").AsTask());
        Assert.Contains("00:00:00.02", exception.Message, StringComparison.Ordinal);
        Assert.Equal(0, driver.Cursor.Index);
        Assert.True(driver.Cursor.HandlerStarted);
    }

    [Fact]
    public async Task A_time_out_is_not_blamed_for_the_shards_own_end()
    {
        using var driver = new PipelineDriver<PatientRecords>(new PatientRecords());
        using var abort = new CancellationTokenSource();
        driver.Cursor.Open(Page.Of("a", "b"));
        Task running = driver.Records.RunAsync(driver.Cursor, abort.Token).AsTask();
        await abort.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private static Task<Exception> FailAsync(PipelineDriver<RuledOrders> driver, string payload) =>
        Assert.ThrowsAnyAsync<Exception>(() => driver.RunAsync(payload).AsTask());
}

[KinesisProcessor("orders", JsonContext = typeof(TestJson), RouteProperty = "type")]
[OnError(typeof(ObjectDisposedException), ErrorAction.Stop)]
[OnError(typeof(InvalidOperationException), ErrorAction.DeadLetter)]
[OnError(
    typeof(JsonException),
    ErrorAction.Retry, MaxAttempts = 3, InitialBackoff = "00:00:00.005", MaxBackoff = "1.00:00:00", Then = ErrorAction.Skip)]
internal sealed partial class RuledOrders
{
    public static ProcessorDefinition<T> GetDefinition<T>()
        where T : class, IKinesisProcessor<T> => T.Definition;

    [OnRecord(Route = "a")]
    [OnError(typeof(JsonException), ErrorAction.Skip)]
    private void A(OrderPlaced order)
    {
    }

    [OnRecord(Route = "b")]
    private ValueTask BAsync(OrderPlaced order) => default;
}

[KinesisProcessor("orders")]
[OnError(typeof(Exception), ErrorAction.Skip)]
internal sealed partial class RuledRecords
{
    [OnRecord]
    [OnError(typeof(FormatException), ErrorAction.Retry)]
    private void Handle(ReadOnlySpan<byte> data)
    {
    }
}

[KinesisProcessor("orders")]
[OnError(typeof(TimeoutException), ErrorAction.Retry, Timeout = "00:00:00.02")]
internal sealed partial class SlowRecords
{
    [OnRecord]
    private Task HandleAsync(KinesisRecord record, CancellationToken cancellationToken) =>
        Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
}

[KinesisProcessor("orders")]
[OnError(typeof(TimeoutException), ErrorAction.Retry, Timeout = "01:00:00")]
internal sealed partial class PatientRecords
{
    [OnRecord]
    private async Task HandleAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
}
