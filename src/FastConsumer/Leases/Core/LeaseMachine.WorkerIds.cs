namespace FastConsumer.Leases.Core;

/// <content>
/// Other processes that run with this worker's id. A worker that starts takes what has its name at once, for it may have been restarted;
/// where its former self lives on after all, that one finds its leases taken, says so, and keeps off whatever another process has until it
/// expires, so that no record is handled twice for long.
/// </content>
internal static partial class LeaseMachine
{
    private sealed partial class Turn
    {
        private bool IsOurSession(string? session) => session is not null && Lease.ProcessOf(session) == _settings.Session;

        /// <summary>True where this process took it, and holds it still as far as the row tells.</summary>
        private bool IsOurs(Lease row) => row.LeaseOwner == Me && row.CheckpointOwner is null && IsOurSession(row.Session);

        /// <summary>
        /// True where a former self of this worker left it, found when this one started: to take it, never to release it. What was not
        /// taken within the lease duration expires like any lease.
        /// </summary>
        private bool IsFormers(Lease row) =>
            row.LeaseOwner == Me
            && row.CheckpointOwner is null
            && _ids.StartedAt is { } startedAt
            && _now - startedAt < D
            && _ids.Former.Contains(row.Session is null ? "" : Lease.ProcessOf(row.Session))
            && !_ids.Met.Contains(row.Session is null ? "" : Lease.ProcessOf(row.Session));

        /// <summary>Another process of this name has taken a lease from this one.</summary>
        private void Meet(Lease row)
        {
            if (row.LeaseOwner == Me && row.Session is { } session && !IsOurSession(session)
                && !_ids.Met.Contains(Lease.ProcessOf(session)))
            {
                _ids = _ids with { Met = _ids.Met.Add(Lease.ProcessOf(session)) };
                Do(new LeaseCommand.Tell.WorkerIdInUse(session));
            }
        }

        /// <summary>
        /// After a list: the first time, what former selves have left; where none that was met owns a lease that lives, they are gone.
        /// </summary>
        private void IdsListed()
        {
            if (_ids.StartedAt is null)
            {
                _ids = _ids with
                {
                    StartedAt = _now,
                    Former = _ids.Former.Union(_leases.Values
                        .Where(entry => entry.Row.LeaseOwner == Me && !IsOurs(entry.Row) && !entry.Row.IsPassedOn)
                        .Select(static entry => entry.Row.Session is null ? "" : Lease.ProcessOf(entry.Row.Session))),
                };
            }

            if (!_ids.Met.IsEmpty && !_leases.Values.Any(entry =>
                entry.Row.LeaseOwner == Me && !IsOurs(entry.Row) && !entry.Row.IsPassedOn && !entry.Row.IsFinished && !IsFree(entry)))
            {
                _ids = _ids with { Met = _ids.Met.Clear() };
                Do(new LeaseCommand.Tell.WorkerIdInUse(Session: null, IsOver: true));
            }
        }
    }
}
