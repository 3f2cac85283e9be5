using FastConsumer.Checkpoints;
using FastConsumer.Leases;
using FastConsumer.State;
using FastConsumer.State.Format;
using FastConsumer.Testing.Checkpoints;

namespace FastConsumer.Tests.State;

/// <summary>
/// Checkpoints that write what has changed behind what earlier ones wrote. What holds at each of them: the objects that the row leads to
/// are all there and are all of the state, and nothing else is left in the store.
/// </summary>
public sealed class IncrementalCheckpointTests
{
    private const string Lineage = "00000000000000aa";
    private const int Keys = 5000;

    private readonly CountingStore _store = new();
    private int _processes;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_checkpoint_writes_what_has_changed_and_a_part_of_the_rest()
    {
        ScheduledShard shard = await Shard(Row()).RestoredAsync(Token);
        Handle(shard, 0, Keys);
        await CheckpointAsync(shard);
        long whole = _store.Written;
        Assert.True(whole > 64 * 1024, $"{whole} bytes");
        await RequireAsync(shard, [.. Enumerable.Range(0, Keys).Select(static _ => 1L)]);

        // a hundredth of the keys each time, for two and a half rounds of the groups
        long[] totals = [.. Enumerable.Range(0, Keys).Select(static _ => 1L)];
        long before = _store.Written;
        const int Checkpoints = 160, Changed = 50;
        for (int i = 0; i < Checkpoints; i++)
        {
            for (int k = 0; k < Changed; k++)
            {
                int key = ((i * 37) + (k * 101)) % Keys;
                totals[key]++;
                Handle(shard, key, 1);
            }

            await CheckpointAsync(shard);
            if (i % 20 == 0)
            {
                await RequireAsync(shard, totals);
            }
        }

        await RequireAsync(shard, totals);
        // what has changed, as much again and at least a 64th of the state, and a manifest of up to 100 ranges
        double ofWhole = (double)(_store.Written - before) / Checkpoints / whole;
        Assert.InRange(ofWhole, Changed / (double)Keys, 0.01 + 0.02 + (16_000.0 / whole));
    }

    [Fact]
    public async Task Where_much_has_changed_about_twice_that_is_written()
    {
        ScheduledShard shard = await Shard(Row()).RestoredAsync(Token);
        Handle(shard, 0, Keys);
        await CheckpointAsync(shard);
        long whole = _store.Written;
        long before = whole;
        const int Checkpoints = 40, Changed = Keys / 10;
        for (int i = 0; i < Checkpoints; i++)
        {
            Handle(shard, i * Changed % Keys, Changed);
            await CheckpointAsync(shard);
        }

        double amplification = (double)(_store.Written - before) / Checkpoints / (whole * 0.1);
        Assert.InRange(amplification, 1, 2.5);
    }

    [Fact]
    public async Task A_state_that_shrinks_to_nothing_is_forgotten_by_the_next_owners_too()
    {
        ScheduledShard shard = await Shard(Row()).RestoredAsync(Token);
        Handle(shard, 0, Keys);
        await CheckpointAsync(shard);
        for (int i = 0; i < Keys; i += 500)
        {
            Remove(shard, i, 500);
            await CheckpointAsync(shard);
            shard = await Shard(shard.Row).RestoredAsync(Token);
        }

        await RequireAsync(shard, new long[Keys], isAlone: false);
    }

    [Fact]
    public async Task The_next_owner_goes_on_behind_what_the_last_one_wrote()
    {
        ScheduledShard shard = await Shard(Row()).RestoredAsync(Token);
        Handle(shard, 0, Keys);
        await CheckpointAsync(shard);
        long whole = _store.Written;
        long[] totals = [.. Enumerable.Range(0, Keys).Select(static _ => 1L)];
        for (int i = 0; i < 90; i++)
        {
            shard = await Shard(shard.Row).RestoredAsync(Token);
            int key = i * 31;
            totals[key]++;
            Handle(shard, key, 1);
            long before = _store.Written;
            await CheckpointAsync(shard);
            Assert.True(i == 0 || _store.Written - before < whole / 2 || i > 40, $"checkpoint {i} wrote {_store.Written - before} bytes");
        }

        await RequireAsync(shard, totals, isAlone: false);
    }

