using System.Collections.Immutable;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Leases.Core;
using FastConsumer.Leases.Loop;
using FastConsumer.Testing.Leases;
using FastConsumer.Tests.Leases.Fleet;
using FastConsumer.Tests.Reading;
using LeasePlan = FastConsumer.Leases.Core.LeasePlan;
using static FastConsumer.Leases.Core.LeaseTableState;

namespace FastConsumer.Tests.Leases.Core;

/// <summary>Rows that bear state: what is written of it, when, and by whom.</summary>
public sealed class LeaseStateTransitionTests
{
    private const string Lineage = "00000000000000aa";
    private const string Life = Lineage + ".00000001";

    private static readonly TimeSpan s_d = SmallWorlds.Duration;

    /// <summary>All kinds of writes of workers that know no state.</summary>
    private static readonly string[] s_shapesWithoutState =
    [
        "create checkpoint checkpointSubSequenceNumber endingHashKey entityType fastConsumerStreamCreatedAt fastConsumerStreamName "
            + "leaseCounter leaseKey ownerSwitchesSinceCheckpoint parentShardId startingHashKey",
        "create checkpoint checkpointSubSequenceNumber endingHashKey entityType fastConsumerStreamCreatedAt fastConsumerStreamName "
            + "leaseCounter leaseKey ownerSwitchesSinceCheckpoint startingHashKey",
        "if  set childShardIds remove ",
        "if checkpointOwner fastConsumerRequestedBy leaseOwner set fastConsumerRequestedBy remove ",
        $"if {AsWritten} set checkpoint checkpointSubSequenceNumber leaseCounter ownerSwitchesSinceCheckpoint remove ",
        $"if {AsWritten} set fastConsumerDuration fastConsumerSession fastConsumerTakenBy leaseCounter leaseOwner "
            + $"ownerSwitchesSinceCheckpoint remove checkpointOwner {OfOwner}",
        $"if {AsWritten} set fastConsumerDuration fastConsumerSession fastConsumerTakenBy leaseCounter leaseOwner "
            + $"remove checkpointOwner {OfOwner}",
        $"if {AsWritten} set leaseCounter leaseOwner remove {OfOwner}",
        $"if {AsWritten} set leaseCounter remove fastConsumerCommand fastConsumerDuration fastConsumerReport fastConsumerRequestedBy "
            + "fastConsumerRing fastConsumerSession fastConsumerStanding fastConsumerTakenBy leaseOwner",
        "if checkpointOwner leaseOwner set fastConsumerRing remove ",
    ];

    private const string AsWritten = "checkpointOwner fastConsumerSession leaseCounter leaseOwner";

    private const string OfOwner =
        "fastConsumerCommand fastConsumerReport fastConsumerRequestedBy fastConsumerRing fastConsumerStanding";

    private readonly List<LeaseCommand> _sent = [];
    private TimeSpan _now = TimeSpan.FromSeconds(100);
    private LeaseTableState _state = null!;
    private ImmutableArray<LeaseCommand> _commands = [];
    private Lease _row = null!;

    /// <summary>A rule that is switched off: then the test of that rule fails.</summary>
    internal LeaseMachine.Rules Without { get; init; }

    [Fact]
    public void A_renewal_does_not_touch_the_snapshot()
    {
        Lease row = Owned("7");
        LeaseWrite write = LeaseMachine.Renew(new LeaseCommand.Renewal("0", 5, row, IsRenewalDue: true), new(At("7"), null))!;
        Assert.Equal([Lease.Names.LeaseCounter], write.Set.Keys);
        Assert.Empty(write.Remove);
        Assert.Equal(Life, write.If[Lease.Names.Lineage]?.Text);

        // nor where the run says again what the row bears
        write = LeaseMachine.Renew(
            new LeaseCommand.Renewal("0", 5, row, IsRenewalDue: true), new(At("7"), null, Snapshot: row.Snapshot, StateVersion: 1))!;
        Assert.Equal([Lease.Names.LeaseCounter], write.Set.Keys);
    }

    [Fact]
    public void A_row_without_lineage_is_written_without_a_condition_on_it()
    {
        LeaseWrite write = Renew(Owned("7") with { Lineage = null, Snapshot = null, StateVersion = 0 }, new(At("9"), null))!;
        Assert.Equal(
            [Lease.Names.CheckpointOwner, Lease.Names.Session, Lease.Names.LeaseCounter, Lease.Names.LeaseOwner],
            write.If.Keys.Order(StringComparer.Ordinal));
        Assert.DoesNotContain(write.Set.Keys, static name => name.StartsWith("fc", StringComparison.Ordinal));
    }

