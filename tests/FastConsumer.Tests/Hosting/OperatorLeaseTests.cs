using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Operators;
using FastConsumer.Testing.Leases;

namespace FastConsumer.Tests.Hosting;

/// <summary>Release, evict and reset of leases while workers live.</summary>
public sealed class OperatorLeaseTests : WorkerTest
{
    private const string Requester = "fastconsumer-cli/ann";

    [Fact]
    public async Task A_reset_to_the_oldest_record_is_not_overwritten_and_all_records_come_again_in_order()
    {
        Kinesis.CreateStream(Stream, 2);
        await using WorkerHost host = await StartAsync();
        List<string> texts = Put(20);
        await Journal.WaitForAsync(texts, host.Log);
        string shard = OpenShards()[0];
        await CheckpointedAsync(host, shard);
        Lease before = Row(shard);

        FreedLease freed = await ResetAsync(shard, new ResetTarget(CheckpointPosition.TrimHorizon));

        Assert.Null(freed.Refusal);
        Assert.False(freed.WasTakenAway);
        Assert.Equal(before.Checkpoint, freed.From);
        Assert.Equal(CheckpointPosition.TrimHorizon, freed.To);
        int ofShard = Journal.Done.Count(delivery => delivery.ShardId == shard);
        await Eventually.TrueAsync(
            () => Journal.Done.Count(delivery => delivery.ShardId == shard) == 2 * ofShard && Row(shard).Checkpoint == before.Checkpoint,
            () => $"{host.Log}");
        List<string> again = [.. Journal.Done.Where(delivery => delivery.ShardId == shard).Select(static delivery => delivery.Text)];
        Assert.Equal(again[..ofShard], again[ofShard..]);
        Lease after = Row(shard);
        Assert.True(after.LeaseCounter > before.LeaseCounter);
        Assert.Null(after.StartedAt);
        CheckpointReset note = OperatorNotes.ReadReset(after.Reset)!;
        Assert.Equal(("ann", "again", before.Checkpoint.ToString(), "TRIM_HORIZON"), (note.By, note.Reason, note.From, note.To));

        // the other shard was left alone
        Assert.Equal(20 - ofShard, Journal.Done.Count(delivery => delivery.ShardId != shard));
    }

    [Fact]
    public async Task A_reset_to_a_time_holds_although_the_options_say_another_start()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = await StartAsync(static options =>
        {
            options.StartPosition = FastConsumer.Hosting.StartPosition.AtTimestamp;
            options.StartTimestamp = DateTimeOffset.UnixEpoch;
        });
        List<string> early = Put(10);
        await Journal.WaitForAsync(early, host.Log);
        DateTimeOffset between = await NextMillisecondAsync();
        List<string> late = Put(10);
        await Journal.WaitForAsync([.. early, .. late], host.Log);
        string shard = OpenShards()[0];

        FreedLease freed = await ResetAsync(shard, new ResetTarget(CheckpointPosition.AtTimestamp, between));

