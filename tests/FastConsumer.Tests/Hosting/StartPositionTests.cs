using FastConsumer.Hosting;
using FastConsumer.Testing;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Tests.Hosting;

public sealed class StartPositionTests : WorkerTest
{
    /// <summary>
    /// The service's date is behind the worker's: records are stamped with it, so what LATEST stands for must be by it too.
    /// </summary>
    private readonly ShiftedClock _serviceClock = new(TimeSpan.FromHours(-1));

    internal override EmbeddedKinesisOptions Options => new() { TimeProvider = _serviceClock };

    [Fact]
    public async Task Latest_leaves_out_what_came_before_and_nothing_after()
    {
        Kinesis.CreateStream(Stream, shardCount: 2);
        Put(50);
        await using WorkerHost host = await StartAsync(Latest);
        await ReadingAsync(host, shards: 2);
        List<string> texts = Put(50);
        await Journal.WaitForAsync(texts, host.Log);
        Assert.Equal(
            texts.Order(StringComparer.Ordinal), Journal.Done.Select(static delivery => delivery.Text).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Latest_goes_on_from_its_first_start_after_a_restart_before_the_first_checkpoint()
    {
        Kinesis.CreateStream(Stream);
        Put(20);
        // the service says its time in whole seconds, and the start is pinned a second before that
        _serviceClock.Advance(TimeSpan.FromSeconds(2.1));
        await using (WorkerHost host = await StartAsync(Latest))
        {
            await ReadingAsync(host, shards: 1);
        }

        Assert.Equal(CheckpointKind.Latest, Rows.Single().Checkpoint.Kind);
        List<string> between = Put(20);
        await using WorkerHost next = await StartAsync(Latest);
        await Journal.WaitForAsync(between, next.Log);
        Assert.Equal(
            between.Order(StringComparer.Ordinal), Journal.Done.Select(static delivery => delivery.Text).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_start_ahead_of_the_services_time_is_refused_by_its_name_until_it_has_passed()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(5);
        // ten seconds ago by the worker's clock, which is an hour ahead
        DateTimeOffset ahead = _serviceClock.GetUtcNow() + TimeSpan.FromMinutes(50);
        await using WorkerHost host = await StartAsync(
            options => (options.StartPosition, options.StartTimestamp) = (StartPosition.AtTimestamp, ahead));
        await host.WaitForLogAsync(2401);
        string health = await host.WaitForHealthAsync(HealthStatus.Unhealthy);
        Assert.Contains("FastConsumer:StartTimestamp", health, StringComparison.Ordinal);
        Assert.Contains($"{ahead:O}", health, StringComparison.Ordinal);
        Assert.Contains("ahead of the service's time", health, StringComparison.Ordinal);
        // no lease keeps the wrong time
        Assert.Empty(Rows);
        Assert.Equal(0, Kinesis.RequestCount("GetShardIterator"));

        _serviceClock.Advance(TimeSpan.FromHours(1));
        texts = Put(5);
        await Journal.WaitForAsync(texts, host.Log);
    }

    [Fact]
    public async Task Latest_does_not_jump_where_the_first_iterator_was_refused()
    {
        Kinesis.CreateStream(Stream);
        Kinesis.Faults.Fail("GetShardIterator", "InternalFailure", status: 500, times: int.MaxValue);
        await using WorkerHost host = await StartAsync(Latest);
        await Eventually.TrueAsync(() => Kinesis.RequestCount("GetShardIterator") > 0, () => host.Log.ToString());
        List<string> texts = Put(20);
        await host.WaitForLogAsync(2004);
        Kinesis.Faults.Clear();
        await Journal.WaitForAsync(texts, host.Log);
    }

    [Fact]
    public async Task A_first_start_that_was_interrupted_pins_latest_for_the_shards_it_had_not_reached()
    {
        Kinesis.CreateStream(Stream, shardCount: 2);
        await using (WorkerHost host = await StartAsync(Latest))
        {
            await ReadingAsync(host, shards: 2);
        }

        // as if the first worker had died between the creation of its leases
        string missing = Rows[1].LeaseKey;
        await new FastConsumer.Testing.Leases.InMemoryLeaseStore(Leases, WorkerHost.Application).DeleteAsync(
            Rows[1], TestContext.Current.CancellationToken);
        List<string> between = Put(40);
        await using WorkerHost next = await StartAsync(Latest);
        await Journal.WaitForAsync(between, next.Log);
        Assert.Contains(Journal.Done, delivery => delivery.ShardId == missing);
    }

    [Fact]
    public async Task Latest_loses_nothing_over_a_split()
    {
        Kinesis.CreateStream(Stream);
        Put(10);
        await using WorkerHost host = await StartAsync(Latest);
        await ReadingAsync(host, shards: 1);
        List<string> texts = Put(20);
        Kinesis.SplitShard(Stream, OpenShards()[0]);
        texts.AddRange(Put(20));
        Kinesis.SplitShard(Stream, OpenShards()[0]);
        texts.AddRange(Put(20));
        await Journal.WaitForAsync(texts, host.Log);
        Assert.Equal(texts.Count, Journal.Done.Count);
        Journal.AssertInOrder();
    }

    [Fact]
    public async Task Latest_leaves_out_the_closed_shards_it_finds()
    {
        Kinesis.CreateStream(Stream);
        Put(10);
        string first = OpenShards()[0];
        Kinesis.SplitShard(Stream, first);
        await using WorkerHost host = await StartAsync(Latest);
        await ReadingAsync(host, shards: 2);
        List<string> texts = Put(20);
        await Journal.WaitForAsync(texts, host.Log);
        Assert.Equal(texts.Count, Journal.Done.Count);
        Assert.DoesNotContain(Rows, row => row.LeaseKey == first);
    }

    [Fact]
    public async Task At_timestamp_starts_with_the_first_record_of_that_time()
    {
        Kinesis.CreateStream(Stream, shardCount: 2);
        Put(20);
        await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, TestContext.Current.CancellationToken);
        DateTimeOffset time = _serviceClock.GetUtcNow();
        await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, TestContext.Current.CancellationToken);
        List<string> texts = Put(20);
        Kinesis.SplitShard(Stream, OpenShards()[0]);
        texts.AddRange(Put(20));
        await using WorkerHost host = await StartAsync(options =>
        {
            options.StartPosition = StartPosition.AtTimestamp;
            options.StartTimestamp = time;
        });
        await Journal.WaitForAsync(texts, host.Log);
        Assert.Equal(
            texts.Order(StringComparer.Ordinal), Journal.Done.Select(static delivery => delivery.Text).Order(StringComparer.Ordinal));
        Journal.AssertInOrder();
    }

    private static void Latest(FastConsumerOptions options) => options.StartPosition = StartPosition.Latest;

    private Task ReadingAsync(WorkerHost host, int shards)
    {
        long reads = Kinesis.RequestCount("GetRecords");
        return Eventually.TrueAsync(
            () => Journal.Events.Count(static what => what.EndsWith(" started", StringComparison.Ordinal)) >= shards
                && Kinesis.RequestCount("GetRecords") >= reads + (4 * shards),
            () => host.Log.ToString());
    }
}
