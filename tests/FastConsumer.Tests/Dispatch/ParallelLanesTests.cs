using System.Collections.Concurrent;
using FastConsumer.Diagnostics;
using FastConsumer.Dispatch;
using FastConsumer.Operators;
using FastConsumer.Processors;
using FastConsumer.Tests.Hosting;

namespace FastConsumer.Tests.Dispatch;

public sealed class ParallelLanesTests
{
    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 8)]
    [InlineData(3, 31)]
    public async Task Every_record_succeeds_once_and_those_of_a_key_in_order(int seed, int lanes)
    {
        var random = new Random(seed);
        var seen = new ConcurrentDictionary<string, List<int>>(StringComparer.Ordinal);
        var running = new ConcurrentDictionary<string, int>(StringComparer.Ordinal);
        await using var harness = new LaneHarness(lanes, new FunctionPipeline(async (number, record, context, _) =>
        {
            string key = record.PartitionKey;
            Assert.Equal(1, running.AddOrUpdate(key, 1, static (_, count) => count + 1));
            if (number % 3 == 0)
            {
                await Task.Yield();
            }

            Assert.Equal(key, record.PartitionKey);
            running[key] = 0;
            if (number % 7 == 0 && context.Attempt < 3)
            {
                throw new InvalidOperationException("not yet");
            }

            seen.GetOrAdd(key, static _ => []).Add(number);
        }));
        harness.Start();
        int count = 0;
        for (int page = 0; page < 40; page++)
        {
            string[] keys = [.. Enumerable.Range(0, random.Next(0, 60)).Select(_ => $"key-{random.Next(12)}")];
            harness.Put(keys);
            count += keys.Length;
        }

        harness.End();
        Assert.Equal(DispatchEnd.ShardEnded, await Eventually.WithinAsync(harness.Running));
        Assert.Equal(Enumerable.Range(0, count), seen.Values.SelectMany(static numbers => numbers).Order());
        Assert.All(seen.Values, static numbers => Assert.Equal(numbers.Order(), numbers));
        Assert.Equal(CheckpointPosition.ShardEnd, harness.Progress.Done);
        Assert.Equal(0, harness.Outstanding);
        Assert.Empty(harness.Findings.Current);
    }

    [Fact]
    public async Task A_record_that_fails_holds_up_its_lane_only_and_the_checkpoint()
    {
        bool failing = true;
        await using var harness = new LaneHarness(4, new FunctionPipeline(
            (number, _, _, _) => number == 2 && Volatile.Read(ref failing) ? throw new InvalidOperationException("down") : default));
        harness.Start();
        // each key in a lane of its own
        harness.Put("a", "b", "c", "d", "a", "b", "c", "d");
        RecordPage later = harness.Put("a", "b", "d", "a");
        await Eventually.TrueAsync(() => harness.Completed == 10, () => $"{harness.Completed}");
        Assert.Equal(harness.PositionOf(1), harness.Progress.Done);
        // the second page is not held up: its memory is returned before that of the first
        await Eventually.TrueAsync(() => harness.Outstanding == 1, () => $"{harness.Outstanding}");
        Assert.Throws<ObjectDisposedException>(() => { _ = later.Response.BufferSpan.Length; });
        Assert.Contains(harness.Findings.Current, static condition => condition.Severity == FindingSeverity.Degraded);
        Volatile.Write(ref failing, false);
        await Eventually.TrueAsync(() => harness.Progress.Done == harness.PositionOf(11), () => $"{harness.Progress.Done}");
        await Eventually.TrueAsync(() => harness.Findings.Current.Count == 0, () => "still unwell");
    }

    [Fact]
    public async Task A_rule_that_stops_ends_the_other_lanes_behind_what_runs()
    {
        var gate = new TaskCompletionSource();
        var others = new CountdownEvent(3);
        int started = 0;
        await using var harness = new LaneHarness(
            4,
            new FunctionPipeline(
                async (number, _, _, _) =>
                {
                    Interlocked.Increment(ref started);
                    if (number == 3)
                    {
                        await Task.Run(others.Wait, CancellationToken.None);
                        throw new NotSupportedException("fatal");
                    }

                    others.Signal();
                    await gate.Task;
                },
                static _ => new ErrorRule(ErrorAction.Stop)));
        harness.Start();
        harness.Put("a", "b", "c", "d", "a", "b", "c", "d");
        await Eventually.TrueAsync(
            () => harness.Findings.Current.Any(static condition => condition.Severity == FindingSeverity.Unhealthy),
            () => "healthy");
        Assert.False(harness.Running.IsCompleted);
        gate.SetResult();
        await Assert.ThrowsAsync<ShardStoppedException>(() => Eventually.WithinAsync(harness.Running));
        Assert.Equal(4, started);
        Assert.Equal(harness.PositionOf(2), harness.Progress.Done);
    }

    [Fact]
    public async Task A_record_that_an_operator_leaves_out_is_done_before_a_later_one_stops_the_shard()
    {
        var gate = new TaskCompletionSource();
        int left = 0;
        var command = new OperatorCommand(
            "1", 2, LaneHarness.Position(2).ToString(), RecordDecision.Skip, "ann", null, DateTimeOffset.UnixEpoch, "", 1);
        var redrive = new Redrive(command, LaneHarness.Position(2), () => { }, () => left++);
        await using var harness = new LaneHarness(
            2,
            new FunctionPipeline(
                async (number, _, _, _) =>
                {
                    Assert.NotEqual(2, number);
                    if (number == 3)
                    {
                        throw new NotSupportedException("fatal");
                    }

                    await gate.Task;
                },
                static _ => new ErrorRule(ErrorAction.Stop)),
            redrive: redrive);
        harness.Start();
        harness.Put("a", "a", "a", "b", "a");
        await Eventually.TrueAsync(
            () => harness.Findings.Current.Any(static condition => condition.Severity == FindingSeverity.Unhealthy),
            () => "healthy");
        Assert.False(harness.Running.IsCompleted);
        gate.SetResult();
        await Assert.ThrowsAsync<ShardStoppedException>(() => Eventually.WithinAsync(harness.Running));
        Assert.Equal(1, left);
        Assert.Equal(harness.PositionOf(2), harness.Progress.Done);
    }

    [Fact]
    public async Task A_stop_lets_every_lane_finish_what_runs()
    {
        var gate = new TaskCompletionSource();
        int started = 0;
        int finished = 0;
        await using var harness = new LaneHarness(3, new FunctionPipeline(async (_, _, _, _) =>
        {
            Interlocked.Increment(ref started);
            await gate.Task;
            Interlocked.Increment(ref finished);
        }));
        harness.Start();
        harness.Put("a", "b", "c", "a", "b", "c");
        await Eventually.TrueAsync(() => Volatile.Read(ref started) == 3, () => $"{started}");
        Task stopping = harness.StopAsync();
        Assert.False(harness.Running.IsCompleted);
        gate.SetResult();
        await stopping;
        Assert.Equal((3, 3), (started, finished));
        Assert.Equal(harness.PositionOf(2), harness.Progress.Done);
    }

    [Fact]
    public async Task A_barrier_waits_for_every_lane()
    {
        var gate = new TaskCompletionSource();
        await using var harness = new LaneHarness(4, new FunctionPipeline(async (number, _, _, _) =>
        {
            if (number == 0)
            {
                await gate.Task;
            }
        }));
        harness.Start();
        harness.Put("a", "b", "c", "d");
        harness.End();
        await Eventually.TrueAsync(() => harness.Completed == 3, () => $"{harness.Completed}");
        Assert.False(harness.Running.IsCompleted);
        Assert.Equal(CheckpointPosition.TrimHorizon, harness.Progress.Done);
        gate.SetResult();
        Assert.Equal(DispatchEnd.ShardEnded, await Eventually.WithinAsync(harness.Running));
    }

    [Fact]
    public async Task A_checkpoint_waits_for_earlier_records_and_is_asked_for_when_they_are_done()
    {
        var gate = new TaskCompletionSource();
        await using var harness = new LaneHarness(5, new FunctionPipeline(async (number, _, context, token) =>
        {
            if (number == 0)
            {
                await gate.Task;
            }
            else if (number == 3)
            {
                await context.CheckpointAsync(token);
            }
        }));
        harness.Start();
        RecordPage page = harness.Put("a", "b", "c", "d", "e");
        await Eventually.TrueAsync(() => harness.Completed == 3 && harness.CheckpointsRequested == 1, () => $"{harness.Completed}");
        Assert.Equal(CheckpointPosition.TrimHorizon, harness.Progress.Done);
        gate.SetResult();
        await Eventually.TrueAsync(() => harness.CheckpointsRequested > 1, () => "nobody asked");
        // its handler still runs, so the page is kept although all of it is done
        Assert.Equal(harness.PositionOf(4), harness.Progress.Done);
        Assert.Equal(5, page.Response.Count);
        Assert.Equal(1, harness.Outstanding);
        harness.Progress.MadeDurable(harness.Progress.Done);
        await Eventually.TrueAsync(() => harness.Outstanding == 0, () => $"{harness.Outstanding}");
    }

    [Fact]
    public async Task What_lies_behind_an_open_record_is_bounded()
    {
        var gate = new TaskCompletionSource();
        await using var harness = new LaneHarness(4, new FunctionPipeline(async (number, _, _, _) =>
        {
            if (number == 0)
            {
                await gate.Task;
            }
        }));
        harness.Start();
        string[] keys = [.. Enumerable.Range(0, 1000).Select(static i => $"key-{i}")];
        for (int i = 0; i < 30; i++)
        {
            harness.Put(keys);
        }

        await Eventually.TrueAsync(
            () => harness.Progress.DispatchedPosition == harness.PositionOf(ParallelLanes.MaxRecordsInFlight - 1),
            () => $"{harness.Progress.DispatchedPosition}");
        Assert.Equal(ParallelLanes.MaxRecordsInFlight, harness.Progress.InFlight);
        gate.SetResult();
        await Eventually.TrueAsync(() => harness.Progress.Done == harness.PositionOf(29_999), () => $"{harness.Progress.Done}");
        Assert.Equal(30_000, harness.Completed);
    }

    [Theory]
    [InlineData(RecordOrder.PartitionKey)]
    [InlineData(RecordOrder.None)]
    public async Task Sixteen_lanes_do_at_least_fourteen_times_the_work_of_one(RecordOrder order)
    {
        const int Lanes = 16;
        const int Records = 10_000;
        var rounds = new Rounds();
        await using var harness = new LaneHarness(Lanes, new FunctionPipeline((_, _, _, _) => new ValueTask(rounds.WaitAsync())), order);
        harness.Start();
        // chance gives the keys their sizes and places
        var random = new Random(5);
        for (int page = 0; page < 5; page++)
        {
            harness.Put([.. Enumerable.Range(0, Records / 5).Select(_ => $"key-{random.Next(1000)}")]);
        }

        await Eventually.TrueAsync(() => harness.Progress.DispatchedPosition == harness.PositionOf(Records - 1), () => "not dispatched");
        int count = 0;
        while (harness.Completed < Records)
        {
            // every lane that has work waits in a handler; each round is one handler's time
            await Eventually.TrueAsync(() => rounds.Waiting == harness.BusyLanes, () => $"{rounds.Waiting} of {harness.BusyLanes}");
            if (rounds.Waiting > 0)
            {
                rounds.Next();
                count++;
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{Records} records of 1,000 keys in {count} handler times: {(double)Records / count:0.00} times one lane");
        Assert.True(count * 14 <= Records, $"{count} rounds");
    }

    /// <summary>Handlers that all wait for the next round.</summary>
    private sealed class Rounds
    {
        private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Lock _lock = new();
        private int _waiting;

        public int Waiting => Volatile.Read(ref _waiting);

        public Task WaitAsync()
        {
            lock (_lock)
            {
                _waiting++;
                return _next.Task;
            }
        }

        public void Next()
        {
            TaskCompletionSource now;
            lock (_lock)
            {
                now = _next;
                _next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _waiting = 0;
            }

            now.SetResult();
        }
    }
}
