using System.Collections.Concurrent;
using FastConsumer.Diagnostics;
using FastConsumer.Leases;

namespace FastConsumer.Hosting;

/// <summary>
/// Other processes that run with this worker's id. A worker that starts takes what has its name at once, for it may have been restarted; where its
/// former self lives on after all, that one finds its leases taken, says so, and keeps off whatever another process has until it expires, so that
/// no record is handled twice for long. Thread-safe.
/// </summary>
internal sealed class Namesakes(WorkerParts parts)
{
    private readonly ConcurrentDictionary<string, bool> _met = new(StringComparer.Ordinal);
    private volatile HashSet<string>? _former;
    private volatile string? _own;
    private long _startedAt;

    private string Me => parts.Settings.WorkerId;

    private string Place => $"{parts.Settings.Stream.Name}/{parts.Settings.ProcessorName}/worker id";

    /// <summary>This process has taken a lease: its session stands there.</summary>
    public void Took(Lease taken) => _own = taken.Session;

    /// <summary>Another process has taken a lease from this worker.</summary>
    public void Found(string session)
    {
        if (_met.TryAdd(session, true))
        {
            ConsumerLog.WorkerIdInUse(parts.Log, Me, session);
            parts.Health.Report(Place, ConditionSeverity.Unhealthy, $"Another process ({session}) runs with the WorkerId '{Me}', and has taken the shards of this one. Leave FastConsumer:WorkerId unset, or give each process one of its own.");
        }
    }

    /// <summary>True where a lease under this worker's name is this worker's to take at once: its own, or its former self's, found when it started.</summary>
    public bool IsMine(Lease lease) => lease.Session is not { } session || session == _own || IsFormer(session);

    /// <summary>True where this process took it, as far as is known.</summary>
    public bool IsOwn(Lease lease) => lease.Session is not { } session || (_own is { } own ? session == own : _former?.Contains(session) != true);

    /// <summary>Takes in all that the table holds now: the first time, what former selves have left; where none that was met owns a lease that lives, they are gone.</summary>
    public void Listed(IReadOnlyList<Lease> leases, Func<Lease, bool> isFree)
    {
        if (_former is null)
        {
            _startedAt = parts.Time.GetTimestamp();
            _former = [.. leases.Where(lease => lease.LeaseOwner == Me).Select(static lease => lease.Session).OfType<string>()];
        }

        if (!_met.IsEmpty && !leases.Any(lease => lease.LeaseOwner == Me && !IsMine(lease) && !lease.IsFinished && !isFree(lease)))
        {
            _met.Clear();
            parts.Health.Clear(Place);
        }
    }

    // what it has not taken within the lease duration expires like any lease
    private bool IsFormer(string session) =>
        _former?.Contains(session) == true && !_met.ContainsKey(session) && parts.Time.GetElapsedTime(_startedAt) < parts.Settings.LeaseDuration;
}
