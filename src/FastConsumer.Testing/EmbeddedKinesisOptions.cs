using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace FastConsumer.Testing;

/// <summary>What an <see cref="EmbeddedKinesis"/> is told once, at its start.</summary>
public sealed class EmbeddedKinesisOptions
{
    /// <summary>
    /// The address to listen on; 127.0.0.1 by default. <see cref="IPAddress.Any"/> lets other machines and containers connect,
    /// and whoever connects may do everything, unless <see cref="Credentials"/> are set.
    /// </summary>
    public IPAddress Bind { get; init; } = IPAddress.Loopback;

    /// <summary>The port; 0 (the default) for a free one.</summary>
    public int Port { get; init; }

    /// <summary>
    /// The certificate, with its key, for TLS: HTTP/1.1 and HTTP/2 as the client negotiates, and nothing without TLS then. Null (the
    /// default) for no TLS. <see cref="EmbeddedKinesisCertificate"/> makes one. The caller disposes of it.
    /// </summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>The region in ARNs and signatures; <c>us-east-1</c> by default.</summary>
    public string Region { get; init; } = "us-east-1";

    /// <summary>The account in ARNs, 12 digits; <c>000000000000</c> by default.</summary>
    public string AccountId { get; init; } = "000000000000";

    /// <summary>
    /// The clock of arrival times, expiries, transitions and signatures; the system's by default. See <see cref="ManualClock"/>.
    /// </summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Seeds what looks random on the wire: request ids and the seals of tokens.</summary>
    public int Seed { get; init; }

    /// <summary>How long a new stream or consumer is CREATING; zero by default.</summary>
    public TimeSpan CreateDelay { get; init; }

    /// <summary>How long a stream is UPDATING before a split, a merge or another change takes effect; zero by default.</summary>
    public TimeSpan UpdateDelay { get; init; }

    /// <summary>How long a stream or consumer is DELETING; zero by default.</summary>
    public TimeSpan DeleteDelay { get; init; }

    /// <summary>How long a shard iterator lives; five minutes by default, as the service says.</summary>
    public TimeSpan IteratorLifetime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a subscription (SubscribeToShard) lasts; five minutes by default, as the service says.</summary>
    public TimeSpan SubscriptionLifetime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Requests must be signed (SigV4) with these; null (the default) leaves signatures unchecked.</summary>
    public EmbeddedKinesisCredentials? Credentials { get; init; }

    /// <summary>The most data and partition keys, in bytes, of one answer of GetRecords; 10 MiB by default, as the service says.</summary>
    public int MaxResponseBytes { get; init; } = 10 * 1024 * 1024;

    /// <summary>
    /// The largest record's data in bytes, for streams that are told no other (CreateStream and UpdateMaxRecordSize tell one);
    /// 1 MiB by default, at most 10 MiB.
    /// </summary>
    public int MaxRecordBytes { get; init; } = 1024 * 1024;

    /// <summary>The most open shards in the account; 20,000 by default.</summary>
    public int ShardLimit { get; init; } = 20_000;

    /// <summary>
    /// How reads are counted against a shard's quota (5 GetRecords calls and 2 MiB a second, 5 s of silence after an answer
    /// of 10 MiB, 5 GetShardIterator calls a second). With any of them, the events of a subscription (SubscribeToShard) bring
    /// at most 2 MiB a second to each consumer of a shard. <see cref="ReadQuotaModel.None"/> by default: most tests are about
    /// handlers, and under a clock that stands still a quota would never refill.
    /// </summary>
    public ReadQuotaModel ReadQuota { get; init; }

    /// <summary>
    /// True to enforce a shard's write quota, 1,000 records and 1 MiB a second, counted as a token bucket: PutRecord throws
    /// ProvisionedThroughputExceededException, PutRecords says it of single entries. False by default.
    /// </summary>
    public bool WriteQuota { get; init; }

    /// <summary>
    /// A folder in which streams, records, consumers and settings are kept: what was acknowledged is there at the next start, whatever
    /// ended the process. It is made if it is missing, and one process at a time uses it. The region, the account,
    /// <see cref="MaxRecordBytes"/> and <see cref="ShardLimit"/> must stay as they were, and the delays of changes must be zero. Null
    /// (the default) keeps all in memory.
    /// </summary>
    public string? DataFolder { get; init; }

    /// <summary>How answers in CBOR are written.</summary>
    public CborStyle CborStyle { get; init; }

    internal void Validate()
    {
        ArgumentNullException.ThrowIfNull(Bind, nameof(Bind));
        if (Certificate is { HasPrivateKey: false })
        {
            throw new ArgumentException(
                $"The certificate of {Certificate.Subject} has no private key: load it with its key.", nameof(Certificate));
        }

        ArgumentOutOfRangeException.ThrowIfNegative(Port, nameof(Port));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Port, ushort.MaxValue, nameof(Port));
        if (DataFolder is not null && (CreateDelay > TimeSpan.Zero || UpdateDelay > TimeSpan.Zero || DeleteDelay > TimeSpan.Zero))
        {
            throw new ArgumentException(
                $"DataFolder {DataFolder} needs CreateDelay, UpdateDelay and DeleteDelay to be zero: a change under way is not kept.",
                nameof(DataFolder));
        }

        ArgumentException.ThrowIfNullOrEmpty(Region, nameof(Region));
        ArgumentNullException.ThrowIfNull(TimeProvider, nameof(TimeProvider));
        ArgumentOutOfRangeException.ThrowIfLessThan(CreateDelay, TimeSpan.Zero, nameof(CreateDelay));
        ArgumentOutOfRangeException.ThrowIfLessThan(UpdateDelay, TimeSpan.Zero, nameof(UpdateDelay));
        ArgumentOutOfRangeException.ThrowIfLessThan(DeleteDelay, TimeSpan.Zero, nameof(DeleteDelay));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(IteratorLifetime, TimeSpan.Zero, nameof(IteratorLifetime));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(SubscriptionLifetime, TimeSpan.Zero, nameof(SubscriptionLifetime));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxResponseBytes, 1, nameof(MaxResponseBytes));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxRecordBytes, 1, nameof(MaxRecordBytes));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxRecordBytes, 10 * 1024 * 1024, nameof(MaxRecordBytes));
        ArgumentOutOfRangeException.ThrowIfLessThan(ShardLimit, 1, nameof(ShardLimit));
        if (!Enum.IsDefined(ReadQuota))
        {
            throw new ArgumentOutOfRangeException(
                nameof(ReadQuota), ReadQuota, $"One of {string.Join(", ", Enum.GetNames<ReadQuotaModel>())} is expected.");
        }

        if (AccountId is not { Length: 12 } || !AccountId.All(char.IsAsciiDigit))
        {
            throw new ArgumentException($"'{AccountId}' is not an AWS account id: 12 digits are expected.", nameof(AccountId));
        }
    }
}
