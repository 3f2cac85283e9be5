using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Leases.Core;
using FastConsumer.Testing.Leases;
using FastConsumer.Tests.Leases.Core;

namespace FastConsumer.Tests.State;

/// <content>What is decided by the rows alone.</content>
public sealed partial class StateScheduleTests
{
    private const string Lineage = "00000000000000aa";
    private const string Life = Lineage + ".00000001";

    private static readonly TimeSpan s_d = SmallWorlds.Duration;

    /// <summary>Longer than a row of no use stays.</summary>
    private static readonly TimeSpan s_cleanUp = TimeSpan.FromMinutes(3);

    /// <summary>I7. Neither handle nor Inherits, and a parent with a handle.</summary>
    [Theory]
    [InlineData(Mistake.None)]
    [InlineData(Mistake.StartsForeignRowEmpty)]
    public Task V3_a_child_whose_row_KCL_has_created_is_left_alone(Mistake mistake) => RunAsync(
        mistake,
        "A takes 1, which has no lineage",
        () =>
        {
            LeaseWorld world = new();
            world.SetShards(Shard("0", isClosed: true), Shard("1", "0"));
            world.Put(Finished("0"));
            // KCL is quicker than any worker that knows of the state
            world.Put(new Lease { LeaseKey = "1", LeaseCounter = 1, ParentShardIds = ["0"] });
            LeaseWorld.Worker a = world.Add(
                Settings("A", 1, mistake == Mistake.None ? default : LeaseMachine.Rules.LineageFirst));
            world.RunFor(5 * s_d);

            Assert.Equal(1, world.Rows["1"].LeaseCounter);
            Assert.Equal("1", a.Told.OfType<LeaseCommand.Tell.StateLeft>().Last().Foreign);
            return Task.CompletedTask;
        });

    /// <summary>I8. The worker of the lower version creates the child's row itself, with the version of the parent's.</summary>
    [Theory]
    [InlineData(Mistake.None, "")]
    [InlineData(Mistake.IgnoresStateVersion, "A takes 1, whose state is of version 2")]
    [InlineData(Mistake.ForgetsParentsVersion, "I8: A runs 1, whose parent's state is of version 2")]
    public Task V5_a_child_of_a_shard_that_a_later_version_has_ended_is_left_to_that_version(Mistake mistake, string seen) => RunAsync(
        mistake,
        seen,
        () =>
        {
            LeaseWorld world = new() { Lengths = { ["0"] = 12 } };
            world.SetShards(Shard("0", isClosed: true), Shard("1", "0"));
            world.Put(Row("0", "7"));
            world.Decide = (worker, command) =>
            {
                if (command is not LeaseCommand.Create create)
                {
                    return LeaseWorld.Fault.None;
                }

                // B ends before it can create anything; what A creates is put there by this schedule
                Lease child = create.Leases[0];
                if (worker == 1)
                {
                    Assert.Equal(LeaseWrite.Outcome.Written, mistake == Mistake.ForgetsParentsVersion
                        ? Put(world, child with { StateVersion = 0 })
                        : world.Land(child, create.WhileThere["1"]));
                }

                return LeaseWorld.Fault.LoseRequest;
            };
            world.Add(Settings("B", 2));
            world.RunFor(s_d);
            Assert.Equal((true, 2), (world.Rows["0"].IsFinished, world.Rows["0"].StateVersion));
            world.Crash(0);
            LeaseMachine.Rules without = mistake == Mistake.IgnoresStateVersion ? LeaseMachine.Rules.StateVersion : default;
            LeaseWorld.Worker a = world.Add(Settings("A", 1, without), seed: 2);
            world.RunFor(5 * s_d);

            Require("I8", !a.Runs.ContainsKey("1"), "A runs 1, whose parent's state is of version 2");
            Assert.Equal(2, world.Rows["1"].StateVersion);
            Assert.Equal("1", a.Told.OfType<LeaseCommand.Tell.StateLeft>().Last().Newer);
            // who has the version goes on
            world.Add(Settings("C", 2), seed: 3);
            world.RunFor(s_d);
            Assert.Equal("C", Assert.Single(world.BelieversOf("1")).Id);
            return Task.CompletedTask;
        });

