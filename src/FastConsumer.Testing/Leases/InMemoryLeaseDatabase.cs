using System.Collections.Concurrent;
using FastConsumer.Leases;

namespace FastConsumer.Testing.Leases;

/// <summary>
/// Lease tables in memory, by name: what DynamoDB is to workers in several processes, this is to workers of one process.
/// Thread-safe; it lives as long as somebody refers to it, and nothing of it is ever written to disk.
/// </summary>
/// <remarks>
/// Its tables count what is asked of them, as DynamoDB does, so a worker's metrics have the lease table's requests and units too. They
/// throttle writes where <see cref="WriteUnitsPerSecond"/> says so.
/// </remarks>
public sealed class InMemoryLeaseDatabase
{
    private static long s_created;

    private readonly ConcurrentDictionary<string, InMemoryLeaseTable> _tables = new(StringComparer.Ordinal);
    private readonly TimeProvider _time;

    /// <summary>Zero for no limit.</summary>
    private volatile int _writeUnits;

    /// <summary>A database without tables, on the system's clock.</summary>
    public InMemoryLeaseDatabase()
        : this(TimeProvider.System)
    {
    }

    /// <summary>A database without tables.</summary>
    /// <param name="timeProvider">The clock of <see cref="WriteUnitsPerSecond"/>. See <see cref="ManualClock"/>.</param>
    public InMemoryLeaseDatabase(TimeProvider timeProvider)
    {
        ArgumentNullException.ThrowIfNull(timeProvider);
        _time = timeProvider;
    }

    /// <summary>Tells this database from the others of the process.</summary>
    internal long Id { get; } = Interlocked.Increment(ref s_created);

    /// <summary>The names of the tables that exist, in ordinal order.</summary>
    public IReadOnlyList<string> TableNames => [.. _tables.Keys.Order(StringComparer.Ordinal)];

    /// <summary>
    /// The write units that each table takes a second, 1 or more; null (the default) for as many as are asked for. May be changed at any
    /// time. A write costs a unit for each started KB of its row, as DynamoDB counts it, also where its condition refuses it. Units are
    /// saved up for one second, not for five minutes as DynamoDB does. A write without its units is answered
    /// <see cref="LeaseWrite.Outcome.NotWritten"/> with a <see cref="LeaseStoreException"/> that is throttled
    /// (<see cref="LeaseStoreException.IsThrottled"/>). Workers read the limit at their start and every five minutes, and keep to it.
    /// Reads are not limited, and <see cref="Put(string, Lease)"/> costs nothing.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is less than 1.</exception>
    public int? WriteUnitsPerSecond
    {
        get => _writeUnits is > 0 and var units ? units : null;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value ?? 1, 1, nameof(value));
            _writeUnits = value ?? 0;
        }
    }

    /// <summary>All leases of a table at this moment, in the order of their keys; empty where there is no such table.</summary>
    /// <param name="tableName">The table's name, which is the application's name.</param>
    public IReadOnlyList<Lease> Snapshot(string tableName)
    {
        ArgumentException.ThrowIfNullOrEmpty(tableName);
        return _tables.TryGetValue(tableName, out InMemoryLeaseTable? table) ? table.List() : [];
    }

    /// <summary>
    /// Puts a row in place without any condition, as another program's hand would: a worker that steals, a KCL hand-over.
    /// </summary>
    /// <param name="tableName">The table's name, which is the application's name; created where it is missing.</param>
    /// <param name="lease">The row.</param>
    public void Put(string tableName, Lease lease)
    {
        ArgumentException.ThrowIfNullOrEmpty(tableName);
        ArgumentNullException.ThrowIfNull(lease);
        GetTable(tableName).Put(lease.LeaseKey, lease.ToAttributes());
    }

    /// <summary>
    /// Puts a row in place without any condition, attribute by attribute: one that is no lease, or cannot be read as one.
    /// </summary>
    /// <param name="tableName">The table's name, which is the application's name; created where it is missing.</param>
    /// <param name="leaseKey">The row's key.</param>
    /// <param name="attributes">All of its attributes.</param>
    public void Put(string tableName, string leaseKey, IReadOnlyDictionary<string, Lease.Value> attributes)
    {
        ArgumentException.ThrowIfNullOrEmpty(tableName);
        ArgumentException.ThrowIfNullOrEmpty(leaseKey);
        ArgumentNullException.ThrowIfNull(attributes);
        GetTable(tableName).Put(leaseKey, attributes);
    }

    internal InMemoryLeaseTable GetTable(string tableName) => _tables.GetOrAdd(
        tableName, name => new InMemoryLeaseTable(new WriteUnits(name, () => WriteUnitsPerSecond, _time)));
}
