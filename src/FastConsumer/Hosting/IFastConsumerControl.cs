using FastConsumer.Diagnostics;

namespace FastConsumer.Hosting;

/// <summary>
/// Shows how a consumer stands, for dashboards and whoever is on call. In the host's services for the unnamed consumer, and keyed by its
/// name for a named one. Thread-safe; it does not wait for handlers, the service or the lease table.
/// </summary>
public interface IFastConsumerControl
{
    /// <summary>How the workers of this process stand now, and what they have found.</summary>
    ConsumerSnapshot GetSnapshot();

    /// <summary>
    /// Says that somebody has seen a finding that nothing else ends: records that were lost to the stream's retention (FCF1018). It is over
    /// then, until it happens again.
    /// </summary>
    /// <param name="findingId">The finding's id, such as <c>FCF1018</c>.</param>
    /// <param name="scope">Where it holds: <see cref="Finding.Scope"/>.</param>
    /// <returns>False where no such finding holds.</returns>
    /// <exception cref="ArgumentException">The finding is one that ends by itself; the message names those that do not.</exception>
    bool Acknowledge(string findingId, string scope);
}

/// <summary>How a consumer stands at one moment, in this process.</summary>
/// <param name="Workers">Its workers, one for each processor; empty before the start.</param>
/// <param name="Findings">What holds now, the worst first.</param>
public sealed record ConsumerSnapshot(IReadOnlyList<WorkerSnapshot> Workers, IReadOnlyList<Finding> Findings);
