namespace FastConsumer.Leases;

/// <summary>How long writes of leases wait: for company, and for an answer.</summary>
/// <param name="Gather">How long a write waits for company; zero to send each at once.</param>
/// <param name="Send">No write waits for company once its lease was renewed so long ago.</param>
/// <param name="Answer">How long an answer may take; by as much an urgent write may pass older leases.</param>
internal readonly record struct LeaseWriterTimes(TimeSpan Gather, TimeSpan Send, TimeSpan Answer)
{
    /// <summary>The longest that a write waits for company.</summary>
    public static readonly TimeSpan LongestGather = TimeSpan.FromSeconds(1);

    /// <summary>
    /// So that a request that is never answered costs no lease: what is sent at six tenths of the duration has failed at eight, is sent
    /// again with the renewer's next look, and has until nine (<see cref="LeaseRenewer.LastsFor"/>) to be answered. Checkpoints may wait a
    /// fifth of their interval for company, the fewer requests the more shards; renewals only as long as costs no lease.
    /// </summary>
    public static LeaseWriterTimes For(TimeSpan leaseDuration, TimeSpan checkpointInterval) => new(
        new[] { checkpointInterval / 5, leaseDuration / 10, LongestGather }.Min(), 0.6 * leaseDuration, leaseDuration / 5);
}
