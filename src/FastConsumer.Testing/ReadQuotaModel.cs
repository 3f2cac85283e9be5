namespace FastConsumer.Testing;

/// <summary>
/// How an <see cref="EmbeddedKinesis"/> counts what a shard may be read: 5 calls and 2 MiB a second. The service does not
/// document how it counts its seconds, so a consumer has to hold under each.
/// </summary>
/// <remarks>
/// Under each of them an answer is given whole, and what it took beyond the allowance is a debt: calls throw
/// ProvisionedThroughputExceededException until it is paid. Refused calls count for nothing.
/// </remarks>
public enum ReadQuotaModel
{
    /// <summary>Reads are never refused.</summary>
    None,

    /// <summary>Each second of the clock has its own allowance; what is left of it is lost.</summary>
    FixedSecond,

    /// <summary>Any second has one allowance, wherever it begins.</summary>
    SlidingWindow,

    /// <summary>A bucket of one second's allowance that fills evenly.</summary>
    TokenBucket,
}
