using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Leases.Core;
using FastConsumer.Reading;
using FastConsumer.Timing;

namespace FastConsumer.Leases.Loop;

/// <summary>
/// Carries out the lease loop's commands on the lease table and on the stream's control plane, and posts the answers. It decides nothing,
/// tries nothing again and keeps nothing back.
/// Invariant: each request is answered exactly once, whatever the store throws.
/// </summary>
[SuppressMessage(
    "Design",
    "CA1001",
    Justification = "Calls may still end late, so its source is never disposed; it holds neither a timer nor a handle.")]
internal sealed class LeaseTableClient
{
    private const int CreatedAtOnce = 16;

    /// <summary>A listing that takes longer says nothing any more.</summary>
    private static readonly TimeSpan s_listingLasts = TimeSpan.FromSeconds(20);

    private readonly ConcurrentDictionary<long, Handling> _requests = new();
    private readonly CancellationTokenSource _end = new();
    private readonly ILeaseStore _store;
    private readonly IKinesisClient _kinesis;
    private readonly StreamIdentifier _stream;
    private readonly TimeSpan _readTimeout;
    private readonly TimeProvider _time;
    private readonly TaskScheduler _scheduler;

    /// <param name="store">The table.</param>
    /// <param name="kinesis">Lists the stream.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="leaseDuration">A read that takes longer than half of it has failed.</param>
    /// <param name="time">The clock.</param>
    /// <param name="scheduler">Where the store is called: never the lease thread, for a store may block.</param>
    public LeaseTableClient(
        ILeaseStore store,
        IKinesisClient kinesis,
        StreamIdentifier stream,
        TimeSpan leaseDuration,
        TimeProvider time,
        TaskScheduler scheduler)
    {
        _store = store;
        _kinesis = kinesis;
        _stream = stream;
        _readTimeout = leaseDuration / 2;
        _time = time;
        _scheduler = scheduler;
    }

    /// <summary>Takes the answers; returns at once.</summary>
    public required Action<LeaseEvent> Post { private get; init; }

    /// <summary>What a run has done so far, asked just before a batch is handed to the store; null where it says nothing now.</summary>
    public required Func<string, long, LeaseMachine.Progress?> ProgressOf { private get; init; }

    /// <summary>Told of what nobody waits for and has failed.</summary>
    public required Action<string, Exception> Failed { private get; init; }

    private TimeSpan Now => _time.GetElapsedTime(0);

    /// <summary>Begins to carry out a command; returns at once and throws nothing.</summary>
    public void Execute(LeaseCommand command)
    {
        switch (command)
        {
            case LeaseCommand.Abandon abandon:
                Abandon(abandon.Request);
                break;
            case LeaseCommand.Send send:
                Begin(send.Request, send.Leases.Count, handling => SendAsync(send, handling));
                break;
            case LeaseCommand.WriteOne one:
                Begin(one.Request, 1, handling => WriteOneAsync(one.Write, handling));
                break;
            case LeaseCommand.Create create:
                Begin(create.Request, create.Leases.Count, handling => CreateAsync(create, handling));
                break;
            case LeaseCommand.List list:
                Begin(() => ListAsync(list.Consistency));
                break;
            case LeaseCommand.Poll poll:
                Begin(() => PollAsync(poll));
                break;
            case LeaseCommand.ListStream listing:
                Begin(() => ListStreamAsync(listing.WithCreation));
                break;
            case LeaseCommand.Notify notify:
                Begin(() => NotifyAsync(notify));
                break;
            case LeaseCommand.Delete delete:
                Begin(() => DeleteAsync(delete.Leases));
                break;
            case LeaseCommand.LearnLimits:
                Begin(LearnLimitsAsync);
                break;
            default:
                throw new InvalidOperationException($"{command.GetType().Name} is no command to the lease table.");
        }
    }

    /// <summary>Cancels all that is under way; it is answered all the same.</summary>
    public void End() => Begin(_end.CancelApartAsync);

    private void Begin(Func<Task> work) => _ = ApartTask.StartOn(_scheduler, work);

    private void Begin(long request, int leases, Func<Handling, Task<IReadOnlyList<LeaseWrite.Result>>> work)
    {
        var handling = new Handling(CancellationTokenSource.CreateLinkedTokenSource(_end.Token));
        _requests[request] = handling;
        Begin(async () =>
        {
            IReadOnlyList<LeaseWrite.Result> results;
            try
            {
                results = handling.TryHandOver() ? await work(handling) : All(leases, LeaseWrite.Outcome.NotWritten, null);
            }
            catch (Exception e)
            {
                // a store that throws has said nothing of what became of the writes
                results = All(handling.Sent ?? leases, LeaseWrite.Outcome.Unknown, e);
            }

            _requests.TryRemove(request, out _);
            Post(new LeaseEvent.Answered(request, results));
        });
    }

