using System.Collections.Immutable;
using FastConsumer.Checkpoints;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Leases.Core;
using FastConsumer.State;
using FastConsumer.State.Format;
using FastConsumer.Testing.Checkpoints;
using FastConsumer.Tests.Leases.Core;
using LeasePlan = FastConsumer.Leases.Core.LeasePlan;
using static FastConsumer.Tests.State.ScheduledShard;

namespace FastConsumer.Tests.State;

/// <content>What a start finds out, with the snapshots that the rows lead to.</content>
public sealed partial class StateScheduleTests
{
    private readonly InMemoryCheckpointStore _store = new();
    private int _processes;

    /// <summary>
    /// I7. The row was there before any row bore state, so that it was given the lineage; then its parent's state came, and ended.
    /// </summary>
    [Theory]
    [InlineData(Mistake.None)]
    [InlineData(Mistake.StartsForeignRowEmpty)]
    public Task V3_a_child_whose_row_says_nothing_of_its_parents_state_does_not_begin_with_none(Mistake mistake) => RunAsync(
        mistake,
        "I7: c7 is nothing where the parent has 2",
        async () =>
        {
            Lease parent = await EndedAsync("c7", "c7");
            LeaseCommand.Start start = Taken(parent, new Lease
            {
                LeaseKey = "1",
                LeaseCounter = 1,
                ParentShardIds = ["0"],
                Lineage = Lineage + ".00000002",
            });

            ScheduledShard child = new(Process(), start.Taken);
            Task<ScheduledShard> restoring = child.RestoredAsync(Token, mistake == Mistake.None && start.HaveParentsState);
            if (mistake == Mistake.None)
            {
                Assert.Contains("says nothing of its parents' state", await RefusalOf(restoring), StringComparison.Ordinal);
                return;
            }

            RequireTotals(await restoring, 2);
        });

    /// <summary>
    /// I7. KCL ends the parent: the row is at SHARD_END, and its handle is that of the last checkpoint before, with two records less.
    /// </summary>
    [Theory]
    [InlineData(Mistake.None)]
    [InlineData(Mistake.InheritsUnfinishedParent)]
    public Task V4_a_child_does_not_begin_with_what_its_parent_had_before_KCL_ended_it(Mistake mistake) => RunAsync(
        mistake,
        "I7: c7 is 1 where the parent has 3",
        async () =>
        {
            ScheduledShard owner = Fresh("0").Handle("c7");
            // without the rule, what was written at record 1 is as good as what is written at the end
            Lease parent = mistake == Mistake.None
                ? await owner.CheckpointAsync(Token) with { Checkpoint = CheckpointPosition.ShardEnd }
                : await owner.CheckpointAsync(Token, CheckpointPosition.ShardEnd);

            Task<ScheduledShard> restoring = new ScheduledShard(Process(), Created(parent)).RestoredAsync(Token, haveParentsState: true);
            if (mistake == Mistake.None)
            {
                Assert.Contains("finished by a program that does not know", await RefusalOf(restoring), StringComparison.Ordinal);
                return;
            }

            RequireTotals(await restoring, 3);
        });

    /// <summary>I7. The same, where the row's stamp says the end and the manifest does not: each is looked at.</summary>
    [Fact]
    public async Task V4_a_manifest_that_is_not_at_the_end_is_not_taken_for_a_parents_last_one()
    {
        Lease parent = await Fresh("0").Handle("c7").CheckpointAsync(Token);
        SnapshotHandle handle = SnapshotHandle.Parse(parent.Snapshot)!;
        parent = parent with
        {
            Checkpoint = CheckpointPosition.ShardEnd,
            Snapshot = (handle with { Stamp = SnapshotHandle.StampOf(CheckpointPosition.ShardEnd) }).ToString(),
        };

        Assert.Contains(
            "is that at 1, and not at the shard's end",
            await RefusalOf(new ScheduledShard(Process(), Created(parent)).RestoredAsync(Token, haveParentsState: true)),
            StringComparison.Ordinal);
    }

