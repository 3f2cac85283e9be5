using FastConsumer.Kinesis;
using FastConsumer.Reading;

namespace FastConsumer.Tests.Reading;

public sealed class FanOutConsumerTests
{
    [Fact]
    public async Task Workers_race_for_one_registration_and_wait_until_it_is_active()
    {
        await using FanOutBench bench = await FanOutBench.StartAsync(createDelay: TimeSpan.FromSeconds(10));
        DateTimeOffset start = bench.Clock.GetUtcNow();
        Task<string>[] workers = [.. Enumerable.Range(0, 8)
            .Select(_ => Task.Run(() => bench.Consumer().ArnAsync(FanOutBench.Token).AsTask(), FanOutBench.Token))];
        await bench.UntilAsync(() => workers.All(static worker => worker.IsCompleted), TimeSpan.FromMilliseconds(250));

        string[] arns = await Task.WhenAll(workers);
        Assert.Single(arns.Distinct());
        Assert.InRange(bench.Clock.GetUtcNow() - start, TimeSpan.FromSeconds(10), TimeSpan.MaxValue);
        Assert.Single((await bench.Client.ListStreamConsumersAsync(
            bench.Kinesis.StreamArn(FanOutBench.StreamName), null, FanOutBench.Token)).Consumers);
    }

    [Fact]
    public async Task A_consumer_that_is_there_is_not_registered()
    {
        await using FanOutBench bench = await FanOutBench.StartAsync();
        Consumer there = await bench.Client.RegisterStreamConsumerAsync(
            bench.Kinesis.StreamArn(FanOutBench.StreamName), "app", FanOutBench.Token);
        FanOutConsumer consumer = bench.Consumer();
        Assert.Equal(there.ConsumerARN, await consumer.ArnAsync(FanOutBench.Token));
        Assert.Equal(there.ConsumerARN, await consumer.ArnAsync(FanOutBench.Token));
        Assert.Equal(1, bench.Kinesis.RequestCount("RegisterStreamConsumer"));
        Assert.Equal(1, bench.Kinesis.RequestCount("DescribeStreamConsumer"));
    }

    [Fact]
    public async Task A_stream_without_room_is_said_with_the_remedies_or_polled()
    {
        await using FanOutBench bench = await FanOutBench.StartAsync();
        for (int i = 0; i < 20; i++)
        {
            await bench.Client.RegisterStreamConsumerAsync(
                bench.Kinesis.StreamArn(FanOutBench.StreamName), $"other-{i}", FanOutBench.Token);
            // below the rate of five calls a second
            bench.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        FanOutConsumer strict = bench.Consumer();
        Task preparing = Task.Run(() => strict.PrepareAsync(FanOutBench.Token), FanOutBench.Token);
        await bench.UntilAsync(() => preparing.IsCompleted);
        KinesisException refusal = await Assert.ThrowsAnyAsync<KinesisException>(() => preparing);
        foreach (string part in (string[])["'app'", "20 registered consumers", "ConsumerName", "FanOutFallback", "Polling"])
        {
            Assert.Contains(part, refusal.Message, StringComparison.Ordinal);
        }

        FanOutConsumer lenient = bench.Consumer(mayFallBack: true);
        preparing = Task.Run(() => lenient.PrepareAsync(FanOutBench.Token), FanOutBench.Token);
        await bench.UntilAsync(() => preparing.IsCompleted);
        await preparing;
        Assert.True(lenient.HasFallenBack);
        await lenient.PrepareAsync(FanOutBench.Token);
    }

    [Theory]
    [InlineData("RegisterStreamConsumer")]
    [InlineData("DescribeStreamConsumer")]
    public async Task A_missing_permission_is_said_or_polled(string operation)
    {
        await using FanOutBench bench = await FanOutBench.StartAsync();
        bench.Kinesis.Faults.Fail(operation, "AccessDeniedException", times: 2);
        FanOutConsumer strict = bench.Consumer();
        KinesisException refusal = await Assert.ThrowsAsync<KinesisException>(() => strict.PrepareAsync(FanOutBench.Token));
        Assert.Contains($"kinesis:{operation}", refusal.Message, StringComparison.Ordinal);

        FanOutConsumer lenient = bench.Consumer(mayFallBack: true);
        await lenient.PrepareAsync(FanOutBench.Token);
        Assert.True(lenient.HasFallenBack);
    }

    [Fact]
    public async Task Too_many_calls_are_no_reason_to_fall_back()
    {
        await using FanOutBench bench = await FanOutBench.StartAsync();
        bench.Kinesis.Faults.Fail("RegisterStreamConsumer", "LimitExceededException", "Rate exceeded", times: 3);
        FanOutConsumer lenient = bench.Consumer(mayFallBack: true);
        Task preparing = Task.Run(() => lenient.PrepareAsync(FanOutBench.Token), FanOutBench.Token);
        await bench.UntilAsync(() => preparing.IsCompleted);
        KinesisException throttled = await Assert.ThrowsAsync<KinesisException>(() => preparing);
        Assert.Equal(KinesisErrorKind.Throttled, throttled.Kind);
        preparing = Task.Run(() => lenient.PrepareAsync(FanOutBench.Token), FanOutBench.Token);
        await bench.UntilAsync(() => preparing.IsCompleted);
        await preparing;
        Assert.False(lenient.HasFallenBack);
    }
}
