using FastConsumer.Simulation.Tests.Planted;
using FastConsumer.Simulation.Tests.Sink;

namespace FastConsumer.Simulation.Tests;

/// <summary>The simulation finds what stores of positions may do wrong.</summary>
public sealed class SinkBugTests
{
    [Fact]
    public void Finds_a_commit_whose_former_number_is_not_looked_at() =>
        Finds(200, static place => new IgnoresFormerNumber(place), "once", "position goes on", "covered");

    [Fact]
    public void Finds_a_commit_of_what_was_refused() => Finds(200, static place => new CommitsWhatWasRefused(place), "once", "covered");

    [Fact]
    public void Finds_a_start_at_the_lease() =>
        Finds(200, static place => new StartsAtTheLease(place), "once", "position goes on", "covered");

    [Fact]
    public void Finds_a_commit_without_an_answer_that_counts_as_made() =>
        Finds(200, static place => new BelievesEachCommit(place), "lease follows", "effects");

    private static void Finds(int within, Func<SinkPlace, SimulatedPositionStore> make, params string[] invariants) =>
        PlantedBugTests.Finds(within, static seed => Scenario.Of(seed).WithSink(), _ => new SinkBug(make), invariants);
}
