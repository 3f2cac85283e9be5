using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Testing;
using FastConsumer.Testing.Leases;
using FastConsumer.Tests.Hosting;

namespace FastConsumer.Tests.Leases;

public sealed class LeaseWriterTests : IAsyncDisposable
{
    private static readonly TimeSpan s_gatherTime = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_answerTime = TimeSpan.FromSeconds(2);

    private readonly ManualClock _clock = new();
    private readonly InMemoryLeaseDatabase _database = new();
    private readonly ScriptedLeaseStore _store;
    private readonly List<int> _requests = [];

    public LeaseWriterTests()
    {
        _store = new ScriptedLeaseStore(new InMemoryLeaseStore(_database, "tests"));
        _store.BeforeUpdate = (updates, _) =>
        {
            lock (_requests)
            {
                _requests.Add(updates.Count);
            }

            return Task.CompletedTask;
        };
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task Sixty_leases_are_three_requests()
    {
        LeaseWriter writer = Writer();
        List<HeldLease> leases = await TakeAsync(writer, 60);
        Task<LeaseWriteResult[]> writes = WriteAllAsync(leases, 1);
        await AdvanceUntilAsync(writes);

        Assert.All(await writes, static result => Assert.Equal(LeaseWriteOutcome.Written, result.Outcome));
        Assert.Equal([25, 25, 10], _requests);
        Assert.All(_database.Snapshot("tests"), static row => Assert.Equal(At(1), row.Checkpoint));
    }

    [Fact]
    public async Task What_is_newest_when_the_request_is_sent_is_written()
    {
        LeaseWriter writer = Writer();
        HeldLease lease = (await TakeAsync(writer, 1))[0];
        CheckpointPosition newest = At(1);
        Task<LeaseWriteResult> write = lease.WriteAsync(() => newest, isUrgent: false, Cancellation);
        newest = At(2);
        await AdvanceUntilAsync(write);

        Assert.Equal(At(2), (await write).Lease!.Checkpoint);
    }

    [Fact]
    public async Task Who_waits_does_not_wait_for_company()
    {
        LeaseWriter writer = Writer();
        List<HeldLease> leases = await TakeAsync(writer, 2);
        Task<LeaseWriteResult> patient = leases[0].WriteAsync(static () => null, isUrgent: false, Cancellation);
        Task<LeaseWriteResult> urgent = leases[1].WriteAsync(static () => null, isUrgent: true, Cancellation);
        await AdvanceUntilAsync(Task.WhenAll(patient, urgent), step: TimeSpan.FromMilliseconds(1), most: TimeSpan.FromMilliseconds(20));

        Assert.Equal([2], _requests);
    }

    [Fact]
    public async Task Who_waits_for_a_lease_s_earlier_writes_does_not_wait_for_their_company()
    {
        LeaseWriter writer = Writer();
        HeldLease lease = (await TakeAsync(writer, 1))[0];
        Task<LeaseWriteResult> renewal = lease.WriteAsync(static () => null, isUrgent: false, Cancellation);
        Task<LeaseWriteResult> checkpoint = lease.WriteAsync(static () => At(1), isUrgent: false, Cancellation);
        Task<LeaseWriteResult> last = lease.WriteAsync(static () => At(2), isUrgent: true, Cancellation);
        await AdvanceUntilAsync(Task.WhenAll(renewal, checkpoint, last), step: TimeSpan.FromMilliseconds(1), most: TimeSpan.FromMilliseconds(50));

        Assert.Equal([1, 1, 1], _requests);
        Assert.Equal(At(2), (await last).Lease!.Checkpoint);
    }

    [Fact]
    public async Task A_budget_is_kept_and_nothing_is_refused_for_it()
    {
        var budget = new WriteBudget(100, _clock);
        budget.SetShare(held: 50, all: 100);
        LeaseWriter writer = Writer(budget);
        List<HeldLease> leases = await TakeAsync(writer, 200);
        DateTimeOffset started = _clock.GetUtcNow();
        Task<LeaseWriteResult[]> writes = WriteAllAsync(leases, 1);
        await AdvanceUntilAsync(writes);

        Assert.All(await writes, static result => Assert.Equal(LeaseWriteOutcome.Written, result.Outcome));
        // 200 rows at 50 a second: the last batch of 25 starts after 3.5 s
        Assert.InRange(_clock.GetUtcNow() - started, TimeSpan.FromSeconds(3.5), TimeSpan.FromSeconds(4));
    }

    [Fact]
    public async Task A_throttle_halves_the_pace_which_then_comes_back()
    {
        var budget = new WriteBudget(40, _clock);
        LeaseWriter writer = Writer(budget);
        HeldLease lease = (await TakeAsync(writer, 1))[0];
        _store.AfterUpdate = static results => 
        [
            .. results.Select(static _ => new LeaseWrite.Result(
                LeaseWrite.Outcome.NotWritten, Error: new LeaseStoreException("throttled", isTransient: true) { IsThrottled = true })),
        ];
        Assert.Null(lease.SinceTableThrottle);
        Task<LeaseWriteResult> refused = lease.WriteAsync(static () => null, isUrgent: true, Cancellation);
        await AdvanceUntilAsync(refused);
        Assert.Equal(LeaseWriteOutcome.Failed, (await refused).Outcome);
        Assert.InRange(lease.SinceTableThrottle!.Value, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        Assert.Equal(20, budget.Pace!.Value, 1e-6);

        _store.AfterUpdate = static results => results;
        _clock.Advance(TimeSpan.FromSeconds(30));
        Task<LeaseWriteResult> later = lease.WriteAsync(static () => null, isUrgent: true, Cancellation);
        await AdvanceUntilAsync(later);
        Assert.Equal(LeaseWriteOutcome.Written, (await later).Outcome);
        Assert.InRange(lease.SinceTableThrottle!.Value, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(32));
        Assert.Equal(40, budget.Pace!.Value, 1e-6);
    }

    [Fact]
    public void No_throttle_slows_a_worker_down_below_what_its_leases_need()
    {
        var budget = new WriteBudget(null, _clock);
        budget.SetShare(held: 6, all: 10, least: 3);
        for (int i = 0; i < 10; i++)
        {
            budget.Answered(written: 0, throttled: 5);
        }

        Assert.Equal(3, budget.Pace);
        // what the application may use stays the bound
        var given = new WriteBudget(2, _clock);
        given.SetShare(held: 6, all: 6, least: 3);
        given.Answered(written: 0, throttled: 5);
        Assert.Equal(2, given.Pace);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1000.0)]
    public void A_throttle_after_a_long_quiet_time_slows_down_at_once(double? tableUnits)
    {
        var budget = new WriteBudget(tableUnits, _clock);
        budget.Answered(written: 20, throttled: 5);
        for (int second = 0; second < 6000; second++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            budget.Answered(written: 20, throttled: 0);
        }

        // what was learnt so long ago bounds nothing any more
        Assert.Equal(tableUnits, budget.Pace);
        budget.Answered(written: 10, throttled: 10);
        Assert.InRange(budget.Pace!.Value, 5, 20);
    }

    [Fact]
    public async Task What_is_taken_back_before_it_is_sent_is_not_sent()
    {
        LeaseWriter writer = Writer();
        HeldLease lease = (await TakeAsync(writer, 1))[0];
        using var stop = new CancellationTokenSource();
        Task<LeaseWriteResult> write = lease.WriteAsync(static () => At(1), isUrgent: false, stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);
        _clock.Advance(s_gatherTime * 4);

        Assert.False(lease.IsWriting);
        Assert.Empty(_requests);
    }

    [Fact]
    public async Task A_write_under_way_is_waited_for_while_another_of_its_request_is()
    {
        LeaseWriter writer = Writer();
        List<HeldLease> leases = await TakeAsync(writer, 2);
        var answer = new TaskCompletionSource();
        var asked = new TaskCompletionSource();
        _store.BeforeUpdate = (_, token) =>
        {
            asked.SetResult();
            return answer.Task.WaitAsync(token);
        };
        using var stop = new CancellationTokenSource();
        Task<LeaseWriteResult> first = leases[0].WriteAsync(static () => At(1), isUrgent: true, stop.Token);
        Task<LeaseWriteResult> second = leases[1].WriteAsync(static () => At(1), isUrgent: true, Cancellation);
        while (!asked.Task.IsCompleted)
        {
            _clock.Advance(TimeSpan.FromMilliseconds(5));
            await Task.WhenAny(asked.Task, Task.Delay(1, Cancellation));
        }

        await stop.CancelAsync();
        Assert.True(leases[0].IsWriting);
        answer.SetResult();
        Assert.Equal(LeaseWriteOutcome.Written, (await Eventually.WithinAsync(first)).Outcome);
        Assert.Equal(LeaseWriteOutcome.Written, (await Eventually.WithinAsync(second)).Outcome);
    }

    private static CheckpointPosition At(int number) => CheckpointPosition.At(SequenceNumber.Parse($"{number}"));

    private static Task<LeaseWriteResult[]> WriteAllAsync(List<HeldLease> leases, int number) =>
        Task.WhenAll(leases.Select(lease => lease.WriteAsync(() => At(number), isUrgent: false, Cancellation)));

    private LeaseWriter Writer(WriteBudget? budget = null) => new(_store, budget ?? new WriteBudget(null, _clock), new LeaseWriterTimes(s_gatherTime, TimeSpan.FromHours(1), s_answerTime), _clock);

    /// <summary>Moves the clock in small steps until the task is done: the code under test runs between them.</summary>
    private async Task AdvanceUntilAsync(Task task, TimeSpan? step = null, TimeSpan? most = null)
    {
        TimeSpan moved = TimeSpan.Zero;
        while (!task.IsCompleted && moved < (most ?? TimeSpan.FromMinutes(1)))
        {
            await Task.WhenAny(task, Task.Delay(1, Cancellation));
            if (!task.IsCompleted)
            {
                moved += step ?? TimeSpan.FromMilliseconds(10);
                _clock.Advance(step ?? TimeSpan.FromMilliseconds(10));
            }
        }

        Assert.True(task.IsCompleted);
    }

    private async Task<List<HeldLease>> TakeAsync(LeaseWriter writer, int count)
    {
        List<HeldLease> leases = [];
        for (int i = 0; i < count; i++)
        {
            var row = new Lease { LeaseKey = $"{i}" };
            await _store.TryCreateAsync(row, Cancellation);
            LeaseWriteResult taken = await _store.TakeAsync(row, "me", Cancellation);
            leases.Add(new HeldLease(_store, writer, taken.Lease!, _clock.GetTimestamp(), _clock));
        }

        return leases;
    }
}