    /// <summary>I7. KCL has the child before any worker with state: the row leaves its start, and Inherits stays.</summary>
    [Theory]
    [InlineData(Mistake.None)]
    [InlineData(Mistake.InheritsWithoutStamp)]
    public Task V4_a_child_that_KCL_has_moved_does_not_begin_with_its_parents_state(Mistake mistake) => RunAsync(
        mistake,
        "I7: c7 is 2 where the parent has 2, and the child 1",
        async () =>
        {
            Lease child = Created(await EndedAsync("c7", "c7")) with { Checkpoint = At(1) };
            if (mistake != Mistake.None)
            {
                child = child with { Inherits = [.. child.Inherits.Select(text => SnapshotHandle.InheritAt(text, child.Checkpoint))] };
            }

            Task<ScheduledShard> restoring = new ScheduledShard(Process(), child).RestoredAsync(Token, haveParentsState: true);
            if (mistake == Mistake.None)
            {
                Assert.Contains("has moved since it was created", await RefusalOf(restoring), StringComparison.Ordinal);
                return;
            }

            long? total = (await restoring).TotalOf("c7");
            Require("I7", total == 3, $"c7 is {total} where the parent has 2, and the child 1");
        });

    /// <summary>I1. KCL moves a row that has a snapshot of its own.</summary>
    [Theory]
    [InlineData(Mistake.None)]
    [InlineData(Mistake.IgnoresStamp)]
    public Task A_row_that_KCL_has_moved_does_not_go_on_with_its_snapshot(Mistake mistake) => RunAsync(
        mistake,
        "I1: c7 is 1 at record 2",
        async () =>
        {
            Lease row = await Fresh("0").Handle("c7").CheckpointAsync(Token) with { Checkpoint = At(2) };
            if (mistake != Mistake.None)
            {
                SnapshotHandle handle = SnapshotHandle.Parse(row.Snapshot)!;
                row = row with { Snapshot = (handle with { Stamp = SnapshotHandle.StampOf(row.Checkpoint) }).ToString() };
            }

            Task<ScheduledShard> restoring = new ScheduledShard(Process(), row).RestoredAsync(Token);
            if (mistake == Mistake.None)
            {
                Assert.Contains("belongs to another position", await RefusalOf(restoring), StringComparison.Ordinal);
                return;
            }

            long? total = (await restoring).TotalOf("c7");
            Require("I1", total == 2, $"c7 is {total} at record 2");
        });

    /// <summary>
    /// I1. A record that is handled again, long after it arrived, finds what it found before: expiry follows the time of the stream.
    /// </summary>
    [Theory]
    [InlineData(Mistake.None)]
    [InlineData(Mistake.ExpiresByClock)]
    public Task A_record_that_is_handled_again_finds_the_same_values_expired(Mistake mistake) => RunAsync(
        mistake,
        "I1: c7 is 1 at record 2",
        async () =>
        {
            TimeSpan ttl = TimeSpan.FromMilliseconds(50);
            ScheduledShard owner = new(Process(), Fresh("0").Row, ttl);
            Lease row = await owner.Handle(new StateRecord("c7", Arrival: 100)).CheckpointAsync(Token);
            // it dies before the next checkpoint
            owner.Handle(new StateRecord("c7", Arrival: 140));

            ScheduledShard next = await new ScheduledShard(Process(), row, ttl).RestoredAsync(Token);
            next.Handle(new StateRecord("c7", Arrival: mistake == Mistake.None ? 140 : 3_600_000));
            Assert.Equal(At(2), (await next.CheckpointAsync(Token)).Checkpoint);
            long? total = next.TotalOf("c7");
            Require("I1", total == owner.TotalOf("c7"), $"c7 is {total} at record 2");
        });

