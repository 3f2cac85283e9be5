using FastConsumer.Checkpoints;
using FastConsumer.Leases;
using FastConsumer.State.Format;
using FastConsumer.Testing.Checkpoints;
using FastConsumer.Testing.Leases;
using FastConsumer.Tests.State;
using Rules = FastConsumer.Checkpoints.SegmentSweep.Rules;

namespace FastConsumer.Tests.Checkpoints;

/// <summary>
/// Each rule of the sweep, with rows and segments made by hand: what it keeps, and that this is gone where the rule is taken out.
/// </summary>
public sealed class SegmentSweepTests
{
    private const string Lineage = "0123456789abcdef";
    private const string Table = "tests";

    private readonly InMemoryCheckpointDatabase _objects = new();
    private readonly InMemoryLeaseDatabase _leases = new();
    private readonly HookedStore _store;

    public SegmentSweepTests() => _store = new HookedStore(_objects);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string[] Kept =>
        [.. _objects.Snapshot().Keys.Where(static name => name.StartsWith(NameOf(""), StringComparison.Ordinal))
            .Select(static name => name[NameOf("").Length..]).Order(StringComparer.Ordinal)];

    [Theory]
    [InlineData((int)Rules.None, new string[0])]
    [InlineData((int)Rules.RangesCount, new[] { "old/1", "old/6" })]
    [InlineData((int)Rules.InheritsCount, new[] { "old/5", "old/6" })]
    [InlineData((int)Rules.Retention, new[] { "old/3" })]
    public async Task What_rows_lead_to_stays(int off, string[] lost)
    {
        Segment("old/1", ["0"]);
        Segment("old/2", ["0"]);
        SnapshotHandle second = Segment("old/3", ["0"], predecessor: Segment("old/8", ["0"]));
        Row("0", "new", Segment("old/4", ["0"], ranges: ["old/1", "old/4"], predecessor: second));
        Inheriting("1", Segment("old/5", ["9"], ranges: ["old/6"]));
        Segment("old/6", ["9"]);
        Segment("old/7", ["9"]);

        Assert.Null(await SweepAsync((Rules)off, retained: 2));
        Assert.Equal(((string[])["old/1", "old/3", "old/4", "old/5", "old/6"]).Except(lost), Kept);
    }

    [Theory]
    [InlineData(1, new[] { "a/5" })]
    [InlineData(2, new[] { "a/4", "a/5" })]
    [InlineData(4, new[] { "a/2", "a/3", "a/4", "a/5" })]
    [InlineData(100, new[] { "a/1", "a/2", "a/3", "a/4", "a/5" })]
    public async Task As_many_snapshots_stay_as_are_to_be_retained(int retained, string[] kept)
    {
        SnapshotHandle? handle = null;
        for (int i = 1; i <= 5; i++)
        {
            handle = Segment($"a/{i}", ["0"], predecessor: handle);
        }

        Row("0", "a", handle);

        Assert.Null(await SweepAsync(retained: retained));
        Assert.Equal(kept, Kept);
    }

    [Fact]
    public async Task A_predecessor_that_was_deleted_ends_the_chain_and_not_the_sweep()
    {
        SnapshotHandle first = Segment("a/1", ["0"]);
        SnapshotHandle second = Segment("a/2", ["0"], predecessor: first);
        Row("0", "a", Segment("a/3", ["0"], predecessor: second));
        await _store.DeleteAsync(NameOf("a/2"), Token);

        Assert.Null(await SweepAsync(retained: 3));
        Assert.Equal(["a/3"], Kept);
    }

    /// <summary>A process has uploaded a segment, and the write of the lease that names it is under way, or will be.</summary>
    [Theory]
    [InlineData((int)Rules.None)]
    [InlineData((int)Rules.LateWrites)]
    public async Task What_the_owner_may_still_name_stays(int off)
    {
        Segment("a/2", ["0"]);
        Row("0", "a", Segment("a/3", ["0"]));
        Segment("a/4", ["0"]);
        // taken from another process, and nothing named yet
        Row("1", "a", Segment("b/9", ["1"]));
        Segment("a/5", ["1"]);
        Row("2", "a", snapshot: null);
        Segment("a/6", ["2"]);

        Assert.Null(await SweepAsync((Rules)off));
        Assert.Equal(off == 0 ? ["a/3", "a/4", "a/5", "a/6", "b/9"] : ["a/3", "b/9"], Kept);
    }

