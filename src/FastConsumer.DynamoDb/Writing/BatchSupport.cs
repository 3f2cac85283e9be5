using Microsoft.Extensions.Logging;

namespace FastConsumer.DynamoDb;

/// <summary>
/// Whether writes go in batches on this table: not every server knows PartiQL, and not every policy allows it. Found out by trying,
/// said once, and remembered; a policy may change, so a denial is tried again after a while.
/// </summary>
internal sealed class BatchSupport(LeaseTable table, DynamoDbLeaseOptions options, TimeProvider timeProvider, ILogger logger)
{
    private static readonly TimeSpan s_denialLasts = TimeSpan.FromMinutes(15);

    // whether PartiQL takes an ARN in a table's place is nowhere documented
    private readonly bool _wanted = options.BatchWrites && !table.Name.StartsWith("arn:", StringComparison.Ordinal);
    private readonly Lock _lock = new();
    private bool _unknown;
    private bool _denialSaid;
    private long? _deniedAt;

    /// <summary>True where batches are worth a try.</summary>
    public bool IsOn
    {
        get
        {
            lock (_lock)
            {
                return _wanted && !_unknown && (_deniedAt is not { } denied || timeProvider.GetElapsedTime(denied) >= s_denialLasts);
            }
        }
    }

    /// <summary>The server does not know batches, or not the statements in them.</summary>
    public void Unknown(string answer)
    {
        lock (_lock)
        {
            if (_unknown)
            {
                return;
            }

            _unknown = true;
        }

        LeaseStoreLog.BatchesUnknown(logger, table.ToString(), answer);
    }

    /// <summary>The policy does not allow <c>dynamodb:PartiQLUpdate</c>.</summary>
    public void Denied(string answer)
    {
        lock (_lock)
        {
            _deniedAt = timeProvider.GetTimestamp();
            if (_denialSaid)
            {
                return;
            }

            _denialSaid = true;
        }

        LeaseStoreLog.BatchesDenied(logger, table.ToString(), answer);
    }
}