    /// <summary>Where it still waits for its turn, it is not handed over; else its answer is not waited for.</summary>
    private void Abandon(long request)
    {
        if (_requests.TryGetValue(request, out Handling? handling) && !handling.TryAbandon())
        {
            Begin(handling.Cancellation.CancelApartAsync);
        }
    }

    private async Task<IReadOnlyList<LeaseWrite.Result>> SendAsync(LeaseCommand.Send send, Handling handling)
    {
        // from here on others may count: the time is taken before anything is asked
        TimeSpan at = Now;
        List<LeaseEvent.Outgoing> writes = [];
        foreach (LeaseCommand.Renewal lease in send.Leases)
        {
            try
            {
                if (LeaseMachine.Renew(lease, ProgressOf(lease.Key, lease.Epoch)) is { } write)
                {
                    writes.Add(new LeaseEvent.Outgoing(lease.Key, lease.Epoch, write));
                }
            }
            catch (LeaseMachine.InvariantViolation violation)
            {
                // it costs this lease, and none of those that go with it
                Post(new LeaseEvent.Violated(violation.Message, violation.LeaseKey));
            }
        }

        handling.Sent = writes.Count;
        Post(new LeaseEvent.Sent(send.Request, writes, at));
        if (writes.Count == 0)
        {
            return [];
        }

        using Activity? span = Tracing.Internals.StartActivity($"settle {_stream.Name}", ActivityKind.Client);
        span?.SetTag("messaging.destination.name", _stream.Name).SetTag("messaging.batch.message_count", writes.Count);
        return await WriteAsync([.. writes.Select(static write => write.Write)], handling);
    }

    private async Task<IReadOnlyList<LeaseWrite.Result>> WriteOneAsync(LeaseEvent.Outgoing write, Handling handling)
    {
        // what asks another owner for a lease is of no epoch; a take notes this process's session, and a release does not
        using Activity? span = write.Epoch == 0 ? null
            : Tracing.Internals.StartActivity(
                write.Write.Set.ContainsKey(Lease.Names.Session) ? "lease.take" : "lease.hand_over", ActivityKind.Client);
        span?.SetTag("messaging.destination.name", _stream.Name).SetTag("messaging.destination.partition.id", write.Key);
        IReadOnlyList<LeaseWrite.Result> results = await WriteAsync([write.Write], handling);
        span?.SetTag("fastconsumer.outcome", results[0].Outcome.ToString());
        return results;
    }

    private async Task<IReadOnlyList<LeaseWrite.Result>> WriteAsync(IReadOnlyList<LeaseWrite> writes, Handling handling)
    {
        IReadOnlyList<LeaseWrite.Result> results = await _store.WriteAsync(writes, handling.Cancellation.Token);
        return results.Count == writes.Count
            ? results
            : throw new InvalidOperationException($"{_store.Description} answered {results.Count} results to {writes.Count} writes.");
    }

    private async Task<IReadOnlyList<LeaseWrite.Result>> CreateAsync(LeaseCommand.Create create, Handling handling)
    {
        List<LeaseWrite.Result> results = [];
        foreach (Lease[] some in create.Leases.Chunk(CreatedAtOnce))
        {
            results.AddRange(await Task.WhenAll(some.Select(lease =>
                CreateAsync(lease, create.WhileThere.GetValueOrDefault(lease.LeaseKey) ?? [], handling))));
        }

        return results;
    }

    private async Task<LeaseWrite.Result> CreateAsync(Lease lease, IReadOnlyList<string> whileThere, Handling handling)
    {
        try
        {
            return whileThere.Count == 0
                ? await _store.CreateAsync(lease, handling.Cancellation.Token)
                : await _store.CreateWhileThereAsync(lease, whileThere, handling.Cancellation.Token);
        }
        catch (Exception e)
        {
            return new LeaseWrite.Result(LeaseWrite.Outcome.Unknown, null, e);
        }
    }

    private async Task ListAsync(ReadConsistency consistency)
    {
        TimeSpan begun = Now;
        LeaseEvent answer;
        try
        {
            IReadOnlyList<Lease> rows = await InTimeAsync(
                _readTimeout, "The lease table was not listed", end => _store.ListAsync(consistency, end));
            answer = new LeaseEvent.TableListed(rows, begun, consistency);
        }
        catch (Exception e)
        {
            answer = new LeaseEvent.ReadFailed(null, e);
        }

        Post(answer);
    }