    /// <summary>I7. The parents' rows go before the child's, so at no time a creation finds them and not the child.</summary>
    [Theory]
    [InlineData(Mistake.None, false)]
    [InlineData(Mistake.None, true)]
    [InlineData(Mistake.CreatesUnconditionally, false)]
    [InlineData(Mistake.DeletesRowBeforeParents, true)]
    public Task V6_a_creation_that_was_held_up_fails_once_the_parents_are_gone(Mistake mistake, bool isParentThrottled) => RunAsync(
        mistake,
        "1 is created again, after it was done and deleted",
        () =>
        {
            LeaseWorld world = new() { Lengths = { ["1"] = 8 } };
            world.SetShards(Shard("0", isClosed: true), Shard("1", "0"));
            world.Put(Finished("0"));
            LeaseCommand.Create? heldUp = null;
            world.Decide = (worker, command) =>
            {
                if (worker == 0 && heldUp is null && command is LeaseCommand.Create create)
                {
                    heldUp = create;
                    return LeaseWorld.Fault.LoseRequest;
                }

                return LeaseWorld.Fault.None;
            };

            // A's creation of the child is held up, and B creates it
            LeaseMachine.Rules without = mistake == Mistake.DeletesRowBeforeParents ? LeaseMachine.Rules.ParentsStay : default;
            world.Add(Settings("A", 1, without));
            world.RunFor(TimeSpan.FromSeconds(1));
            Assert.Equal(["1"], heldUp!.Leases.Select(static lease => lease.LeaseKey));
            Assert.False(world.Rows.ContainsKey("1"));
            world.Add(Settings("B", 1, without), seed: 2);
            world.RunFor(s_d);
            Assert.True(world.Rows.ContainsKey("1"));

            // the child lives, ends, and has a child of its own
            world.SetShards(Shard("0", isClosed: true), Shard("1", "0", isClosed: true), Shard("2", "1"));
            world.RunFor(3 * s_d);
            Assert.NotNull(world.Rows["2"].Snapshot);

            // both leave the listing, and their rows go
            world.SetShards(Shard("2", "1"));
            if (isParentThrottled)
            {
                world.NotDeleted.Add("0");
            }

            world.RunFor(s_cleanUp);
            Assert.Equal(isParentThrottled, world.Rows.ContainsKey("0"));
            Assert.Equal(mistake == Mistake.None && isParentThrottled, world.Rows.ContainsKey("1"));
            Assert.Equal(
                LeaseWrite.Outcome.Refused,
                world.Land(heldUp.Leases[0], mistake == Mistake.CreatesUnconditionally ? [] : heldUp.WhileThere["1"]));
            return Task.CompletedTask;
        });

    /// <summary>I7. A creation of a shard that never had parents' rows has no row to be conditional on but its own.</summary>
    [Theory]
    [InlineData(Mistake.None)]
    [InlineData(Mistake.DeletesListedRoot)]
    public Task A_creation_of_a_first_shard_that_was_held_up_finds_its_row_while_the_shard_is_listed(Mistake mistake) => RunAsync(
        mistake,
        "0 never had a parent, and is deleted while its shard is listed",
        () =>
        {
            LeaseWorld world = new() { Lengths = { ["0"] = 8 } };
            world.SetShards(Shard("0"));
            LeaseCommand.Create? heldUp = null;
            world.Decide = (worker, command) =>
            {
                if (worker == 0 && heldUp is null && command is LeaseCommand.Create create)
                {
                    heldUp = create;
                    return LeaseWorld.Fault.LoseRequest;
                }

                return LeaseWorld.Fault.None;
            };
            LeaseMachine.Rules without = mistake == Mistake.None ? default : LeaseMachine.Rules.ParentsStay;
            world.Add(Settings("A", 1, without));
            world.RunFor(TimeSpan.FromSeconds(1));
            Assert.Empty(world.Rows);
            world.Add(Settings("B", 1, without), seed: 2);
            world.RunFor(s_d);
            world.SetShards(Shard("0", isClosed: true), Shard("1", "0"));
            world.RunFor(s_cleanUp);
            Assert.NotNull(world.Rows["1"].Snapshot);

            Assert.True(world.Rows["0"].IsFinished);
            Assert.Equal(LeaseWrite.Outcome.Refused, world.Land(heldUp!.Leases[0], []));
            return Task.CompletedTask;
        });

