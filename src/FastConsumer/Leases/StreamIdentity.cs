using System.Globalization;

namespace FastConsumer.Leases;

/// <summary>
/// Tells whether leases are those of this stream. The shards of another one, and of one that was deleted and created again under the same
/// name, have the same ids, so that those leases would be taken for its own, and the positions in them mean nothing.
/// </summary>
internal static class StreamIdentity
{
    /// <summary>Servers cut the time to milliseconds or seconds; no stream is deleted and created again in that time.</summary>
    private static readonly TimeSpan s_precision = TimeSpan.FromSeconds(2);

    /// <summary>Compares what the leases say with what the stream says; leases that say nothing pass.</summary>
    /// <exception cref="LeaseStoreException">The leases are those of an earlier stream, or of several.</exception>
    public static void Require(IReadOnlyList<Lease> leases, string streamName, DateTimeOffset createdAt, string table)
    {
        // KCL's key for applications of several streams: account:stream:epoch:shard. A shard's id has no colon.
        if (leases.FirstOrDefault(static lease => lease.LeaseKey.Contains(':', StringComparison.Ordinal)) is { } foreign)
        {
            throw new LeaseStoreException(
                $"The {table} is that of a KCL application of several streams (lease {foreign.LeaseKey}), whose leases are not taken over. "
                + "Choose another application name: the shards are read from the start position then.",
                isTransient: false);
        }

        Lease? other = FirstForeign(leases, streamName, createdAt);
        if (other?.StreamName is { } otherName && otherName != streamName)
        {
            throw new LeaseStoreException(
                $"The leases in the {table} belong to the stream '{otherName}' (lease {other.LeaseKey}), and this worker reads '{streamName}': "
                + "two streams cannot share one table, whose rows are named after shards. Give each an application name of its own (FastConsumer:ApplicationName).",
                isTransient: false);
        }

        if (other is not null)
        {
            throw new LeaseStoreException(
                $"The leases in the {table} belong to a stream '{streamName}' created at {Text(other.StreamCreatedAt!.Value)} (lease {other.LeaseKey}), "
                + $"and the stream of this name was created at {Text(createdAt)}: it was deleted and created again, and the checkpoints mean nothing in it. "
                + "Choose another application name, or delete the table to begin at the start position.",
                isTransient: false);
        }
    }

    /// <summary>The first lease that says that it is another stream's, by its name or by the time of its creation; null where there is none.</summary>
    public static Lease? FirstForeign(IReadOnlyList<Lease> leases, string streamName, DateTimeOffset createdAt) =>
        leases.FirstOrDefault(lease => lease.StreamName is { } name && name != streamName)
        ?? leases.FirstOrDefault(lease => lease.StreamCreatedAt is { } then && (then - createdAt).Duration() > s_precision);

    private static string Text(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
