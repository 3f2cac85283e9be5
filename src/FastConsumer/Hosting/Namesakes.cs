using System.Collections.Concurrent;
using FastConsumer.Diagnostics;
using FastConsumer.Leases;

namespace FastConsumer.Hosting;

/// <summary>
/// Other processes that run with this worker's id. A worker that starts takes what has its name at once, for it may have been restarted; where its
/// former self lives on after all, that one finds its leases taken, says so, and keeps off them, so that no record is handled twice for long.
/// Thread-safe.
/// </summary>
internal sealed class Namesakes(WorkerParts parts)
{
    private readonly ConcurrentDictionary<string, bool> _sessions = new(StringComparer.Ordinal);

    private string Me => parts.Settings.WorkerId;

    private string Place => $"{parts.Settings.Stream.Name}/{parts.Settings.ProcessorName}/worker id";

    /// <summary>One has taken a lease from this worker.</summary>
    public void Found(string session)
    {
        if (_sessions.TryAdd(session, true))
        {
            ConsumerLog.WorkerIdInUse(parts.Log, Me, session);
            parts.Health.Report(Place, ConditionSeverity.Unhealthy, $"Another process ({session}) runs with the WorkerId '{Me}', and has taken the shards of this one. Leave FastConsumer:WorkerId unset, or give each process one of its own.");
        }
    }

    /// <summary>True where it was one that took the lease.</summary>
    public bool Own(Lease lease) => lease.LeaseOwner == Me && lease.Session is { } session && _sessions.ContainsKey(session);

    /// <summary>Takes in all that the table holds now: where none owns a lease that lives, they are gone.</summary>
    public void Listed(IReadOnlyList<Lease> leases, Func<Lease, bool> isFree)
    {
        if (!_sessions.IsEmpty && !leases.Any(lease => Own(lease) && !lease.IsFinished && !isFree(lease)))
        {
            _sessions.Clear();
            parts.Health.Clear(Place);
        }
    }
}