    /// <summary>I7. Of a split's children one has a key, the one whose range it is in.</summary>
    [Theory]
    [InlineData(Mistake.None)]
    [InlineData(Mistake.GivesKeyToBoth)]
    public Task A_key_goes_to_the_child_whose_range_it_is_in(Mistake mistake) => RunAsync(
        mistake,
        "I7: c0 is 1 in one child and 1 in the other",
        async () =>
        {
            string[] keys = [.. Enumerable.Range(0, 16).Select(static i => $"c{i}")];
            Lease parent = await EndedAsync(keys);
            LeaseMachineSteps machine = new(Settings("A", 1));
            machine.ListTable(parent);
            Lease[] rows =
            [
                .. machine.Until<LeaseCommand.Create>(
                    [Shard("0", isClosed: true), LeaseLifeTests.Shard("1", 0, 2, "0"), LeaseLifeTests.Shard("2", 1, 2, "0")]).Leases,
            ];
            Assert.Equal(2, rows.Length);
            ScheduledShard[] children = new ScheduledShard[2];
            for (int i = 0; i < 2; i++)
            {
                children[i] = await new ScheduledShard(
                    Process(), mistake == Mistake.None ? rows[i] : rows[i] with { HashKeyRange = null })
                    .RestoredAsync(Token, haveParentsState: true);
            }

            foreach (string key in keys)
            {
                long?[] totals = [.. children.Select(child => child.TotalOf(key))];
                Require("I7", totals.Count(static total => total == 1) == 1 && totals.Contains(null),
                    $"{key} is {totals[0]?.ToString() ?? "nothing"} in one child and {totals[1]?.ToString() ?? "nothing"} in the other");
            }
        });

    /// <summary>
    /// I6. The sweep lists objects, and reads rows one by one: the child's before it is there, the parent's when it is gone. So it takes
    /// the parent's snapshot for one that nothing names. Between the two the child was created, restored, and had its first snapshot.
    /// </summary>
    [Theory]
    [InlineData(Mistake.None)]
    [InlineData(Mistake.ChildNamesParentsRanges)]
    public Task V12_a_childs_first_snapshot_needs_nothing_of_its_parents(Mistake mistake) => RunAsync(
        mistake,
        "I6: row 1 leads to what was deleted",
        async () =>
        {
            Dictionary<string, Lease> rows = new() { ["0"] = await EndedAsync("c7", "c7") };
            string[] listed = await SegmentsAsync();
            Assert.Equal([ObjectOf(rows["0"])], listed);
            List<Lease> scanned = [];
            Scan("1");

            ScheduledShard child = await new ScheduledShard(Process(), Created(rows["0"])).RestoredAsync(Token, haveParentsState: true);
            rows["1"] = mistake == Mistake.None
                ? await child.CheckpointAsync(Token)
                : await NameParentsRangesAsync(child, rows["0"]);
            // now the parent's row may go: its shard has left the listing, and each child has a snapshot of its own and is on its way
            Lease moved = rows["1"] with { Checkpoint = At(1) };
            LeasePlan.ShardNode[] nodes = [new("1", ["0"], IsClosed: false, new HashKeyRange(UInt128.MinValue, UInt128.MaxValue))];
            Assert.Equal(["0"], LeasePlan.Removable(nodes, [rows["0"], moved]).Select(static row => row.LeaseKey));
            rows.Remove("0");
            RequireTotals(await new ScheduledShard(Process(), rows["1"]).RestoredAsync(Token), 2);

            Scan("0");
            foreach (string name in listed.Except(scanned.Select(ObjectOf)))
            {
                await _store.DeleteAsync(name, Token);
            }

            ScheduledShard next = new(Process(), rows["1"]);
            try
            {
                await next.RestoredAsync(Token);
            }
            catch (SnapshotRefusedException e) when (e.InnerException is CheckpointObjectMissingException)
            {
                Require("I6", holds: false, $"row 1 leads to what was deleted. {e.Message}");
            }

            RequireTotals(next, 2);

            void Scan(string key)
            {
                if (rows.TryGetValue(key, out Lease? row))
                {
                    scanned.Add(row);
                }
            }
        });

