using System.Text;
using FastConsumer.Leases;
using FastConsumer.Leases.Core;
using static FastConsumer.Leases.Core.LeaseTableState;

namespace FastConsumer.Tests.Leases.Core;

/// <content>What two moments have in common that have the same futures: times count from now, and counters from the table's.</content>
internal sealed partial class LeaseWorld
{
    public string Fingerprint()
    {
        var text = new StringBuilder();
        foreach (Lease row in _rows.Values)
        {
            text.Append(row.LeaseKey).Append(' ').Append(row.LeaseOwner).Append(' ').Append(Relative(row.Session,
                row)).Append(' ').Append(row.TakenBy)
                .Append(' ').Append(row.RequestedBy).Append(' ').Append(row.Notification is null ? '-'
                    : '!').Append(' ').Append(row.IsFinished)
                .Append(row.Lineage is null ? '-' : 'L').Append(row.Snapshot is null ? '-' : 'S').Append(row.Inherits.Count)
                .Append(row.StateVersion).Append('\n');
        }

        foreach (Worker worker in _workers)
        {
            LeaseTableState state = worker.State;
            text.Append(worker.Name).Append(' ').Append(worker.IsAlive).Append(worker.IsPaused).Append(state.Phase)
                .Append(worker.Mailbox.Count).Append(' ').Append(worker.ResumeAt is { } resume ? Relative(resume) : "").Append('\n');
            if (!worker.IsAlive || state.Phase == Mode.Stopped)
            {
                continue;
            }

            foreach (Entry entry in state.Leases.Values)
            {
                Lease? row = _rows.GetValueOrDefault(entry.Key);
                text.Append(entry.Key).Append(' ').Append(Relative(entry.Row.LeaseCounter, row)).Append(' ').Append(entry.Row.RequestedBy)
                    .Append(' ').Append(entry.Seen is { } seen
                        ? $"{Relative(seen.Counter, row)}{seen.Worker}{Relative(seen.Since)}{Relative(seen.Until)}{seen.HasMoved}" : "")
                    .Append(' ').Append(entry.Asked is { } asked ? $"{Relative(asked.At)}{asked.Notified}" : "")
                    .Append(' ').Append(entry.Barred is { } bar ? Relative(bar.Until) : "")
                    .Append(' ').Append(entry.Hold.GetType().Name);
                switch (entry.Hold)
                {
                    case Hold.NotHeld { Unsettled: { } unsettled }:
                        text.Append(Relative(unsettled.SentAt));
                        break;
                    case Hold.Taking taking:
                        text.Append(Relative(taking.First)).Append(Relative(taking.Attempt.SentAt)).Append(taking.IsInDoubt);
                        break;
                    case Hold.Lost lost:
                        text.Append(Relative(lost.Until));
                        break;
                    case Hold.Holding holding:
                        Own own = holding.Own;
                        text.Append(Relative(own.Row.LeaseCounter, row)).Append(Relative(own.RenewedAt)).Append(Relative(own.CheckpointAt))
                            .Append(own.Waiting is { } wants ? $"{wants.HasCheckpoint}{wants.IsUrgent}{Relative(wants.SendAt)}" : "")
                            .Append(own.InFlight is { } flight ? Relative(flight.At) : "")
                            .Append(string.Join(',', own.Attempts.Select(attempt => Relative(attempt.SentAt))))
                            .Append(holding is Hold.HandingOff off ? $"{off.Why}{off.To}{off.Step}{Relative(off.Times.End)}" : "")
                            .Append(holding is Hold.Releasing releasing ? $"{releasing.To}{Relative(releasing.Until)}{releasing.Tries}"
                                : "");
                        break;
                }

                text.Append('\n');
            }

            Scan scan = state.Table;
            text.Append(Relative(scan.ListAt)).Append(Relative(scan.NextRound))
                .Append(Relative(scan.NotBefore)).Append(Relative(scan.PolledAt))
                .Append(scan.IsListWanted).Append(scan.IsStrongWanted).Append(scan.ListingSince is { } since ? Relative(since)
                    : "").Append(scan.Failures)
                .Append(scan.Lineage is null ? '-' : 'L').Append(scan.ToTake.Count).Append(scan.ToAsk.Count)
                .Append(scan.IsNotified).Append('|')
                .Append(string.Join(',', state.Requests.Values
                    .Select(request => $"{request.Kind}{Relative(request.At)}{request.IsAbandoned}"))).Append('|')
                .Append(string.Join(',', state.Ids.Met)).Append(state.Ids.StartedAt is { } started
                    && Now - started < worker.State.Configuration.LeaseDuration).Append('|')
                .Append(string.Join(',', state.Workers
                    .Select(known => $"{known.Key}{known.Value.IsDead}{(known.Value.SilentSince is { } s ? Relative(s) : "")}")))
                .Append('\n');
        }

        foreach (Item item in _queue)
        {
            text.Append(Relative(item.At)).Append(item.Worker).Append(item.GetType().Name).Append('\n');
        }

        return text.ToString();
    }

    private string Relative(TimeSpan time)
    {
        TimeSpan left = time == TimeSpan.MaxValue || time < TimeSpan.Zero ? TimeSpan.Zero : time - Now;
        return $" {Math.Clamp(Math.Round(left.TotalMilliseconds / 250), -240, 240)}";
    }

    private static string Relative(long counter, Lease? row) => row is null ? "?" : $" {counter - row.LeaseCounter}";

    private static string? Relative(string? session, Lease row) => session is null || Lease.EpochOf(session) is not { } epoch ? session
        : $"{session[..session.LastIndexOf('/')]}{Math.Max(epoch - row.LeaseCounter, -3)}";
}