    [Fact]
    public void A_new_snapshot_at_the_same_position_is_written()
    {
        Lease row = Owned("7");
        LeaseWrite write = Renew(row, new(At("7"), null, Snapshot: Snapshot("s/2", "7"), StateVersion: 1))!;
        Assert.Equal(Snapshot("s/2", "7"), write.Set[Lease.Names.Snapshot].Text);
        Assert.Equal("7", write.Set[Lease.Names.Checkpoint].Text);
        Assert.DoesNotContain(Lease.Names.StateVersion, write.Set.Keys);

        // before the first record too
        Assert.Equal(
            Snapshot("s/2", "7"),
            Renew(row, new(null, null, Snapshot: Snapshot("s/2", "7"), StateVersion: 1))!.Set[Lease.Names.Snapshot].Text);
        Assert.Null(Renew(row, new(At("7"), null, Snapshot: row.Snapshot, StateVersion: 1)));
    }

    [Fact]
    public void A_later_version_is_written_with_its_first_snapshot()
    {
        LeaseWrite write = Renew(Owned("7"), new(At("9"), null, Snapshot: Snapshot("s/2", "9"), StateVersion: 2))!;
        Assert.Equal(2, write.Set[Lease.Names.StateVersion].WholeNumber);
        Assert.DoesNotContain(Lease.Names.StateVersion, Renew(Owned("7"), new(null, null, Standing: "x"))!.Set.Keys);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("the one that the row bears")]
    [InlineData("of another position")]
    [InlineData("unreadable")]
    public void A_position_never_moves_without_its_snapshot(string snapshot)
    {
        Lease row = Owned("7");
        string? said = snapshot switch
        {
            "none" => null,
            "the one that the row bears" => row.Snapshot,
            "of another position" => Snapshot("s/2", "8"),
            _ => "banana",
        };
        foreach (Lease each in new[] { row, row with { Snapshot = null, Inherits = ["1>s/1:0:100>x>y"] } })
        {
            LeaseMachine.InvariantViolation violation = Assert.Throws<LeaseMachine.InvariantViolation>(
                () => Renew(each, new(At("9"), null, Snapshot: said, StateVersion: 1)));
            Assert.Equal(
                ("0", "a position moves only together with the state that belongs to it"), (violation.LeaseKey, violation.Invariant));
        }
    }

    [Fact]
    public void What_an_operator_has_given_up_is_removed_by_a_worker_without_state_only()
    {
        Lease row = Owned("7") with { Snapshot = SnapshotHandle.EmptyAt(At("7")).ToString(), StateVersion = 0 };
        LeaseWrite write = Renew(row, new(At("9"), null))!;
        Assert.Equal("9", write.Set[Lease.Names.Checkpoint].Text);
        Assert.Contains(Lease.Names.Snapshot, write.Remove);
        Assert.Contains(Lease.Names.Inherits, write.Remove);
        Assert.Equal(Life, write.If[Lease.Names.Lineage]?.Text);
        Assert.Null(Renew(row, new(At("7"), null)));

        Assert.Throws<LeaseMachine.InvariantViolation>(() => Renew(row, new(At("9"), null, StateVersion: 1)));
        Assert.Throws<LeaseMachine.InvariantViolation>(() => Renew(Owned("7"), new(At("9"), null)));
    }

    [Fact]
    public void A_snapshot_of_a_position_that_was_passed_is_not_written() => Assert.Throws<LeaseMachine.InvariantViolation>(
        () => Renew(Owned("7"), new(At("5"), null, Snapshot: Snapshot("s/2", "5"), StateVersion: 1)));

    [Fact]
    public void The_first_snapshot_removes_what_was_inherited_and_goes_alone()
    {
        LeaseWorld world = World(out _);
        world.Put(Row("0", "7"));
        Lease child = Row("1", null) with
        {
            Inherits = [SnapshotHandle.Inherit(Finished("2"), CheckpointPosition.TrimHorizon)],
            StateVersion = 1,
        };
        world.Put(child);
        world.Add(Settings("A", 1));
        world.RunFor(s_d);

        LeaseCommand.Send[] sends = [.. Commands<LeaseCommand.Send>()];
        Assert.Equal(
            ["1"],
            sends.First(static send => send.Leases.Any(static lease => lease.Key == "1")).Leases.Select(static lease => lease.Key));
        Assert.Contains(sends, static send => send.Leases.Count == 2);
        Assert.Empty(world.Rows["1"].Inherits);
        Assert.NotNull(world.Rows["1"].Snapshot);
        Assert.Equal(child.Lineage, world.Rows["1"].Lineage);
    }

    [Fact]
    public void A_row_that_was_deleted_and_made_anew_refuses_the_writes_of_its_former_life()
    {
        LeaseWorld world = World(out List<Action> onSend);
        world.Put(Row("0", "7"));
        LeaseWorld.Worker a = world.Add(Settings("A", 1));
        world.RunFor(TimeSpan.FromSeconds(2));
        Assert.Single(world.BelieversOf("0"));

        // between the sending of a write and its effect, with owner, session and counter as before
        onSend.Add(() => world.Put(world.Rows["0"] with
        {
            Lineage = Lineage + ".00000002",
            Snapshot = null,
            StateVersion = 0,
            Checkpoint = CheckpointPosition.TrimHorizon,
        }));
        while (onSend.Count > 0)
        {
            world.RunFor(TimeSpan.FromMilliseconds(10));
        }

        world.RunFor(TimeSpan.FromMilliseconds(50));
        Assert.Equal("0", Assert.Single(a.Told.OfType<LeaseCommand.Tell.LeaseLost>()).Key);
        Assert.Null(world.Rows["0"].Snapshot);
        Assert.Equal(CheckpointPosition.TrimHorizon, world.Rows["0"].Checkpoint);
    }

