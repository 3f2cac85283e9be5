using System.Globalization;

namespace FastConsumer.Leases;

/// <summary>
/// Tells a stream from one that was deleted and created again under the same name: its shards have the same ids, so that the old
/// leases would be taken for its own, and the positions in them mean nothing.
/// </summary>
internal static class StreamIdentity
{
    /// <summary>Servers cut the time to milliseconds or seconds; no stream is deleted and created again in that time.</summary>
    private static readonly TimeSpan s_precision = TimeSpan.FromSeconds(2);

    /// <summary>Compares what the leases say with what the stream says; leases that say nothing pass.</summary>
    /// <exception cref="LeaseStoreException">The leases are those of an earlier stream.</exception>
    public static void Require(IEnumerable<Lease> leases, string streamName, DateTimeOffset createdAt, string table)
    {
        Lease? other = leases.FirstOrDefault(lease => lease.StreamCreatedAt is { } then && (then - createdAt).Duration() > s_precision);
        if (other is not null)
        {
            throw new LeaseStoreException(
                $"The leases in the {table} belong to a stream '{streamName}' created at {Text(other.StreamCreatedAt!.Value)} (lease {other.LeaseKey}), "
                + $"and the stream of this name was created at {Text(createdAt)}: it was deleted and created again, and the checkpoints mean nothing in it. "
                + "Choose another application name, or delete the table to begin at the start position.",
                isTransient: false);
        }
    }

    private static string Text(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