    /// <summary>
    /// I3. A process of a configured WorkerId sends its checkpoint and dies. The table is restored from a backup, and another process of
    /// the id takes the row: owner, counter and life are those that the first one wrote. Then the checkpoint lands.
    /// </summary>
    [Theory]
    [InlineData(Mistake.None)]
    [InlineData(Mistake.IgnoresSession)]
    public Task A_write_of_a_former_process_of_the_same_id_does_not_pass_for_the_owners(Mistake mistake) => RunAsync(
        mistake,
        "I3: who has the row at 7 finds it at 9",
        () =>
        {
            Lease former = TakenBy("a1"), next = TakenBy("a2");
            Assert.Equal((former.LeaseOwner, former.LeaseCounter, former.Lineage), (next.LeaseOwner, next.LeaseCounter, next.Lineage));
            LeaseWrite heldUp = Checkpoint(former, "9");
            if (mistake == Mistake.IgnoresSession)
            {
                heldUp = heldUp with
                {
                    If = heldUp.If.Where(static condition => condition.Key != Lease.Names.Session)
                        .ToDictionary(static condition => condition.Key, static condition => condition.Value, StringComparer.Ordinal),
                };
            }

            InMemoryLeaseTable table = new();
            table.Put("0", next.ToAttributes());
            LeaseWrite.Outcome landed = table.Write(heldUp).Outcome;
            Require("I3", landed == LeaseWrite.Outcome.Refused, $"who has the row at 7 finds it at {table.Get("0")!.Checkpoint}");
            Assert.Equal(LeaseWrite.Outcome.Written, table.Write(Checkpoint(next, "8")).Outcome);
            return Task.CompletedTask;

            static Lease TakenBy(string process)
            {
                LeaseMachineSteps machine = new(SmallWorlds.Settings("A", process, s_d, default) with { StateVersion = 1 });
                machine.ListTable(Row("0", "7"));
                return machine.Until<LeaseCommand.Start>([Shard("0")]).Taken;
            }

            static LeaseWrite Checkpoint(Lease row, string position) => LeaseMachine.Renew(
                new LeaseCommand.Renewal("0", row.LeaseCounter, row, IsRenewalDue: true),
                new(CheckpointPosition.Parse(position), null, Snapshot: Row("0", position).Snapshot, StateVersion: 1))!;
        });

    private static LeaseWrite.Outcome Put(LeaseWorld world, Lease row)
    {
        world.Put(row);
        return LeaseWrite.Outcome.Written;
    }

    private static LeaseTableState.Settings Settings(string id, int version, LeaseMachine.Rules without = default) =>
        SmallWorlds.Settings(id, id, s_d, without) with { StateVersion = version, ShardSyncInterval = s_d };

    private static Shard Shard(string id, string? parent = null, bool isClosed = false) =>
        LeaseLifeTests.Shard(id, 0, 1, parent, isClosed);

    private static Lease Row(string key, string position) => new()
    {
        LeaseKey = key,
        LeaseCounter = 4,
        Checkpoint = CheckpointPosition.Parse(position),
        Lineage = Life,
        Snapshot = new SnapshotHandle("s/1", 0, 100, SnapshotHandle.StampOf(CheckpointPosition.Parse(position))).ToString(),
        StateVersion = 1,
    };

    private static Lease Finished(string key) => Row(key, "SHARD_END");
}
