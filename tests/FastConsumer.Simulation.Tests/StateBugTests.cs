using FastConsumer.Checkpoints;
using FastConsumer.Simulation.Tests.Planted;
using FastConsumer.Simulation.Tests.State;

namespace FastConsumer.Simulation.Tests;

/// <summary>The simulation finds what may go wrong around state.</summary>
public sealed class StateBugTests
{
    private const string Stopped = "only its owner stops a shard, and nobody has to";

    [Fact]
    public void Finds_a_row_that_names_what_is_not_there_yet() =>
        Finds(50, static place => new AcknowledgesBeforeTheUpload(place), "named is whole", Stopped);

    [Fact]
    public void Finds_a_snapshot_that_ends_too_early() =>
        Finds(50, static place => new TruncatesObjects(place), "named is whole", Stopped);

    [Fact]
    public void Finds_a_snapshot_that_is_deleted_while_a_row_names_it() =>
        Finds(50, static place => new DeletesBeforeTheRowNames(place), "nothing named is deleted", Stopped);

    [Fact]
    public void Finds_a_position_that_moves_without_its_state() =>
        Finds(50, static _ => new WritesPositionAlone(), "state moves along", Stopped);

    [Fact]
    public void Finds_a_child_that_begins_without_its_parents_state() =>
        Finds(200, static _ => new ForgetsWhatAChildInherits(), "state is the fold", Stopped);

    [Fact]
    public void Finds_an_owner_that_forgets_what_was_done_behind_the_position() =>
        Finds(200, static place => new ForgetsRestoredRuns(place), "state is the fold");

    [Fact]
    public void Finds_a_stop_that_does_not_say_what_is_done_behind_the_position() =>
        Finds(200, static place => new StopsWithoutRuns(place), "state is the fold");

    [Fact]
    public void Finds_effects_of_a_handler_that_has_failed() =>
        Finds(200, static _ => new FailsAfterEdit(), "state is the fold");

    [Fact]
    public void Finds_a_copy_that_passes_for_what_a_child_has_for_itself() =>
        // it changes an object in its place, so that what a later one says of that does not fit any more
        PlantedBugTests.Finds(
            200,
            static seed => Alone(Scenario.Of(seed).WithStateOnly()),
            static _ => new CheckpointBug(static place => new LosesCopyMark(place)),
            "state is the fold");

    private static Scenario Alone(Scenario scenario) => scenario with
    {
        Checkpointing = scenario.Checkpointing with { Incremental = false },
    };

    [Fact]
    public void Finds_a_sweep_that_deletes_what_a_write_under_way_is_to_name() =>
        Finds(200, static _ => new SweepBug(SegmentSweep.Rules.LateWrites), "named is whole", "nothing named is deleted", Stopped);

    [Fact]
    public void Finds_a_sweep_that_takes_a_manifest_for_all_of_a_snapshot() =>
        Finds(200, static _ => new SweepBug(SegmentSweep.Rules.RangesCount), "nothing named is deleted", "named is whole", Stopped);

    [Fact]
    public void Finds_a_sweep_that_reads_rows_before_it_lists_the_segments() =>
        Finds(200, static _ => new SweepBug(SegmentSweep.Rules.RowsLast), "nothing named is deleted", "named is whole", Stopped);

    [Fact]
    public void Finds_what_nobody_sweeps() => Finds(50, static _ => new NeverSweeps(), "only what is named stays");

    private static void Finds(int within, Func<StatePlace, SimulatedCheckpointStore> make, params string[] invariants) =>
        Finds(within, _ => new CheckpointBug(make), invariants);

    private static void Finds(int within, Func<Scenario, PlantedBug> make, params string[] invariants) =>
        PlantedBugTests.Finds(within, static seed => Scenario.Of(seed).WithStateOnly(), make, invariants);
}
