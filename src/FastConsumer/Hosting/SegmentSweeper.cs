using FastConsumer.Checkpoints;
using FastConsumer.Diagnostics;
using FastConsumer.Leases;
using FastConsumer.Leases.Core;
using FastConsumer.Supervision;
using FastConsumer.Timing;

namespace FastConsumer.Hosting;

/// <summary>
/// Sweeps the segments of a processor's state from time to time, where this worker is the one to do it: the one that holds the first lease
/// that anybody holds. Soon after a lease has moved two workers may take themselves for it, which does no harm.
/// </summary>
/// <param name="parts">The worker's parts.</param>
/// <param name="store">The lease table.</param>
/// <param name="leases">What the worker knows of the table; null for nothing yet.</param>
/// <param name="shards">What the shards share now.</param>
internal sealed class SegmentSweeper(WorkerParts parts, ILeaseStore store, Func<LeaseTableState?> leases, Func<ShardParts> shards)
{
    /// <summary>So many looks in one interval at who is to sweep.</summary>
    private const double Looks = 60;

    private readonly SegmentSweep _sweep = new(
        parts.Checkpoints ?? throw new InvalidOperationException($"{parts.Settings.ProcessorName} keeps no state to sweep."), store)
    {
        Off = parts.SweepRulesOff,
    };

    private readonly Random _random = parts.Random.Create();
    private readonly RepeatedFailureLog _failures = new(parts.Time);

    private string Processor => parts.Settings.ProcessorName;

    /// <summary>Sweeps until it is told to end. Throws nothing.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        TimeSpan? dueAt = null;
        while (!cancellationToken.IsCancellationRequested)
        {
            await ApartTask.DelayAsync(parts.SweepInterval / Looks, parts.Time, cancellationToken);
            if (cancellationToken.IsCancellationRequested || FindLineage() is not { } lineage)
            {
                dueAt = null;
                continue;
            }

            TimeSpan now = parts.Time.GetElapsedTime(0);
            // the former one may be at it still, and a whole fleet starts together
            dueAt ??= now + (parts.SweepInterval * (0.02 + (0.08 * _random.NextDouble())));
            if (now >= dueAt)
            {
                dueAt = now + (parts.SweepInterval * (0.9 + (0.2 * _random.NextDouble())));
                await SweepAsync(lineage, cancellationToken);
            }
        }
    }

    /// <summary>The lineage that this worker is to sweep; null where another worker is to, or nobody.</summary>
    private string? FindLineage()
    {
        if (leases() is not { Phase: LeaseTableState.Mode.Running } table)
        {
            return null;
        }

        foreach (LeaseTableState.Entry entry in table.Leases.Values)
        {
            // a finished shard has no owner
            if (entry.Row is { Problem: null, IsFinished: false, TableLineage: { } lineage, Owner: not null })
            {
                return entry.Hold is LeaseTableState.Hold.Owned ? lineage : null;
            }
        }

        return null;
    }

    private async Task SweepAsync(string lineage, CancellationToken cancellationToken)
    {
        ShardParts now = shards();
        try
        {
            if (await _sweep.SweepAsync(lineage, now.Checkpointing.RetainedCheckpoints, cancellationToken) is { } problem)
            {
                ConsumerLog.SweepEnded(parts.Log, Processor, _failures.Next(new InvalidDataException(problem)).Text);
            }
            else
            {
                _failures.Reset();
            }
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            // whatever the call under way made of its cancelled token: what is left is another sweep's
        }
        catch (Exception e)
        {
            // a store that fails, or a mistake in here: neither may end the worker
            FailureText failure = _failures.Next(e);
            ConsumerLog.SweepFailed(parts.Log, Processor, failure.Text, failure.Error);
        }

        if (_sweep.Deleted > 0)
        {
            now.CreateTelemetry("").StateSwept(_sweep.Deleted);
            ConsumerLog.Swept(parts.Log, Processor, _sweep.Deleted, _sweep.DeletedBytes);
        }
    }
}
