using FastConsumer.Simulation.Tests.Planted;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests;

/// <summary>The simulation finds mistakes: each of these is found within some seeds, by the invariant that it breaks.</summary>
public sealed class PlantedBugTests
{
    [Fact]
    public void Finds_checkpoints_of_what_was_only_dispatched() =>
        Finds(50, static _ => new CheckpointsWhatWasDispatched(), "checkpoint is done");

    [Fact]
    public void Finds_takes_without_a_condition() =>
        Finds(
            50, static _ => new TakesWithoutCondition(), "one owner", "checkpoint goes on", "table", "owner writes", "dead owner",
            "needless loss");

    [Fact]
    public void Finds_expiry_by_wall_clocks() =>
        Finds(50, static scenario => new ComparesWallClocks(scenario.LeaseDuration), "live lease");

    [Fact]
    public void Finds_renewals_that_are_left_out() =>
        Finds(50, static _ => new RenewsByCheckpointsOnly(), "needless loss");

    [Fact]
    public void Finds_a_release_before_the_flush() =>
        Finds(50, static _ => new ReleasesBeforeTheFlush(), "released clean", "stopped clean");

    [Fact]
    public void Finds_lost_writes_that_are_repeated_without_a_condition() =>
        Finds(50, static _ => new RepeatsLostWrites(), "one owner", "owner writes", "checkpoint goes on");

    [Fact]
    public void Finds_a_start_at_LATEST_that_moves_forward() =>
        Finds(200, static _ => new ForgetsTheFirstStart(), "checkpoint is done", "recovery", "no gap");

    [Fact]
    public void Finds_a_first_start_that_comes_late() =>
        Finds(200, static _ => new AsksForLatestAgain(), "first start", "checkpoint is done", "recovery", "no gap");

    [Fact]
    public void Finds_children_that_begin_before_their_parents_have_ended() =>
        Finds(50, static _ => new ForgetsParents(), "parents first", "created once");

    [Fact]
    public void Finds_a_gap_of_one_record_after_a_restart() =>
        Finds(50, static _ => new ResumesOneTooFar(), "no gap", "order");

    [Fact]
    public void Finds_records_that_are_complete_before_their_handler_ends() =>
        Finds(50, static _ => new CompletesBeforeTheHandlerEnds(), "order", "checkpoint is done");

    [Fact]
    public void Finds_lanes_that_lose_the_order_of_a_key() =>
        Finds(50, static _ => new LosesTheOrderOfKeys(), "order", "no gap");

    [Fact]
    public void Finds_progress_that_counts_the_furthest_record() =>
        Finds(50, static _ => new CheckpointsTheFurthest(), "checkpoint is done");

    [Fact]
    public void Finds_an_aggregate_that_is_done_with_its_first_record() =>
        Finds(50, static _ => new CheckpointsTheWholeAggregate(), "checkpoint is done");

    [Fact]
    public void Finds_a_user_record_that_is_dropped_where_an_aggregate_goes_on() =>
        Finds(200, static _ => new DropsTheFirstOfWhatIsLeft(), "no gap");

    [Fact]
    public void Finds_the_outer_key_of_an_aggregate_in_place_of_the_record_s() =>
        Finds(50, static _ => new TakesTheOuterKey(), "content", "foreign");

    [Fact]
    public void Finds_records_of_other_shards_that_are_delivered() =>
        Finds(100, static _ => new DeliversRecordsOfOtherShards(), "foreign");

    [Fact]
    public void Finds_records_of_other_shards_that_nobody_puts_again_and_that_are_left_out() =>
        Finds(100, static _ => new LosesRecordsOfOtherShards(), "no gap", "order", "checkpoint is done");

    /// <summary>Runs seeds until one finds the mistake, by one of these invariants.</summary>
    internal static void Finds(
        int within, Func<int, Scenario> scenarioOf, Func<Scenario, PlantedBug> plant, params string[] invariants)
    {
        for (int seed = 1; seed <= within; seed++)
        {
            Scenario scenario = scenarioOf(seed);
            RunResult result = SimulatedRun.Execute(scenario, plant(scenario));
            if (result.Failure is null)
            {
                continue;
            }

            var violated = Assert.IsType<InvariantViolatedException>(result.Failure);
            Assert.True(invariants.Contains(violated.Invariant), $"seed {seed}: {violated.Message}");
            TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}: {violated.Message}");
            return;
        }

        Assert.Fail($"{within} seeds have not found it.");
    }

    private static void Finds(int within, Func<Scenario, PlantedBug> plant, params string[] invariants) =>
        Finds(within, Scenario.Of, plant, invariants);
}
