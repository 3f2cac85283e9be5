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

    public async Task<IReadOnlyList<Lease>> GetManyAsync(
        IReadOnlyList<string> leaseKeys, ReadConsistency consistency, CancellationToken cancellationToken)
    {
        await TravelAsync(cancellationToken);
        costs.ReadUnits += leaseKeys.Count * Factor(consistency);
        return await _inner.GetManyAsync(leaseKeys, consistency, cancellationToken);
    }

    public async Task<LeaseWrite.Result> CreateAsync(Lease lease, CancellationToken cancellationToken)
    {
        await TravelAsync(cancellationToken);
        return costs.DeniesCreation
            ? new LeaseWrite.Result(
                LeaseWrite.Outcome.NotWritten, Error: new LeaseStoreException("dynamodb:PutItem is denied", isTransient: false))
            : costs.TryWrite(time) ? await _inner.CreateAsync(lease, cancellationToken) : LeaseCosts.Throttled;
    }

    public async Task<LeaseWrite.Result> CreateWhileThereAsync(
        Lease lease, IReadOnlyList<string> whileThere, CancellationToken cancellationToken)
    {
        await TravelAsync(cancellationToken);
        return costs.TryWrite(time) ? await _inner.CreateWhileThereAsync(lease, whileThere, cancellationToken) : LeaseCosts.Throttled;
    }

    public async Task<IReadOnlyList<LeaseWrite.Result>> WriteAsync(IReadOnlyList<LeaseWrite> writes, CancellationToken cancellationToken)
    {
        await TravelAsync(cancellationToken);
        List<LeaseWrite.Result> results = [];
        foreach (LeaseWrite write in writes)
        {
            results.Add(await WriteAsync(write, cancellationToken));
        }

        return results;
    }

    public async Task<LeaseWrite.Result> DeleteAsync(Lease observed, CancellationToken cancellationToken)
    {
        await TravelAsync(cancellationToken);
        return costs.TryWrite(time) ? await _inner.DeleteAsync(observed, cancellationToken) : LeaseCosts.Throttled;
    }

    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    private static double Factor(ReadConsistency consistency) => consistency == ReadConsistency.Strong ? 1 : 0.5;

    private async Task<LeaseWrite.Result> WriteAsync(LeaseWrite write, CancellationToken cancellationToken)
    {
        string operation = LeaseOperationName.Of(write);
        if (operation == LeaseOperationName.Take && costs.TakeError is { } error)
        {
            return new LeaseWrite.Result(LeaseWrite.Outcome.NotWritten, Error: error);
        }

        costs.Requests += operation == LeaseOperationName.Request ? 1 : 0;
        costs.Rings += operation == LeaseOperationName.Ring ? 1 : 0;
        if (!costs.TryWrite(time))
        {
            return LeaseCosts.Throttled;
        }

        if (!costs.Arrives(write))
        {
            return new LeaseWrite.Result(LeaseWrite.Outcome.Unknown, Error: new IOException("the connection broke"));
        }

        LeaseWrite.Result result = (await _inner.WriteAsync([write], cancellationToken))[0];
        costs.Written(write);
        costs.Takes += operation == LeaseOperationName.Take && result.Outcome == LeaseWrite.Outcome.Written ? 1 : 0;
        return result;
    }

    private Task TravelAsync(CancellationToken cancellationToken) =>
        Task.Delay(IsDead ? Timeout.InfiniteTimeSpan : s_latency, time, cancellationToken);
}

/// <summary>What all workers of a fleet ask of their table.</summary>
internal sealed class LeaseCosts
{
    public const int BytesPerLease = 450;

    /// <summary>Called before each write: false where it is lost on its way.</summary>
    public Func<LeaseWrite, bool> Arrives { get; set; } = static _ => true;

    /// <summary>Called after each write, before it is answered.</summary>
    public Action<LeaseWrite> Written { get; set; } = static _ => { };

    private double _left;
    private long _filledAt;

    public static LeaseWrite.Result Throttled { get; } =
        new(LeaseWrite.Outcome.NotWritten, Error: new LeaseStoreException("throttled", isTransient: true) { IsThrottled = true });

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