    /// <summary>
    /// I6. A lease table is copied, or restored from a backup under another name: its rows have the lineage of the original, so workers on
    /// both would write and delete the same objects. Who comes second with another table reads nothing and deletes nothing.
    /// </summary>
    [Fact]
    public async Task A_worker_on_another_lease_table_of_the_same_lineage_refuses_and_names_the_remedy()
    {
        Lease row = await Fresh("0").Handle("c7").CheckpointAsync(Token);
        // another process of the same table goes on
        RequireTotals(await new ScheduledShard(Process(), row).RestoredAsync(Token), 1);

        string[] before = await SegmentsAsync();
        CheckpointPlace place = Process(_store, "table-copy");
        for (int tries = 0; tries < 2; tries++)
        {
            string refusal = await RefusalOf(new ScheduledShard(place, row).RestoredAsync(Token));
            Assert.StartsWith(
                $"The state of lineage {Lineage} in in-memory checkpoints belongs to another lease table than table-copy.", refusal,
                StringComparison.Ordinal);
            Assert.Contains("Give this application another place for its state.", refusal, StringComparison.Ordinal);
            Assert.Contains($"copy the objects below tests/{Lineage}/seg there", refusal, StringComparison.Ordinal);
            Assert.Contains("'fastconsumer checkpoint reset --drop-state'", refusal, StringComparison.Ordinal);
        }

        // a row without a snapshot is refused as well: it would write beside the others
        await RefusalOf(new ScheduledShard(place, Fresh("1").Row).RestoredAsync(Token));
        Assert.Equal(before, await SegmentsAsync());

        // the remedy: another place, with the objects
        InMemoryCheckpointStore other = new();
        byte[] bytes = new byte[await LengthAsync(ObjectOf(row))];
        await _store.ReadAsync(ObjectOf(row), 0, bytes, Token);
        await other.CreateAsync(ObjectOf(row), new System.Buffers.ReadOnlySequence<byte>(bytes), Token);
        RequireTotals(await new ScheduledShard(Process(other, "table-copy"), row).RestoredAsync(Token), 1);
    }

    private CheckpointPlace Process(InMemoryCheckpointStore store, string table) => new(store, "tests", $"process-{++_processes}", table);

    private async Task<long> LengthAsync(string name)
    {
        await foreach (CheckpointObject found in _store.ListAsync(name, Token))
        {
            return found.Length;
        }

        throw new InvalidOperationException($"{name} is not there.");
    }

    private CheckpointPlace Process() => new(_store, "tests", $"process-{++_processes}", "table");

    private ScheduledShard Fresh(string key) => new(Process(), new Lease
    {
        LeaseKey = key,
        LeaseCounter = 5,
        LeaseOwner = "A",
        Checkpoint = CheckpointPosition.TrimHorizon,
        Lineage = Life,
    });

    /// <summary>Shard 0 was handled to its end: its row, with the last snapshot.</summary>
    private Task<Lease> EndedAsync(params string[] keys) => Fresh("0").Handle(keys).CheckpointAsync(Token, CheckpointPosition.ShardEnd);

    /// <summary>The row of child 1, as a worker creates it.</summary>
    private static Lease Created(Lease parent)
    {
        LeaseMachineSteps machine = new(Settings("A", 1));
        machine.ListTable(parent);
        Shard[] shards = [Shard("0", isClosed: true), Shard("1", "0")];
        return Assert.Single(machine.Until<LeaseCommand.Create>(shards).Leases);
    }

    /// <summary>A worker takes a child's row.</summary>
    private static LeaseCommand.Start Taken(Lease parent, Lease child)
    {
        LeaseMachineSteps machine = new(Settings("A", 1));
        machine.ListTable(parent, child);
        return machine.Until<LeaseCommand.Start>([Shard("0", isClosed: true), Shard("1", "0")]);
    }

