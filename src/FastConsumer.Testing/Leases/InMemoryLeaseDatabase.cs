using System.Collections.Concurrent;
using FastConsumer.Leases;

namespace FastConsumer.Testing.Leases;

/// <summary>
/// Lease tables in memory, by name: what DynamoDB is to workers in several processes, this is to workers of one process.
/// Thread-safe; it lives as long as somebody refers to it, and nothing of it is ever written to disk.
/// </summary>
public sealed class InMemoryLeaseDatabase
{
    private static long s_created;

    private readonly ConcurrentDictionary<string, InMemoryLeaseTable> _tables = new(StringComparer.Ordinal);

    /// <summary>Tells this database from the others of the process.</summary>
    internal long Id { get; } = Interlocked.Increment(ref s_created);

    /// <summary>The names of the tables that exist, in ordinal order.</summary>
    public IReadOnlyList<string> TableNames => [.. _tables.Keys.Order(StringComparer.Ordinal)];

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

    internal InMemoryLeaseTable GetTable(string tableName) => _tables.GetOrAdd(tableName, static _ => new InMemoryLeaseTable());
}
