using System.Text;
using FastConsumer.Leases;
using FastConsumer.Testing.Engine.Quotas;

namespace FastConsumer.Testing.Leases;

/// <summary>
/// The write units of one table: a bucket that holds those of one second, is full at first and fills evenly. A write needs what it costs,
/// or a full bucket where it costs more. Used by one caller at a time.
/// </summary>
/// <param name="tableName">The table, for messages.</param>
/// <param name="perSecond">The units a second; null for no limit. Another answer than before begins with a full bucket.</param>
/// <param name="time">The clock.</param>
internal sealed class WriteUnits(string tableName, Func<int?> perSecond, TimeProvider time)
{
    /// <summary>DynamoDB's name of the limit.</summary>
    private const string Reason = "TableWriteProvisionedThroughputExceeded";

    private const int BytesOfUnit = 1024;

    private readonly long _begun = time.GetTimestamp();
    private TokenBucketAllowance? _bucket;
    private int? _limit;

    /// <summary>
    /// What a write costs: a unit for each started KB of the row, before it or after it, whichever is larger; one where there is no row.
    /// </summary>
    public static int CostOf(Lease? before, Lease? after) =>
        Math.Max(1, (Math.Max(SizeOf(before), SizeOf(after)) + BytesOfUnit - 1) / BytesOfUnit);

    /// <summary>The bytes of a row, as DynamoDB counts them: names and values in UTF-8.</summary>
    public static int SizeOf(Lease? row) =>
        row?.Attributes.Sum(static pair => Encoding.UTF8.GetByteCount(pair.Key) + SizeOf(pair.Value)) ?? 0;

    /// <summary>Takes the units of a write; says why not where there are too few now.</summary>
    public LeaseStoreException? Take(int units)
    {
        if (perSecond() is not { } limit)
        {
            (_bucket, _limit) = (null, null);
            return null;
        }

        if (_bucket is null || limit != _limit)
        {
            (_bucket, _limit) = (new TokenBucketAllowance(limit), limit);
        }

        long nowMs = (long)time.GetElapsedTime(_begun).TotalMilliseconds;
        if (_bucket.Has(Math.Min(units, limit), nowMs))
        {
            _bucket.Charge(units, nowMs);
            return null;
        }

        return new LeaseStoreException(
            $"The in-memory lease table '{tableName}' throttled a write: it takes {limit} write units a second "
                + "(InMemoryLeaseDatabase.WriteUnitsPerSecond).",
            isTransient: true)
        {
            IsThrottled = true,
            ThrottleReason = Reason,
        };
    }

    private static int SizeOf(Lease.Value value) => value.Type switch
    {
        Lease.Value.Kind.Number => (value.Text!.Length / 2) + 1,
        Lease.Value.Kind.StringSet => value.Strings!.Sum(Encoding.UTF8.GetByteCount),
        Lease.Value.Kind.Binary => value.Bytes.Length,
        Lease.Value.Kind.Boolean => 1,
        _ => Encoding.UTF8.GetByteCount(value.ToString()),
    };
}
