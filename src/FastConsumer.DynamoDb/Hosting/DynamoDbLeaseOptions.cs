using Amazon.Runtime;

namespace FastConsumer.DynamoDb;

/// <summary>
/// Leases and checkpoints on DynamoDB. Bound from the section <c>FastConsumer:DynamoDb</c>
/// (<c>FastConsumer:Consumers:&lt;name&gt;:DynamoDb</c> for a further consumer), then set by code, and validated at start.
/// </summary>
/// <remarks>
/// What is not set here is found as every AWS SDK finds it: <c>AWS_REGION</c>, <c>AWS_PROFILE</c>,
/// <c>AWS_ENDPOINT_URL_DYNAMODB</c>, the shared configuration files, the container's or instance's role. The <c>AWSOptions</c> in the
/// host's
/// services and section <c>AWS</c> come before these, and an <c>IAmazonDynamoDB</c> in the host's services before all of it.
/// </remarks>
public sealed class DynamoDbLeaseOptions
{
    /// <summary>The default of <see cref="RequestTimeout"/>: half of the time after which KCL takes a worker for dead.</summary>
    public static readonly TimeSpan DefaultRequestTimeout = TimeSpan.FromSeconds(5);

    /// <summary>The default of <see cref="Kcl3ObservationTime"/>.</summary>
    public static readonly TimeSpan DefaultKcl3ObservationTime = TimeSpan.FromSeconds(45);

    /// <summary>
    /// The table's name or ARN, for every processor of the consumer; null for the application's name, which is what KCL does.
    /// A table holds the leases of one application on one stream.
    /// </summary>
    public string? TableName { get; set; }

    /// <summary>Whether a missing table is created; <see cref="LeaseTableMode.Create"/> unless set.</summary>
    public LeaseTableMode TableMode { get; set; } = LeaseTableMode.Create;

    /// <summary>
    /// Switches point-in-time recovery on, in mode <see cref="LeaseTableMode.Create"/>, also for a table that is there already; off unless
    /// set.
    /// It is never switched off.
    /// </summary>
    public bool PointInTimeRecovery { get; set; }

    /// <summary>
    /// Protects a table that is created against deletion: DynamoDB refuses DeleteTable until the protection is switched off. Off unless
    /// set. A
    /// table that is there already stays as it is.
    /// </summary>
    public bool DeletionProtection { get; set; }

    /// <summary>Tags for a table that is created; a table that is there already keeps its own.</summary>
    public IDictionary<string, string> Tags { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>
    /// Whether renewals and checkpoints of several leases go in one request (PartiQL, action <c>dynamodb:PartiQLUpdate</c>); on unless
    /// unset. Where the policy or the server does not allow it, or the table is named by an ARN, they go one by one anyway.
    /// </summary>
    public bool BatchWrites { get; set; } = true;

    /// <summary>
    /// Starts beside a running fleet of KCL 3.x instead of refusing to; off unless set. The risk: KCL 3.x hands out all leases by a
    /// leader of its own, so leases go back and forth between both, each time with records processed twice, and KCL may give every
    /// lease to its own workers. KCL 1.x and 2.x workers need no such leave.
    /// </summary>
    public bool AllowKcl3Fleet { get; set; }

    /// <summary>
    /// How long evidence of KCL 3.x is watched at start to tell a running fleet from one that was stopped; 45 s unless set, which is
    /// longer than its reports are apart. Only a table that KCL 3.x left less than an hour ago, or whose past cannot be told, is waited
    /// for.
    /// </summary>
    public TimeSpan Kcl3ObservationTime { get; set; } = DefaultKcl3ObservationTime;

    /// <summary>
    /// The region of the table by its system name, such as <c>eu-central-1</c>; null for the consumer's region
    /// (<c>FastConsumer:Region</c>), else
    /// the one of the <c>AWSOptions</c> in the host's services or of section <c>AWS</c>, else the one that every AWS SDK finds.
    /// </summary>
    public string? Region { get; set; }

    /// <summary>A profile of the shared configuration files; null for the default.</summary>
    public string? Profile { get; set; }

    /// <summary>Another endpoint, such as <c>http://127.0.0.1:8000</c>; null for the region's.</summary>
    public string? ServiceUrl { get; set; }

    /// <summary>The credentials to use, by code only; null to find them as every AWS SDK does.</summary>
    public AWSCredentials? Credentials { get; set; }

    /// <summary>
    /// How long one request may take, connecting included; 5 s unless set. Keep it well below the lease's fail-over time.
    /// </summary>
    public TimeSpan RequestTimeout { get; set; } = DefaultRequestTimeout;
}
