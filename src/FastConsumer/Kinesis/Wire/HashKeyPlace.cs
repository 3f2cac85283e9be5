namespace FastConsumer.Kinesis.Wire;

/// <summary>Where a hash key lies, seen from a shard.</summary>
internal enum HashKeyPlace : byte
{
    /// <summary>Nobody has looked yet.</summary>
    Unknown,

    /// <summary>In the shard's range.</summary>
    Inside,

    /// <summary>In another shard's range.</summary>
    Outside,
}