    /// <summary>The mistake: a manifest of the child's own whose blocks are the parent's.</summary>
    private async Task<Lease> NameParentsRangesAsync(ScheduledShard child, Lease parent)
    {
        SnapshotHandle handle = SnapshotHandle.Parse(parent.Snapshot)!;
        byte[] bytes = new byte[handle.Length];
        await _store.ReadAsync(ObjectOf(parent), handle.Offset, bytes, Token);
        SnapshotManifest last = SegmentReader.ReadManifest(bytes);
        CheckpointPlace place = Process();
        string name = place.NextObject();
        var writer = new SegmentWriter(name);
        (long offset, int length) = writer.AddManifest(About(child.Row) with
        {
            Position = child.Row.Checkpoint.ToCheckpointString(),
            States = last.States,
            Ranges = last.Ranges,
        });
        await _store.CreateAsync(place.NameOf(Lineage, name), Segments.Of(writer.Finish()), Token);
        return child.Name(
            child.Row.Checkpoint, new SnapshotHandle(name, offset, length, SnapshotHandle.StampOf(child.Row.Checkpoint)).ToString());
    }

    private string ObjectOf(Lease row) => CheckpointPlace.NameOf("tests", Lineage, SnapshotHandle.Parse(row.Snapshot)!.Object!);

    private async Task<string[]> SegmentsAsync()
    {
        List<string> names = [];
        await foreach (CheckpointObject found in _store.ListAsync($"tests/{Lineage}/seg/", Token))
        {
            names.Add(found.Name);
        }

        return [.. names];
    }

    private static async Task<string> RefusalOf(Task restoring) =>
        (await Assert.ThrowsAsync<SnapshotRefusedException>(() => restoring)).Message;

    private static void RequireTotals(ScheduledShard child, long ofParent)
    {
        long? total = child.TotalOf("c7");
        Require("I7", total == ofParent, $"c7 is {total?.ToString() ?? "nothing"} where the parent has {ofParent}");
    }

    /// <summary>One worker's lease machine, step by step, in a table that nobody else writes.</summary>
    private sealed class LeaseMachineSteps
    {
        private readonly Dictionary<string, Lease> _rows = new(StringComparer.Ordinal);
        private LeaseTableState _state;
        private TimeSpan _now = TimeSpan.FromSeconds(100);

        public LeaseMachineSteps(LeaseTableState.Settings settings) =>
            _state = LeaseTableState.Create(settings, new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), 1, _now);

        public void ListTable(params Lease[] rows)
        {
            foreach (Lease row in rows)
            {
                _rows[row.LeaseKey] = Lease.Read(row.LeaseKey, row.ToAttributes());
            }
        }

        /// <summary>Goes on until the machine commands something; lists and writes are answered at once.</summary>
        public T Until<T>(Shard[] shards)
            where T : LeaseCommand
        {
            Queue<LeaseEvent> events = new([new LeaseEvent.Tick()]);
            for (int steps = 0; steps < 1000; steps++)
            {
                if (!events.TryDequeue(out LeaseEvent? e))
                {
                    TimeSpan next = LeaseMachine.NextDeadline(_state);
                    _now = next > _now ? next : _now;
                    e = new LeaseEvent.Tick();
                }

                (_state, ImmutableArray<LeaseCommand> commands) = LeaseMachine.Step(_state, e, _now);
                foreach (LeaseCommand command in commands)
                {
                    switch (command)
                    {
                        case T wanted:
                            return wanted;
                        case LeaseCommand.List list:
                            events.Enqueue(new LeaseEvent.TableListed([.. _rows.Values], _now, list.Consistency));
                            break;
                        case LeaseCommand.ListStream:
                            events.Enqueue(new LeaseEvent.StreamListed(
                                [.. shards], new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), DateTimeOffset.UnixEpoch, _now, null));
                            break;
                        case LeaseCommand.WriteOne one:
                            Lease written = one.Write.Write.ApplyTo(_rows[one.Write.Key]);
                            _rows[one.Write.Key] = written;
                            events.Enqueue(new LeaseEvent.Answered(
                                one.Request, [new LeaseWrite.Result(LeaseWrite.Outcome.Written, written)]));
                            break;
                    }
                }
            }

            throw new InvalidOperationException($"No {typeof(T).Name} in {_now}.");
        }
    }
}
