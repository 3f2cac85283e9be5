using FastConsumer.Simulation.Tests.Planted;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests;

/// <summary>The seeds with operators find mistakes around what operators do.</summary>
public sealed class OperatorBugTests
{
    [Fact]
    public void Finds_a_reset_that_keeps_the_owner() => Finds(50, static _ => new ResetKeepsTheOwner(), "operator");

    [Fact]
    public void Finds_a_reset_that_leaves_the_time_of_the_former_start() =>
        Finds(50, static _ => new ResetLeavesTheStartTime(), "operator");

    [Fact]
    public void Finds_a_reset_that_leaves_the_former_sub_sequence_number() =>
        Finds(100, static _ => new ResetLeavesTheSubSequenceNumber(), "operator");

    [Fact]
    public void Finds_a_lease_that_is_freed_twice() => Finds(100, static _ => new FreesALeaseTwice(), "operator");

    [Fact]
    public void Finds_a_take_that_follows_the_options_after_a_reset() =>
        Finds(100, static scenario => new FollowsTheOptionsStart(scenario.Settings), "table", "operator");

    [Fact]
    public void Finds_a_decision_that_is_carried_out_for_another_owner() =>
        Finds(100, static _ => new DecidesForAnotherOwner(), "decision", "order", "no gap");

    [Fact]
    public void Finds_an_owner_that_takes_a_freed_row_for_its_own() =>
        Finds(50, static _ => new AdoptsTheRow(), "owner writes", "one owner", "checkpoint goes on");

    [Fact]
    public void Finds_a_pause_that_is_lost_at_a_hand_over() => Finds(50, static _ => new LosesThePauseAtAHandOver(), "paused");

    /// <summary>Only what nothing troubles for two lease durations has to have seen a pause, so these seeds are without faults.</summary>
    [Fact]
    public void Finds_a_pause_that_its_owner_does_not_see() => PlantedBugTests.Finds(
        100,
        static seed => Scenario.Of(seed).WithOperators() with { Faults = SimulatedFaults.None, LostRequests = 0, LostAnswers = 0 },
        static _ => new MissesThePause(),
        "paused");

    private static void Finds(int within, Func<Scenario, PlantedBug> plant, params string[] invariants) =>
        PlantedBugTests.Finds(within, static seed => Scenario.Of(seed).WithOperators(), plant, invariants);
}