    [Fact]
    public void A_row_at_our_position_with_another_snapshot_is_not_ours() =>
        AssertLost(Snapshot("s/2", "7"), "7", made => LeaseWorld.Changed(made, new() { [Lease.Names.Snapshot] = Snapshot("s/1", "7") }));

    [Fact]
    public void A_row_with_our_snapshot_at_another_position_is_not_ours() =>
        AssertLost(Snapshot("s/2", "9"), "9", static made => LeaseWorld.Changed(made, new() { [Lease.Names.Checkpoint] = "8" }));

    [Fact]
    public void A_row_with_our_snapshot_of_another_life_is_not_ours() =>
        AssertLost(Snapshot("s/2", "9"), "9", static made => LeaseWorld.Changed(made, new() { [Lease.Names.Lineage] = "x.2" }));

    [Theory]
    [InlineData("s/2", 0)]
    [InlineData("s/3", 1)]
    public void Of_two_snapshots_in_doubt_the_one_that_the_row_bears_took_effect(string name, int which)
    {
        Take();
        TimeSpan[] sent = new TimeSpan[2];
        LeaseWrite[] writes = new LeaseWrite[2];
        for (int i = 0; i < 2; i++)
        {
            LeaseCommand.Send send = Checkpoint(Snapshot($"s/{2 + i}", "7"), "7", out writes[i]);
            sent[i] = _now;
            Step(new LeaseEvent.Answered(send.Request, [new LeaseWrite.Result(LeaseWrite.Outcome.Unknown)]));
        }

        Step(new LeaseEvent.RowsRead(["0"], [Apply(writes[which])], _now, ReadConsistency.Strong));
        LeaseCommand.Wrote wrote = _commands.OfType<LeaseCommand.Wrote>().Single();
        Assert.Equal((At("7"), sent[which], Snapshot(name, "7")), (wrote.Position, wrote.RenewedAt, wrote.Row.Snapshot));
    }

    [Fact]
    public void The_first_row_of_a_table_is_created_alone_and_draws_the_lineage_of_all()
    {
        LeaseWorld world = World(out _);
        world.SetShards([.. Enumerable.Range(0, 4).Select(static i => LeaseLifeTests.Shard($"{i}", i, 4))]);
        world.Add(Settings("A", 1));
        world.RunFor(TimeSpan.FromSeconds(2));

        LeaseCommand.Create[] creations = [.. Commands<LeaseCommand.Create>()];
        Assert.Equal(["0"], creations[0].Leases.Select(static lease => lease.LeaseKey));
        Assert.Equal(
            ["1", "2", "3"],
            creations.Skip(1).SelectMany(static creation => creation.Leases).Select(static lease => lease.LeaseKey).Order());
        Assert.Equal(4, world.Rows.Values.Select(static row => row.Lineage).Distinct().Count());
        Assert.Single(world.Rows.Values.Select(LeaseWorld.LineageOf).Distinct());
        Assert.Empty(Adoptions());
        Assert.All(world.Rows.Keys, key => Assert.Single(world.BelieversOf(key)));
    }

    [Fact]
    public void Of_two_workers_that_draw_a_lineage_at_the_same_time_one_has_drawn()
    {
        LeaseWorld world = World(out _);
        Plain(world, "0", "1");
        world.Add(Settings("A", 1));
        world.Add(Settings("B", 1), seed: 2);
        world.RunFor(TimeSpan.FromSeconds(2));

        LeaseWrite[] first = [.. Adoptions().Take(2)];
        Assert.Equal(["0", "0"], first.Select(static write => write.LeaseKey));
        Assert.All(first, static write => Assert.Null(write.If[Lease.Names.Lineage]));
        Assert.Equal(2, first.Select(static write => write.Set[Lease.Names.Lineage]).Distinct().Count());
        Assert.Single(world.Rows.Values.Select(LeaseWorld.LineageOf).Distinct());
        Assert.All(world.Rows.Keys, key => Assert.Single(world.BelieversOf(key)));
        Assert.Equal(2, world.Rows.Values.Select(static row => row.LeaseOwner).Distinct().Count());
    }

    [Fact]
    public void Rows_of_two_lineages_without_state_get_that_of_the_first_one()
    {
        LeaseWorld world = World(out _);
        world.Put(Row("0", null) with { Lineage = "a.1" });
        world.Put(Row("1", null) with { Lineage = "b.1" });
        world.Put(Row("2", null) with { Lineage = null });
        world.Add(Settings("A", 1));
        world.RunFor(TimeSpan.FromSeconds(2));
        Assert.All(world.Rows.Values, static row => Assert.Equal("a", LeaseWorld.LineageOf(row)));
        Assert.Equal("a.1", world.Rows["0"].Lineage);
    }

