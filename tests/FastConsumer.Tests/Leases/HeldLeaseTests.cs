using System.Collections.Concurrent;
using System.Globalization;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Testing;
using FastConsumer.Testing.Leases;
using FastConsumer.Tests.Leases.Fleet;
using FastConsumer.Tests.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastConsumer.Tests.Leases;

public sealed class HeldLeaseTests : IAsyncDisposable
{
    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_answerTime = s_duration / 4;

    private readonly ManualClock _clock = new();
    private readonly InMemoryLeaseDatabase _database = new();
    private readonly ScriptedLeaseStore _store;

    public HeldLeaseTests() => _store = new ScriptedLeaseStore(new InMemoryLeaseStore(_database, "tests"));

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private Lease Row => _database.Snapshot("tests").Single();

    [Fact]
    public async Task A_write_whose_answer_was_lost_is_the_condition_of_the_next()
    {
        HeldLease lease = await TakeAsync();
        _store.AfterUpdate = static _ => throw new LeaseStoreException("lost", isTransient: true);
        Assert.Equal(LeaseWriteOutcome.Failed, (await WriteAsync(lease, At(1), Cancellation)).Outcome);
        _store.AfterUpdate = static results => results;
        Assert.Equal(LeaseWriteOutcome.Written, (await WriteAsync(lease, At(2), Cancellation)).Outcome);
        Assert.Equal(At(2), Row.Checkpoint);
        Assert.False(lease.Lost.IsCancellationRequested);
        Assert.Equal(Row.LeaseCounter, lease.Current.LeaseCounter);
    }

    [Fact]
    public async Task Once_another_owns_it_nothing_is_written_again()
    {
        HeldLease lease = await TakeAsync();
        _database.Put("tests", Row with { LeaseOwner = "other", LeaseCounter = Row.LeaseCounter + 1 });
        Assert.Equal(LeaseWriteOutcome.Refused, (await WriteAsync(lease, At(1), Cancellation)).Outcome);
        Assert.True(lease.Lost.IsCancellationRequested);
        Assert.Contains("other", lease.LossReason, StringComparison.Ordinal);
        int asked = _store.Checkpoints.Count;
        Assert.Equal(LeaseWriteOutcome.Refused, (await WriteAsync(lease, At(2), Cancellation)).Outcome);
        Assert.Equal(asked, _store.Checkpoints.Count);
    }