    private async Task PollAsync(LeaseCommand.Poll poll)
    {
        TimeSpan begun = Now;
        LeaseEvent answer;
        try
        {
            IReadOnlyList<Lease> rows = await InTimeAsync(
                _readTimeout, "Rows of the lease table were not read", end => _store.GetManyAsync(poll.Keys, poll.Consistency, end));
            answer = new LeaseEvent.RowsRead(poll.Keys, rows, begun, poll.Consistency);
        }
        catch (Exception e)
        {
            answer = new LeaseEvent.ReadFailed(poll.Keys, e);
        }

        Post(answer);
    }

    private async Task ListStreamAsync(bool withCreation)
    {
        TimeSpan begun = Now;
        LeaseEvent answer;
        try
        {
            answer = await InTimeAsync(s_listingLasts, $"The shards of {_stream} were not listed", async end =>
            {
                ShardListing listing = await ShardListing.ListAllAsync(_kinesis, _stream, end);
                DateTimeOffset? createdAt = withCreation
                    ? (await _kinesis.DescribeStreamSummaryAsync(_stream, end)).StreamCreationTimestamp
                    : null;
                DateTimeOffset answeredAt = listing.AnsweredAt ?? _time.GetUtcNow();
                return new LeaseEvent.StreamListed(listing.Shards, createdAt, answeredAt, begun, null);
            });
        }
        catch (Exception e)
        {
            answer = new LeaseEvent.StreamListed(null, null, default, begun, e);
        }

        Post(answer);
    }

    private async Task NotifyAsync(LeaseCommand.Notify notify)
    {
        try
        {
            foreach (LeaseWrite write in notify.Writes)
            {
                IReadOnlyList<LeaseWrite.Result> results = await InTimeAsync(
                    _readTimeout, "The notification was not written", end => _store.WriteAsync([write], end));
                if (results[0].Error is { } error)
                {
                    Failed($"notify {notify.Owner}", error);
                }

                if (results[0].Outcome != LeaseWrite.Outcome.Refused)
                {
                    return;
                }
            }
        }
        catch (Exception e)
        {
            // a hint only: the owner lists the table before long anyway
            Failed($"notify {notify.Owner}", e);
        }
    }

    private async Task DeleteAsync(IReadOnlyList<Lease> leases)
    {
        try
        {
            foreach (Lease lease in leases)
            {
                LeaseWrite.Result result = await InTimeAsync(
                    _readTimeout, "The lease was not deleted", end => _store.DeleteAsync(lease, end));
                if (result.Error is { } error)
                {
                    throw error;
                }
            }
        }
        catch (Exception e)
        {
            // what is left over does no harm, and is deleted another time
            Failed("delete leases of finished shards", e);
        }
    }

    private async Task LearnLimitsAsync()
    {
        double? units = null;
        if (_store is IMeteredLeaseStore metered)
        {
            try
            {
                units = (await InTimeAsync(
                    _readTimeout, "The limits of the lease table were not read", metered.DescribeThroughputAsync)).WriteUnits;
            }
            catch (Exception e)
            {
                Failed("learn the limits of the lease table", e);
                Post(new LeaseEvent.LimitsKnown(null, IsUnknown: true));
                return;
            }
        }

        Post(new LeaseEvent.LimitsKnown(units));
    }

    private async Task<T> InTimeAsync<T>(TimeSpan timeout, string failure, Func<CancellationToken, Task<T>> work)
    {
        using var late = new CancellationTokenSource(timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, _end.Token);
        try
        {
            return await work(either.Token);
        }
        catch (OperationCanceledException e) when (late.IsCancellationRequested)
        {
            throw new TimeoutException($"{failure} within {timeout}.", e);
        }
    }

    private static LeaseWrite.Result[] All(int count, LeaseWrite.Outcome outcome, Exception? error) =>
        [.. Enumerable.Repeat(new LeaseWrite.Result(outcome, null, error), count)];

    /// <summary>A request from the command to its answer: either it is handed to the store, or abandoned before, and never both.</summary>
    private sealed class Handling(CancellationTokenSource cancellation)
    {
        private int _state;

        public CancellationTokenSource Cancellation { get; } = cancellation;

        /// <summary>How many writes were handed over; null before.</summary>
        public int? Sent { get; set; }

        public bool TryHandOver() => Interlocked.CompareExchange(ref _state, 1, 0) == 0;

        public bool TryAbandon() => Interlocked.CompareExchange(ref _state, 2, 0) == 0;
    }
}
