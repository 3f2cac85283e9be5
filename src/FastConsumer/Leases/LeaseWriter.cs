using FastConsumer.Timing;

namespace FastConsumer.Leases;

/// <summary>
/// Gathers the renewals and checkpoints of all of a worker's leases into few requests. A write waits a moment for company, then for
/// the <see cref="WriteBudget"/>; what it writes is asked for only when it is sent, so newer progress overtakes older on the way.
/// </summary>
/// <remarks>
/// Invariants: the caller of <see cref="WriteAsync"/> hears nothing before the fate of its write is known or it was
/// certainly not sent; one request names a lease once (a lease has one write under way: <see cref="HeldLease"/>), so no more writes
/// wait than there are leases. Where they have to wait for the budget, the lease that was renewed longest ago goes first; a write that
/// somebody waits for passes only those that are not much older. So no flood of writes costs a lease that the budget can bear.
/// </remarks>
internal sealed class LeaseWriter
{
    /// <summary>As many statements as DynamoDB takes in one request.</summary>
    public const int BatchSize = 25;

    // somebody waits for an urgent write, and others may be about to: at a stop, every shard writes at once
    private static readonly TimeSpan s_urgentGatherTime = TimeSpan.FromMilliseconds(5);

    /// <summary>The pace may change while a write waits for it.</summary>
    private static readonly TimeSpan s_longestLook = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private readonly AsyncSignal _changed = new();
    private readonly List<Write> _waiting = [];
    private readonly ILeaseStore _store;
    private readonly WriteBudget _budget;
    private readonly LeaseWriterTimes _times;
    private readonly TimeProvider _time;
    private bool _isPumping;

    /// <param name="store">The table.</param>
    /// <param name="budget">The pace.</param>
    /// <param name="times">How long writes wait.</param>
    /// <param name="time">The clock.</param>
    public LeaseWriter(ILeaseStore store, WriteBudget budget, LeaseWriterTimes times, TimeProvider time)
    {
        _store = store;
        _budget = budget;
        _times = times;
        _time = time;
    }

    /// <inheritdoc cref="WriteBudget.SinceThrottle"/>
    public TimeSpan? SinceThrottle => _budget.SinceThrottle;

    /// <summary>
    /// Writes one update together with others. Whatever goes wrong in the store is told as <see cref="LeaseWriteOutcome.Failed"/>.
    /// </summary>
    /// <param name="leaseKey">The lease.</param>
    /// <param name="update">Asked when the request is sent; null where it must not be written any more, which counts as refused.</param>
    /// <param name="renewedAt">The timestamp of the lease's last renewal.</param>
    /// <param name="isUrgent">True where somebody waits for it.</param>
    /// <param name="cancellationToken">Takes the write back while it is not sent; a request that nobody waits for any more is
    /// cancelled.</param>
    public async Task<LeaseWriteResult> WriteAsync(string leaseKey, Func<LeaseUpdate?> update, long renewedAt, bool isUrgent, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        long now = _time.GetTimestamp();
        long sendBy = Math.Max(renewedAt + Ticks(_times.Send), now + Ticks(s_urgentGatherTime));
        var write = new Write(leaseKey, update) { SendAt = Math.Min(now + Ticks(_times.Gather), sendBy), Order = renewedAt };
        if (isUrgent)
        {
            Hasten(write);
        }

        bool isFirst;
        lock (_lock)
        {
            isFirst = !_isPumping;
            _isPumping = true;
            _waiting.Add(write);
        }

        _changed.Set();
        if (isFirst)
        {
            // tells every write its fate, and throws nothing itself
            _ = PumpAsync();
        }

        await using (cancellationToken.UnsafeRegister(_ => Cancel(write, cancellationToken), null))
        {
            return await write.Result.Task;
        }
    }

    /// <summary>A lease's write that waits is urgent now: another one waits for it to be over.</summary>
    public void Hasten(string leaseKey)
    {
        lock (_lock)
        {
            if (_waiting.Find(write => write.LeaseKey == leaseKey) is not { } write)
            {
                return;
            }

            Hasten(write);
        }

        _changed.Set();
    }

    private void Hasten(Write write)
    {
        if (!write.IsUrgent)
        {
            write.IsUrgent = true;
            write.Order -= Ticks(_times.Answer);
            write.SendAt = Math.Min(write.SendAt, _time.GetTimestamp() + Ticks(s_urgentGatherTime));
        }
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);

