namespace FastConsumer.Testing.Leases;

/// <summary>
/// A lease store does not do what <see cref="FastConsumer.Leases.ILeaseStore"/> says. The message names the case, what was expected and
/// what was found.
/// </summary>
public sealed class LeaseStoreConformanceException : Exception
{
    /// <summary>Creates the exception; <paramref name="message"/> is complete.</summary>
    public LeaseStoreConformanceException(string message)
        : base(message)
    {
    }
}
