using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;

namespace FastConsumer.Leases;

/// <summary>What the failure of a worker's step means to whoever operates it: whether somebody must act, and what helps.</summary>
internal static class FailureAdvice
{
    /// <summary>
    /// Unhealthy where the same call fails until somebody acts: a stream or table that is not there, a permission or credentials, a
    /// setting, leases of another stream. Degraded where trying again may help: throttles, time-outs, broken connections, errors of the
    /// service.
    /// </summary>
    /// <param name="error">What the step failed with.</param>
    public static FindingSeverity SeverityOf(Exception error) => error switch
    {
        KinesisException { Kind: KinesisErrorKind.NotFound or KinesisErrorKind.Denied or KinesisErrorKind.Client } =>
            FindingSeverity.Unhealthy,
        LeaseStoreException { IsTransient: false } => FindingSeverity.Unhealthy,
        _ => FindingSeverity.Degraded,
    };

    /// <summary>
    /// The same for a worker that has not begun to read: what cannot be reached at all counts too, since a wrong endpoint, region or
    /// network looks like that, and no shard is read meanwhile.
    /// </summary>
    /// <param name="error">What the step failed with.</param>
    public static FindingSeverity SeverityAtStart(Exception error) => IsAnswer(error) ? SeverityOf(error) : FindingSeverity.Unhealthy;

    /// <summary>What a stream that was not found may mean; empty for any other failure.</summary>
    /// <param name="error">What the step failed with.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="endpoint">Where it was looked for.</param>
    public static string HintOf(Exception error, StreamIdentifier stream, string endpoint)
    {
        if (error is not KinesisException { Kind: KinesisErrorKind.NotFound })
        {
            return "";
        }

        return stream.Arn is null
            ? $" Stream '{stream}' was not found at {endpoint}, in the account of the credentials. Where it is in another region, set "
                + "FastConsumer:Region or AWS_REGION; where it is in another account, name it by its ARN."
            : $" Stream '{stream}' was not found. Its ARN decides where it is looked for: check region, account and name in it.";
    }

    /// <summary>True where the other side has answered and may answer otherwise later.</summary>
    private static bool IsAnswer(Exception error) => error switch
    {
        KinesisException { StatusCode: not null } => true,
        KinesisException { Kind: KinesisErrorKind.ResourceInUse or KinesisErrorKind.Throttled } => true,
        LeaseStoreException => true,
        _ => false,
    };
}
