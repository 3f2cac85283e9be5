using FastConsumer.Leases;
using FastConsumer.Testing.Leases;

namespace FastConsumer.Tests.Leases.Fleet;

/// <summary>A table in memory that counts as DynamoDB does, answers as fast, and can be cut off from one worker.</summary>
internal sealed class MeteredLeases(InMemoryLeaseDatabase database, TimeProvider time, LeaseCosts costs) : IMeteredLeaseStore
{
    private static readonly TimeSpan s_latency = TimeSpan.FromMilliseconds(5);

    private readonly InMemoryLeaseStore _inner = new(database, "fleet");

    /// <summary>True where the worker is gone: nothing it sends arrives.</summary>
    public bool IsDead { get; set; }

    public string Description => _inner.Description;

    public LeaseTableUse Use => new(0, costs.Writes, costs.ReadUnits, costs.ThrottledWrites);

    public async Task<LeaseTableLimits> DescribeThroughputAsync(CancellationToken cancellationToken)
    {
        await TravelAsync(cancellationToken);
        return costs.IsSilent
            ? throw new LeaseStoreException("dynamodb:DescribeTable is denied", isTransient: false)
            : new LeaseTableLimits(costs.WriteUnits, null);
    }

    public Task PrepareAsync(CancellationToken cancellationToken) => _inner.PrepareAsync(cancellationToken);

    public async Task<IReadOnlyList<Lease>> ListAsync(ReadConsistency consistency, CancellationToken cancellationToken)
    {
        await TravelAsync(cancellationToken);
        IReadOnlyList<Lease> leases = await _inner.ListAsync(consistency, cancellationToken);
        costs.Lists++;
        costs.ReadUnits += Math.Ceiling(leases.Count * LeaseCosts.BytesPerLease / 4096.0) * Factor(consistency);
        return leases;
    }

    public async Task<Lease?> GetAsync(string leaseKey, CancellationToken cancellationToken)
    {
        await TravelAsync(cancellationToken);
        costs.ReadUnits++;
        return await _inner.GetAsync(leaseKey, cancellationToken);
    }

    public async Task<IReadOnlyList<Lease>> GetManyAsync(IReadOnlyList<string> leaseKeys, ReadConsistency consistency, CancellationToken cancellationToken)
    {
        await TravelAsync(cancellationToken);
        costs.ReadUnits += leaseKeys.Count * Factor(consistency);
        return await _inner.GetManyAsync(leaseKeys, consistency, cancellationToken);
    }

    public async Task<bool> CreateAsync(Lease lease, CancellationToken cancellationToken)
    {
        await TravelAsync(cancellationToken);
        if (costs.DeniesCreation)
        {
            throw new LeaseStoreException("dynamodb:PutItem is denied", isTransient: false);
        }

        RequireUnit();
        return await _inner.CreateAsync(lease, cancellationToken);
    }

    public async Task<LeaseWriteResult> TakeAsync(Lease observed, string owner, CancellationToken cancellationToken)
    {
        await TravelAsync(cancellationToken);
        if (costs.TakeError is { } error)
        {
            throw error;
        }

        RequireUnit();
        LeaseWriteResult result = await _inner.TakeAsync(observed, owner, cancellationToken);
        costs.Takes += result.Outcome == LeaseWriteOutcome.Written ? 1 : 0;
        return result;
    }

    public async Task<IReadOnlyList<LeaseWriteResult>> UpdateAsync(IReadOnlyList<LeaseUpdate> updates, CancellationToken cancellationToken)
    {
        await TravelAsync(cancellationToken);
        LeaseWriteResult?[] throttled = [.. updates.Select(_ => costs.TryWrite(time) ? null : (LeaseWriteResult?)LeaseCosts.Throttled)];
        IReadOnlyList<LeaseWriteResult> written = await _inner.UpdateAsync([.. updates.Where((_, i) => throttled[i] is null)], cancellationToken);
        var results = new Queue<LeaseWriteResult>(written);
        return [.. throttled.Select(refused => refused ?? results.Dequeue())];
    }

    public async Task<LeaseWriteResult> ReleaseAsync(Lease held, string? successor, CancellationToken cancellationToken)
    {
        await TravelAsync(cancellationToken);
        RequireUnit();
        return await _inner.ReleaseAsync(held, successor, cancellationToken);
    }

    public async Task<LeaseWriteResult> RequestAsync(Lease observed, string? requester, CancellationToken cancellationToken)
    {
        await TravelAsync(cancellationToken);
        costs.Requests++;
        RequireUnit();
        return await _inner.RequestAsync(observed, requester, cancellationToken);
    }

    public async Task<bool> RingAsync(string leaseKey, string owner, string ring, CancellationToken cancellationToken)
    {
        await TravelAsync(cancellationToken);
        costs.Rings++;
        RequireUnit();
        return await _inner.RingAsync(leaseKey, owner, ring, cancellationToken);
    }

    public async Task UpdateChildrenAsync(string leaseKey, IReadOnlyList<string> childShardIds, CancellationToken cancellationToken)
    {
        await TravelAsync(cancellationToken);
        RequireUnit();
        await _inner.UpdateChildrenAsync(leaseKey, childShardIds, cancellationToken);
    }

    public async Task<bool> DeleteAsync(Lease observed, CancellationToken cancellationToken)
    {
        await TravelAsync(cancellationToken);
        RequireUnit();
        return await _inner.DeleteAsync(observed, cancellationToken);
    }

    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    private static double Factor(ReadConsistency consistency) => consistency == ReadConsistency.Strong ? 1 : 0.5;

    private void RequireUnit()
    {
        if (!costs.TryWrite(time))
        {
            throw LeaseCosts.Throttled.Error!;
        }
    }

    private Task TravelAsync(CancellationToken cancellationToken) =>
        Task.Delay(IsDead ? Timeout.InfiniteTimeSpan : s_latency, time, cancellationToken);
}

/// <summary>What all workers of a fleet ask of their table.</summary>
internal sealed class LeaseCosts
{
    public const int BytesPerLease = 450;

    private double _left;
    private long _filledAt;

    public static LeaseWriteResult Throttled { get; } =
        new(LeaseWriteOutcome.Failed, null, new LeaseStoreException("throttled", isTransient: true) { IsThrottled = true });

    public double ReadUnits { get; set; }

    /// <summary>True where the table does not tell what it takes.</summary>
    public bool IsSilent { get; set; }

    /// <summary>Why nobody can take a lease.</summary>
    public LeaseStoreException? TakeError { get; set; }

    /// <summary>True where nobody may create one.</summary>
    public bool DeniesCreation { get; set; }

    public int Lists { get; set; }

    public int Takes { get; set; }

    public int Requests { get; set; }

    public int Rings { get; set; }

    public int Writes { get; private set; }

    public int ThrottledWrites { get; private set; }

    /// <summary>Writes that the table takes each second; null for all.</summary>
    public double? WriteUnits { get; set; }

    public bool TryWrite(TimeProvider time)
    {
        if (WriteUnits is { } units)
        {
            _left = Math.Min(units, _left + (units * time.GetElapsedTime(_filledAt).TotalSeconds));
            _filledAt = time.GetTimestamp();
            if (_left < 1)
            {
                ThrottledWrites++;
                return false;
            }

            _left--;
        }

        Writes++;
        return true;
    }
}
