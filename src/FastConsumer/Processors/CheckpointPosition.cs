using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using FastConsumer.Kinesis;

namespace FastConsumer;

/// <summary>What a <see cref="CheckpointPosition"/> stands for. The order is the order of positions.</summary>
public enum CheckpointKind
{
    /// <summary>Nothing is done yet; start at the oldest record.</summary>
    TrimHorizon,

    /// <summary>Nothing is done yet; start at the newest record.</summary>
    Latest,

    /// <summary>Nothing is done yet; start at the time that the options give.</summary>
    AtTimestamp,

    /// <summary>Everything up to and including a record is done.</summary>
    Record,

    /// <summary>The shard was closed, and everything in it is done.</summary>
    ShardEnd,
}

/// <summary>
/// A position in a shard as checkpoints hold it: (sequence number, sub-sequence number), or one of KCL's sentinels.
/// Sentinels sort below all numbers, SHARD_END above (KCL's ExtendedSequenceNumber).
/// </summary>
public readonly record struct CheckpointPosition : IComparable<CheckpointPosition>
{
    private CheckpointPosition(CheckpointKind kind, SequenceNumber sequenceNumber = default, long subSequenceNumber = 0)
    {
        Kind = kind;
        SequenceNumber = sequenceNumber;
        SubSequenceNumber = subSequenceNumber;
    }

    /// <summary>TRIM_HORIZON.</summary>
    public static CheckpointPosition TrimHorizon => default;

    /// <summary>LATEST.</summary>
    public static CheckpointPosition Latest => new(CheckpointKind.Latest);

    /// <summary>AT_TIMESTAMP; the time itself is not part of the checkpoint in KCL's table.</summary>
    public static CheckpointPosition AtTimestamp => new(CheckpointKind.AtTimestamp);

    /// <summary>SHARD_END.</summary>
    public static CheckpointPosition ShardEnd => new(CheckpointKind.ShardEnd);

    /// <summary>What the position stands for.</summary>
    public CheckpointKind Kind { get; }

    /// <summary>The last record that is done, of <see cref="CheckpointKind.Record"/>.</summary>
    public SequenceNumber SequenceNumber { get; }

    /// <summary>The last done record inside an aggregate, counted from 0.</summary>
    public long SubSequenceNumber { get; }

    /// <summary>Everything up to and including this record is done.</summary>
    public static CheckpointPosition At(SequenceNumber sequenceNumber, long subSequenceNumber = 0) =>
        new(CheckpointKind.Record, sequenceNumber, subSequenceNumber);

    /// <summary>Reads KCL's text form: digits or a sentinel.</summary>
    /// <exception cref="FormatException">It is neither.</exception>
    public static CheckpointPosition Parse(string text, long subSequenceNumber = 0) =>
        TryParse(text, subSequenceNumber, out CheckpointPosition position)
        ? position
        : throw new FormatException(
            $"'{text}' is not a checkpoint: a sequence number, TRIM_HORIZON, LATEST, AT_TIMESTAMP or SHARD_END is expected.");

    /// <summary>Reads KCL's text form: digits or a sentinel. False where it is neither.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, long subSequenceNumber, out CheckpointPosition position)
    {
        CheckpointPosition? parsed = text switch
        {
            "TRIM_HORIZON" => TrimHorizon,
            "LATEST" => Latest,
            "AT_TIMESTAMP" => AtTimestamp,
            "SHARD_END" => ShardEnd,
            _ => SequenceNumber.TryParse(text, out SequenceNumber number) ? At(number, subSequenceNumber) : null,
        };
        position = parsed.GetValueOrDefault();
        return parsed is not null;
    }

    /// <summary>KCL's text form of the <c>checkpoint</c> attribute, without the sub-sequence number.</summary>
    public string ToCheckpointString() => Kind switch
    {
        CheckpointKind.TrimHorizon => "TRIM_HORIZON",
        CheckpointKind.Latest => "LATEST",
        CheckpointKind.AtTimestamp => "AT_TIMESTAMP",
        CheckpointKind.ShardEnd => "SHARD_END",
        _ => SequenceNumber.ToString(),
    };

    /// <inheritdoc/>
    public int CompareTo(CheckpointPosition other)
    {
        // as numbers: an enum compares itself on the heap
        int byKind = ((int)Kind).CompareTo((int)other.Kind);
        if (byKind != 0 || Kind != CheckpointKind.Record)
        {
            return byKind;
        }

        int byNumber = SequenceNumber.CompareTo(other.SequenceNumber);
        return byNumber != 0 ? byNumber : SubSequenceNumber.CompareTo(other.SubSequenceNumber);
    }

    /// <summary>The text form, with the sub-sequence number behind a colon where there is one.</summary>
    public override string ToString() => SubSequenceNumber == 0
        ? ToCheckpointString()
        : string.Create(CultureInfo.InvariantCulture, $"{ToCheckpointString()}:{SubSequenceNumber}");

    /// <summary>Order of positions in a shard.</summary>
    public static bool operator <(CheckpointPosition left, CheckpointPosition right) => left.CompareTo(right) < 0;

    /// <summary>Order of positions in a shard.</summary>
    public static bool operator <=(CheckpointPosition left, CheckpointPosition right) => left.CompareTo(right) <= 0;

    /// <summary>Order of positions in a shard.</summary>
    public static bool operator >(CheckpointPosition left, CheckpointPosition right) => left.CompareTo(right) > 0;

    /// <summary>Order of positions in a shard.</summary>
    public static bool operator >=(CheckpointPosition left, CheckpointPosition right) => left.CompareTo(right) >= 0;
}
