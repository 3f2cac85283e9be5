using FastConsumer.Kinesis;
using FastConsumer.Reading;

namespace FastConsumer.Tests.Reading;

public sealed class BestEffortCallTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_the_service_fails_with_is_no_answer_also_where_the_caller_has_stopped_meanwhile(bool hasStopped)
    {
        using var stop = new CancellationTokenSource();
        Assert.Null(await BestEffortCall.TryAsync<object>(
            async _ =>
            {
                if (hasStopped)
                {
                    await stop.CancelAsync();
                }

                throw new KinesisException("no answer", KinesisErrorKind.Unavailable);
            },
            TimeProvider.System,
            stop.Token));
    }

    [Fact]
    public async Task The_caller_s_own_stop_is_an_end()
    {
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => BestEffortCall.TryAsync(
            static async token =>
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
                return new object();
            },
            TimeProvider.System,
            stop.Token));
    }
}