    [Fact]
    public async Task What_no_write_can_name_any_more_goes()
    {
        // the row is gone
        Segment("a/1", ["9"]);
        // it was taken by another process
        Segment("a/2", ["0"]);
        Row("0", "b", Segment("a/3", ["0"]));
        // by the same one, and names a later segment of it
        Row("1", "a", Segment("a/12", ["1"]));
        Segment("a/4", ["1"]);
        // and it was released
        Row("2", process: null, snapshot: null);
        Segment("a/5", ["2"]);

        int bytes = _objects.Snapshot().Values.Sum(static content => content.Length);
        SegmentSweep sweep = Sweep();
        Assert.Null(await sweep.SweepAsync(Lineage, 1, Token));
        Assert.Equal(["a/12", "a/3"], Kept);
        int left = _objects.Snapshot().Where(static pair => pair.Key.Contains("/seg/", StringComparison.Ordinal))
            .Sum(static pair => pair.Value.Length);
        Assert.Equal((4, bytes - left), (sweep.Deleted, sweep.DeletedBytes));
    }

    /// <summary>A later segment of another process says nothing of what this one may still write; nor does another lineage's.</summary>
    [Fact]
    public async Task Numbers_of_other_processes_and_lineages_do_not_count()
    {
        Row("0", "a", Segment("b/7", ["0"]));
        Segment("a/5", ["0"]);
        const string Other = "fedcba9876543210";
        Put(CheckpointPlace.NameOf("tests", Other, "a/9"), Bytes(["1"], out SnapshotHandle handle, "a/9"));
        Row("1", "a", handle, Other);
        Segment("a/6", ["1"]);

        Assert.Null(await SweepAsync());
        Assert.Equal(["a/5", "a/6", "b/7"], Kept);
    }

    [Theory]
    [InlineData((int)Rules.None)]
    [InlineData((int)Rules.BlocksCount)]
    public async Task A_segment_stays_as_long_as_one_of_its_shards_may_name_it(int off)
    {
        Row("0", "a", Segment("a/9", ["0"]));
        Row("1", "a", Segment("a/2", ["1"]));
        Segment("a/3", ["0", "1"]);
        Segment("a/4", ["0"], blocksOf: ["1"]);
        Segment("a/5", [], blocksOf: ["1"]);
        Segment("a/6", ["0"], blocksOf: ["9"]);

        Assert.Null(await SweepAsync((Rules)off));
        Assert.Equal(off == 0 ? ["a/2", "a/3", "a/4", "a/5", "a/9"] : ["a/2", "a/3", "a/9"], Kept);
    }

    [Theory]
    [InlineData((int)Rules.None)]
    [InlineData((int)Rules.NoShardStays)]
    public async Task A_segment_whose_footer_lists_no_shard_stays(int off)
    {
        Row("0", "b", Segment("b/1", ["0"]));
        Segment("a/1", []);

        for (int i = 0; i < 3; i++)
        {
            Assert.Null(await SweepAsync((Rules)off));
        }

        Assert.Equal(off == 0 ? ["a/1", "b/1"] : ["b/1"], Kept);
    }

    [Theory]
    [InlineData((int)Rules.None)]
    [InlineData((int)Rules.FooterlessTwice)]
    public async Task An_object_without_a_footer_goes_when_two_sweeps_in_a_row_find_its_session_in_no_row(int off)
    {
        Row("0", "b", Segment("b/1", ["0"]));
        byte[] whole = Bytes(["0"]);
        byte[] damaged = [.. whole];
        damaged[^20] ^= 1;
        Put(NameOf("a/1"), []);
        Put(NameOf("a/2"), whole[..^1]);
        Put(NameOf("a/3"), damaged);
        Put(NameOf("a/4"), "FCE\0"u8.ToArray());
        Put(NameOf("a/5"), [0xff, 0xff, 0xff, 0x7f, .. "FCE\0"u8]);
        Put(NameOf("b/2"), whole[..^1]);

        SegmentSweep sweep = Sweep((Rules)off);
        Assert.Null(await sweep.SweepAsync(Lineage, 1, Token));
        if (off != 0)
        {
            Assert.Equal(["b/1", "b/2"], Kept);
            return;
        }

        Assert.Equal(7, Kept.Length);
        // the process is back: what it has written may be what it names next
        Row("1", "a", snapshot: null);
        Assert.Null(await sweep.SweepAsync(Lineage, 1, Token));
        Row("1", "b", snapshot: null);
        Assert.Null(await sweep.SweepAsync(Lineage, 1, Token));
        Assert.Equal(7, Kept.Length);
        Assert.Null(await sweep.SweepAsync(Lineage, 1, Token));
        Assert.Equal(["b/1", "b/2"], Kept);
    }

