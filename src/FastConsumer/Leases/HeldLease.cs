using System.Diagnostics.CodeAnalysis;
using FastConsumer.Timing;

namespace FastConsumer.Leases;

/// <summary>
/// A lease this worker owns. Invariants: one write under way at a time; every write is conditional on the owner and the
/// counter of the one before; once lost, it is never written again.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Others may mark it lost at any time, so its source is never disposed; it holds neither a timer nor a handle.")]
internal sealed class HeldLease
{
    private const long Never = long.MinValue;

    private readonly ILeaseStore _store;
    private readonly LeaseWriter _writer;
    private readonly TimeProvider _time;
    private readonly AsyncLock _writing = new();
    private readonly CancellationTokenSource _lost = new();
    private long _renewedAt;
    private int _urgent;
    private long? _doubtfulSince;
    private long _waitsSince = Never;
    private bool _isThrottled;

    /// <param name="store">The table.</param>
    /// <param name="writer">Writes to it together with the worker's other leases.</param>
    /// <param name="taken">The lease as the take wrote it.</param>
    /// <param name="takeStarted">The timestamp before the take: from then on the others count.</param>
    /// <param name="time">The clock.</param>
    public HeldLease(ILeaseStore store, LeaseWriter writer, Lease taken, long takeStarted, TimeProvider time)
    {
        _store = store;
        _writer = writer;
        _time = time;
        Current = taken;
        Owner = taken.LeaseOwner ?? throw new ArgumentException($"Lease {taken.LeaseKey} was taken without an owner.", nameof(taken));
        FencingToken = taken.LeaseCounter;
        _renewedAt = takeStarted;
    }

    /// <summary>Hears of each write that took effect, with the timestamp from which the lease lasts.</summary>
    public Action<long>? Renewed { get; set; }

    /// <summary>The row as this worker wrote it last.</summary>
    public Lease Current { get; private set; }

    public string Key => Current.LeaseKey;

    public string Owner { get; }

    /// <summary>The counter as the lease was taken.</summary>
    public long FencingToken { get; }

    /// <summary>Cancelled when the lease is lost.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>The process of the same WorkerId that has taken the lease; null where there is none.</summary>
    public string? Namesake { get; private set; }

    /// <summary>Why it was lost.</summary>
    public string? LossReason { get; private set; }

    /// <summary>The time since the last write that took effect was begun: what others may have seen of it at most.</summary>
    public TimeSpan SinceRenewal => _time.GetElapsedTime(Volatile.Read(ref _renewedAt));

    /// <summary>How long a write has waited for the table; zero where none does.</summary>
    public TimeSpan WaitsFor => Volatile.Read(ref _waitsSince) is var since && since != Never ? _time.GetElapsedTime(since) : TimeSpan.Zero;

    /// <summary>True where the table throttled the write that waits.</summary>
    public bool IsThrottled => Volatile.Read(ref _isThrottled);

    /// <summary>How long ago the table throttled a write of this worker; null where it never did.</summary>
    public TimeSpan? SinceTableThrottle => _writer.SinceThrottle;

    /// <summary>True while a write is under way, which renews too.</summary>
    public bool IsWriting => _writing.IsHeld;

    /// <summary>
    /// Renews the lease, with a checkpoint where there is one. Whatever goes wrong in the store is told as
    /// <see cref="LeaseWriteOutcome.Failed"/>; a write without an answer is given up while the lease can still be renewed.
    /// </summary>
    /// <param name="checkpoint">Asked when the write is sent; null renews only.</param>
    /// <param name="isUrgent">True where somebody waits for it.</param>
    /// <param name="cancellationToken">Ends the wait for the write's turn.</param>
    public Task<LeaseWriteResult> WriteAsync(Func<CheckpointPosition?> checkpoint, bool isUrgent, CancellationToken cancellationToken) =>
        WriteAsync(() => new LeaseNews(checkpoint()), isUrgent, cancellationToken);

    /// <inheritdoc cref="WriteAsync(Func{CheckpointPosition?}, bool, CancellationToken)"/>
    public async Task<LeaseWriteResult> WriteAsync(Func<LeaseNews> news, bool isUrgent, CancellationToken cancellationToken)
    {
        Interlocked.CompareExchange(ref _waitsSince, _time.GetTimestamp(), Never);
        await EnterAsync(isUrgent, cancellationToken);
        try
        {
            if (_lost.IsCancellationRequested)
            {
                return new LeaseWriteResult(LeaseWriteOutcome.Refused, null);
            }

            LeaseWriteResult result = await TryWriteAsync(news, isUrgent, cancellationToken);
            // the row is as an earlier write left it whose answer was lost: on that condition it succeeds
            return result is { Outcome: LeaseWriteOutcome.Failed, Lease: not null }
                ? await TryWriteAsync(news, isUrgent, cancellationToken)
                : result;
        }
        finally
        {
            _writing.Exit();
        }
    }

    /// <summary>Gives the lease up: <see cref="LeaseWriteOutcome.Written"/> where it is this worker's no more.</summary>
    /// <param name="successor">Who is to own it next; null for whoever takes it first.</param>
    /// <param name="cancellationToken">Ends the try.</param>
    public async Task<LeaseWriteResult> ReleaseAsync(string? successor, CancellationToken cancellationToken)
    {
        await EnterAsync(isUrgent: true, cancellationToken);
        try
        {
            LeaseWriteResult result = await _store.ReleaseAsync(Current, successor, cancellationToken);
            if (IsMine(result))
            {
                // a write whose answer was lost has taken effect since: the row is still this worker's
                Current = result.Lease!;
                result = await _store.ReleaseAsync(Current, successor, cancellationToken);
            }

            if (result is { Outcome: LeaseWriteOutcome.Refused, Lease: { } other } && IsNamesakes(other))
            {
                Namesake = other.Session;
            }

            // an earlier release whose answer was lost may have done it
            return result.Outcome == LeaseWriteOutcome.Refused && (result.Lease?.LeaseOwner != Owner || IsNamesakes(result.Lease))
                ? result with { Outcome = LeaseWriteOutcome.Written }
                : result;
        }
        finally
        {
            _writing.Exit();
        }
    }

