namespace FastConsumer.Kinesis;

/// <summary>
/// One answer of SubscribeToShard: events that the service pushes for up to five minutes. For one caller at a time;
/// disposing it, which may happen while a call waits, ends the subscription.
/// </summary>
public interface IShardSubscription : IAsyncDisposable
{
    /// <summary>
    /// Waits until the next event begins to come. The rest of it stays with the connection until it is read, and in the end
    /// with the service: a caller that has no memory to spare waits before <see cref="ReadAsync"/>.
    /// </summary>
    /// <returns>The event's size in bytes; null at the end of the subscription, which is not the end of the shard.</returns>
    /// <exception cref="KinesisException">The service ended the subscription with an error, or the connection broke.</exception>
    ValueTask<int?> WaitForEventAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// The next event, with or without records; null at the end of the subscription. The caller owns it and disposes it once,
    /// when its last record is done. <see cref="GetRecordsResponse.ContinuationSequenceNumber"/> says where to go on; null, with
    /// <see cref="GetRecordsResponse.ChildShards"/>, at the shard's end.
    /// </summary>
    /// <exception cref="KinesisException">The service ended the subscription with an error, or the connection broke.</exception>
    ValueTask<GetRecordsResponse?> ReadAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Says that the connection carries nothing any more although it is open: the client's further requests use another one. Does not end
    /// the subscription.
    /// </summary>
    void GiveUpConnection()
    {
    }

    /// <summary>
    /// The bytes that have come so far, whether of a whole event or not: what tells a slow event from one of which nothing more comes.
    /// </summary>
    long ReceivedBytes { get; }
}
