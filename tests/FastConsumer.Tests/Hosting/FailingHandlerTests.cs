using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Tests.Hosting;

public sealed class FailingHandlerTests : WorkerTest
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_record_that_fails_twice_is_tried_a_third_time_and_nothing_overtakes_it(bool synchronous)
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(30, keys: 3);
        Journal.Handler = async (delivery, _, _) =>
        {
            if (!synchronous)
            {
                await Task.Yield();
            }

            if (delivery.Text is "key-1:3" or "key-2:3" && delivery.Attempt < 3)
            {
                throw new InvalidOperationException("not yet");
            }
        };
        await using (WorkerHost host = synchronous ? await StartAsync<SyncProcessor>() : await StartAsync())
        {
            await Journal.WaitForAsync(texts, host.Log);
            Assert.Equal(4, host.Log.Of(2100).Count());
            await host.WaitForHealthAsync(HealthStatus.Healthy);
        }

        List<string> expected = [.. texts.SelectMany(
            static text => text is "key-1:3" or "key-2:3" ? new[] { $"{text}#1", $"{text}#2", $"{text}#3" } : [$"{text}#1"])];
        Assert.Equal(expected, Journal.Begun.Select(static delivery => $"{delivery.Text}#{delivery.Attempt}"));
        Journal.AssertEachOnce(texts);
        AssertReleasedAtWhatIsDone();
    }

    [Fact]
    public async Task Health_is_degraded_while_a_record_fails_and_healthy_as_soon_as_it_has_succeeded()
    {
        Kinesis.CreateStream(Stream);
        Put(10, keys: 1);
        bool failing = true;
        var hold = new TaskCompletionSource();
        Journal.Handler = async (delivery, _, token) =>
        {
            if (delivery.Text == "key-0:3" && Volatile.Read(ref failing))
            {
                throw new InvalidOperationException("down");
            }

            if (delivery.Text == "key-0:5")
            {
                await hold.Task.WaitAsync(token);
            }
        };
        await using WorkerHost host = await StartAsync();
        string description = await host.WaitForHealthAsync(HealthStatus.Degraded);
        Assert.Contains("shardId-000000000000", description, StringComparison.Ordinal);
        Assert.Contains(nameof(InvalidOperationException), description, StringComparison.Ordinal);
        // what the exception says may be a payload
        Assert.DoesNotContain("down", description, StringComparison.Ordinal);
        Volatile.Write(ref failing, false);
        // the rest of the page is still under way
        await host.WaitForHealthAsync(HealthStatus.Healthy);
        hold.SetResult();
    }

    [Fact]
    public async Task The_wait_for_a_retry_ends_with_a_stop_and_the_record_runs_again_after_it()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(10, keys: 1);
        Journal.Handler = static (delivery, _, _) => delivery.Text == "key-0:4" ? throw new InvalidOperationException("down") : default;
        await using (WorkerHost host = await StartAsync(static options =>
        {
            options.RetryInitialBackoff = TimeSpan.FromHours(1);
            options.RetryMaxBackoff = TimeSpan.FromHours(1);
        }))
        {
            await host.WaitForLogAsync(2100);
            await host.StopAsync();
        }

        Assert.Single(Journal.Begun, static delivery => delivery.Text == "key-0:4");
        AssertReleasedAtWhatIsDone();
        Journal.Handler = static (_, _, _) => default;
        await using WorkerHost next = await StartAsync();
        await Journal.WaitForAsync(texts, next.Log);
        Journal.AssertEachOnce(texts);
    }

    [Fact]
    public async Task A_handlers_own_cancellation_is_a_failure_like_any_other()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(5, keys: 1);
        Journal.Handler = static (delivery, _, _) => delivery.Attempt == 1 ? throw new TaskCanceledException("its own time-out") : default;
        await using WorkerHost host = await StartAsync();
        await Journal.WaitForAsync(texts, host.Log);
        Journal.AssertEachOnce(texts);
    }

    [Fact]
    public async Task A_record_that_is_not_json_stops_its_shard_only_and_is_where_the_next_start_goes_on()
    {
        Kinesis.CreateStream(Stream, shardCount: 2);
        string[] shards = OpenShards();
        FastConsumer.Kinesis.HashKeyRange[] ranges = [.. Kinesis.ListShards(Stream).Select(static shard => shard.HashKeyRange)];
        Kinesis.Put(Stream, "a", """{"Id":"a:0"}""", ranges[0].StartingHashKey);
        Kinesis.Put(Stream, "a", """{"Id":"a:1"}""", ranges[0].StartingHashKey);
        FastConsumer.Kinesis.SequenceNumber before = Kinesis.Put(Stream, "a", """{"Id":"a:2"}""", ranges[0].StartingHashKey).SequenceNumber;
        FastConsumer.Kinesis.SequenceNumber poison = Kinesis.Put(Stream, "a", "not json", ranges[0].StartingHashKey).SequenceNumber;
        Kinesis.Put(Stream, "a", """{"Id":"a:4"}""", ranges[0].StartingHashKey);
        await using (WorkerHost host = await StartAsync<OrderProcessor>())
        {
            string description = await host.WaitForHealthAsync(HealthStatus.Unhealthy);
            Assert.Contains(shards[0], description, StringComparison.Ordinal);
            Assert.Contains(poison.ToString(), description, StringComparison.Ordinal);
            Assert.Contains("OrderProcessor", description, StringComparison.Ordinal);
            LogEntry logged = await host.WaitForLogAsync(2101);
            Assert.Equal(LogLevel.Error, logged.Level);
            Assert.Contains(poison.ToString(), logged.Message, StringComparison.Ordinal);
            Assert.Contains("restart", logged.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("not json", logged.Message, StringComparison.Ordinal);

            Kinesis.Put(Stream, "b", """{"Id":"b:0"}""", ranges[1].StartingHashKey);
            Kinesis.Put(Stream, "b", """{"Id":"b:1"}""", ranges[1].StartingHashKey);
            await Journal.WaitForAsync(["a:0", "a:1", "a:2", "b:0", "b:1"], host.Log);
            await Eventually.TrueAsync(() => Row(shards[0]).Checkpoint == CheckpointPosition.At(before), () => host.Log.ToString());
            // the lease is kept, and what the shard held is not
            Assert.NotNull(Row(shards[0]).LeaseOwner);
            await Eventually.TrueAsync(() => host.BudgetUsed < 600_000, () => $"{host.BudgetUsed}");
            await host.StopAsync();
            Assert.Equal(
                ["a:0", "a:1", "a:2", "b:0", "b:1"], Journal.Done.Select(static delivery => delivery.Text).Order(StringComparer.Ordinal));
            Assert.Equal(CheckpointPosition.At(before), Row(shards[0]).Checkpoint);
            Assert.Null(Row(shards[0]).LeaseOwner);
        }

        // the corrected processor
        int seen = Journal.Begun.Count;
        await using WorkerHost next = await StartAsync<EventProcessor>();
        await Journal.WaitForAsync(["not json", """{"Id":"a:4"}"""], next.Log);
        Assert.Equal(["not json", """{"Id":"a:4"}"""], Journal.Begun.Skip(seen).Select(static delivery => delivery.Text));
        await next.WaitForHealthAsync(HealthStatus.Healthy);
    }

    [Fact]
    public async Task A_record_without_a_route_stops_its_shard()
    {
        Kinesis.CreateStream(Stream);
        Kinesis.Put(Stream, "a", """{"Id":"known"}""");
        Kinesis.Put(Stream, "a", """{"Id":"unknown"}""");
        Kinesis.Put(Stream, "a", """{"Id":"known"}""");
        await using WorkerHost host = await StartAsync<RoutedProcessor>();
        string description = await host.WaitForHealthAsync(HealthStatus.Unhealthy);
        Assert.Contains("UnmatchedRouteException", description, StringComparison.Ordinal);
        await host.StopAsync();
        Assert.Single(Journal.Done);
    }

    [Fact]
    public async Task A_poison_record_in_a_batch_stops_the_shard_after_what_precedes_it()
    {
        Kinesis.CreateStream(Stream);
        Kinesis.Put(Stream, "a", """{"Id":"0"}""");
        FastConsumer.Kinesis.SequenceNumber before = Kinesis.Put(Stream, "a", """{"Id":"1"}""").SequenceNumber;
        Kinesis.Put(Stream, "a", "[]");
        Kinesis.Put(Stream, "a", """{"Id":"3"}""");
        await using WorkerHost host = await StartAsync<OrderBatchProcessor>();
        await host.WaitForHealthAsync(HealthStatus.Unhealthy);
        await Eventually.TrueAsync(() => Rows.Single().Checkpoint == CheckpointPosition.At(before), () => host.Log.ToString());
        Assert.Equal(["0", "1"], Journal.Done.Select(static delivery => delivery.Text));
    }

    [Fact]
    public async Task A_handler_that_turns_its_cancellation_into_another_exception_still_gets_its_last_checkpoint()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(10, keys: 1);
        var reached = new TaskCompletionSource();
        Journal.Handler = async (delivery, _, token) =>
        {
            if (delivery.Text == "key-0:6")
            {
                reached.TrySetResult();
                try
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
                }
                catch (OperationCanceledException e)
                {
                    throw new InvalidOperationException("wrapped", e);
                }
            }
        };
        await using (WorkerHost host = await StartAsync(static options =>
        {
            options.StopTimeout = TimeSpan.FromSeconds(8);
            options.CheckpointInterval = TimeSpan.FromHours(1);
        }))
        {
            await Eventually.WithinAsync(reached.Task);
            await host.StopAsync();
            Assert.Single(host.Log.Of(2105));
            Assert.Empty(host.Log.Of(2405));
        }

        Assert.Contains("0 stopping", Journal.Events);
        AssertReleasedAtWhatIsDone();
        Journal.Handler = static (_, _, _) => default;
        await using WorkerHost next = await StartAsync();
        await Journal.WaitForAsync(texts, next.Log);
        Journal.AssertEachOnce(texts);
    }
}
