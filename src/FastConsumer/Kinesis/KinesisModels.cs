namespace FastConsumer.Kinesis;

/// <summary>The encoding of requests and answers.</summary>
public enum KinesisProtocol
{
    /// <summary>CBOR; JSON from the first answer on that cannot be decoded as CBOR.</summary>
    Auto,

    /// <summary><c>application/x-amz-cbor-1.1</c>: blobs travel raw, 25 % fewer bytes.</summary>
    Cbor,

    /// <summary><c>application/x-amz-json-1.1</c>: the modelled protocol, blobs in base64.</summary>
    Json,
}

/// <summary>Where an iterator starts, in the service's own terms.</summary>
public enum ShardIteratorType
{
    /// <summary>The oldest record that is retained.</summary>
    TrimHorizon,

    /// <summary>Records put after the call.</summary>
    Latest,

    /// <summary>The record with the given sequence number.</summary>
    AtSequenceNumber,

    /// <summary>The record after the given sequence number.</summary>
    AfterSequenceNumber,

    /// <summary>The first record at or after the given time.</summary>
    AtTimestamp,
}

/// <summary>A stream as requests name it: by its name, or by an ARN (then of any account).</summary>
public readonly record struct StreamIdentifier
{
    private StreamIdentifier(string name, string? arn)
    {
        Name = name;
        Arn = arn;
    }

    /// <summary>The stream's name without account or region.</summary>
    public string Name { get; }

    /// <summary>The ARN, where one was given.</summary>
    public string? Arn { get; }

    /// <summary>Reads a name (<c>[a-zA-Z0-9_.-]{1,128}</c>) or an ARN (<c>arn:aws:kinesis:region:account:stream/name</c>).</summary>
    /// <exception cref="ArgumentException">It is neither.</exception>
    public static StreamIdentifier Parse(string nameOrArn)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(nameOrArn);
        string name = nameOrArn;
        bool isArn = nameOrArn.StartsWith("arn:", StringComparison.Ordinal);
        if (isArn)
        {
            string[] parts = nameOrArn.Split(':', 6);
            if (parts.Length < 6 || parts[2] != "kinesis" || !parts[5].StartsWith("stream/", StringComparison.Ordinal))
            {
                throw new ArgumentException(
                    $"'{nameOrArn}' is not the ARN of a Kinesis stream (arn:aws:kinesis:<region>:<account>:stream/<name>).",
                    nameof(nameOrArn));
            }

            if (!IsAccountId(parts[4]))
            {
                throw new ArgumentException(
                    $"The account '{parts[4]}' in the ARN '{nameOrArn}' is not an AWS account id: 12 digits are expected.",
                    nameof(nameOrArn));
            }

            name = parts[5]["stream/".Length..];
        }

        if (name.Length is 0 or > 128 || !name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-'))
        {
            throw new ArgumentException(
                $"'{nameOrArn}' is not a Kinesis stream name: 1 to 128 of letters, digits, '_', '.' and '-'.", nameof(nameOrArn));
        }

        return new StreamIdentifier(name, isArn ? nameOrArn : null);
    }

    /// <summary>The ARN or the name.</summary>
    public override string ToString() => Arn ?? Name;

    /// <summary>True for 12 digits.</summary>
    internal static bool IsAccountId(string text) => text.Length == 12 && text.All(char.IsAsciiDigit);
}

/// <summary>A position to ask an iterator for.</summary>
/// <param name="Type">The kind of position.</param>
/// <param name="SequenceNumber">For <see cref="ShardIteratorType.AtSequenceNumber"/> and
/// <see cref="ShardIteratorType.AfterSequenceNumber"/>.</param>
/// <param name="Timestamp">For <see cref="ShardIteratorType.AtTimestamp"/>; millisecond precision.</param>
public readonly record struct StartingPosition(
    ShardIteratorType Type, SequenceNumber SequenceNumber = default, DateTimeOffset Timestamp = default)
{
    /// <summary>The oldest record that is retained.</summary>
    public static StartingPosition TrimHorizon => new(ShardIteratorType.TrimHorizon);

    /// <summary>Records put after the call.</summary>
    public static StartingPosition Latest => new(ShardIteratorType.Latest);

    /// <summary>The record after <paramref name="sequenceNumber"/>.</summary>
    public static StartingPosition After(SequenceNumber sequenceNumber) => new(ShardIteratorType.AfterSequenceNumber, sequenceNumber);

    /// <summary>The record with <paramref name="sequenceNumber"/>.</summary>
    public static StartingPosition At(SequenceNumber sequenceNumber) => new(ShardIteratorType.AtSequenceNumber, sequenceNumber);

    /// <summary>The first record at or after <paramref name="timestamp"/>.</summary>
    public static StartingPosition AtTimestamp(DateTimeOffset timestamp) => new(ShardIteratorType.AtTimestamp, Timestamp: timestamp);
}

