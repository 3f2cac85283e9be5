using FastConsumer.Timing;

namespace FastConsumer.Leases;

/// <summary>
/// Gathers the renewals and checkpoints of all of a worker's leases into few requests. A write waits a moment for company, then for
/// the <see cref="WriteBudget"/>; what it writes is asked for only when it is sent, so newer progress overtakes older on the way.
/// </summary>
/// <remarks>
/// Invariants: the caller of <see cref="WriteAsync"/> hears nothing before the fate of its write is known or it was
/// certainly not sent; one request names a lease once (a lease has one write under way: <see cref="HeldLease"/>).
/// </remarks>
internal sealed class LeaseWriter
{
    /// <summary>As many statements as DynamoDB takes in one request.</summary>
    public const int BatchSize = 25;

    /// <summary>How long a write waits for company by default.</summary>
    public static readonly TimeSpan DefaultGatherTime = TimeSpan.FromMilliseconds(250);

    // somebody waits for an urgent write, and others may be about to: at a stop, every shard writes at once
    private static readonly TimeSpan s_urgentGatherTime = TimeSpan.FromMilliseconds(5);

    private readonly Lock _lock = new();
    private readonly ILeaseStore _store;
    private readonly WriteBudget _budget;
    private readonly TimeSpan _gatherTime;
    private readonly TimeSpan _answerTime;
    private readonly TimeProvider _time;
    private Batch? _open;

    /// <param name="store">The table.</param>
    /// <param name="budget">The pace.</param>
    /// <param name="gatherTime">How long a write waits for company; zero to send each at once.</param>
    /// <param name="answerTime">How long an answer may take.</param>
    /// <param name="time">The clock.</param>
    public LeaseWriter(ILeaseStore store, WriteBudget budget, TimeSpan gatherTime, TimeSpan answerTime, TimeProvider time)
    {
        _store = store;
        _budget = budget;
        _gatherTime = gatherTime;
        _answerTime = answerTime;
        _time = time;
    }

    /// <summary>Writes one update together with others. Whatever goes wrong in the store is told as <see cref="LeaseWriteOutcome.Failed"/>.</summary>
    /// <param name="update">Asked when the request is sent; null where it must not be written any more, which counts as refused.</param>
    /// <param name="isUrgent">True where somebody waits for it.</param>
    /// <param name="cancellationToken">Takes the write back while it is not sent; a request that nobody waits for any more is cancelled.</param>
    public async Task<LeaseWriteResult> WriteAsync(Func<LeaseUpdate?> update, bool isUrgent, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var write = new Write(update);
        Batch batch;
        bool isFirst;
        lock (_lock)
        {
            isFirst = _open is null;
            batch = _open ??= new Batch();
            batch.Writes.Add(write);
            if (batch.Writes.Count >= BatchSize)
            {
                // whoever comes next opens another
                _open = null;
                batch.Full.TrySetResult();
            }

            if (isUrgent)
            {
                batch.Urgent.TrySetResult();
            }
        }

        if (isFirst)
        {
            // tells every write of the batch its fate, and throws nothing itself
            _ = SendAsync(batch);
        }

        await using (cancellationToken.UnsafeRegister(_ => Cancel(batch, write, cancellationToken), null))
        {
            return await write.Result.Task;
        }
    }

    private void Cancel(Batch batch, Write write, CancellationToken cancellationToken)
    {
        bool isSent;
        bool isAbandoned;
        lock (_lock)
        {
            write.IsAwaited = false;
            isSent = batch.IsSent;
            isAbandoned = isSent && !batch.Writes.Exists(static other => other.IsAwaited);
            if (!isSent)
            {
                batch.Writes.Remove(write);
            }
        }

        if (!isSent)
        {
            write.Result.TrySetCanceled(cancellationToken);
        }
        else if (isAbandoned)
        {
            batch.Abandoned.Cancel();
        }
    }

    private async Task SendAsync(Batch batch)
    {
        List<Write> writes = [];
        try
        {
            await GatherAsync(batch);
            int count;
            lock (_lock)
            {
                if (ReferenceEquals(_open, batch))
                {
                    _open = null;
                }

                count = batch.Writes.Count;
            }

            await _budget.TakeAsync(count, CancellationToken.None);
            lock (_lock)
            {
                batch.IsSent = true;
                writes = batch.Writes;
            }

            if (writes.Count > 0)
            {
                await SendAsync(batch, writes);
            }
        }
        catch (Exception e)
        {
            Fail(writes, e);
        }
    }

    private async Task GatherAsync(Batch batch)
    {
        if (_gatherTime <= TimeSpan.Zero)
        {
            return;
        }

        using var ended = new CancellationTokenSource();
        Task company = await Task.WhenAny(batch.Full.Task, batch.Urgent.Task, ApartTask.DelayAsync(_gatherTime, _time, ended.Token));
        if (company == batch.Urgent.Task)
        {
            await Task.WhenAny(batch.Full.Task, ApartTask.DelayAsync(s_urgentGatherTime, _time, ended.Token));
        }

        await ended.CancelApartAsync();
    }

    private async Task SendAsync(Batch batch, List<Write> writes)
    {
        List<LeaseUpdate> updates = [];
        foreach (Write write in writes.ToArray())
        {
            if (write.Update() is { } update)
            {
                updates.Add(update);
            }
            else
            {
                lock (_lock)
                {
                    writes.Remove(write);
                }

                write.Result.TrySetResult(new LeaseWriteResult(LeaseWriteOutcome.Refused, null));
            }
        }

        if (updates.Count == 0)
        {
            return;
        }

        IReadOnlyList<LeaseWriteResult> results;
        try
        {
            using var inTime = new CancellationTokenSource(_answerTime, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(batch.Abandoned.Token, inTime.Token);
            results = await _store.UpdateAsync(updates, either.Token);
            if (results.Count != writes.Count)
            {
                throw new InvalidOperationException($"{_store.Description} gave {results.Count} results for {writes.Count} writes.");
            }
        }
        catch (OperationCanceledException e) when (!batch.Abandoned.IsCancellationRequested)
        {
            throw new TimeoutException($"{_store.Description} did not answer within {_answerTime}.", e);
        }

        int throttled = results.Count(static result => result.Error is LeaseStoreException { IsThrottled: true });
        _budget.Answered(results.Count(static result => result.Outcome == LeaseWriteOutcome.Written), throttled);
        for (int i = 0; i < writes.Count; i++)
        {
            writes[i].Result.TrySetResult(results[i]);
        }
    }

    private void Fail(List<Write> writes, Exception error)
    {
        if (error is LeaseStoreException { IsThrottled: true })
        {
            _budget.Answered(0, writes.Count);
        }

        foreach (Write write in writes)
        {
            write.Result.TrySetResult(new LeaseWriteResult(LeaseWriteOutcome.Failed, null, error));
        }
    }

    /// <summary>Guarded by the lock, but for the signals.</summary>
    private sealed class Batch
    {
        public List<Write> Writes { get; } = [];

        public bool IsSent { get; set; }

        public TaskCompletionSource Full { get; } = ApartTask.Completion();

        public TaskCompletionSource Urgent { get; } = ApartTask.Completion();

        public CancellationTokenSource Abandoned { get; } = new();
    }

    private sealed class Write(Func<LeaseUpdate?> update)
    {
        public Func<LeaseUpdate?> Update { get; } = update;

        public bool IsAwaited { get; set; } = true;

        public TaskCompletionSource<LeaseWriteResult> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
