using System.Runtime.CompilerServices;

namespace FastConsumer.Leases;

/// <summary>
/// What tests mostly want of a store, in fewer words: consistent lists, releases to nobody, takes by one process for each store.
/// </summary>
internal static class LeaseStoreShortForms
{
    private static readonly ConditionalWeakTable<ILeaseStore, string> s_sessions = [];
    private static int s_opened;

    public static Task<IReadOnlyList<Lease>> ListAsync(this ILeaseStore store, CancellationToken cancellationToken) =>
        store.ListAsync(ReadConsistency.Strong, cancellationToken);

    public static Task<LeaseWriteResult> TakeAsync(
        this ILeaseStore store, Lease observed, string owner, CancellationToken cancellationToken) =>
        store.TakeAsync(
            observed, owner, s_sessions.GetValue(store, static _ => $"process {Interlocked.Increment(ref s_opened)}"), cancellationToken);

    public static Task<LeaseWriteResult> ReleaseAsync(this ILeaseStore store, Lease held, CancellationToken cancellationToken) =>
        store.ReleaseAsync(held, successor: null, cancellationToken);
}