    [Theory]
    [InlineData("missing", true)]
    [InlineData("damaged", true)]
    [InlineData("short", true)]
    [InlineData("handle", true)]
    [InlineData("inherits", true)]
    [InlineData("predecessor", true)]
    [InlineData("predecessor's handle", true)]
    [InlineData("missing", false)]
    [InlineData("damaged", false)]
    [InlineData("short", false)]
    [InlineData("handle", false)]
    [InlineData("inherits", false)]
    [InlineData("predecessor", false)]
    [InlineData("predecessor's handle", false)]
    public async Task What_cannot_be_read_ends_the_sweep(string what, bool ends)
    {
        Segment("old/1", ["0"]);
        Row("1", "b", Segment("b/1", ["1"]));
        SnapshotHandle handle = Segment("b/2", ["0"], ranges: ["old/1"]);
        string name = NameOf("b/2");
        switch (what)
        {
            case "missing":
                Row("0", "b", handle with { Object = "b/3" });
                name = NameOf("b/3");
                break;
            case "damaged":
                Row("0", "b", handle);
                _objects.Alter(name, (int)handle.Offset + 20);
                break;
            case "short":
                Row("0", "b", handle);
                _objects.Truncate(name, 20);
                break;
            case "handle":
                Put(RowOf("0", "b", handle) with { Snapshot = "b/2" });
                name = "'b/2'";
                break;
            case "inherits":
                Put(RowOf("0", "b", null) with { Inherits = ["7>b/2:x:y>stamp>stamp"] });
                name = "7>b/2:x:y>stamp>stamp";
                break;
            case "predecessor":
                Row("0", "b", Segment("b/4", ["0"], predecessor: handle));
                _objects.Alter(name, (int)handle.Offset + 20);
                break;
            default:
                Row("0", "b", Segment("b/4", ["0"], predecessorText: "?"));
                name = "'?'";
                break;
        }

        string? problem = await SweepAsync(ends ? Rules.None : Rules.UnreadableEnds, retained: 2);

        Assert.Equal(ends, Kept.Contains("old/1"));
        if (ends)
        {
            Assert.Contains(name, problem, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData((int)Rules.None)]
    [InlineData((int)Rules.RowsAreReadable)]
    public async Task A_row_that_cannot_be_read_ends_the_sweep(int off)
    {
        SnapshotHandle handle = Segment("old/1", ["0"]);
        Row("1", "b", Segment("b/1", ["1"]));
        var attributes = new Dictionary<string, Lease.Value>(RowOf("0", "b", handle).ToAttributes(), StringComparer.Ordinal)
        {
            [Lease.Names.Snapshot] = 7,
        };
        _leases.Put(Table, "0", attributes);

        string? problem = await SweepAsync((Rules)off);
        Assert.Equal(off == 0, Kept.Contains("old/1"));
        Assert.Equal(off == 0, problem?.Contains("The row '0' cannot be read", StringComparison.Ordinal) ?? false);
    }

    [Fact]
    public async Task A_parent_that_KCL_has_finished_names_nothing_and_ends_nothing()
    {
        Segment("old/1", ["0"]);
        Put(RowOf("1", "b", null) with { Inherits = ["7>>>abc"] });

        Assert.Null(await SweepAsync());
        Assert.Empty(Kept);
    }

    /// <summary>While the segments are listed, another process takes the shard, and names what the list shows.</summary>
    [Theory]
    [InlineData((int)Rules.None)]
    [InlineData((int)Rules.RowsLast)]
    public async Task Rows_are_read_after_the_segments_were_listed(int off)
    {
        Row("0", "a", Segment("a/1", ["0"]));
        _store.BeforeList = () =>
        {
            Row("0", "b", Segment("b/1", ["0"]));
            return Task.CompletedTask;
        };

        Assert.Null(await SweepAsync((Rules)off));
        Assert.Equal(off == 0 ? ["b/1"] : ["a/1"], Kept);
    }

    [Fact]
    public async Task Rows_are_read_consistently()
    {
        Row("0", "a", Segment("a/1", ["0"]) with { Object = "a/2" });
        var store = new InMemoryLeaseStore(_leases, Table);

        Assert.NotNull(await new SegmentSweep(Place("sweeper"), store).SweepAsync(Lineage, 1, Token));

        // the list, and the row once more; what may lag behind costs half
        LeaseTableUse use = ((IMeteredLeaseStore)store).Use;
        Assert.Equal((2, 2), (use.Requests, use.ReadUnits));
    }

    [Theory]
    [InlineData((int)Rules.None)]
    [InlineData((int)Rules.OneTable)]
    public async Task A_copy_of_the_table_deletes_nothing_of_the_original(int off)
    {
        await Place("a").RequireTableAsync(Lineage, Token);
        // the original has gone on since the copy was made
        Row("0", "a", Segment("a/1", ["0"]));
        Segment("a/2", ["0"]);
        SnapshotHandle copied = Segment("a/0", ["0"]);
        var copy = new InMemoryLeaseDatabase();
        copy.Put(Table, RowOf("0", "b", copied));

        var sweep = new SegmentSweep(Place("b", "copy"), new InMemoryLeaseStore(copy, Table)) { Off = (Rules)off };
        string? problem = await sweep.SweepAsync(Lineage, 1, Token);

        Assert.Equal(off == 0 ? ["a/0", "a/1", "a/2"] : ["a/0"], Kept);
        Assert.Equal(off == 0, problem?.Contains("belongs to another lease table", StringComparison.Ordinal) ?? false);
    }

    [Fact]
    public async Task Nothing_is_deleted_where_no_row_bears_the_lineage()
    {
        Segment("a/1", ["0"]);
        Put(RowOf("0", "b", null) with { Lineage = "fedcba9876543210.00000001" });

        Assert.Contains($"bears lineage {Lineage}", await SweepAsync(), StringComparison.Ordinal);
        Assert.Equal(["a/1"], Kept);
    }

    [Fact]
    public async Task Other_lineages_and_what_no_process_names_so_is_left_alone()
    {
        Row("0", "b", Segment("b/1", ["0"]));
        string[] others =
        [
            $"tests/{Lineage}/seg/readme", $"tests/{Lineage}/seg/a/x", $"tests/{Lineage}/seg/a/1/2", $"tests/{Lineage}/more/a/1",
            "tests/fedcba9876543210/seg/a/1", $"other/{Lineage}/seg/a/1",
        ];
        foreach (string other in others)
        {
            Put(other, Bytes(["9"]));
        }

        SegmentSweep sweep = Sweep();
        for (int i = 0; i < 3; i++)
        {
            Assert.Null(await sweep.SweepAsync(Lineage, 1, Token));
        }

        Assert.Equal(0, sweep.Deleted);
        Assert.Empty(others.Except(_objects.Snapshot().Keys));
    }

    /// <summary>
    /// V13. Sweep B stands before the manifest that a row names. The owner goes on, and sweep A deletes that manifest. What cannot be read
    /// may name anything: here blocks that the next manifest names too.
    /// </summary>
    [Theory]
    [InlineData((int)Rules.None)]
    [InlineData((int)Rules.UnreadableEnds)]
    public async Task V13_a_sweep_that_finds_a_manifest_deleted_by_another_one_deletes_nothing_for_that(int off)
    {
        Segment("old/7", ["0"]);
        Row("0", "a", Segment("a/1", ["0"], ranges: ["old/7"]));
        _store.BeforeRead = async name =>
        {
            if (name == NameOf("a/1"))
            {
                _store.BeforeRead = static _ => Task.CompletedTask;
                Row("0", "a", Segment("a/2", ["0"], ranges: ["old/7"]));
                Assert.Null(await SweepAsync());
                Assert.Equal(["a/2", "old/7"], Kept);
            }
        };

        Assert.Null(await SweepAsync((Rules)off));
        Assert.Equal(off == 0 ? ["a/2", "old/7"] : ["a/2"], Kept);
    }

    /// <summary>In a large fleet most rows have gone on when the sweep comes to them, so that this must not end it.</summary>
    [Fact]
    public async Task An_owner_that_supersedes_what_is_about_to_be_read_does_not_end_the_sweep()
    {
        Segment("old/1", ["0"]);
        Row("0", "a", Segment("a/1", ["0"]));
        Row("1", "a", Segment("a/100", ["1"]));
        int next = 1;
        _store.BeforeRead = async name =>
        {
            if (next < 4 && name == NameOf($"a/{next}"))
            {
                Row("0", "a", Segment($"a/{next + 1}", ["0"]));
                await _store.DeleteAsync(NameOf($"a/{next++}"), Token);
            }
        };

        Assert.Null(await SweepAsync());
        Assert.Equal(["a/100", "a/4"], Kept);
    }

    [Fact]
    public async Task A_row_that_is_always_ahead_of_the_sweep_ends_it()
    {
        Row("0", "a", Segment("a/1", ["0"]));
        Segment("old/1", ["0"]);
        int next = 1;
        _store.BeforeRead = async name =>
        {
            if (name == NameOf($"a/{next}"))
            {
                Row("0", "a", Segment($"a/{next + 1}", ["0"]));
                await _store.DeleteAsync(NameOf($"a/{next++}"), Token);
            }
        };

        Assert.Contains("There is no object", await SweepAsync(), StringComparison.Ordinal);
        Assert.Contains("old/1", Kept);
        Assert.InRange(next, 3, 20);
    }

    [Fact]
    public async Task What_another_one_deletes_first_is_passed_over()
    {
        Row("0", "b", Segment("b/1", ["0"]));
        Segment("a/1", ["0"]);
        Segment("a/2", ["0"]);
        _store.BeforeRead = name => name == NameOf("a/1") ? _store.DeleteAsync(name, Token) : Task.CompletedTask;

        SegmentSweep sweep = Sweep();
        Assert.Null(await sweep.SweepAsync(Lineage, 1, Token));
        Assert.Equal(["b/1"], Kept);
        Assert.Equal(1, sweep.Deleted);
    }

    [Fact]
    public async Task A_row_with_a_state_and_without_a_lineage_ends_the_sweep()
    {
        Row("0", "b", Segment("b/1", ["0"]));
        Put(RowOf("1", "b", Segment("old/1", ["1"])) with { Lineage = null });

        Assert.Contains("The row '1' names a state and bears no lineage", await SweepAsync(), StringComparison.Ordinal);
        Assert.Equal(["b/1", "old/1"], Kept);
    }

    /// <summary>The row of a parent is deleted while the sweep looks for what it names: its children have all they need.</summary>
    [Fact]
    public async Task A_row_that_is_gone_when_it_is_read_again_names_nothing()
    {
        Row("1", "a", Segment("a/3", ["1"]));
        Row("0", "a", Segment("a/2", ["0"]));
        Segment("a/1", ["0"]);
        // as long as the row was there, its owner could have named it
        Segment("a/5", ["0"]);
        InMemoryLeaseStore leases = new(_leases, Table);
        _store.BeforeRead = async name =>
        {
            if (name == NameOf("a/2"))
            {
                await _store.DeleteAsync(name, Token);
                await leases.DeleteAsync(_leases.Snapshot(Table).Single(static row => row.LeaseKey == "0"), Token);
            }
        };

        Assert.Null(await SweepAsync());
        Assert.Equal(["a/3"], Kept);
    }

    [Fact]
    public async Task A_store_that_fails_ends_the_sweep_and_the_next_one_goes_on()
    {
        Row("0", "b", Segment("b/1", ["0"]));
        Segment("a/1", ["0"]);
        Segment("a/2", ["0"]);
        SegmentSweep sweep = Sweep();
        foreach (CheckpointOperation operation in (CheckpointOperation[])
            [CheckpointOperation.List, CheckpointOperation.Read, CheckpointOperation.Delete])
        {
            _store.FailNext(operation);
            await Assert.ThrowsAsync<CheckpointStoreException>(() => sweep.SweepAsync(Lineage, 1, Token));
            Assert.Equal(["a/1", "a/2", "b/1"], Kept);
            Assert.Equal(0, sweep.Deleted);
        }

        // an answer that is lost counts for nothing, and is no harm
        _store.LoseNextAnswer(CheckpointOperation.Delete);
        await Assert.ThrowsAsync<CheckpointStoreException>(() => sweep.SweepAsync(Lineage, 1, Token));
        Assert.Equal(["a/2", "b/1"], Kept);
        Assert.Null(await sweep.SweepAsync(Lineage, 1, Token));
        Assert.Equal(["b/1"], Kept);
        Assert.Equal(1, sweep.Deleted);
    }

    /// <summary>The owner writes its state as in life, and stands still between the upload and the write of the lease.</summary>
    [Fact]
    public async Task An_owner_that_stands_still_before_its_lease_write_goes_on_afterwards()
    {
        CheckpointPlace place = Place("1234-00112233aabbccdd");
        var taken = new Lease
        {
            LeaseKey = "0",
            LeaseCounter = 5,
            LeaseOwner = "A",
            TakenBy = "A",
            Session = Lease.SessionOf("1234-00112233aabbccdd", 5),
            Lineage = $"{Lineage}.00000001",
        };
        ScheduledShard owner = new(place, taken);
        Put(await owner.Handle("c7").CheckpointAsync(Token));
        Lease first = owner.Row;
        // uploaded; the row does not say so yet
        Lease second = await owner.Handle("c7").CheckpointAsync(Token);
        Put(first);

        Assert.Null(await SweepAsync());
        Assert.Equal(2, Kept.Length);

        Put(second);
        Assert.Null(await SweepAsync());
        Assert.Single(Kept);
        Assert.Equal(2, (await new ScheduledShard(Place("b"), second).RestoredAsync(Token)).TotalOf("c7"));
    }

    [Theory]
    [InlineData("1234-00112233aabbccdd")]
    [InlineData("worker-1")]
    [InlineData("Zürich host/with a slash and much more than sixteen characters")]
    public void A_segment_is_of_the_process_that_a_row_names(string process)
    {
        string name = Place(process).NextObject();
        Assert.True(CheckpointPlace.TryParse(name, out string? session, out long number));
        Assert.Equal(1, number);
        Assert.True(CheckpointPlace.IsOf(session, Lease.SessionOf(process, 5)));
        Assert.True(CheckpointPlace.IsOf(session, Lease.SessionOf(process, 6)));
        Assert.False(CheckpointPlace.IsOf(session, Lease.SessionOf("1234-00112233aabbccde", 5)));
        Assert.False(CheckpointPlace.IsOf(session, Lease.SessionOf("", 5)));
        Assert.False(CheckpointPlace.IsOf(session, null));
    }

    /// <summary>Sessions of versions before there were epochs are the process alone.</summary>
    [Fact]
    public void A_row_without_an_epoch_names_its_process_too()
    {
        Assert.True(CheckpointPlace.TryParse(Place("1234-00112233aabbccdd").NextObject(), out string? session, out _));
        Assert.True(CheckpointPlace.IsOf(session, "1234-00112233aabbccdd"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("/1")]
    [InlineData("a/")]
    [InlineData("a/-1")]
    [InlineData("a/1/2")]
    public void What_no_process_calls_an_object_is_no_name(string name) => Assert.False(CheckpointPlace.TryParse(name, out _, out _));

    private static string NameOf(string @object) => CheckpointPlace.NameOf("tests", Lineage, @object);

    private CheckpointPlace Place(string process, string table = "table") => new(_store, "tests", process, table);

    private SegmentSweep Sweep(Rules off = Rules.None) =>
        new(Place("sweeper"), new InMemoryLeaseStore(_leases, Table)) { Off = off };

    private Task<string?> SweepAsync(Rules off = Rules.None, int retained = 1) => Sweep(off).SweepAsync(Lineage, retained, Token);

    private void Put(Lease row) => _leases.Put(Table, row);

    private void Put(string name, byte[] bytes) => _objects.Put(name, bytes);

    private void Row(string key, string? process, SnapshotHandle? snapshot, string lineage = Lineage) =>
        Put(RowOf(key, process, snapshot, lineage));

    private static Lease RowOf(string key, string? process, SnapshotHandle? snapshot, string lineage = Lineage) => new()
    {
        LeaseKey = key,
        LeaseCounter = 5,
        LeaseOwner = process is null ? null : "worker",
        TakenBy = process is null ? null : "worker",
        Session = process is null ? null : Lease.SessionOf(process, 5),
        Checkpoint = ScheduledShard.At(1),
        Lineage = $"{lineage}.00000001",
        Snapshot = snapshot?.ToString(),
    };

    /// <summary>The row of a child that has no snapshot of its own.</summary>
    private void Inheriting(string key, SnapshotHandle parent)
    {
        Lease finished = RowOf("9", null, parent with { Stamp = SnapshotHandle.StampOf(CheckpointPosition.ShardEnd) }) with
        {
            Checkpoint = CheckpointPosition.ShardEnd,
        };
        Put(RowOf(key, null, null) with { Inherits = [SnapshotHandle.Inherit(finished, ScheduledShard.At(1))] });
    }

    /// <summary>Puts a segment with a manifest of each shard, and returns the handle of the first.</summary>
    private SnapshotHandle Segment(
        string @object,
        string[] shards,
        string[]? ranges = null,
        SnapshotHandle? predecessor = null,
        string[]? blocksOf = null,
        string? predecessorText = null)
    {
        Put(NameOf(@object), Bytes(
            shards, out SnapshotHandle handle, @object, ranges ?? [@object], predecessorText ?? predecessor?.ToString(), blocksOf));
        return handle;
    }

    private static byte[] Bytes(string[] shards) => Bytes(shards, out _, "a/1");

    private static byte[] Bytes(
        string[] shards,
        out SnapshotHandle handle,
        string @object,
        string[]? ranges = null,
        string? predecessor = null,
        string[]? blocksOf = null)
    {
        var writer = new SegmentWriter(@object);
        handle = SnapshotHandle.EmptyAt(ScheduledShard.At(1));
        List<SegmentShard> listed = [];
        foreach (string shard in shards)
        {
            (long offset, int length) = writer.AddManifest(ScheduledShard.About(RowOf(shard, null, null)) with
            {
                Epoch = 5,
                Number = 1,
                Position = "1",
                States = [new SnapshotState { Name = "totals", Kind = StateKind.Value, Version = 1, Codec = "json" }],
                Ranges = [.. (ranges ?? []).Select(static segment => new SnapshotRange
                {
                    State = "totals",
                    FirstGroup = 0,
                    LastGroup = 0,
                    Segment = segment,
                    Offset = SegmentLayout.HeaderBytes,
                    Length = 1,
                    Crc = 0,
                })],
                Predecessor = predecessor,
            });
            listed.Add(new SegmentShard(shard, 5, 1, offset, length));
            handle = listed.Count > 1 ? handle : new SnapshotHandle(@object, offset, length, handle.Stamp);
        }

        byte[] whole = [.. writer.Finish().SelectMany(static frame => frame.ToArray())];
        return blocksOf is null
            ? whole
            : WithFooter(whole, [.. listed, .. blocksOf.Select(static shard => new SegmentShard(shard, 5, 1, 0, 0))]);
    }

    /// <summary>The same with another footer: with shards of which the segment has blocks only.</summary>
    private static byte[] WithFooter(byte[] whole, SegmentShard[] shards)
    {
        int end = whole.Length - SegmentLayout.TrailerBytes;
        end -= SegmentReader.FooterLength(whole.AsSpan(end));
        using var body = new MemoryStream();
        using var numbers = new BinaryWriter(body);
        numbers.Write((byte)shards.Length);
        foreach (SegmentShard shard in shards)
        {
            // the length of a text comes first, as the format has it too
            numbers.Write(shard.Shard);
            numbers.Write(shard.Epoch);
            numbers.Write(shard.Number);
            numbers.Write(shard.Offset);
            numbers.Write((uint)shard.Length);
        }

        byte[] start = [(byte)FrameKind.Footer, .. BitConverter.GetBytes((uint)body.Length)];
        byte[] frame = [.. start, .. BitConverter.GetBytes(Crc32C.Of(body.ToArray(), Crc32C.Of(start))), .. body.ToArray()];
        return [.. whole[..end], .. frame, .. BitConverter.GetBytes((uint)frame.Length), .. SegmentLayout.Trailer];
    }

    /// <summary>A store in memory that can be held before a call.</summary>
    private sealed class HookedStore(InMemoryCheckpointDatabase objects) : InMemoryCheckpointStore(objects), ICheckpointStore
    {
        public Func<Task> BeforeList { get; set; } = static () => Task.CompletedTask;

        public Func<string, Task> BeforeRead { get; set; } = static _ => Task.CompletedTask;

        public override async Task ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
        {
            await BeforeRead(name);
            await base.ReadAsync(name, offset, destination, cancellationToken);
        }

        async IAsyncEnumerable<CheckpointObject> ICheckpointStore.ListAsync(
            string prefix, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await BeforeList();
            await foreach (CheckpointObject found in ListAsync(prefix, cancellationToken))
            {
                yield return found;
            }
        }
    }
}