    [Fact]
    public void A_lineage_that_the_table_throttles_is_not_asked_for_without_a_pause()
    {
        LeaseWorld world = World(out _);
        Plain(world, "0");
        LeaseWorld.Worker a = world.Add(Settings("A", 1));
        world.Decide = (_, command) =>
        {
            _sent.Add(command);
            return command is LeaseCommand.WriteOne ? LeaseWorld.Fault.ThrottleOrLag : LeaseWorld.Fault.None;
        };
        world.RunFor(s_d);
        Assert.InRange(Adoptions().Count(), 2, 12);
        Assert.NotEmpty(a.Told.OfType<LeaseCommand.Tell.TableFailed>());
        Assert.Empty(a.Runs);
        world.Decide = null;
        world.RunFor(s_d);
        Assert.Single(world.BelieversOf("0"));
    }

    [Fact]
    public void Rows_of_another_stream_get_no_lineage()
    {
        LeaseWorld world = World(out _);
        world.Put(Row("0", null) with { Lineage = null, StreamName = "another" });
        world.Put(Row("1", null) with { Lineage = null });
        world.Add(Settings("A", 1));
        world.RunFor(s_d);
        Assert.Empty(Adoptions());
        Assert.All(world.Rows.Values, static row => Assert.Null(row.Lineage));
    }

    [Fact]
    public void A_row_that_comes_without_lineage_when_there_is_state_is_left_alone_and_told()
    {
        LeaseWorld world = World(out _);
        world.Put(Row("0", "7"));
        LeaseWorld.Worker a = world.Add(Settings("A", 1));
        world.RunFor(TimeSpan.FromSeconds(2));
        Assert.Empty(a.Told.OfType<LeaseCommand.Tell.StateLeft>());

        world.Put(Row("1", null) with { Lineage = null });
        world.RunFor(5 * s_d);
        LeaseCommand.Tell.StateLeft left = Assert.Single(a.Told.OfType<LeaseCommand.Tell.StateLeft>());
        Assert.Equal(new LeaseCommand.Tell.StateLeft("", 0, "1"), left);
        Assert.Equal(4, world.Rows["1"].LeaseCounter);
        Assert.Null(world.Rows["1"].Lineage);
        // one list and not two each time
        Assert.InRange(Commands<LeaseCommand.List>().Count(static list => list.Consistency == ReadConsistency.Strong), 1, 8);

        world.Remove("1");
        world.RunFor(s_d);
        Assert.Equal(left with { IsOver = true }, a.Told.OfType<LeaseCommand.Tell.StateLeft>().Last());
    }

    [Fact]
    public void A_child_of_a_row_without_lineage_gets_none_either()
    {
        // KCL has made row 1, a child of one with state, and has finished it: what its child begins with nobody knows
        LeaseWorld world = World(out _);
        world.SetShards(
            LeaseLifeTests.Shard("0", 0, 2), LeaseLifeTests.Shard("1", 1, 2, isClosed: true), LeaseLifeTests.Shard("2", 1, 2, "1"));
        world.Put(Row("0", "7"));
        world.Put(Finished("1") with { Lineage = null, Snapshot = null, StateVersion = 0 });
        LeaseWorld.Worker a = world.Add(Settings("A", 1));
        world.RunFor(2 * s_d);
        Assert.Null(world.Rows["2"].Lineage);
        Assert.Empty(world.BelieversOf("2"));
        Assert.Equal("2", a.Told.OfType<LeaseCommand.Tell.StateLeft>().Last().Foreign);
    }

    [Fact]
    public void A_child_inherits_of_all_parents_on_condition_that_they_are_there()
    {
        foreach (int version in new[] { 0, 1, 3 })
        {
            LeaseWorld world = World(out _);
            Merge(world);
            world.Put(Finished("0"));
            world.Put(Finished("1") with { StateVersion = 3 });
            LeaseWorld.Worker a = world.Add(Settings("A", version));
            world.RunFor(2 * s_d);
            LeaseCommand.Create creation = Assert.Single(Commands<LeaseCommand.Create>());
            Assert.Equal(["0", "1"], creation.WhileThere["2"].Order());
            Lease child = creation.Leases.Single();
            Assert.Equal((3, Lineage), (child.StateVersion, LeaseWorld.LineageOf(child)));
            Assert.NotEqual(Life, child.Lineage);
            Assert.Equal(
                new[] { "0", "1" }.Select(parent => SnapshotHandle.Inherit(Finished(parent), child.Checkpoint)).Order(),
                child.Inherits.Order());

            // a lower version leaves it alone, and says so
            Assert.Equal(version == 3, world.BelieversOf("2").Any());
            Assert.Equal(version == 3 ? [] : ["2"], a.Told.OfType<LeaseCommand.Tell.StateLeft>().Select(static left => left.Newer));
            _sent.Clear();
        }
    }

