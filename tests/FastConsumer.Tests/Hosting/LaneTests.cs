using FastConsumer.Kinesis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Tests.Hosting;

public sealed class LaneTests : WorkerTest
{
    private readonly Letters _letters = new();

    [Fact]
    public async Task Lanes_handle_every_record_once_in_the_order_of_its_key_over_a_split()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(300, keys: 20);
        Journal.Handler = static async (delivery, _, _) =>
        {
            await Task.Yield();
            if (delivery.Text.EndsWith(":7", StringComparison.Ordinal) && delivery.Attempt < 3)
            {
                throw new InvalidOperationException("not yet");
            }
        };
        await using (WorkerHost host = await StartLanesAsync(static options => options.Limit = 40))
        {
            await Eventually.TrueAsync(() => Journal.Done.Count > 50, () => host.Log.ToString());
            Kinesis.SplitShard(Stream, OpenShards()[0]);
            texts.AddRange(Put(200, keys: 20));
            await Journal.WaitForAsync(texts, host.Log);
            await Eventually.TrueAsync(() => IsFinished("shardId-000000000000"), () => host.Log.ToString());
        }

        Journal.AssertEachOnce(texts);
        Assert.Contains("0 ended", Journal.Events);
        foreach (string shard in OpenShards())
        {
            SequenceNumber last = Journal.Done.Where(delivery => delivery.ShardId == shard).Max(static delivery => delivery.Number);
            Assert.Equal(CheckpointPosition.At(last), Row(shard).Checkpoint);
        }
    }

    [Fact]
    public async Task Records_of_several_keys_run_at_a_time()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(8, keys: 8);
        var all = new TaskCompletionSource();
        int running = 0;
        Journal.Handler = async (_, _, _) =>
        {
            if (Interlocked.Increment(ref running) == 8)
            {
                all.SetResult();
            }

            await Eventually.WithinAsync(all.Task);
        };
        await using WorkerHost host = await StartLanesAsync();
        await Journal.WaitForAsync(texts, host.Log);
    }

    [Fact]
    public async Task A_crash_repeats_no_more_than_what_was_not_contiguous()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(400, keys: 50);
        SequenceNumber held = default;
        var hold = new TaskCompletionSource();
        Journal.Handler = async (delivery, _, token) =>
        {
            await Task.Yield();
            if (delivery.Text == "key-7:3")
            {
                held = delivery.Number;
                await hold.Task.WaitAsync(token);
            }
        };
        WorkerHost dying = await StartLanesAsync();
        // all other keys pass it
        await Eventually.TrueAsync(() => Journal.Done.Count(static delivery => delivery.Key == "key-8") == 8, () => dying.Log.ToString());
        await Eventually.TrueAsync(
            () => Rows.Single().Checkpoint.SequenceNumber is var at && Journal.Done.Count(delivery => delivery.Number <= at) == 157,
            () => $"{Rows.Single().Checkpoint}");
        await dying.DisposeWithoutStopAsync();
        CheckpointPosition checkpoint = Rows.Single().Checkpoint;
        Assert.True(checkpoint < CheckpointPosition.At(held));
        int before = Journal.Begun.Count;
        Journal.Handler = static (_, _, _) => default;
        await using WorkerHost next = await StartLanesAsync();
        await Journal.WaitForAsync(texts, next.Log);
        await next.StopAsync();
        Assert.All(Journal.Begun.Skip(before), delivery => Assert.True(CheckpointPosition.At(delivery.Number) > checkpoint));
        Assert.Equal(400 - 157, Journal.Begun.Count - before);
        AssertReleasedAtWhatIsLast();
    }

    [Fact]
    public async Task A_dead_letter_that_is_not_written_holds_up_its_lane_and_the_checkpoint()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(100, keys: 10);
        _letters.Failing = true;
        Journal.Handler = static (delivery, _, _) => delivery.Text == "key-4:2" ? throw new InvalidDataException("no") : default;
        await using WorkerHost host = await StartLanesAsync();
        await Journal.WaitForAsync([.. texts.Where(static text => text.StartsWith("key-5", StringComparison.Ordinal))], host.Log);
        Assert.Contains("dead letter", await host.WaitForHealthAsync(HealthStatus.Degraded), StringComparison.Ordinal);
        SequenceNumber given = Journal.Begun.Single(static delivery => delivery.Text == "key-4:2").Number;
        Assert.True(Rows.Single().Checkpoint < CheckpointPosition.At(given));
        _letters.Failing = false;
        texts.Remove("key-4:2");
        await Journal.WaitForAsync(texts, host.Log);
        Assert.Single(_letters.Written);
        await host.WaitForHealthAsync(HealthStatus.Healthy);
    }

    [Fact]
    public async Task A_checkpoint_from_a_lane_covers_what_stands_before_it()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(40, keys: 20);
        Journal.Handler = async (delivery, context, token) =>
        {
            await Task.Yield();
            if (delivery.Text.EndsWith(":1", StringComparison.Ordinal))
            {
                await context.CheckpointAsync(token);
                CheckpointPosition durable = Rows.Single().Checkpoint;
                Assert.True(durable >= CheckpointPosition.At(delivery.Number));
            }
        };
        await using WorkerHost host = await StartLanesAsync(static options => options.CheckpointInterval = TimeSpan.FromHours(1));
        await Journal.WaitForAsync(texts, host.Log);
        Journal.AssertEachOnce(texts);
    }

    private void AssertReleasedAtWhatIsLast()
    {
        Assert.Null(Rows.Single().LeaseOwner);
        Assert.Equal(CheckpointPosition.At(Journal.Begun.Max(static delivery => delivery.Number)), Rows.Single().Checkpoint);
    }

    private async Task<WorkerHost> StartLanesAsync(Action<FastConsumer.Hosting.FastConsumerOptions>? options = null)
    {
        WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer =>
            {
                consumer.AddProcessor<LaneProcessor>().UseInMemoryLeases(Leases).UseDeadLetters<LetterSink>();
                consumer.Services.AddSingleton(_letters);
            },
            options);
        await host.StartAsync();
        return host;
    }
}
