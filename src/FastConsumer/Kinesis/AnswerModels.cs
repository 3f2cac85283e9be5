using System.Globalization;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Kinesis;

/// <summary>Turns decoded answers into the client's models.</summary>
internal static class AnswerModels
{
    public static string Text(WireValue value, string name) => value[name].AsText() ?? throw Missing(name);

    public static Shard Shard(WireValue value)
    {
        WireValue numbers = value["SequenceNumberRange"];
        return new Shard
        {
            ShardId = Text(value, "ShardId"),
            ParentShardId = value["ParentShardId"].AsText(),
            AdjacentParentShardId = value["AdjacentParentShardId"].AsText(),
            HashKeyRange = HashKeyRange(value["HashKeyRange"]),
            StartingSequenceNumber = Number(Text(numbers, "StartingSequenceNumber")),
            EndingSequenceNumber = numbers["EndingSequenceNumber"].AsText() is { } end ? Number(end) : null,
        };
    }

    public static ChildShard ChildShard(WireValue value) => new(
        Text(value, "ShardId"),
        [.. value["ParentShards"].Items.Select(static parent => parent.AsText() ?? throw Missing("ParentShards"))],
        HashKeyRange(value["HashKeyRange"]));

    public static StreamDescriptionSummary Summary(WireValue value) => new()
    {
        StreamName = Text(value, "StreamName"),
        StreamARN = Text(value, "StreamARN"),
        StreamStatus = Text(value, "StreamStatus"),
        StreamMode = value["StreamModeDetails"]["StreamMode"].AsText(),
        RetentionPeriodHours = Integer(value, "RetentionPeriodHours"),
        StreamCreationTimestamp = Time(value, "StreamCreationTimestamp"),
        OpenShardCount = Integer(value, "OpenShardCount"),
        ConsumerCount = value["ConsumerCount"].IsNull ? 0 : Integer(value, "ConsumerCount"),
        EncryptionType = value["EncryptionType"].AsText(),
        KeyId = value["KeyId"].AsText(),
    };

    public static Consumer Consumer(WireValue value) => new()
    {
        ConsumerName = Text(value, "ConsumerName"),
        ConsumerARN = Text(value, "ConsumerARN"),
        ConsumerStatus = Text(value, "ConsumerStatus"),
        ConsumerCreationTimestamp = Time(value, "ConsumerCreationTimestamp"),
        StreamARN = value["StreamARN"].AsText(),
    };

    public static PutRecordResponse PutRecord(WireValue value) =>
        new(Text(value, "ShardId"), Number(Text(value, "SequenceNumber")));

    public static PutRecordsResultEntry PutRecordsEntry(WireValue value) => new(
        value["ShardId"].AsText(),
        value["SequenceNumber"].AsText() is { } number ? Number(number) : null,
        value["ErrorCode"].AsText(),
        value["ErrorMessage"].AsText());

    public static int Integer(WireValue value, string name)
    {
        long integer = value[name].AsInteger() ?? throw Missing(name);
        return integer is >= int.MinValue and <= int.MaxValue
            ? (int)integer
            : throw new WireFormatException($"{name} does not fit 32 bits.");
    }

    private static HashKeyRange HashKeyRange(WireValue value) =>
        new(HashKey(Text(value, "StartingHashKey")), HashKey(Text(value, "EndingHashKey")));

    private static UInt128 HashKey(string digits) =>
        UInt128.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out UInt128 key)
            ? key
            : throw new WireFormatException("A hash key is not a decimal number of 128 bits.");

    private static SequenceNumber Number(string digits) =>
        SequenceNumber.TryParse(digits, out SequenceNumber number)
        ? number
        : throw new WireFormatException("A sequence number is not 1 to 129 digits.");

    private static DateTimeOffset Time(WireValue value, string name) => value[name].AsTimestamp() ?? throw Missing(name);

    private static WireFormatException Missing(string name) => new($"The answer has no {name}.");
}
