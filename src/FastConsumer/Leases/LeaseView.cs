namespace FastConsumer.Leases;

/// <summary>What <see cref="LeasePlan.Balance"/> needs to know of the leases beside their rows.</summary>
/// <param name="Me">This worker.</param>
/// <param name="IsMine">True for leases that this worker holds.</param>
/// <param name="IsFree">True for leases that nobody owns or whose owner has expired.</param>
internal sealed record LeaseView(string Me, Func<Lease, bool> IsMine, Func<Lease, bool> IsFree)
{
    /// <summary>True for leases that were released to their owner, who has not written them yet.</summary>
    public Func<Lease, bool> IsGiven { get; init; } = static lease => lease.IsPassedOn;

    /// <summary>True for leases that this worker has asked for in vain.</summary>
    public Func<Lease, bool> IsOverdue { get; init; } = static _ => false;

    /// <summary>What a lease counts, more than zero; all the same by default.</summary>
    public Func<Lease, double> Weigh { get; init; } = static _ => 1;

    /// <summary>
    /// The part of a fair share by which two workers must differ beyond what is moved between them: weights that vary move nothing to and
    /// fro. It does not count where they differ by half a share.
    /// </summary>
    public double Slack { get; init; }
}

/// <summary>What a worker is to do now.</summary>
/// <param name="Take">Leases to take at once.</param>
/// <param name="Request">Leases to ask their owners for.</param>
/// <param name="Withdraw">Leases that were asked for, and would level nothing out any more.</param>
internal sealed record LeaseMoves(IReadOnlyList<Lease> Take, IReadOnlyList<Lease> Request, IReadOnlyList<Lease> Withdraw);