    [Fact]
    public void A_parent_that_was_finished_before_there_was_state_passes_on_that_there_is_none()
    {
        LeaseWorld world = World(out _);
        Merge(world);
        world.Put(Finished("0"));
        world.Put(Finished("1") with { Snapshot = null, StateVersion = 0 });
        world.Add(Settings("A", 1));
        world.RunFor(2 * s_d);
        Lease child = Commands<LeaseCommand.Create>().Single().Leases.Single();
        (IReadOnlyList<SnapshotHandle?> parents, bool isAtStart) = SnapshotHandle.Inherited(child);
        Assert.True(isAtStart);
        Assert.Equal(["-", "s/9"], parents.Select(static parent => parent!.Object ?? "-").Order(StringComparer.Ordinal));
        Assert.All(parents, static parent => Assert.Equal(SnapshotHandle.StampOf(CheckpointPosition.ShardEnd), parent!.Stamp));
    }

    [Fact]
    public void A_parent_without_lineage_passes_on_that_nobody_knows_its_state()
    {
        LeaseWorld world = World(out _);
        Merge(world);
        world.Put(Finished("0") with { Snapshot = null, StateVersion = 0 });
        world.Put(Finished("1") with { Snapshot = null, StateVersion = 0, Lineage = null });
        // another one with state, so that row 1 is not one of a time before
        world.Put(Finished("3"));
        world.Add(Settings("A", 1));
        world.RunFor(2 * s_d);
        Lease child = Commands<LeaseCommand.Create>().Single().Leases.Single();
        Assert.Contains(null, SnapshotHandle.Inherited(child).Parents);
    }

