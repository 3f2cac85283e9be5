namespace FastConsumer.Processors.Tests.LifeCycle;

public sealed class LifeCycleTests
{
    [Fact]
    public async Task The_marked_methods_are_called_with_what_they_take()
    {
        using var driver = new PipelineDriver<WatchingProcessor>(new WatchingProcessor());
        CancellationToken token = TestContext.Current.CancellationToken;

        await driver.Pipeline.ShardStartedAsync(driver.Shard, token);
        await driver.Pipeline.ShardEndedAsync(driver.Shard, token);
        await driver.Pipeline.LeaseLostAsync(driver.Shard, token);
        await driver.Pipeline.StoppingAsync(driver.Shard, token);

        Assert.Equal(["started shardId-000000000000", "ended", "left", "left"], driver.Processor.Seen);
    }

    [Fact]
    public async Task Without_marked_methods_nothing_happens()
    {
        using var driver = new PipelineDriver<Records.SpanProcessor>(new Records.SpanProcessor());

        await driver.Pipeline.ShardStartedAsync(driver.Shard, TestContext.Current.CancellationToken);
        await driver.Pipeline.StoppingAsync(driver.Shard, TestContext.Current.CancellationToken);

        Assert.Empty(driver.Processor.Seen);
    }
}

/// <summary>Nested, a record, and with names that are keywords.</summary>
internal sealed partial record Outer
{
    internal sealed partial record @class
    {
        [KinesisProcessor("nested")]
        internal sealed partial record @event
        {
            [OnRecord]
            private static void @void(string @string) => ArgumentNullException.ThrowIfNull(@string);
        }
    }
}

[KinesisProcessor("watching")]
internal sealed partial class WatchingProcessor
{
    public List<string> Seen { get; } = [];

    [OnRecord]
    private static void Handle(ReadOnlySpan<byte> data)
    {
    }

    [OnShardStarted]
    private async ValueTask StartedAsync(ShardContext shard, CancellationToken cancellationToken)
    {
        await Task.Yield();
        cancellationToken.ThrowIfCancellationRequested();
        Seen.Add($"started {shard.ShardId}");
    }

    [OnShardEnded]
    private Task EndedAsync()
    {
        Seen.Add("ended");
        return Task.CompletedTask;
    }

    [OnLeaseLost]
    [OnStopping]
    private void Leave(ShardContext shard) => Seen.Add("left");
}
