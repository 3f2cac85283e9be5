namespace FastConsumer.Tests.Hosting;

public sealed class LifeCycleTests : WorkerTest
{
    private const string First = "shardId-000000000000";

    [Fact]
    public async Task Started_comes_before_the_first_record_and_ended_after_the_last_and_before_shard_end_is_durable()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(5, keys: 1);
        Kinesis.SplitShard(Stream, First);
        CheckpointKind? atEnd = null;
        Journal.LifeCycle = (method, shard, _) =>
        {
            if (method == "ended" && shard.ShardId == First)
            {
                atEnd = Row(First).Checkpoint.Kind;
            }

            return default;
        };
        await using WorkerHost host = await StartAsync();
        await Eventually.TrueAsync(() => IsFinished(First) && Rows.Count == 3, () => host.Log.ToString());
        Assert.NotEqual(CheckpointKind.ShardEnd, atEnd);
        Assert.Equal(
            ["0 started", .. texts.Select(static text => $"0 {text}#1"), "0 ended"],
            Journal.Events.Where(static what => what.StartsWith("0 ", StringComparison.Ordinal)));
        Assert.Null(Row(First).LeaseOwner);
        await Eventually.TrueAsync(() => Journal.Disposed == 1, () => host.Log.ToString());
    }

    [Fact]
    public async Task Started_and_ended_are_repeated_until_they_succeed()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(2, keys: 1);
        Kinesis.SplitShard(Stream, First);
        int started = 0;
        int ended = 0;
        Journal.LifeCycle = (method, shard, _) => (method, shard.ShardId) switch
        {
            ("started", First) when ++started < 3 => throw new InvalidOperationException("not yet"),
            ("ended", First) when ++ended < 3 => throw new InvalidOperationException("not yet"),
            _ => default,
        };
        await using WorkerHost host = await StartAsync();
        await Eventually.TrueAsync(() => IsFinished(First), () => host.Log.ToString());
        Assert.Equal(
            ["0 started", "0 started", "0 started", .. texts.Select(static text => $"0 {text}#1"), "0 ended", "0 ended", "0 ended"],
            Journal.Events.Where(static what => what.StartsWith("0 ", StringComparison.Ordinal)));
        Assert.Equal(4, host.Log.Of(2103).Count());
    }

    [Fact]
    public async Task Stopping_comes_after_the_last_record_and_before_the_last_checkpoint()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(5, keys: 1);
        CheckpointPosition atStop = CheckpointPosition.ShardEnd;
        Journal.LifeCycle = (method, shard, _) =>
        {
            if (method == "stopping")
            {
                atStop = Row(shard.ShardId).Checkpoint;
                throw new InvalidOperationException("whatever it throws");
            }

            return default;
        };
        await using (WorkerHost host = await StartAsync(static options => options.CheckpointInterval = TimeSpan.FromHours(1)))
        {
            await Journal.WaitForAsync(texts, host.Log);
            await host.StopAsync();
            Assert.Single(host.Log.Of(2104));
        }

        Assert.Equal(CheckpointKind.TrimHorizon, atStop.Kind);
        Assert.Equal(["0 started", .. texts.Select(static text => $"0 {text}#1"), "0 stopping"], Journal.Events);
        AssertReleasedAtWhatIsDone();
    }

    [Fact]
    public async Task A_stop_while_started_fails_ends_the_shard_without_a_record()
    {
        Kinesis.CreateStream(Stream);
        Put(5, keys: 1);
        Journal.LifeCycle = static (method, _, _) => method == "started" ? throw new InvalidOperationException("never") : default;
        await using WorkerHost host = await StartAsync();
        await host.WaitForLogAsync(2103);
        await host.StopAsync();
        Assert.Empty(Journal.Begun);
        Assert.True(Rows.Single().LeaseOwner is null, host.Log.ToString());
    }
}