/// <summary>A range of 128-bit hash keys, both ends included.</summary>
public sealed record HashKeyRange(UInt128 StartingHashKey, UInt128 EndingHashKey)
{
    /// <summary>True where <paramref name="hashKey"/> lies in the range.</summary>
    public bool Contains(UInt128 hashKey) => hashKey >= StartingHashKey && hashKey <= EndingHashKey;
}

/// <summary>A shard as ListShards describes it.</summary>
public sealed record Shard
{
    /// <summary>The shard's id, unique in its stream.</summary>
    public required string ShardId { get; init; }

    /// <summary>The shard it was split from, or the first of the two it was merged from.</summary>
    public string? ParentShardId { get; init; }

    /// <summary>The second of the two shards it was merged from.</summary>
    public string? AdjacentParentShardId { get; init; }

    /// <summary>The hash keys it holds.</summary>
    public required HashKeyRange HashKeyRange { get; init; }

    /// <summary>Its first sequence number.</summary>
    public required SequenceNumber StartingSequenceNumber { get; init; }

    /// <summary>Its last sequence number; null while it is open.</summary>
    public SequenceNumber? EndingSequenceNumber { get; init; }
}

/// <summary>A child as GetRecords names it at the end of its parent.</summary>
public sealed record ChildShard(string ShardId, IReadOnlyList<string> ParentShards, HashKeyRange HashKeyRange);

/// <summary>One page of ListShards.</summary>
public sealed record ListShardsResponse(IReadOnlyList<Shard> Shards, string? NextToken)
{
    /// <summary>
    /// When the service answered, by its own clock and in whole seconds (the Date header); null where the answer does not say.
    /// </summary>
    public DateTimeOffset? AnsweredAt { get; init; }
}

/// <summary>The answer of DescribeStreamSummary.</summary>
public sealed record StreamDescriptionSummary
{
    /// <summary>The stream's name.</summary>
    public required string StreamName { get; init; }

    /// <summary>The stream's ARN.</summary>
    public required string StreamARN { get; init; }

    /// <summary>CREATING, DELETING, ACTIVE or UPDATING.</summary>
    public required string StreamStatus { get; init; }

    /// <summary>PROVISIONED or ON_DEMAND; null where the server does not say.</summary>
    public string? StreamMode { get; init; }

    /// <summary>Hours a record is kept.</summary>
    public required int RetentionPeriodHours { get; init; }

    /// <summary>When the stream was created: tells a stream from a later one of the same name.</summary>
    public required DateTimeOffset StreamCreationTimestamp { get; init; }

    /// <summary>The open shards.</summary>
    public required int OpenShardCount { get; init; }

    /// <summary>The registered fan-out consumers.</summary>
    public int ConsumerCount { get; init; }

    /// <inheritdoc cref="ListShardsResponse.AnsweredAt"/>
    public DateTimeOffset? AnsweredAt { get; init; }

    /// <summary>NONE or KMS.</summary>
    public string? EncryptionType { get; init; }

    /// <summary>The KMS key, where records are encrypted.</summary>
    public string? KeyId { get; init; }
}

/// <summary>A registered fan-out consumer.</summary>
public sealed record Consumer
{
    /// <summary>Its name, unique on its stream.</summary>
    public required string ConsumerName { get; init; }

    /// <summary>Its ARN.</summary>
    public required string ConsumerARN { get; init; }

    /// <summary>CREATING, DELETING or ACTIVE.</summary>
    public required string ConsumerStatus { get; init; }

    /// <summary>When it was registered.</summary>
    public required DateTimeOffset ConsumerCreationTimestamp { get; init; }

    /// <summary>Its stream, where the answer says it.</summary>
    public string? StreamARN { get; init; }
}

/// <summary>One page of ListStreamConsumers.</summary>
public sealed record ListStreamConsumersResponse(IReadOnlyList<Consumer> Consumers, string? NextToken);

/// <summary>A record to put.</summary>
/// <param name="Data">The payload, borrowed until the call returns.</param>
/// <param name="PartitionKey">1 to 256 characters.</param>
/// <param name="ExplicitHashKey">Overrides the hash of the partition key.</param>
public readonly record struct PutRecordsRequestEntry(ReadOnlyMemory<byte> Data, string PartitionKey, UInt128? ExplicitHashKey = null);

/// <summary>The answer of PutRecord.</summary>
public sealed record PutRecordResponse(string ShardId, SequenceNumber SequenceNumber);

/// <summary>The fate of one record of PutRecords: shard and number, or an error code.</summary>
public sealed record PutRecordsResultEntry(string? ShardId, SequenceNumber? SequenceNumber, string? ErrorCode, string? ErrorMessage);

/// <summary>The answer of PutRecords, entry by entry in the order of the request.</summary>
public sealed record PutRecordsResponse(int FailedRecordCount, IReadOnlyList<PutRecordsResultEntry> Records);