    [Fact]
    public async Task What_a_store_has_refused_is_in_the_next_checkpoint()
    {
        ScheduledShard shard = await Shard(Row()).RestoredAsync(Token);
        Handle(shard, 0, Keys);
        await CheckpointAsync(shard);
        long[] totals = [.. Enumerable.Range(0, Keys).Select(static _ => 1L)];
        Handle(shard, 0, 10);
        Remove(shard, 20, 10);
        for (int i = 0; i < 3; i++)
        {
            _store.FailNext(CheckpointOperation.Create);
            await Assert.ThrowsAsync<CheckpointStoreException>(() => CheckpointAsync(shard));
            Handle(shard, 5, 1);
        }

        // one comes back
        Handle(shard, 25, 1);
        await CheckpointAsync(shard);
        totals.AsSpan(0, 10).Fill(2);
        totals.AsSpan(20, 10).Clear();
        totals[5] = 5;
        totals[25] = 1;
        await RequireAsync(shard, totals);
    }

    /// <summary>
    /// A value lives 1 s in the first object. Then it is written with less time to live, and expires before the next checkpoint: the first
    /// object still has it, and it must not come back.
    /// </summary>
    /// <param name="records">With enough of them the expired entry is removed before the checkpoint.</param>
    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    public async Task What_has_expired_does_not_come_back_where_an_earlier_checkpoint_gave_it_longer(int records)
    {
        var settings = new CheckpointingSettings { WholeBelow = 0 };
        ScheduledShard shard = new(Process(), Row(), TimeSpan.FromSeconds(1), settings);
        await shard.RestoredAsync(Token);
        shard.Handle(new StateRecord("a", 1000)).Handle(new StateRecord("b", 1000));
        await CheckpointAsync(shard);

        shard = await new ScheduledShard(Process(), shard.Row, TimeSpan.FromMilliseconds(10), settings).RestoredAsync(Token);
        shard.Handle(new StateRecord("a", 1100));
        for (int i = 0; i <= records; i++)
        {
            shard.Handle(new StateRecord("c", 1200));
        }

        await CheckpointAsync(shard);
        Assert.Equal(SnapshotManifest.IncrementalFormat, (await ManifestAsync(shard)).Format);

        shard = await new ScheduledShard(Process(), shard.Row, TimeSpan.FromSeconds(1), settings).RestoredAsync(Token);
        Assert.Null(shard.TotalOf("a"));
        Assert.Equal(1, shard.TotalOf("b"));
        Assert.Equal(records + 1, shard.TotalOf("c"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Snapshots_before_the_named_one_are_kept_as_many_as_are_asked_for(bool isIncremental)
    {
        var settings = new CheckpointingSettings { RetainedCheckpoints = 3, Incremental = isIncremental };
        ScheduledShard shard = await new ScheduledShard(Process(), Row(), settings: settings).RestoredAsync(Token);
        List<(Lease Row, long Total)> named = [];
        for (int i = 1; i <= 6; i++)
        {
            Handle(shard, 0, Keys);
            await CheckpointAsync(shard);
            named.Add((shard.Row, i));
        }

        foreach ((Lease row, long total) in named[^3..])
        {
            ScheduledShard former = await Shard(row).RestoredAsync(Token);
            Assert.Equal(total, former.TotalOf("key-7"));
        }

        // what one of the three is behind of is kept with it
        foreach ((Lease row, _) in isIncremental ? named[..1] : named[..^3])
        {
            await Assert.ThrowsAsync<SnapshotRefusedException>(() => Shard(row).RestoredAsync(Token));
        }
    }

    /// <summary>
    /// A sweep follows the snapshots before the named one as their manifests say. The owner must keep the same ones, also where it never
    /// hears of the write that names one of them.
    /// </summary>
    [Fact]
    public async Task The_snapshot_before_the_named_one_is_kept_though_its_write_is_in_doubt_to_the_end()
    {
        var settings = new CheckpointingSettings { RetainedCheckpoints = 2 };
        ScheduledShard shard = await new ScheduledShard(Process(), Row(), settings: settings).RestoredAsync(Token);
        Handle(shard, 0, Keys);
        await CheckpointAsync(shard);
        Handle(shard, 0, Keys);
        string inDoubt = await shard.SealAsync(Token);
        Handle(shard, 0, Keys);
        await CheckpointAsync(shard);

        string? before = (await ManifestAsync(shard)).Predecessor;
        Assert.Equal(inDoubt, before);
        SnapshotHandle handle = SnapshotHandle.Parse(before)!;
        byte[] frame = new byte[handle.Length];
        await _store.ReadAsync(CheckpointPlace.NameOf("tests", Lineage, handle.Object!), handle.Offset, frame, Token);
        foreach (SnapshotRange range in SegmentReader.ReadManifest(frame).Ranges)
        {
            byte[] bytes = new byte[range.Length];
            await _store.ReadAsync(CheckpointPlace.NameOf("tests", Lineage, range.Segment), range.Offset, bytes, Token);
            SegmentReader.CheckRange(range, bytes);
        }
    }

    [Fact]
    public async Task A_restore_that_ends_behind_its_run_holds_no_objects()
    {
        ScheduledShard shard = await Shard(Row()).RestoredAsync(Token);
        Handle(shard, 0, Keys);
        await CheckpointAsync(shard);

        CheckpointPlace place = Process();
        var late = new ScheduledShard(place, shard.Row);
        late.Leave();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => late.RestoredAsync(Token));
        string held = SnapshotHandle.Parse(shard.Row.Snapshot)!.Object!;
        Assert.Throws<InvalidOperationException>(() => place.References.Leave([held]));

        // and what a run has restored it gives up
        ScheduledShard next = await new ScheduledShard(place, shard.Row).RestoredAsync(Token);
        next.Leave();
        Assert.Throws<InvalidOperationException>(() => place.References.Leave([held]));
    }

    /// <summary>
    /// A store is down while keys come and go. What was removed is not noted for ever: the next checkpoint is whole, also where the store
    /// refuses that one too.
    /// </summary>
    [Fact]
    public async Task After_many_removals_without_a_checkpoint_the_next_one_is_whole()
    {
        const int Many = 70_000;
        ScheduledShard shard = await Shard(Row()).RestoredAsync(Token);
        for (int i = 0; i < Many; i++)
        {
            shard.Handle($"many-{i}");
        }

        Handle(shard, 0, Keys);
        await CheckpointAsync(shard);
        Handle(shard, 0, 1);
        await CheckpointAsync(shard);
        Assert.Equal(SnapshotManifest.IncrementalFormat, (await ManifestAsync(shard)).Format);
        for (int i = 0; i < Many; i++)
        {
            shard.Remove($"many-{i}");
            if (i % 30_000 == 10)
            {
                _store.FailNext(CheckpointOperation.Create);
                await Assert.ThrowsAsync<CheckpointStoreException>(() => CheckpointAsync(shard));
            }
        }

        _store.FailNext(CheckpointOperation.Create);
        await Assert.ThrowsAsync<CheckpointStoreException>(() => CheckpointAsync(shard));
        Remove(shard, 7, 1);
        await CheckpointAsync(shard);
        Assert.Equal(SnapshotManifest.WholeFormat, (await ManifestAsync(shard)).Format);
        long[] totals = [.. Enumerable.Range(0, Keys).Select(static _ => 1L)];
        (totals[0], totals[7]) = (2, 0);
        await RequireAsync(shard, totals);

        // and then it goes on as before
        Remove(shard, 9, 1);
        await CheckpointAsync(shard);
        totals[9] = 0;
        Assert.Equal(SnapshotManifest.IncrementalFormat, (await ManifestAsync(shard)).Format);
        await RequireAsync(shard, totals);
        await foreach (StoredState entry in new SnapshotReader(_store, "tests").ReadAsync([shard.Row], Token))
        {
            Assert.StartsWith("key-", entry.PartitionKey, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_small_state_is_written_whole()
    {
        ScheduledShard shard = await Shard(Row()).RestoredAsync(Token);
        for (int i = 0; i < 5; i++)
        {
            Handle(shard, 0, 100);
            await CheckpointAsync(shard);
            Assert.Equal(SnapshotManifest.WholeFormat, (await ManifestAsync(shard)).Format);
        }
    }

    [Fact]
    public async Task Without_increments_all_is_written_each_time()
    {
        ScheduledShard shard = await new ScheduledShard(
            Process(), Row(), settings: new CheckpointingSettings { Incremental = false }).RestoredAsync(Token);
        Handle(shard, 0, Keys);
        await CheckpointAsync(shard);
        long whole = _store.Written;
        Handle(shard, 0, 1);
        await CheckpointAsync(shard);
        Assert.InRange(_store.Written - whole, whole - 100, whole + 100);
        Assert.Equal(SnapshotManifest.WholeFormat, (await ManifestAsync(shard)).Format);
    }

    private static Lease Row() => new()
    {
        LeaseKey = "0",
        LeaseOwner = "A",
        LeaseCounter = 12,
        Checkpoint = CheckpointPosition.TrimHorizon,
        HashKeyRange = new(UInt128.MinValue, UInt128.MaxValue),
        Session = "A/12",
        Lineage = $"{Lineage}.00000001",
    };

    private static void Handle(ScheduledShard shard, int first, int count)
    {
        for (int i = 0; i < count; i++)
        {
            shard.Handle($"key-{(first + i) % Keys}");
        }
    }

    private static void Remove(ScheduledShard shard, int first, int count)
    {
        for (int i = 0; i < count; i++)
        {
            shard.Remove($"key-{first + i}");
        }
    }

    private ScheduledShard Shard(Lease row) => new(Process(), row);

    private CheckpointPlace Process() => new(_store, "tests", $"Process{++_processes}", "table");

    private static async Task CheckpointAsync(ScheduledShard shard)
    {
        await shard.CheckpointAsync(Token);
        await shard.ForgetAsync(Token);
    }

    private async Task<SnapshotManifest> ManifestAsync(ScheduledShard shard)
    {
        SnapshotHandle handle = SnapshotHandle.Parse(shard.Row.Snapshot)!;
        byte[] frame = new byte[handle.Length];
        await _store.ReadAsync(CheckpointPlace.NameOf("tests", Lineage, handle.Object!), handle.Offset, frame, Token);
        return SegmentReader.ReadManifest(frame);
    }

    /// <summary>
    /// Two ways of reading must give the totals, from the objects that the manifest names; and there are no others, unless earlier owners
    /// have left some to a sweep.
    /// </summary>
    private async Task RequireAsync(ScheduledShard shard, long[] totals, bool isAlone = true)
    {
        SnapshotManifest manifest = await ManifestAsync(shard);
        Assert.InRange(manifest.Ranges.Count, 1, SegmentLayout.MostRanges);
        HashSet<string> named =
            [.. manifest.Ranges.Select(static range => range.Segment), SnapshotHandle.Parse(shard.Row.Snapshot)!.Object!];
        HashSet<string> there = [];
        await foreach (CheckpointObject found in _store.ListAsync($"tests/{Lineage}/seg/", Token))
        {
            there.Add(found.Name[$"tests/{Lineage}/seg/".Length..]);
        }

        Assert.Superset(named, there);
        Assert.True(!isAlone || named.Count == there.Count, string.Join(", ", there.Except(named)));
        Dictionary<string, long> stored = [];
        await foreach (StoredState entry in new SnapshotReader(_store, "tests").ReadAsync([shard.Row], Token))
        {
            stored.Add(entry.PartitionKey, BitConverter.ToInt64(entry.Values[0].Span));
        }

        ScheduledShard next = await Shard(shard.Row).RestoredAsync(Token);
        for (int i = 0; i < totals.Length; i++)
        {
            string key = $"key-{i}";
            Assert.Equal((key, totals[i]), (key, stored.GetValueOrDefault(key)));
            Assert.Equal((key, totals[i] == 0 ? null : totals[i]), (key, next.TotalOf(key)));
        }
    }

    /// <summary>Counts the bytes that are written.</summary>
    private sealed class CountingStore : InMemoryCheckpointStore
    {
        public long Written { get; private set; }

        public override async Task CreateAsync(
            string name, System.Buffers.ReadOnlySequence<byte> content, CancellationToken cancellationToken)
        {
            await base.CreateAsync(name, content, cancellationToken);
            Written += content.Length;
        }
    }
}
