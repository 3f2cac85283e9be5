using Amazon.Runtime;

namespace FastConsumer.SdkBaseline.Replica;

/// <summary>The request's model, as the SDK shapes it.</summary>
public sealed class GetRecordsRequest : AmazonWebServiceRequest
{
    public required string ShardIterator { get; set; }

    public int? Limit { get; set; }
}

/// <summary>The answer's model, as the SDK shapes it. Children are left out: no answer that is measured has them.</summary>
public sealed class GetRecordsResponse : AmazonWebServiceResponse
{
    public long? MillisBehindLatest { get; set; }

    public string? NextShardIterator { get; set; }

    public List<Record> Records { get; set; } = [];
}

/// <summary>A record's model, as the SDK shapes it: an object, a stream over an array, three strings (one a constant) and a time.</summary>
public sealed class Record
{
    public DateTime? ApproximateArrivalTimestamp { get; set; }

    public MemoryStream Data { get; set; } = null!;

    public EncryptionType? EncryptionType { get; set; }

    public string PartitionKey { get; set; } = null!;

    public string SequenceNumber { get; set; } = null!;
}

/// <summary>The SDK keeps one object for each value of such a type.</summary>
public sealed class EncryptionType(string value) : ConstantClass(value)
{
    public static EncryptionType Of(string value) => FindValue<EncryptionType>(value);
}
