using FastConsumer.Hosting;
using FastConsumer.Kinesis;
using FastConsumer.Tests.Monitoring;

namespace FastConsumer.Tests.Supervision;

/// <summary>Shards that are begun anew with other settings, in virtual time.</summary>
public sealed class ReloadTests : IDisposable
{
    private const int Shards = 6;

    private readonly WatchedFleet _fleet = new(Shards);
    private readonly Dictionary<string, List<(long Epoch, string Number)>> _done = [];
    private readonly HashSet<string> _running = [];

    public ReloadTests() => _fleet.Handler = async (context, _) =>
    {
        Assert.True(_running.Add(context.ShardId), $"Two runs of {context.ShardId} at a time.");
        await _fleet.WaitAsync(TimeSpan.FromMilliseconds(20), CancellationToken.None);
        _running.Remove(context.ShardId);
        if (!_done.TryGetValue(context.ShardId, out List<(long, string)>? done))
        {
            _done[context.ShardId] = done = [];
        }

        done.Add((context.FencingToken, context.SequenceNumber.ToString()));
    };

    public void Dispose() => _fleet.Dispose();

    [Fact]
    public void One_shard_after_the_other_is_begun_anew_and_no_record_is_lost_doubled_or_out_of_order()
    {
        StreamWorker worker = Settled();
        worker.Change(worker.Settings with { Limit = 5 });
        Assert.True(worker.HasOutdatedRuns);
        Task restart = _fleet.On(() => worker.RestartRunsAsync(static () => false, CancellationToken.None));
        int least = Shards;
        RunFlowing(() =>
        {
            least = Math.Min(least, worker.Snapshot().Shards.Count);
            return restart.IsCompleted;
        });
        Assert.True(restart.IsCompletedSuccessfully);
        Assert.False(worker.HasOutdatedRuns);
        // while one of them is begun anew, the others are read
        Assert.InRange(least, Shards - 1, Shards);
        Put();
        AssertAllDone();
        Assert.All(_done.Values, static done => Assert.Equal(2, done.Select(static one => one.Epoch).Distinct().Count()));

        // the same again changes nothing, and a change back before anything is begun anew neither
        WorkerSettings settings = worker.Settings;
        worker.Change(settings with { Limit = 6 });
        worker.Change(settings);
        Assert.False(worker.HasOutdatedRuns);
    }

    [Fact]
    public void Settings_that_change_again_end_the_round_and_the_next_one_does_the_rest()
    {
        StreamWorker worker = Settled();
        worker.Change(worker.Settings with { Limit = 5 });
        bool isSuperseded = false;
        Task restart = _fleet.On(() => worker.RestartRunsAsync(() => isSuperseded, CancellationToken.None));
        RunFlowing(() => _done.Values.Any(static done => done.Select(static one => one.Epoch).Distinct().Count() == 2));
        isSuperseded = true;
        RunFlowing(() => restart.IsCompleted);
        Assert.True(worker.HasOutdatedRuns);
        worker.Change(worker.Settings with { Limit = 4 });
        restart = _fleet.On(() => worker.RestartRunsAsync(static () => false, CancellationToken.None));
        RunFlowing(() => restart.IsCompleted);
        Assert.False(worker.HasOutdatedRuns);
        AssertAllDone();
    }

    [Fact]
    public void A_stop_amid_it_is_a_stop_and_another_worker_goes_on()
    {
        StreamWorker worker = Settled();
        worker.Change(worker.Settings with { Limit = 5 });
        Task restart = _fleet.On(() => worker.RestartRunsAsync(static () => false, CancellationToken.None));
        RunFlowing(() => _done.Values.Any(static done => done.Select(static one => one.Epoch).Distinct().Count() == 2));
        Assert.False(restart.IsCompleted);
        _fleet.Stop(_fleet.Workers[0]);
        Assert.True(restart.IsCanceled);
        Assert.All(_fleet.Rows, static row => Assert.Null(row.LeaseOwner));
        _fleet.Settle(1);
        AssertAllDone();
    }

    [Fact]
    public void A_shard_that_is_handed_over_is_left_alone()
    {
        StreamWorker worker = Settled();
        // the second worker asks for its share while the first one begins its shards anew
        _fleet.Start("another");
        _fleet.RunUntil(() => _fleet.Rows.Any(static row => row.RequestedBy is not null), 60);
        worker.Change(worker.Settings with { Limit = 5 });
        Task restart = _fleet.On(() => worker.RestartRunsAsync(static () => false, CancellationToken.None));
        RunFlowing(() => restart.IsCompleted && _fleet.IsEven(2));
        Assert.True(restart.IsCompletedSuccessfully);
        Assert.False(worker.HasOutdatedRuns);
        Assert.Equal(Shards / 2, _fleet.Rows.Count(row => row.LeaseOwner == "another"));
        AssertAllDone();
    }

    private StreamWorker Settled()
    {
        _fleet.Settle(1);
        Put();
        _fleet.RunUntil(() => _done.Count == Shards, 60);
        return _fleet.Workers[0].Worker;
    }

    private void Put()
    {
        foreach (Shard shard in _fleet.OpenShards)
        {
            _fleet.Put(shard, records: 10);
        }
    }

    /// <summary>Runs until something is so, while records are put.</summary>
    private void RunFlowing(Func<bool> isSo)
    {
        for (int i = 0; i < 200; i++)
        {
            bool was = false;
            _fleet.Run(0.5, () => was = isSo());
            if (was)
            {
                return;
            }

            Put();
        }

        Assert.Fail(_fleet.Describe());
    }

    /// <summary>Each record is done once, in its shard's order.</summary>
    private void AssertAllDone()
    {
        _fleet.RunUntil(() => _done.Values.Sum(static done => done.Count) >= _fleet.Count, 120);
        Assert.Equal(_fleet.Count, _done.Values.Sum(static done => done.Count));
        Assert.All(_done.Values, static done =>
        {
            System.Numerics.BigInteger[] numbers = [.. done.Select(static one => System.Numerics.BigInteger.Parse(
                one.Number, System.Globalization.CultureInfo.InvariantCulture))];
            Assert.Equal(numbers.Order(), numbers);
            Assert.Equal(numbers.Distinct().Count(), numbers.Length);
            Assert.Equal(done.Select(static one => one.Epoch).Order(), done.Select(static one => one.Epoch));
        });
    }
}
