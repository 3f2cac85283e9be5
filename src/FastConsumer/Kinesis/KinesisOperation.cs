namespace FastConsumer.Kinesis;

/// <summary>Which failures an operation may be repeated after.</summary>
internal enum RetryRule
{
    /// <summary>It changes nothing: after throttles and transient failures.</summary>
    Read,

    /// <summary>GetRecords: after transient failures only; the shard's quota is the caller's.</summary>
    ReadRecords,

    /// <summary>SubscribeToShard: its caller owns the pace of one call a second and shard.</summary>
    Subscribe,

    /// <summary>A put: as the AWS SDKs do, although a broken answer may hide a success, so that records may be there twice.</summary>
    Put,

    /// <summary>It changes a stream: only where the service cannot have acted, which is after a throttle or without a connection.</summary>
    Change,
}

/// <summary>An operation of the API as the transport needs to know it.</summary>
/// <param name="Name">Its name in the service model.</param>
/// <param name="Retry">When it may be repeated.</param>
/// <param name="IsData">True for the data plane, which has its own account endpoints.</param>
internal sealed record KinesisOperation(string Name, RetryRule Retry, bool IsData = false)
{
    public static readonly KinesisOperation ListShards = new(nameof(ListShards), RetryRule.Read);
    public static readonly KinesisOperation DescribeStreamSummary = new(nameof(DescribeStreamSummary), RetryRule.Read);
    public static readonly KinesisOperation GetShardIterator = new(nameof(GetShardIterator), RetryRule.Read, IsData: true);
    public static readonly KinesisOperation GetRecords = new(nameof(GetRecords), RetryRule.ReadRecords, IsData: true);
    public static readonly KinesisOperation PutRecord = new(nameof(PutRecord), RetryRule.Put, IsData: true);
    public static readonly KinesisOperation PutRecords = new(nameof(PutRecords), RetryRule.Put, IsData: true);
    public static readonly KinesisOperation CreateStream = new(nameof(CreateStream), RetryRule.Change);
    public static readonly KinesisOperation DeleteStream = new(nameof(DeleteStream), RetryRule.Change);
    public static readonly KinesisOperation SplitShard = new(nameof(SplitShard), RetryRule.Change);
    public static readonly KinesisOperation MergeShards = new(nameof(MergeShards), RetryRule.Change);
    public static readonly KinesisOperation RegisterStreamConsumer = new(nameof(RegisterStreamConsumer), RetryRule.Change);
    public static readonly KinesisOperation DescribeStreamConsumer = new(nameof(DescribeStreamConsumer), RetryRule.Read);
    public static readonly KinesisOperation ListStreamConsumers = new(nameof(ListStreamConsumers), RetryRule.Read);
    public static readonly KinesisOperation DeregisterStreamConsumer = new(nameof(DeregisterStreamConsumer), RetryRule.Change);
    public static readonly KinesisOperation SubscribeToShard = new(nameof(SubscribeToShard), RetryRule.Subscribe, IsData: true);

    /// <summary>The value of <c>X-Amz-Target</c>.</summary>
    public string Target { get; } = "Kinesis_20131202." + Name;

    /// <summary>True where the operation may be repeated here although the service may have acted already.</summary>
    public bool MayRepeat => Retry is not (RetryRule.Change or RetryRule.Subscribe);
}
