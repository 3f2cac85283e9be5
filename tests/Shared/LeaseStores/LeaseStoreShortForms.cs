namespace FastConsumer.Leases;

/// <summary>What tests mostly want of a store, in fewer words: consistent lists, releases to nobody.</summary>
internal static class LeaseStoreShortForms
{
    public static Task<IReadOnlyList<Lease>> ListAsync(this ILeaseStore store, CancellationToken cancellationToken) =>
        store.ListAsync(ReadConsistency.Strong, cancellationToken);

    public static Task<LeaseWriteResult> ReleaseAsync(this ILeaseStore store, Lease held, CancellationToken cancellationToken) =>
        store.ReleaseAsync(held, successor: null, cancellationToken);
}