    /// <summary>Others may own it now: cancels <see cref="Lost"/>. A second call does nothing.</summary>
    public void MarkLost(string reason)
    {
        if (LossReason is null)
        {
            LossReason = reason;
            // Not on this thread: handlers hang callbacks on the token, and one that blocks or throws must not hold up the
            // renewal of other leases. What they throw is theirs, and ends as the task's unobserved exception.
            _ = _lost.CancelApartAsync();
        }
    }

    /// <summary>Waits until no other write is under way. One that waits for company would keep somebody waiting: it is sent now.</summary>
    private async Task EnterAsync(bool isUrgent, CancellationToken cancellationToken)
    {
        if (!isUrgent)
        {
            await _writing.EnterAsync(cancellationToken);
            return;
        }

        Interlocked.Increment(ref _urgent);
        try
        {
            _writer.Hasten(Key);
            await _writing.EnterAsync(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _urgent);
        }
    }

    private async Task<LeaseWriteResult> TryWriteAsync(Func<LeaseNews> news, bool isUrgent, CancellationToken cancellationToken)
    {
        long sent = 0;
        LeaseWriteResult result = await _writer.WriteAsync(
            Key,
            () =>
            {
                if (_lost.IsCancellationRequested)
                {
                    // it waited for its turn meanwhile, and the worker may have taken the lease anew
                    return null;
                }

                sent = _time.GetTimestamp();
                _doubtfulSince ??= sent;
                LeaseNews latest = news();
                return new LeaseUpdate(Current, latest.Checkpoint, latest.Throughput);
            },
            Volatile.Read(ref _renewedAt),
            isUrgent || Volatile.Read(ref _urgent) > 0,
            cancellationToken);
        return Apply(result, sent);
    }

    private LeaseWriteResult Apply(LeaseWriteResult result, long started)
    {
        if (result is { Outcome: LeaseWriteOutcome.Written, Lease: null })
        {
            return new LeaseWriteResult(LeaseWriteOutcome.Failed, null, new InvalidOperationException($"{_store.Description} reported a write of lease {Key} without the row."));
        }

        if (result is { Outcome: not LeaseWriteOutcome.Failed, Lease: { } other } && IsNamesakes(other) && !_lost.IsCancellationRequested)
        {
            Namesake = other.Session;
            MarkLost($"another process with the WorkerId '{Owner}' has taken it (counter {other.LeaseCounter}).");
            return new LeaseWriteResult(LeaseWriteOutcome.Refused, other);
        }

        if (result.Outcome == LeaseWriteOutcome.Written)
        {
            Current = result.Lease!;
            // where the fate of an earlier one was unknown, it may be that one which the store has found written
            Volatile.Write(ref _renewedAt, _doubtfulSince ?? started);
            _doubtfulSince = null;
            Volatile.Write(ref _waitsSince, Never);
            Volatile.Write(ref _isThrottled, false);
            Renewed?.Invoke(Volatile.Read(ref _renewedAt));
            return result;
        }

        if (_lost.IsCancellationRequested)
        {
            return new LeaseWriteResult(LeaseWriteOutcome.Refused, result.Lease);
        }

        if (result.Error is LeaseStoreException { IsThrottled: true })
        {
            Volatile.Write(ref _isThrottled, true);
            // what was throttled was not written for certain, and so leaves no doubt of its own
            _doubtfulSince = _doubtfulSince == started ? null : _doubtfulSince;
        }

        if (IsMine(result))
        {
            // An earlier write of this worker, taken for failed, has taken effect after all. The row is its own still: the
            // next write goes on from there. It was begun no earlier than the first whose fate was unknown.
            Current = result.Lease!;
            Volatile.Write(ref _renewedAt, _doubtfulSince ?? _renewedAt);
            _doubtfulSince = null;
            Renewed?.Invoke(Volatile.Read(ref _renewedAt));
            return new LeaseWriteResult(LeaseWriteOutcome.Failed, result.Lease, result.Error);
        }

        if (result.Outcome == LeaseWriteOutcome.Refused)
        {
            MarkLost(result.Lease is null
                ? "the lease's row was deleted."
                : $"it belongs to {result.Lease.Owner ?? "nobody"} now (counter {result.Lease.LeaseCounter}).");
        }

        return result;
    }

    private bool IsMine(LeaseWriteResult result) =>
        result is { Outcome: LeaseWriteOutcome.Refused, Lease: { } row } && row.LeaseOwner == Owner && row.CheckpointOwner is null && row.LeaseCounter == Current.LeaseCounter + 1 && !IsNamesakes(row);

    private bool IsNamesakes(Lease row) => row.LeaseOwner == Owner && row.TakenBy == Owner && row.Session != Current.Session;
}

/// <summary>What an owner has to write beside the renewal.</summary>
/// <param name="Checkpoint">The new position; null where there is none.</param>
/// <param name="Throughput">KB a second; null to leave it as it is. Written with a checkpoint only.</param>
internal readonly record struct LeaseNews(CheckpointPosition? Checkpoint, double? Throughput = null);
