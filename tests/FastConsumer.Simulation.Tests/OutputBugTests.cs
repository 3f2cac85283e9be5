using FastConsumer.Checkpoints;
using FastConsumer.Simulation.Tests.Planted;
using FastConsumer.Simulation.Tests.Sink;

namespace FastConsumer.Simulation.Tests;

/// <summary>The simulation finds what may go wrong with outputs beside state.</summary>
public sealed class OutputBugTests
{
    [Fact]
    public void Finds_a_checkpoint_that_does_not_wait_for_its_outputs() =>
        Finds(50, static target => new AcknowledgesEarly(target), "lease follows");

    [Fact]
    public void Finds_an_owner_that_writes_again_what_the_sink_has() =>
        Finds(200, static target => new LeavesNothingOut(target), "once");

    [Fact]
    public void Finds_values_that_are_forgotten_when_a_try_fails() =>
        Finds(50, static target => new ForgetsFailedValues(target), "effects");

    [Fact]
    public void Finds_a_part_of_a_cut_whose_row_says_all_of_it() =>
        Finds(50, static target => new SaysAllInEachPart(target), "effects");

    [Fact]
    public void Finds_a_part_that_ends_inside_a_batch() => PlantedBugTests.Finds(
        200, static seed => Scenario.Of(seed).WithOutputBatches(), static _ => new OutputBug(static target => new DividesBatches(target)),
        "once", "effects");

    [Fact]
    public void Finds_a_row_that_goes_back_to_what_was_cut_off() =>
        PlantedBugTests.Finds(200, static seed => Scenario.Of(seed).WithOutputs(), static _ => new GoesBackToTheCut(), "row goes on");

    [Fact]
    public void Finds_a_commit_without_an_answer_that_counts_as_made() =>
        Finds(200, static place => new BelievesEachCommit(place), "lease follows", "effects");

    private static void Finds(int within, Func<OutputTarget, OutputTarget> make, params string[] invariants) =>
        PlantedBugTests.Finds(within, static seed => Scenario.Of(seed).WithOutputs(), _ => new OutputBug(make), invariants);

    private static void Finds(int within, Func<SinkPlace, SimulatedPositionStore> make, params string[] invariants) =>
        PlantedBugTests.Finds(within, static seed => Scenario.Of(seed).WithOutputs(), _ => new SinkBug(make), invariants);
}