    [Fact]
    public void A_worker_without_state_copies_the_tables_lineage()
    {
        LeaseWorld world = World(out _);
        world.SetShards(LeaseLifeTests.Shard("0", 0, 2), LeaseLifeTests.Shard("1", 1, 2));
        world.Put(Row("0", "7"));
        world.Add(Settings("A", 0));
        world.RunFor(s_d);
        Assert.Equal(Lineage, LeaseWorld.LineageOf(world.Rows["1"]));
        Assert.False(world.Rows["1"].HasState);
        Assert.Empty(Adoptions());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Rows_of_a_later_version_are_left_alone_passed_on_and_told(int version)
    {
        LeaseWorld world = World(out _);
        world.Put(Row("0", "7") with { StateVersion = 2 });
        world.Put(Row("1", "7") with { StateVersion = 2, LeaseCounter = 6, LeaseOwner = "A", TakenBy = "B", Session = "B/5" });
        LeaseWorld.Worker a = world.Add(Settings("A", version));
        world.RunFor(3 * s_d);
        Assert.Empty(a.Runs);
        Assert.Null(world.Rows["1"].LeaseOwner);
        Assert.Equal(7, world.Rows["1"].LeaseCounter);
        Assert.Equal(4, world.Rows["0"].LeaseCounter);
        Assert.Equal([new LeaseCommand.Tell.StateLeft("0, 1", 2, "")], a.Told.OfType<LeaseCommand.Tell.StateLeft>());

        // who has the version takes them
        LeaseWorld.Worker b = world.Add(Settings("B", 2), seed: 2);
        world.RunFor(s_d);
        Assert.Equal(2, b.Runs.Count);
        world.Crash(1);
        world.Remove("0");
        world.Remove("1");
        world.RunFor(3 * s_d);
        Assert.Equal(new LeaseCommand.Tell.StateLeft("0, 1", 2, "", IsOver: true), a.Told.OfType<LeaseCommand.Tell.StateLeft>().Last());
    }

    [Fact]
    public void A_worker_asks_nobody_for_rows_of_a_later_version()
    {
        LeaseWorld world = World(out _);
        for (int i = 0; i < 4; i++)
        {
            world.Put(Row($"{i}", "7") with { StateVersion = 2 });
        }

        world.Add(Settings("B", 2), seed: 2);
        world.RunFor(s_d);
        world.Add(Settings("A", 1));
        world.RunFor(5 * s_d);
        Assert.Equal(4, world.Workers[0].Runs.Count);
        Assert.All(world.Rows.Values, static row => Assert.Null(row.RequestedBy));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void While_a_savepoint_is_restored_nothing_is_taken_or_created(bool hasRows)
    {
        LeaseWorld world = World(out _);
        world.SetShards(LeaseLifeTests.Shard("0", 0, 1));
        world.Put(new Lease
        {
            LeaseKey = Lease.Names.RestoreKey,
            Checkpoint = CheckpointPosition.ShardEnd,
            StreamName = "(savepoint 'one' by ann)",
        });
        if (hasRows)
        {
            world.Put(Row("0", "7"));
        }

        LeaseWorld.Worker a = world.Add(Settings("A", 1));
        world.RunFor(3 * s_d);
        LeaseCommand.Tell.Block block = Assert.Single(a.Told.OfType<LeaseCommand.Tell.Block>());
        Assert.Equal((LeaseCommand.Tell.Block.Reason.RestoreUnderWay, "(savepoint 'one' by ann)"), (block.Why, block.Found));
        Assert.Empty(a.Runs);
        Assert.Equal(hasRows ? 2 : 1, world.Rows.Count);

        world.Remove(Lease.Names.RestoreKey);
        world.RunFor(3 * s_d);
        Assert.NotEmpty(a.Runs);
    }

    [Fact]
    public void State_of_two_lineages_blocks()
    {
        LeaseWorld world = World(out _);
        world.Put(Row("0", "7"));
        world.Put(Row("1", "7") with { Lineage = "b.1" });
        world.Put(Row("2", null) with { Lineage = null });
        LeaseWorld.Worker a = world.Add(Settings("A", 1));
        world.RunFor(3 * s_d);
        LeaseCommand.Tell.Block block = Assert.Single(a.Told.OfType<LeaseCommand.Tell.Block>());
        Assert.Equal(
            (LeaseCommand.Tell.Block.Reason.SeveralLineages, "1", "b", Lineage), (block.Why, block.Key, block.Found, block.Expected));
        Assert.Empty(a.Runs);
        Assert.Empty(Adoptions());
        Assert.DoesNotContain(
            a.Told.OfType<LeaseCommand.Tell.StateLeft>(),
            static left => left.Foreign.Contains('0') || left.Foreign.Contains('1'));

        // what was copied is deleted
        world.Remove("1");
        world.RunFor(2 * s_d);
        Assert.True(a.Told.OfType<LeaseCommand.Tell.Block>().Last().IsOver);
        Assert.Single(world.BelieversOf("0"));
        Assert.Empty(world.BelieversOf("2"));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("1")]
    public void Whichever_of_two_lineages_is_left_is_the_tables(string deleted)
    {
        LeaseWorld world = World(out _);
        world.Put(Row("0", "7"));
        LeaseWorld.Worker a = world.Add(Settings("A", 1));
        world.RunFor(s_d);
        world.Put(Row("1", "7") with { Lineage = "b.1" });
        world.RunFor(s_d);
        Assert.NotEmpty(a.Told.OfType<LeaseCommand.Tell.Block>());
        world.DeleteByHand(deleted);
        world.RunFor(4 * s_d);
        Assert.Single(world.BelieversOf(deleted == "0" ? "1" : "0"));
    }

    [Fact]
    public void A_position_that_belongs_to_a_state_does_not_follow_the_start_of_the_options()
    {
        Lease row = Row("0", null) with
        {
            Checkpoint = CheckpointPosition.AtTimestamp,
            StartedAt = DateTimeOffset.FromUnixTimeSeconds(1_000),
        };
        foreach (bool hasState in new[] { false, true })
        {
            LeaseWorld world = World(out _);
            world.Put(hasState ? row with { Snapshot = SnapshotHandle.EmptyAt(row.Checkpoint).ToString(), StateVersion = 1 } : row);
            world.Add(Settings("A", 1) with
            {
                Start = CheckpointPosition.AtTimestamp,
                StartTimestamp = DateTimeOffset.FromUnixTimeSeconds(2_000),
            });
            world.RunFor(TimeSpan.FromMilliseconds(500));
            LeaseWrite take = Commands<LeaseCommand.WriteOne>().Select(static one => one.Write.Write)
                .Single(static write => write.Set.ContainsKey(Lease.Names.TakenBy));
            Assert.Equal(!hasState, take.Set.ContainsKey(Lease.Names.StartedAt));
            Assert.Equal(!hasState, take.Set.ContainsKey(Lease.Names.Checkpoint));
            _sent.Clear();
        }
    }

    [Fact]
    public void Where_nobody_keeps_state_nothing_of_it_is_written()
    {
        LeaseWorld world = new() { Lengths = { ["0"] = 18 } };
        Record(world, []);
        world.SetShards(
            LeaseLifeTests.Shard("0", 0, 2, isClosed: true), LeaseLifeTests.Shard("1", 1, 2), LeaseLifeTests.Shard("2", 0, 2, "0"));
        world.Add(Settings("A", 0));
        world.RunFor(s_d);
        world.Add(Settings("B", 0), seed: 2);
        world.RunFor(3 * s_d);
        world.Crash(0);
        world.RunFor(2 * s_d);
        world.Add(Settings("C", 0), seed: 3);
        world.RunFor(s_d);
        world.Post(1, new LeaseEvent.StopWanted(world.Now, 2 * s_d, 0.15 * s_d));
        world.RunFor(s_d);

        HashSet<string> shapes = [.. world.Writes!.Select(Shape).Concat(Commands<LeaseCommand.Create>()
            .SelectMany(static creation => creation.Leases).Select(static lease => $"create {Names(lease.ToAttributes().Keys)}"))];
        Assert.Equal(s_shapesWithoutState.Order(StringComparer.Ordinal), shapes.Order(StringComparer.Ordinal));
        Assert.All(Commands<LeaseCommand.Create>(), static creation => Assert.Empty(creation.WhileThere));
        Assert.All(world.Workers, static worker => Assert.Empty(worker.Told.OfType<LeaseCommand.Tell.StateLeft>()));
    }

    [Fact]
    public void A_run_that_says_what_it_must_not_costs_its_own_lease_only()
    {
        var time = new VirtualTime();
        var table = new InMemoryLeaseDatabase();
        List<LeaseEvent> posted = [];
        using var kinesis = new FakeKinesis();
        var client = new LeaseTableClient(
            new InMemoryLeaseStore(table, "orders"), kinesis, StreamIdentifier.Parse("orders"), s_d, time.Clock, time)
        {
            Post = posted.Add,
            ProgressOf = static (key, _) => key == "0"
                ? new(At("9"), null)
                : new(At("9"), null, Snapshot: Snapshot("s/2", "9"), StateVersion: 1),
            Failed = static (_, _) => { },
        };
        Lease[] rows = [Owned("7"), Owned("7") with { LeaseKey = "1" }];
        foreach (Lease row in rows)
        {
            table.Put("orders", row);
        }

        client.Execute(new LeaseCommand.Send(
            1,
            [.. rows.Select(static row => new LeaseCommand.Renewal(row.LeaseKey, 4, Lease.Read(row.LeaseKey, row.ToAttributes()), true))]));
        time.Run(TimeSpan.FromSeconds(1), () => posted.OfType<LeaseEvent.Answered>().Any());

        Assert.Equal("0", posted.OfType<LeaseEvent.Violated>().Single().Key);
        Assert.Equal(["1"], posted.OfType<LeaseEvent.Sent>().Single().Writes.Select(static write => write.Key));
        Assert.Equal(
            [LeaseWrite.Outcome.Written],
            posted.OfType<LeaseEvent.Answered>().Single().Results.Select(static result => result.Outcome));
    }

    [Fact]
    public void The_row_of_a_finished_shard_with_state_stays_until_its_children_need_it_no_more()
    {
        // 0 and 1 were merged into 2, and 2 was split into 3 and 4
        LeasePlan.ShardNode[] all = [Node("0"), Node("1"), Node("2", "0", "1"), Node("3", "2"), Node("4", "2")];
        Lease two = Finished("2") with { ParentShardIds = ["0", "1"] };
        Lease three = Row("3", "7") with { ParentShardIds = ["2"] };
        Lease four = three with { LeaseKey = "4" };
        // what never had parents' rows goes when its shard has left the listing
        Assert.Equal([], Removable(all, Finished("0"), Finished("1"), two, three, four));
        Assert.Equal(["0", "1"], Removable(all[2..], Finished("0"), Finished("1"), two, three, four));
        // a parent's row goes before its child's
        Assert.Equal(["0", "1"], Removable(all[3..], Finished("0"), Finished("1"), two, three, four));
        Assert.Equal(["2"], Removable(all[3..], two, three, four));
        // each child has a snapshot of its own, and not only a position
        Assert.Equal([], Removable(all[3..], two, three, four with { Snapshot = null, Inherits = ["2>>>"] }));
        // where there is no state it is as it ever was
        Lease[] plain = [.. new[] { Finished("0"), Finished("1"), two, three, four }.Select(static row => row with { Lineage = null })];
        Assert.Equal(["0", "1", "2"], Removable(all, plain));
        Assert.Equal(["0", "1", "2"], Removable(all[3..], plain));

        static LeasePlan.ShardNode Node(string id, params string[] parents) =>
            new(id, parents, string.CompareOrdinal(id, "3") < 0, LeaseLifeTests.Part(0, 1));

        static IEnumerable<string> Removable(LeasePlan.ShardNode[] shards, params Lease[] leases) =>
            LeasePlan.Removable(shards, leases).Select(static lease => lease.LeaseKey).Order();
    }

    private static string Shape(LeaseWrite write) =>
        $"if {Names(write.If.Keys)} set {Names(write.Set.Keys)} remove {Names(write.Remove)}";

    private static string Names(IEnumerable<string> names) => string.Join(' ', names.Order(StringComparer.Ordinal));

    private LeaseTableState.Settings Settings(string id, int version) =>
        SmallWorlds.Settings(id, id, s_d, Without) with { StateVersion = version };

    /// <summary>A world that remembers what was asked of the table.</summary>
    private LeaseWorld World(out List<Action> onSend)
    {
        LeaseWorld world = new();
        List<Action> actions = [];
        onSend = actions;
        Record(world, actions);
        return world;
    }

    private void Record(LeaseWorld world, List<Action> onSend)
    {
        world.Writes = [];
        world.Decide = (_, command) =>
        {
            _sent.Add(command);
            if (command is LeaseCommand.Send && onSend.Count > 0)
            {
                onSend[0]();
                onSend.RemoveAt(0);
            }

            return LeaseWorld.Fault.None;
        };
    }

    private IEnumerable<T> Commands<T>()
        where T : LeaseCommand => _sent.OfType<T>();

    /// <summary>What gives rows their lineage.</summary>
    private IEnumerable<LeaseWrite> Adoptions() => Commands<LeaseCommand.WriteOne>().Select(static one => one.Write.Write)
        .Where(static write => write.Set.Keys.SequenceEqual([Lease.Names.Lineage]));

    private static void Plain(LeaseWorld world, params string[] keys)
    {
        foreach (string key in keys)
        {
            world.Put(new Lease { LeaseKey = key });
        }
    }

    /// <summary>Two shards that were merged.</summary>
    private static void Merge(LeaseWorld world) => world.SetShards(
        LeaseLifeTests.Shard("0", 0, 2, isClosed: true),
        LeaseLifeTests.Shard("1", 1, 2, isClosed: true),
        LeaseLifeTests.Shard("2", 0, 1, "0") with { AdjacentParentShardId = "1" });

    /// <summary>A checkpoint in doubt, and the row as it is found then.</summary>
    private void AssertLost(string snapshot, string position, Func<Lease, Lease> found)
    {
        Take();
        LeaseCommand.Send send = Checkpoint(snapshot, position, out LeaseWrite write);
        Step(new LeaseEvent.Answered(send.Request, [new LeaseWrite.Result(LeaseWrite.Outcome.Unknown)]));
        Step(new LeaseEvent.RowsRead(["0"], [found(Apply(write))], _now, ReadConsistency.Strong));
        Assert.Equal("0", Assert.Single(_commands.OfType<LeaseCommand.Lose>()).Key);
        Assert.Empty(_commands.OfType<LeaseCommand.Wrote>());
    }

    private void Step(LeaseEvent e) => (_state, _commands) = LeaseMachine.Step(_state, e, _now);

    /// <summary>One worker takes row 0, at 7.</summary>
    private void Take()
    {
        _row = Lease.Read("0", Row("0", "7").ToAttributes());
        _state = Create(Settings("A", 1), new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), 1, _now);
        Step(new LeaseEvent.Tick());
        Step(new LeaseEvent.TableListed([_row], _now, ReadConsistency.Strong));
        LeaseCommand.WriteOne take = _commands.OfType<LeaseCommand.WriteOne>().Single();
        _row = Apply(take.Write.Write);
        Step(new LeaseEvent.Answered(take.Request, [new LeaseWrite.Result(LeaseWrite.Outcome.Written, _row)]));
    }

    private LeaseCommand.Send Checkpoint(string snapshot, string position, out LeaseWrite write)
    {
        Step(new LeaseEvent.CheckpointWanted("0", 5, IsUrgent: true));
        LeaseCommand.Send? send = null;
        while (send is null)
        {
            TimeSpan next = LeaseMachine.NextDeadline(_state);
            _now = next > _now ? next : _now;
            Step(new LeaseEvent.Tick());
            send = _commands.OfType<LeaseCommand.Send>().FirstOrDefault();
        }

        write = LeaseMachine.Renew(send.Leases[0], new(At(position), null, Snapshot: snapshot, StateVersion: 1))!;
        Step(new LeaseEvent.Sent(send.Request, [new LeaseEvent.Outgoing("0", 5, write)], _now));
        return send;
    }

    private Lease Apply(LeaseWrite write) => LeaseWorld.Changed(_row, new(write.Set, StringComparer.Ordinal), [.. write.Remove]);

    private static Lease Row(string key, string? position) => new()
    {
        LeaseKey = key,
        LeaseCounter = 4,
        Checkpoint = position is null ? CheckpointPosition.TrimHorizon : At(position),
        Lineage = Life,
        Snapshot = position is null ? null : Snapshot("s/1", position),
        StateVersion = position is null ? 0 : 1,
    };

    private static Lease Finished(string key) => Row(key, null) with
    {
        Checkpoint = CheckpointPosition.ShardEnd,
        Snapshot = new SnapshotHandle("s/9", 0, 100, SnapshotHandle.StampOf(CheckpointPosition.ShardEnd)).ToString(),
        StateVersion = 1,
    };

    private static Lease Owned(string position) => Row("0", position) with { LeaseOwner = "A", TakenBy = "A", Session = "A/4" };

    private static string Snapshot(string name, string position) =>
        new SnapshotHandle(name, 0, 100, SnapshotHandle.StampOf(At(position))).ToString();

    private static CheckpointPosition At(string position) => CheckpointPosition.Parse(position);

    private static LeaseWrite? Renew(Lease row, LeaseMachine.Progress progress) =>
        LeaseMachine.Renew(new LeaseCommand.Renewal(row.LeaseKey, row.LeaseCounter, row, IsRenewalDue: false), progress);
}
