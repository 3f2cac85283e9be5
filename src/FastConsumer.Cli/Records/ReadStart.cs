using System.Globalization;
using FastConsumer.Kinesis;
using FastConsumer.Operators;

namespace FastConsumer.Cli.Records;

/// <summary>Where records are read from, as --from says it.</summary>
internal sealed record ReadStart
{
    /// <summary>So many records of a shard are kept in memory at most.</summary>
    private const int MostLast = 10_000;

    /// <summary>Where each shard starts; of the last records, where they are looked for.</summary>
    public StartingPosition Position { get; private init; }

    /// <summary>The last records of each shard, so many; null where that was not asked for.</summary>
    public int? Last { get; private init; }

    /// <summary>A record's place in its aggregate, where a sequence number came with one.</summary>
    public long SubSequenceNumber { get; private init; }

    /// <summary>True where shards that are closed already have nothing to say.</summary>
    public bool IsOfOpenShards => Last is not null || Position.Type == ShardIteratorType.Latest;

    /// <summary>Where a shard starts that was made by a reshard of one that was read.</summary>
    public StartingPosition OfChildren => Position.Type == ShardIteratorType.AtTimestamp ? Position : StartingPosition.TrimHorizon;

    /// <summary>The position of the records that are wanted, of shards that are read from a sequence number.</summary>
    public bool IsBefore(KinesisRecord record) => Position.Type == ShardIteratorType.AtSequenceNumber
        && record.SequenceNumber == Position.SequenceNumber
        && record.SubSequenceNumber < SubSequenceNumber;

    /// <exception cref="ToolException">It is none.</exception>
    public static ReadStart Parse(string text, DateTimeOffset now, string? shardId)
    {
        switch (text.ToLowerInvariant())
        {
            case "trim" or "trim_horizon":
                return new ReadStart { Position = StartingPosition.TrimHorizon };
            case "latest":
                return new ReadStart { Position = StartingPosition.Latest };
        }

        if (text.StartsWith('-') && int.TryParse(text.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out int last))
        {
            return last is > 0 and <= MostLast
                ? new ReadStart { Last = last }
                : throw ToolException.Usage(
                    $"--from {text}: the last 1 to {MostLast} records of each shard can be read. For more, name a time.");
        }

        if (Times.TryParse(text, now, isAhead: false) is { } time)
        {
            return time <= now
                ? new ReadStart { Position = StartingPosition.AtTimestamp(time) }
                : throw ToolException.Usage($"--from {text} has not come yet. latest reads what comes from now on.");
        }

        if (!OperatorNotes.TryParsePosition(text, out CheckpointPosition position) || position.Kind != CheckpointKind.Record)
        {
            throw ToolException.Usage(
                $"--from '{text}' is no place to read from: trim, latest, -N for the last N records of each shard, a time with its offset "
                    + "such as 2026-01-31T12:00:00Z, a duration back such as -15m, or with --shard a sequence number.");
        }

        return shardId is null
            ? throw ToolException.Usage($"--from {text} is a sequence number, which is one shard's: name the shard with --shard.")
            : new ReadStart
            {
                Position = StartingPosition.At(position.SequenceNumber),
                SubSequenceNumber = position.SubSequenceNumber,
            };
    }
}
