using System.CommandLine;
using FastConsumer.Cli.Commands.Records;
using FastConsumer.Cli.Records;
using FastConsumer.Kinesis;
using FastConsumer.Reading;

namespace FastConsumer.Cli.Commands.Streams;

/// <summary><c>stream split</c> and <c>stream merge</c>.</summary>
internal static class ReshardCommands
{
    private static readonly Option<string?> s_at = new("--at")
    {
        Description = "The first hash key of the second half, or half: in the middle. Default: half.",
        HelpName = "hash key",
    };

    private static readonly Option<string?> s_with = new("--with") { Description = "The shard beside it.", HelpName = "shard" };

    public static Command CreateSplit() => StreamChanges.Create(
        "split", "Splits a shard in two, and waits until the stream is ACTIVE.", SplitAsync, CommonOptions.Shard, s_at);

    public static Command CreateMerge() => StreamChanges.Create(
        "merge",
        "Merges two shards that lie beside each other, and waits until the stream is ACTIVE.",
        MergeAsync,
        CommonOptions.Shard,
        s_with);

    private static async Task<int> SplitAsync(ToolContext context, CancellationToken cancellationToken)
    {
        string shardId = Required(context, CommonOptions.Shard, "Which shard is to be split? Name it with --shard.");
        string? at = context.Arguments.GetValue(s_at);
        UInt128? given = at is null or "half" ? null : PutCommand.ParseHashKey("--at", at);
        (StreamIdentifier stream, IReadOnlyList<Shard> shards) = await FindAsync(context, cancellationToken);
        HashKeyRange range = OpenShard(stream, shards, shardId).HashKeyRange;
        UInt128 first = given ?? (range.StartingHashKey + ((range.EndingHashKey - range.StartingHashKey) / 2) + 1);
        // the service's own rule, which leaves no shard with one hash key
        if (first <= range.StartingHashKey + 1 || first >= range.EndingHashKey)
        {
            throw ToolException.Usage(
                $"--at {first} does not part {shardId}, which has the hash keys {range.StartingHashKey} to {range.EndingHashKey}: give one "
                    + "between them, at least two behind the first, or half.");
        }

        var plan = new StreamChangeItem(
            "split",
            shardId,
            $"{range.StartingHashKey} to {first - 1}, and {first} to {range.EndingHashKey}",
            IsDone: false);
        if (await StreamChanges.AskAsync(context, stream, $"Split {shardId} of {stream.Name}?", plan, cancellationToken) is { } exitCode)
        {
            return exitCode;
        }

        await context.Fleet.Kinesis.SplitShardAsync(stream, shardId, first, cancellationToken);
        return await StreamChanges.FinishAsync(context, stream, plan, isToVanish: false, cancellationToken);
    }

    private static async Task<int> MergeAsync(ToolContext context, CancellationToken cancellationToken)
    {
        string shardId = Required(context, CommonOptions.Shard, "Which shards are to be merged? Name one with --shard, the other with "
            + "--with.");
        string otherId = Required(context, s_with, $"With which shard is {shardId} to be merged? Name the one beside it by --with.");
        (StreamIdentifier stream, IReadOnlyList<Shard> shards) = await FindAsync(context, cancellationToken);
        HashKeyRange one = OpenShard(stream, shards, shardId).HashKeyRange;
        HashKeyRange other = OpenShard(stream, shards, otherId).HashKeyRange;
        if (!IsBefore(one, other) && !IsBefore(other, one))
        {
            IEnumerable<string> beside = shards
                .Where(shard => shard.EndingSequenceNumber is null
                    && (IsBefore(shard.HashKeyRange, one) || IsBefore(one, shard.HashKeyRange)))
                .Select(static shard => shard.ShardId);
            throw ToolException.Refused(
                $"Nothing was changed: {shardId} and {otherId} do not lie beside each other. Beside {shardId} there are: "
                    + $"{string.Join(", ", beside.DefaultIfEmpty("none"))}.");
        }

        var plan = new StreamChangeItem(
            "merge",
            $"{shardId}, {otherId}",
            $"{UInt128.Min(one.StartingHashKey, other.StartingHashKey)} to {UInt128.Max(one.EndingHashKey, other.EndingHashKey)}",
            IsDone: false);
        if (await StreamChanges.AskAsync(
            context, stream, $"Merge {shardId} and {otherId} of {stream.Name}?", plan, cancellationToken) is { } exitCode)
        {
            return exitCode;
        }

        await context.Fleet.Kinesis.MergeShardsAsync(stream, shardId, otherId, cancellationToken);
        return await StreamChanges.FinishAsync(context, stream, plan, isToVanish: false, cancellationToken);
    }

    private static bool IsBefore(HashKeyRange one, HashKeyRange other) =>
        one.EndingHashKey != UInt128.MaxValue && one.EndingHashKey + 1 == other.StartingHashKey;

    private static string Required(ToolContext context, Option<string?> option, string complaint) =>
        context.Arguments.GetValue(option) is { Length: > 0 } value ? value : throw ToolException.Usage(complaint);

    private static async Task<(StreamIdentifier Stream, IReadOnlyList<Shard> Shards)> FindAsync(
        ToolContext context, CancellationToken cancellationToken)
    {
        StreamIdentifier stream = await context.Fleet.StreamAsync(null, cancellationToken);
        StreamDescriptionSummary summary = await context.Fleet.Kinesis.DescribeStreamSummaryAsync(stream, cancellationToken);
        if (summary.StreamMode == "ON_DEMAND")
        {
            throw ToolException.Refused($"Nothing was changed: {stream.Name} is on demand, and the service shards it by itself.");
        }

        if (summary.StreamStatus != "ACTIVE")
        {
            throw ToolException.Refused($"Nothing was changed: {stream.Name} is {summary.StreamStatus}. Wait until it is ACTIVE.");
        }

        return (stream, (await ShardListing.ListAllAsync(context.Fleet.Kinesis, stream, cancellationToken)).Shards);
    }

    private static Shard OpenShard(StreamIdentifier stream, IReadOnlyList<Shard> shards, string shardId)
    {
        Shard shard = shards.FirstOrDefault(shard => shard.ShardId == shardId) ?? throw ShardNames.NotFound(stream, shardId, shards);
        return shard.EndingSequenceNumber is null
            ? shard
            : throw ToolException.Refused($"Nothing was changed: {shardId} of {stream.Name} is closed. Name an open shard.");
    }
}
