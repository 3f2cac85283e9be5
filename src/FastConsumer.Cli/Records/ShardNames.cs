using FastConsumer.Kinesis;

namespace FastConsumer.Cli.Records;

/// <summary>What is said of a shard that is not there.</summary>
internal static class ShardNames
{
    private const int MostNamed = 5;

    public static ToolException NotFound(StreamIdentifier stream, string shardId, IReadOnlyList<Shard> shards)
    {
        IEnumerable<string> open = shards.Where(static shard => shard.EndingSequenceNumber is null).Select(static shard => shard.ShardId);
        string more = open.Count() > MostNamed ? " and more" : "";
        return new ToolException(
            ExitCodes.Failure,
            $"The stream {stream.Name} has no shard '{shardId}'. Its open shards are {string.Join(", ", open.Take(MostNamed))}{more}.");
    }
}
