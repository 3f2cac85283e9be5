namespace FastConsumer.Testing.Engine;

/// <summary>How a stream finds a record's shard, in the service's words.</summary>
internal static class RecordDistribution
{
    /// <summary>Evenly over the open shards, whatever the record's keys.</summary>
    public const string Auto = "AUTO";

    public const string UserPartitionKey = "USER_PARTITION_KEY";
}
