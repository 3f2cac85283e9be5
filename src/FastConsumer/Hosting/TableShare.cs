using FastConsumer.Diagnostics;
using FastConsumer.Leases;

namespace FastConsumer.Hosting;

/// <summary>What the lease table may be asked for, and this worker's part of it: as much as the part of the leases that it holds.</summary>
internal sealed class TableShare(WorkerParts parts, ILeaseStore store, WriteBudget budget)
{
    private static readonly TimeSpan s_limitsInterval = TimeSpan.FromMinutes(5);

    private long? _askedAt;
    private double? _foundUnits;
    private bool _hasWarned;

    private WorkerSettings Settings => parts.Settings;

    /// <summary>Where the options give no budget, what the table has provisioned is one. It may change at any time.</summary>
    public async Task LearnAsync(CancellationToken cancellationToken)
    {
        if (store is not IMeteredLeaseStore metered
            || Settings.LeaseTableWriteUnits is not null
            || (_askedAt is { } askedAt && parts.Time.GetElapsedTime(askedAt) < s_limitsInterval))
        {
            return;
        }

        _askedAt = parts.Time.GetTimestamp();
        try
        {
            _foundUnits = (await metered.DescribeThroughputAsync(cancellationToken)).WriteUnits;
            budget.SetTableUnits(_foundUnits);
        }
        catch (LeaseStoreException e)
        {
            ConsumerLog.LimitsUnknown(parts.Log, store.Description, e);
        }
    }

    /// <summary>
    /// As many leases as may be moved at a time: a request, a release and a take write three units, and what leases need to be renewed is
    /// not for them.
    /// </summary>
    public int MovesAtOnce(int leases) => (Settings.LeaseTableWriteUnits ?? _foundUnits) is double units
        ? (int)Math.Clamp((units - UnitsToHold(leases)) / 3, 1, int.MaxValue)
        : int.MaxValue;

    /// <summary>This worker holds so many of so many leases.</summary>
    public void Set(int held, int leases)
    {
        // more than they need: of what a table throttles some has to be sent again
        budget.SetShare(held, leases, 1.5 * UnitsToHold(held));
        WarnOfSmallBudget(leases);
    }

    /// <summary>Every lease is written at least twice in its duration.</summary>
    private double UnitsToHold(int leases) => leases / (Settings.LeaseDuration / 2).TotalSeconds;

    /// <summary>A budget below what leases need costs leases.</summary>
    private void WarnOfSmallBudget(int leases)
    {
        double needed = UnitsToHold(leases);
        if ((Settings.LeaseTableWriteUnits ?? _foundUnits) is not double units || units >= needed || _hasWarned)
        {
            return;
        }

        _hasWarned = true;
        TimeSpan longer = TimeSpan.FromSeconds(2 * leases / units);
        if (Settings.LeaseTableWriteUnits is null)
        {
            ConsumerLog.TableTooSmall(parts.Log, units, leases, Settings.LeaseDuration, needed, longer);
        }
        else
        {
            ConsumerLog.BudgetTooSmall(parts.Log, units, leases, Settings.LeaseDuration, needed, longer);
        }
    }
}
