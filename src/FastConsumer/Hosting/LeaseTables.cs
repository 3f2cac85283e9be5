using System.Collections.Concurrent;

namespace FastConsumer.Hosting;

/// <summary>
/// The lease tables of a host's processors. A table belongs to one application and one stream, for its rows are named by
/// shard id alone; two processors on one table would take each other's shards for their own.
/// </summary>
internal sealed class LeaseTables
{
    private readonly ConcurrentDictionary<string, string> _owners = new(StringComparer.Ordinal);

    /// <summary>Claims tables for processors.</summary>
    /// <exception cref="InvalidOperationException">Another processor has one of them.</exception>
    public void Claim(IEnumerable<(string Processor, string Table)> claims)
    {
        foreach ((string processor, string table) in claims)
        {
            if (!_owners.TryAdd(table, processor))
            {
                throw new InvalidOperationException(
                    $"{processor} and {_owners[table]} would share the lease table {table}, which belongs to one application and one "
                        + "stream. Give one of them an application name of its own "
                        + $"(FastConsumer:Processors:{processor}:ApplicationName).");
            }
        }
    }
}