    private void Cancel(Write write, CancellationToken cancellationToken)
    {
        CancellationTokenSource? abandoned = null;
        bool isSent;
        lock (_lock)
        {
            write.IsAwaited = false;
            isSent = !_waiting.Remove(write);
            if (write.Batch is { } batch && !batch.Writes.Exists(static other => other.IsAwaited))
            {
                abandoned = batch.Abandoned;
            }
        }

        if (!isSent)
        {
            write.Result.TrySetCanceled(cancellationToken);
        }

        abandoned?.Cancel();
    }

    /// <summary>Sends as long as writes wait.</summary>
    private async Task PumpAsync()
    {
        while (true)
        {
            TimeSpan wait = UntilSend();
            if (wait > TimeSpan.Zero)
            {
                // timers know whole milliseconds
                await _changed.WaitAsync(TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds)), _time, CancellationToken.None);
                continue;
            }

            Batch batch;
            lock (_lock)
            {
                batch = new Batch([.. _waiting.OrderBy(static write => write.Order).Take(Math.Min(BatchSize, _budget.MostAtOnce))]);
                foreach (Write write in batch.Writes)
                {
                    _waiting.Remove(write);
                    write.Batch = batch;
                }

                if (batch.Writes.Count == 0)
                {
                    _isPumping = false;
                    return;
                }
            }

            _budget.Spend(batch.Writes.Count);
            _ = SendAsync(batch);
        }
    }

    /// <summary>Zero where there is something to send now, or nothing is left to wait for.</summary>
    private TimeSpan UntilSend()
    {
        TimeSpan company;
        lock (_lock)
        {
            if (_waiting.Count == 0)
            {
                return TimeSpan.Zero;
            }

            company = _waiting.Count >= BatchSize ? TimeSpan.Zero : _time.GetElapsedTime(_time.GetTimestamp(), _waiting.Min(static write => write.SendAt));
        }

        TimeSpan budget = _budget.UntilNext < s_longestLook ? _budget.UntilNext : s_longestLook;
        return company > budget ? company : budget;
    }

    private async Task SendAsync(Batch batch)
    {
        try
        {
            await SendAllAsync(batch);
        }
        catch (Exception e)
        {
            if (e is LeaseStoreException { IsThrottled: true })
            {
                _budget.Answered(0, batch.Writes.Count);
            }

            foreach (Write write in batch.Writes)
            {
                write.Result.TrySetResult(new LeaseWriteResult(LeaseWriteOutcome.Failed, null, e));
            }
        }
    }

    private async Task SendAllAsync(Batch batch)
    {
        List<Write> writes = [];
        List<LeaseUpdate> updates = [];
        foreach (Write write in batch.Writes)
        {
            if (write.Update() is { } update)
            {
                writes.Add(write);
                updates.Add(update);
            }
            else
            {
                lock (_lock)
                {
                    write.IsAwaited = false;
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
            using var inTime = new CancellationTokenSource(_times.Answer, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(batch.Abandoned.Token, inTime.Token);
            results = await _store.UpdateAsync(updates, either.Token);
            if (results.Count != writes.Count)
            {
                throw new InvalidOperationException($"{_store.Description} gave {results.Count} results for {writes.Count} writes.");
            }
        }
        catch (OperationCanceledException e) when (!batch.Abandoned.IsCancellationRequested)
        {
            throw new TimeoutException($"{_store.Description} did not answer within {_times.Answer}.", e);
        }

        int throttled = results.Count(static result => result.Error is LeaseStoreException { IsThrottled: true });
        _budget.Answered(results.Count(static result => result.Outcome == LeaseWriteOutcome.Written), throttled);
        for (int i = 0; i < results.Count; i++)
        {
            writes[i].Result.TrySetResult(results[i]);
        }
    }

    /// <summary>Writes that were sent together.</summary>
    private sealed class Batch(List<Write> writes)
    {
        public List<Write> Writes { get; } = writes;

        public CancellationTokenSource Abandoned { get; } = new();
    }

    /// <summary>Guarded by the lock, but for the result.</summary>
    private sealed class Write(string leaseKey, Func<LeaseUpdate?> update)
    {
        public string LeaseKey { get; } = leaseKey;

        public Func<LeaseUpdate?> Update { get; } = update;

        /// <summary>The timestamp until which it waits for company.</summary>
        public long SendAt { get; set; }

        /// <summary>Who has less goes first.</summary>
        public long Order { get; set; }

        public bool IsUrgent { get; set; }

        /// <summary>Null until it is sent.</summary>
        public Batch? Batch { get; set; }

        public bool IsAwaited { get; set; } = true;

        public TaskCompletionSource<LeaseWriteResult> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
