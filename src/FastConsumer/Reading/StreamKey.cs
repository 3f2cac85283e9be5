using FastConsumer.Kinesis;
using FastConsumer.Timing;

namespace FastConsumer.Reading;

/// <summary>
/// Names the KMS key of a stream in the errors that it causes. It is asked for only then, once for all shards that fail together, for
/// a stream may be encrypted, or get another key, at any time.
/// </summary>
internal sealed class StreamKey(IKinesisClient client, StreamIdentifier stream, TimeProvider time)
{
    private static readonly TimeSpan s_lasts = TimeSpan.FromMinutes(1);

    private readonly AsyncLock _one = new();
    private string? _keyId;
    private long? _askedAt;

    /// <summary>The error with the key's name in its message, where that can be had.</summary>
    public async ValueTask<KinesisException> NameInAsync(KinesisException error, CancellationToken cancellationToken)
    {
        string? keyId;
        await _one.EnterAsync(cancellationToken);
        try
        {
            if (_askedAt is not { } askedAt || time.GetElapsedTime(askedAt) >= s_lasts)
            {
                // the error itself must be heard soon, and says what is wrong without the key
                StreamDescriptionSummary? described = await BestEffortCall.TryAsync(
                    token => client.DescribeStreamSummaryAsync(stream, token), time, cancellationToken);
                _askedAt = time.GetTimestamp();
                if (described is null)
                {
                    return error;
                }

                _keyId = described.KeyId;
            }

            keyId = _keyId;
        }
        finally
        {
            _one.Exit();
        }

        return keyId is null || error.Message.Contains(keyId, StringComparison.Ordinal) ? error
            : new KinesisException($"{error.Message} The key of stream '{stream}' is {keyId}.", error.Kind, error.ErrorCode, error)
            {
                StatusCode = error.StatusCode,
                RequestId = error.RequestId,
                ExtendedRequestId = error.ExtendedRequestId,
            };
    }
}