    [Fact]
    public async Task A_deleted_row_is_a_loss()
    {
        HeldLease lease = await TakeAsync();
        await _store.TryDeleteAsync(Row, Cancellation);
        Assert.Equal(LeaseWriteOutcome.Refused, (await WriteAsync(lease, null, Cancellation)).Outcome);
        Assert.Contains("deleted", lease.LossReason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hand_over_to_another_is_a_loss()
    {
        HeldLease lease = await TakeAsync();
        _database.Put("tests", Row with { LeaseOwner = "next", CheckpointOwner = "me" });
        Assert.Equal(LeaseWriteOutcome.Refused, (await WriteAsync(lease, null, Cancellation)).Outcome);
        Assert.True(lease.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task A_write_without_an_answer_is_given_up_in_time_for_a_renewal()
    {
        HeldLease lease = await TakeAsync();
        _store.BeforeUpdate = static (_, token) => ScriptedLeaseStore.NeverAsync(token);
        Task<LeaseWriteResult> write = WriteAsync(lease, At(1), Cancellation);
        _clock.Advance(s_answerTime);
        LeaseWriteResult result = await Eventually.WithinAsync(write);
        Assert.Equal(LeaseWriteOutcome.Failed, result.Outcome);
        Assert.IsType<TimeoutException>(result.Error);
        Assert.False(lease.IsWriting);
    }

    [Fact]
    public async Task Any_exception_of_the_store_is_a_failed_write()
    {
        HeldLease lease = await TakeAsync();
        _store.BeforeUpdate = static (_, _) => throw new NotSupportedException("a bug");
        Assert.Equal(LeaseWriteOutcome.Failed, (await WriteAsync(lease, At(1), Cancellation)).Outcome);
        _store.BeforeUpdate = static (_, _) => Task.CompletedTask;
        _store.AfterUpdate = static _ => [];
        Assert.Equal(LeaseWriteOutcome.Failed, (await WriteAsync(lease, At(1), Cancellation)).Outcome);
        _store.AfterUpdate = static results => results;
        Assert.Equal(LeaseWriteOutcome.Written, (await WriteAsync(lease, At(3), Cancellation)).Outcome);
        Assert.Equal(At(3), Row.Checkpoint);
    }

    [Fact]
    public async Task A_write_that_proves_to_have_taken_effect_renews_from_its_own_beginning()
    {
        HeldLease lease = await TakeAsync();
        _clock.Advance(TimeSpan.FromSeconds(4));
        _store.AfterUpdate = static _ => throw new LeaseStoreException("lost", isTransient: true);
        await WriteAsync(lease, null, Cancellation);
        Assert.Equal(TimeSpan.FromSeconds(4), lease.SinceRenewal);
        _clock.Advance(TimeSpan.FromSeconds(3));
        // the second is refused, for the row shows that the first took effect
        _store.AfterUpdate = static results => results;
        Assert.Equal(LeaseWriteOutcome.Written, (await WriteAsync(lease, null, Cancellation)).Outcome);
        Assert.Equal(TimeSpan.FromSeconds(3), lease.SinceRenewal);
    }

    [Fact]
    public async Task A_write_that_the_store_finds_done_after_doubt_renews_from_the_first_doubtful_one()
    {
        HeldLease lease = await TakeAsync();
        _store.AfterUpdate = static _ => throw new LeaseStoreException("lost", isTransient: true);
        await WriteAsync(lease, At(1), Cancellation);
        _clock.Advance(TimeSpan.FromSeconds(4));
        // the store reads the row back, and finds it as this write leaves it, which the first one did
        _store.AfterUpdate = _ => [new LeaseWrite.Result(LeaseWrite.Outcome.Written, Row)];
        Assert.Equal(LeaseWriteOutcome.Written, (await WriteAsync(lease, At(1), Cancellation)).Outcome);
        Assert.Equal(TimeSpan.FromSeconds(4), lease.SinceRenewal);
    }

    [Fact]
    public async Task What_waited_to_be_sent_when_the_lease_was_lost_is_not_written_any_more()
    {
        await _store.TryCreateAsync(new Lease { LeaseKey = "0" }, Cancellation);
        LeaseWriteResult taken = await _store.TakeAsync(Row, "me", Cancellation);
        var writer = new LeaseWriter(_store, new WriteBudget(null, _clock), new LeaseWriterTimes(TimeSpan.FromSeconds(1), s_duration, s_answerTime), _clock);
        var lease = new HeldLease(_store, writer, taken.Lease!, _clock.GetTimestamp(), _clock);
        Task<LeaseWriteResult> write = WriteAsync(lease, At(1), Cancellation);
        lease.MarkLost("it expired");
        // the worker has taken it anew: owner and next counter look like a write of the old time
        _database.Put("tests", Row with { LeaseCounter = Row.LeaseCounter + 1 });
        long counter = Row.LeaseCounter;
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(LeaseWriteOutcome.Refused, (await Eventually.WithinAsync(write)).Outcome);
        Assert.Equal(counter, Row.LeaseCounter);
        Assert.Equal(CheckpointKind.TrimHorizon, Row.Checkpoint.Kind);
    }

    [Fact]
    public async Task A_store_that_wraps_its_cancellation_is_a_failed_write_too()
    {
        HeldLease lease = await TakeAsync();
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        _store.BeforeUpdate = static (_, _) => throw new LeaseStoreException("cancelled", isTransient: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => WriteAsync(lease, At(1), stop.Token));
        using var during = new CancellationTokenSource();
        _store.BeforeUpdate = (_, _) =>
        {
            during.Cancel();
            throw new LeaseStoreException("cancelled", isTransient: true);
        };
        Assert.Equal(LeaseWriteOutcome.Failed, (await WriteAsync(lease, At(1), during.Token)).Outcome);
        Assert.False(lease.IsWriting);
    }

    [Fact]
    public async Task A_release_sees_through_lost_answers()
    {
        HeldLease lease = await TakeAsync();
        _store.AfterUpdate = static _ => throw new LeaseStoreException("lost", isTransient: true);
        await WriteAsync(lease, At(1), Cancellation);
        Assert.Equal(LeaseWriteOutcome.Written, (await lease.ReleaseAsync(null, Cancellation)).Outcome);
        Assert.Null(Row.LeaseOwner);
        // as a second try after a first whose answer was lost
        Assert.Equal(LeaseWriteOutcome.Written, (await lease.ReleaseAsync(null, Cancellation)).Outcome);
    }

    [Fact]
    public async Task The_renewer_renews_what_is_half_its_duration_old_and_gives_up_what_is_nearly_expired()
    {
        HeldLease lease = await TakeAsync();
        var held = new ConcurrentDictionary<string, HeldLease> { [lease.Key] = lease };
        var renewer = new LeaseRenewer(held, s_duration, new WriteBudget(null, _clock), _clock, NullLogger.Instance);
        long counter = Row.LeaseCounter;
        await renewer.RenewOnceAsync(Cancellation);
        Assert.Equal(counter, Row.LeaseCounter);
        _clock.Advance(s_duration / 2);
        await renewer.RenewOnceAsync(Cancellation);
        Assert.Equal(counter + 1, Row.LeaseCounter);

        _store.BeforeUpdate = static (_, _) => throw new LeaseStoreException("throttled", isTransient: true);
        _clock.Advance(s_duration * 0.8);
        await renewer.RenewOnceAsync(Cancellation);
        renewer.ExpireOnce();
        Assert.False(lease.Lost.IsCancellationRequested);
        _clock.Advance(s_duration * 0.1);
        renewer.ExpireOnce();
        Assert.True(lease.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task The_renewer_tells_of_throttles_now_and_then_and_of_all_leases_together()
    {
        HeldLease lease = await TakeAsync();
        var held = new ConcurrentDictionary<string, HeldLease> { [lease.Key] = lease };
        using var log = new LogRecorder();
        var renewer = new LeaseRenewer(held, TimeSpan.FromHours(1), new WriteBudget(null, _clock), _clock, log.CreateLogger("renewer"));
        _store.BeforeUpdate = static (_, _) => throw new LeaseStoreException("throttled", isTransient: true) { IsThrottled = true };
        _clock.Advance(TimeSpan.FromMinutes(30));
        Task renewal = renewer.RenewOnceAsync(Cancellation);
        await Eventually.TrueAsync(() => lease.IsThrottled, log.ToString);
        for (int second = 0; second <= 65; second++)
        {
            renewer.ExpireOnce();
            _clock.Advance(TimeSpan.FromSeconds(1));
            renewal = renewal.IsCompleted ? renewer.RenewOnceAsync(Cancellation) : renewal;
        }

        Assert.Equal([3, 33, 63], log.Entries.Select(static entry => TimeSpan.Parse(entry.Message.Split("longest for ")[1].Split(". ")[0], CultureInfo.InvariantCulture).TotalSeconds));
        Assert.All(log.Entries, static entry => Assert.Equal((2203, null), (entry.Id, entry.Error)));
        Assert.StartsWith("The lease table throttles me: 1 of its 1 shards", log.Entries[0].Message, StringComparison.Ordinal);

        _store.BeforeUpdate = static (_, _) => Task.CompletedTask;
        await Eventually.TrueAsync(
            () =>
            {
                // the pace is slow after so many throttles
                _clock.Advance(TimeSpan.FromSeconds(1));
                renewal = renewal.IsCompleted ? renewer.RenewOnceAsync(Cancellation) : renewal;
                return !lease.IsThrottled && lease.WaitsFor == TimeSpan.Zero;
            },
            log.ToString);
        renewer.ExpireOnce();
        Assert.Equal(3, log.Entries.Count);
    }

    [Fact]
    public async Task The_renewer_tells_of_other_failures_with_their_reason()
    {
        HeldLease lease = await TakeAsync();
        var held = new ConcurrentDictionary<string, HeldLease> { [lease.Key] = lease };
        using var log = new LogRecorder();
        var renewer = new LeaseRenewer(held, s_duration, new WriteBudget(null, _clock), _clock, log.CreateLogger("renewer"));
        _store.BeforeUpdate = static (_, _) => throw new LeaseStoreException("unreachable", isTransient: true);
        _clock.Advance(s_duration / 2);
        await renewer.RenewOnceAsync(Cancellation);
        _clock.Advance(s_duration / 3);
        renewer.ExpireOnce();
        LogEntry failed = Assert.Single(log.Entries);
        Assert.Equal(2304, failed.Id);
        Assert.IsType<LeaseStoreException>(failed.Error);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void A_request_that_is_never_answered_costs_no_lease(int checkpointSeconds)
    {
        const int count = 10;
        var time = new VirtualTime();
        var interval = TimeSpan.FromSeconds(5);
        int unanswered = 0;
        HashSet<string> unlucky = [];
        using var end = new CancellationTokenSource();
        _store.BeforeUpdate = (updates, cancellationToken) =>
        {
            // each is lost on the way, but for those that try again
            string[] keys = [.. updates.Select(static update => update.LeaseKey)];
            if (unlucky.Overlaps(keys))
            {
                unlucky.ExceptWith(keys);
                return Task.CompletedTask;
            }

            unanswered++;
            unlucky.UnionWith(keys);
            return Task.Delay(Timeout.InfiniteTimeSpan, time.Clock, cancellationToken);
        };
        var writer = new LeaseWriter(_store, new WriteBudget(null, time.Clock), LeaseWriterTimes.For(s_duration, interval), time.Clock);
        var held = new ConcurrentDictionary<string, HeldLease>();
        for (int i = 0; i < count; i++)
        {
            var row = new Lease { LeaseKey = $"{i}", LeaseOwner = "me", TakenBy = "me" };
            _database.Put("tests", row);
            // not all at once: neither may one round put off the next
            held[row.LeaseKey] = new HeldLease(_store, writer, row, -i * TimeSpan.FromMilliseconds(300).Ticks, time.Clock);
        }

        var factory = new TaskFactory(time);
        var renewer = new LeaseRenewer(held, s_duration, new WriteBudget(null, time.Clock), time.Clock, NullLogger.Instance);
        factory.StartNew(() => renewer.RunAsync(end.Token), Cancellation);
        foreach (HeldLease lease in checkpointSeconds > 0 ? held.Values : [])
        {
            factory.StartNew(() => CheckpointAsync(lease), Cancellation);
        }

        time.Run(TimeSpan.FromMinutes(5));
        HeldLease[] lost = [.. held.Values.Where(static lease => lease.Lost.IsCancellationRequested)];
        end.Cancel();
        time.Run(time.Now + TimeSpan.FromSeconds(5));

        Assert.InRange(unanswered, 20, int.MaxValue);
        Assert.Empty(lost);

        // as ShardCheckpointer does
        async Task CheckpointAsync(HeldLease lease)
        {
            while (!end.IsCancellationRequested)
            {
                try
                {
                    LeaseWriteResult result = await lease.WriteAsync(() => CheckpointPosition.At(SequenceNumber.Parse($"{time.Now.Ticks + 1}")), isUrgent: false, end.Token);
                    await Task.Delay(result.Outcome == LeaseWriteOutcome.Written ? interval : TimeSpan.FromMilliseconds(200), time.Clock, end.Token);
                }
                catch (OperationCanceledException)
                {
                    return;
                }
            }
        }
    }

    [Fact]
    public async Task The_renewer_survives_answers_that_make_no_sense()
    {
        HeldLease lease = await TakeAsync();
        var held = new ConcurrentDictionary<string, HeldLease> { [lease.Key] = lease };
        var renewer = new LeaseRenewer(held, s_duration, new WriteBudget(null, _clock), _clock, NullLogger.Instance);
        _clock.Advance(s_duration / 2);
        _store.AfterUpdate = static _ => [];
        await renewer.RenewOnceAsync(Cancellation);
        _store.AfterUpdate = static results => results;
        await renewer.RenewOnceAsync(Cancellation);
        await renewer.RenewOnceAsync(Cancellation);
        Assert.Equal(TimeSpan.Zero, lease.SinceRenewal);
        Assert.False(lease.Lost.IsCancellationRequested);
    }

    private static Task<LeaseWriteResult> WriteAsync(HeldLease lease, CheckpointPosition? checkpoint, CancellationToken cancellationToken) =>
        lease.WriteAsync(() => checkpoint, isUrgent: false, cancellationToken);

    private static CheckpointPosition At(int number) => CheckpointPosition.At(SequenceNumber.Parse($"{number}"));

    private async Task<HeldLease> TakeAsync()
    {
        await _store.TryCreateAsync(new Lease { LeaseKey = "0" }, Cancellation);
        LeaseWriteResult taken = await _store.TakeAsync(Row, "me", Cancellation);
        var writer = new LeaseWriter(_store, new WriteBudget(null, _clock), new LeaseWriterTimes(TimeSpan.Zero, s_duration, s_answerTime), _clock);
        return new HeldLease(_store, writer, taken.Lease!, _clock.GetTimestamp(), _clock);
    }
}
