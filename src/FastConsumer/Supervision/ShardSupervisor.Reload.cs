using FastConsumer.Leases.Core;
using FastConsumer.Timing;

namespace FastConsumer.Supervision;

/// <content>
/// Settings that change while shards are read. A run keeps the settings that it began with, so it is ended and another is begun, by the
/// lease's own means: the lease machine ends the run as for a hand-over, writes its last checkpoint, takes the lease anew with a new epoch
/// and only then starts the next run. Hence:
/// <list type="bullet">
/// <item>never two runs of one shard: the next one starts when the former has ended, or its lease is lost;</item>
/// <item>no record is lost or out of order: the next one starts behind what is done, as after a hand-over;</item>
/// <item>a shard that is being handed over, paused or lost is left alone: the machine takes anew only what it holds for good;</item>
/// <item>a stop is a stop: the machine begins no new run once it has begun.</item>
/// </list>
/// </content>
internal sealed partial class ShardSupervisor
{
    /// <summary>A run has begun, begins to read, or has ended.</summary>
    private readonly AsyncSignal _moved = new();

    /// <summary>True where a run that is not paused has other settings than <see cref="Parts"/>.</summary>
    public bool HasOutdatedRuns => _runs.Values.Any(static run => run is { IsOutdated: true, IsPaused: false });

    /// <summary>Runs that begin from now on have these settings.</summary>
    /// <param name="parts">The parts, of which only <see cref="ShardParts.OfRuns"/> and the checkpoint interval may differ.</param>
    public void Change(ShardParts parts) => _parts = parts;

    /// <summary>
    /// Begins anew each run that has other settings than <see cref="Parts"/>, one after the other: the next when the one before reads
    /// again, or after twice the lease duration. One caller at a time.
    /// </summary>
    /// <param name="isHeld">True where the worker holds the shard's lease, and does not give it up.</param>
    /// <param name="isSuperseded">True where settings have changed again: then the caller begins anew.</param>
    /// <param name="cancellationToken">Ends it between two runs and in each wait.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task RestartAsync(Func<string, bool> isHeld, Func<bool> isSuperseded, CancellationToken cancellationToken)
    {
        ShardRun[] old = [.. _runs.Values
            .Where(static run => run.IsOutdated)
            .OrderBy(static run => run.Telemetry.ShardId, StringComparer.Ordinal)];
        foreach (ShardRun run in old)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (isSuperseded())
            {
                return;
            }

            string key = run.Telemetry.ShardId;
            if (run.IsPaused || Find(key, run.Epoch) != run || !isHeld(key))
            {
                // a pause ends with a new run; what is handed over, or taken anew already, is not this run's any more
                continue;
            }

            _post(new LeaseEvent.TakeAnew(key, run.Epoch));
            await ReadsAgainAsync(run, cancellationToken);
        }
    }

    private async Task ReadsAgainAsync(ShardRun before, CancellationToken cancellationToken)
    {
        long since = _parts.Time.GetTimestamp();
        TimeSpan limit = 2 * _parts.LeaseDuration;
        while (!(_runs.TryGetValue(before.Telemetry.ShardId, out ShardRun? run) && run != before && run.HasBegun)
            && limit - _parts.Time.GetElapsedTime(since) is var left && left > TimeSpan.Zero)
        {
            await _moved.WaitAsync(left, _parts.Time, cancellationToken);
        }
    }
}