        Assert.Null(freed.Refusal);
        await Eventually.TrueAsync(() => Journal.Done.Count == 30, () => $"{host.Log}");
        Assert.Equal(late, Journal.Done.Skip(20).Select(static delivery => delivery.Text));
        await CheckpointedAsync(host, shard);
    }

    [Fact]
    public async Task A_reset_to_latest_bears_the_new_time_and_never_an_old_one()
    {
        Kinesis.CreateStream(Stream);
        WorkerHost host = await StartAsync(static options => options.StartPosition = FastConsumer.Hosting.StartPosition.Latest);
        string shard = OpenShards()[0];
        await Eventually.TrueAsync(() => Rows.Any(static row => row.LeaseOwner is not null), () => $"{host.Log}");
        DateTimeOffset old = Row(shard).StartedAt!.Value;
        await host.DisposeAsync();
        Put(10);
        DateTimeOffset now = await NextMillisecondAsync();

        FreedLease freed = await ResetAsync(shard, new ResetTarget(CheckpointPosition.Latest, now));

        Assert.Null(freed.Refusal);
        Assert.True(now > old);
        Assert.Equal(now.ToUnixTimeMilliseconds(), Row(shard).StartedAt!.Value.ToUnixTimeMilliseconds());
        await using WorkerHost next = await StartAsync(static options => options.StartPosition = FastConsumer.Hosting.StartPosition.Latest);
        string text = PutOne("later").Text;
        await Journal.WaitForAsync([text], next.Log);
        Assert.Equal([text], Journal.Done.Select(static delivery => delivery.Text));
    }

    [Fact]
    public async Task An_owner_that_hangs_has_its_lease_taken_away_and_its_checkpoint_never_comes_back()
    {
        Kinesis.CreateStream(Stream);
        var hangs = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int calls = 0;
        Journal.Handler = async (_, _, _) =>
        {
            if (Interlocked.Increment(ref calls) == 3)
            {
                await hangs.Task;
            }
        };
        await using WorkerHost first = await StartAsync(static options => options.LeaseDuration = TimeSpan.FromSeconds(2));
        first.MustReturnMemory = false;
        List<string> texts = Put(5);
        string shard = OpenShards()[0];
        await Eventually.TrueAsync(() => Volatile.Read(ref calls) == 3, () => $"{first.Log}");
        await using WorkerHost second = await StartAsync(static options => options.LeaseDuration = TimeSpan.FromSeconds(2));

        FreedLease evicted = await Operator().EvictAsync(shard, Requester, TestContext.Current.CancellationToken);

        Assert.Null(evicted.Refusal);
        Assert.True(evicted.WasTakenAway);
        await Journal.WaitForAsync(texts, second.Log);
        await CheckpointedAsync(second, shard);
        hangs.SetResult();
    }

    [Fact]
    public async Task A_released_lease_is_drained_first_and_read_on_without_a_repeat()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = await StartAsync();
        List<string> texts = Put(20);
        await Journal.WaitForAsync(texts, host.Log);
        string shard = OpenShards()[0];
        long token = Row(shard).LeaseCounter;

        FreedLease freed = await Operator().ReleaseAsync(shard, Requester, TestContext.Current.CancellationToken);

        Assert.Null(freed.Refusal);
        Assert.False(freed.WasTakenAway);
        texts.AddRange(Put(20));
        await Journal.WaitForAsync(texts, host.Log);
        Journal.AssertEachOnce(texts);
        Assert.True(Row(shard).LeaseCounter > token);
    }

    [Fact]
    public async Task A_reset_of_a_shard_with_state_has_to_say_what_becomes_of_the_state()
    {
        CheckpointPosition at = CheckpointPosition.At(SequenceNumber.Parse("49590338271490256608559692538361571095921575989136588898"), 0);
        var handle = new SnapshotHandle("00112233445566778899aabbccddeeff/7", 4096, 512, SnapshotHandle.StampOf(at))
        {
            Seen = DateTimeOffset.FromUnixTimeSeconds(1_764_600_000),
        };
        await using InMemoryLeaseStore store = Store();
        await Create(new Lease
        {
            LeaseKey = "state",
            Checkpoint = at,
            Snapshot = handle.ToString(),
            StateVersion = 2,
            Lineage = "l.1",
        });
        var parent = new Lease { LeaseKey = "0", Snapshot = handle.ToString() };
        await Create(new Lease
        {
            LeaseKey = "child",
            Inherits = [SnapshotHandle.Inherit(parent, CheckpointPosition.TrimHorizon)],
            StateVersion = 2,
            Lineage = "l.2",
        });
        await Create(new Lease { LeaseKey = "foreign" });
        var to = new ResetTarget(CheckpointPosition.Latest, DateTimeOffset.FromUnixTimeSeconds(1_764_700_000));

        foreach (string shard in new[] { "state", "child" })
        {
            Lease before = Row(shard);
            Assert.Contains("--drop-state", (await ResetAsync(shard, to)).Refusal, StringComparison.Ordinal);
            Assert.Equal(before, Row(shard));
            Assert.Null((await ResetAsync(shard, to, StateChoice.Keep)).Refusal);
        }

        string stamp = SnapshotHandle.StampOf(CheckpointPosition.Latest);
        // what it was known to be done up to says nothing of the new position
        Assert.Equal((handle with { Stamp = stamp, Seen = null }).ToString(), Row("state").Snapshot);
        (IReadOnlyList<SnapshotHandle?> parents, bool isAtStart) = SnapshotHandle.Inherited(Row("child"));
        Assert.True(isAtStart);
        Assert.Equal((handle.Object, handle.Stamp), (Assert.Single(parents)!.Object, parents[0]!.Stamp));

        foreach (string shard in new[] { "state", "child", "foreign" })
        {
            Assert.Null((await ResetAsync(shard, to, StateChoice.Drop)).Refusal);
            Lease dropped = Row(shard);
            Assert.Equal(SnapshotHandle.EmptyAt(CheckpointPosition.Latest).ToString(), dropped.Snapshot);
            Assert.Equal((0, 0, "l"), (dropped.StateVersion, dropped.Inherits.Count, dropped.Lineage?.Split('.')[0]));
        }

        // where no row bears a lineage, the table has no state that a row could belong to
        foreach (Lease row in Rows)
        {
            await store.DeleteAsync(row, TestContext.Current.CancellationToken);
        }

        await Create(new Lease { LeaseKey = "foreign" });
        Assert.Null((await ResetAsync("foreign", to, StateChoice.Drop)).Refusal);
        Assert.Equal((null, null), (Row("foreign").Snapshot, Row("foreign").Lineage));

        Task Create(Lease row) => store.CreateAsync(row, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task What_may_not_be_freed_is_refused_with_the_reason_and_stays_as_it_is()
    {
        await using InMemoryLeaseStore store = Store();
        await Create(Row("gone", checkpoint: CheckpointPosition.ShardEnd));
        await Create(Row("kcl", owner: "kcl-worker"));
        await Create(Row("moves", owner: "b", takenBy: "a"));
        await Create(Row("asked", owner: "a", takenBy: "a") with { RequestedBy = "b" });
        await Create(Row("kcl3", owner: "b") with { CheckpointOwner = "a" });
        await Create(Row("free"));

        foreach ((string shard, string why) in new[]
        {
            ("none", "no lease"), ("gone", "SHARD_END"), ("kcl", "worker of KCL"), ("moves", "handed over"), ("asked", "handed over"),
            ("kcl3", "KCL 3.x"),
        })
        {
            Lease? before = Rows.SingleOrDefault(row => row.LeaseKey == shard);
            FreedLease freed = await ResetAsync(shard, new ResetTarget(CheckpointPosition.TrimHorizon));
            Assert.Contains(why, freed.Refusal, StringComparison.Ordinal);
            Assert.Equal(before, Rows.SingleOrDefault(row => row.LeaseKey == shard));
        }

        Assert.Contains(
            "Nobody holds",
            (await Operator().ReleaseAsync("free", Requester, TestContext.Current.CancellationToken)).Refusal,
            StringComparison.Ordinal);
        Assert.Null((await ResetAsync("free", new ResetTarget(CheckpointPosition.Latest, DateTimeOffset.UnixEpoch))).Refusal);

        Task Create(Lease row) => store.CreateAsync(row, TestContext.Current.CancellationToken);
        static Lease Row(string key, string? owner = null, string? takenBy = null, CheckpointPosition checkpoint = default) => new()
        {
            LeaseKey = key,
            LeaseOwner = owner,
            TakenBy = takenBy,
            Checkpoint = checkpoint,
        };
    }

    [Theory]
    [InlineData("release")]
    [InlineData("evict")]
    [InlineData("reset")]
    public async Task A_lease_is_freed_once_although_the_answer_is_lost_and_another_worker_has_it_by_then(string deed)
    {
        await using InMemoryLeaseStore inner = Store();
        await inner.CreateAsync(OfA(), TestContext.Current.CancellationToken);
        int freed = 0;
        await using var store = new ScriptedLeaseStore(inner);
        store.AfterRelease = async (write, result) =>
        {
            if (RequesterIn(write) is { } requester)
            {
                await GiveAsync(inner, requester, takenBy: "a");
                return result;
            }

            freed++;
            await GiveAsync(inner, "b", takenBy: "b");
            return new LeaseWrite.Result(
                LeaseWrite.Outcome.Unknown, Error: new LeaseStoreException("no answer", isTransient: true));
        };
        var table = new OperatorTable(store, "EventProcessor", TimeProvider.System, new Random(7));

        FreedLease result = await (deed switch
        {
            "release" => table.ReleaseAsync("one", Requester, TestContext.Current.CancellationToken),
            "evict" => table.EvictAsync("one", Requester, TestContext.Current.CancellationToken),
            _ => table.ResetAsync(
                "one", new ResetTarget(CheckpointPosition.Latest, DateTimeOffset.UnixEpoch), Requester, "ann", null,
                TestContext.Current.CancellationToken),
        });

        Assert.Null(result.Refusal);
        Assert.Equal(1, freed);
        Assert.Equal("a", result.FormerOwner);
        Assert.Equal("b", Row("one").LeaseOwner);
        Assert.Equal(deed == "reset" ? CheckpointPosition.Latest : CheckpointPosition.TrimHorizon, Row("one").Checkpoint);
    }

    [Fact]
    public async Task A_reset_asks_whoever_has_the_lease_by_now_and_takes_it_from_nobody_that_it_has_not_asked()
    {
        await using InMemoryLeaseStore inner = Store();
        await inner.CreateAsync(OfA(), TestContext.Current.CancellationToken);
        List<string> asked = [];
        await using var store = new ScriptedLeaseStore(inner);
        store.AfterRelease = async (write, result) =>
        {
            if (RequesterIn(write) is { } requester)
            {
                asked.Add(write.If[Lease.Names.LeaseOwner]!.Value.Text!);
                await GiveAsync(inner, asked.Count == 1 ? "b" : requester, takenBy: "b");
            }

            return result;
        };
        var table = new OperatorTable(store, "EventProcessor", TimeProvider.System, new Random(7));

        FreedLease freed = await table.ResetAsync(
            "one", new ResetTarget(CheckpointPosition.Latest, DateTimeOffset.UnixEpoch), Requester, "ann", null,
            TestContext.Current.CancellationToken);

        Assert.Null(freed.Refusal);
        Assert.False(freed.WasTakenAway);
        Assert.Equal(["a", "b"], asked);
        Assert.Equal(CheckpointPosition.Latest, Row("one").Checkpoint);
    }

    [Fact]
    public async Task Two_calls_under_one_name_are_two()
    {
        await using InMemoryLeaseStore store = Store();
        await store.CreateAsync(OfA(), TestContext.Current.CancellationToken);
        Task<FreedLease> first = ResetAsync("one", new ResetTarget(CheckpointPosition.Latest, DateTimeOffset.UnixEpoch));
        await Eventually.TrueAsync(() => Row("one").RequestedBy is not null, static () => "not asked");

        var other = new OperatorTable(Store(), "EventProcessor", TimeProvider.System, new Random(8));
        FreedLease second = await other.ReleaseAsync("one", Requester, TestContext.Current.CancellationToken);

        Assert.Contains("handed over", second.Refusal, StringComparison.Ordinal);
        Assert.NotNull(Row("one").RequestedBy);
        // a does not answer
        Assert.True((await first).WasTakenAway);
    }

    private static string? RequesterIn(LeaseWrite write) => write.Set.GetValueOrDefault(Lease.Names.RequestedBy).Text;

    private static Lease OfA() => new()
    {
        LeaseKey = "one",
        LeaseOwner = "a",
        TakenBy = "a",
        LeaseCounter = 1,
        Session = Lease.SessionOf("a", 1),
        Duration = TimeSpan.FromSeconds(1),
    };

    /// <summary>The lease belongs to another: it was released to it, or it has taken it.</summary>
    private async Task GiveAsync(InMemoryLeaseStore store, string owner, string takenBy)
    {
        long counter = Row("one").LeaseCounter + 1;
        LeaseWrite.Result given = Assert.Single(await store.WriteAsync(
            [
                new LeaseWrite
                {
                    LeaseKey = "one",
                    If = new Dictionary<string, Lease.Value?>(StringComparer.Ordinal),
                    Set = new Dictionary<string, Lease.Value>(StringComparer.Ordinal)
                    {
                        [Lease.Names.LeaseCounter] = counter,
                        [Lease.Names.LeaseOwner] = owner,
                        [Lease.Names.TakenBy] = takenBy,
                        [Lease.Names.Session] = Lease.SessionOf(takenBy, counter),
                    },
                    Remove = [Lease.Names.RequestedBy],
                },
            ],
            TestContext.Current.CancellationToken));
        Assert.Equal(LeaseWrite.Outcome.Written, given.Outcome);
    }

    private static async Task<DateTimeOffset> NextMillisecondAsync()
    {
        await Task.Delay(50, TestContext.Current.CancellationToken);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        await Task.Delay(50, TestContext.Current.CancellationToken);
        return now;
    }

    private Task<FreedLease> ResetAsync(string shard, ResetTarget target, StateChoice state = StateChoice.None) =>
        Operator().ResetAsync(
            shard, target, Requester, "ann", "again", TestContext.Current.CancellationToken, state: state);

    private OperatorTable Operator() => new(Store(), "EventProcessor", TimeProvider.System, new Random(7));

    private InMemoryLeaseStore Store() => new(Leases, WorkerHost.Application);

    private Task CheckpointedAsync(WorkerHost host, string shard) => Eventually.TrueAsync(
        () => Journal.Done.LastOrDefault(delivery => delivery.ShardId == shard) is { } last
            && Row(shard).Checkpoint == CheckpointPosition.At(last.Number),
        () => $"{host.Log}");
}
