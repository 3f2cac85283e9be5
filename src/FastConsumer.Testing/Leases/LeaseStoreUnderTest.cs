using FastConsumer.Leases;

namespace FastConsumer.Testing.Leases;

/// <summary>
/// An empty table for one case of <see cref="LeaseStoreConformance"/>: what the suite must be given to test a lease store.
/// </summary>
public abstract class LeaseStoreUnderTest
{
    /// <summary>
    /// Opens a store on the table. Called several times for one table: each call gives a store of its own, which the suite disposes.
    /// </summary>
    public abstract ILeaseStore Open();

    /// <summary>
    /// Puts a row in place without any condition and in place of the one that is there, as another program's hand would: also rows that are
    /// damaged, or no leases.
    /// </summary>
    /// <param name="leaseKey">The key.</param>
    /// <param name="attributes">All attributes, without the key.</param>
    /// <param name="cancellationToken">Ends the try.</param>
    public abstract Task PutAsync(
        string leaseKey, IReadOnlyDictionary<string, Lease.Value> attributes, CancellationToken cancellationToken);
}
