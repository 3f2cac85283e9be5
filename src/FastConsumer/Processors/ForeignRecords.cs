namespace FastConsumer;

/// <summary>
/// What becomes of a user record in an aggregate whose hash key belongs to another shard than the one that the aggregate was read from.
/// </summary>
/// <remarks>
/// The Kinesis Producer Library (KPL) puts such records only just after a reshard, and puts them into their own shard again. Other
/// libraries that aggregate, such as AWS Labs' for Node.js, Python, Go and Java, know no shards and never put them again.
/// </remarks>
public enum ForeignRecords
{
    /// <summary>
    /// Who made the aggregate decides; the default. Those of the KPL are left out, since they come again; those of anybody else are
    /// delivered. The KPL's aggregates are told by their own partition key, <c>a</c>, where the first user record has another.
    /// </summary>
    Auto,

    /// <summary>They are delivered. After a reshard some of the KPL's records are delivered twice.</summary>
    Deliver,

    /// <summary>They are left out. Of a producer that aggregates without regard to shards, most records are lost.</summary>
    LeaveOut,
}
