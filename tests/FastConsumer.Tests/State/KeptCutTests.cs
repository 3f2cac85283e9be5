using System.Text;
using FastConsumer.Kinesis;
using FastConsumer.Processors;
using FastConsumer.State;

namespace FastConsumer.Tests.State;

/// <summary>What readers see of a shard's state: its last cut, whatever was done since.</summary>
public sealed class KeptCutTests
{
    private const int Totals = 0;
    private const int Map = 1;
    private const int List = 2;
    private const int Recent = 3;

    private readonly ManualTime _time = new(DateTimeOffset.UnixEpoch.AddDays(1));
    private readonly ProcessorState _state = new(1);
    private readonly StateLane _lane;
    private readonly KeyedState<long> _totals;
    private readonly KeyedMap<string, long> _map;
    private readonly KeyedList<string> _list;
    private readonly KeyedState<long> _recent;

    public KeptCutTests()
    {
        _lane = new StateLane(_state);
        _totals = _state.AddState("totals", null, new NumberSerializer());
        _map = _state.AddMap<string, long>("map", null, new NumberSerializer());
        _list = _state.AddList("list", null, new TextSerializer());
        _recent = _state.AddState("recent", TimeSpan.FromMilliseconds(100), new NumberSerializer());
    }

    [Fact]
    public void Before_the_state_is_restored_there_is_no_answer()
    {
        _state.KeepCuts("shard", 7, _time);
        _state.Divide(1);
        _lane.Handle("a", context => _totals.Of(context).Set(1));
        Assert.False(Read<NoSubKey, long>(Totals, "a", default, out _, out StateAsOf? cut));
        Assert.Null(cut);
    }

    [Fact]
    public void Nothing_that_was_done_after_the_cut_is_seen_until_the_next_one()
    {
        Begin();
        Change("a", 1);
        AssertAbsent("a", number: 0);
        Cut();
        Change("a", 2);
        Change("new", 2);
        AssertValues("a", 1, number: 1);
        AssertAbsent("new", number: 1);
        Change("a", 3);
        AssertValues("a", 1, number: 1);
        Cut(isWritten: true);
        AssertValues("a", 3, number: 2);
        AssertValues("new", 2, number: 2);
        // a cut that was written is kept like another
        Change("a", 4);
        AssertValues("a", 3, number: 2);
    }

    [Fact]
    public void What_was_removed_after_the_cut_is_seen_and_its_place_may_be_another_key_s()
    {
        Begin();
        Change("a", 1);
        Change("b", 1);
        Cut();
        Clear("a");
        Clear("b");
        Change("c", 5);
        Change("b", 6);
        AssertValues("a", 1, number: 1);
        AssertValues("b", 1, number: 1);
        AssertAbsent("c", number: 1);
        Clear("b");
        AssertValues("b", 1, number: 1);
        Cut();
        AssertAbsent("a", number: 2);
        AssertAbsent("b", number: 2);
        AssertValues("c", 5, number: 2);
    }

    [Fact]
    public void Attempts_that_fail_leave_the_cut_as_it_is()
    {
        Begin();
        Change("a", 1);
        Cut();
        _lane.Open(new StateRecord("a"));
        _lane.Fail(context =>
        {
            Change(context, 9);
            _map.Of(context).Set("other", 9);
        });
        AssertValues("a", 1, number: 1);
        Assert.False(Read<string, long>(Map, "a", "other", out _, out _));
        _lane.Handle(context => Change(context, 2));
        AssertValues("a", 1, number: 1);
        Cut();
        AssertValues("a", 2, number: 2);
        Assert.False(Read<string, long>(Map, "a", "other", out _, out _));
    }

    [Fact]
    public void Entries_of_a_map_are_kept_one_by_one()
    {
        Begin();
        _lane.Handle("a", context =>
        {
            _map.Of(context).Set("x", 1);
            _map.Of(context).Set("y", 1);
            _map.Of(context).Set("z", 1);
        });
        _lane.Handle("b", context => _map.Of(context).Set("x", 7));
        Cut();
        _lane.Handle("a", context =>
        {
            _map.Of(context).Set("x", 2);
            _map.Of(context).Remove("y");
            _map.Of(context).Set("new", 2);
        });
        Assert.Equal((true, 1), Entry("a", "x"));
        Assert.Equal((true, 1), Entry("a", "y"));
        Assert.Equal((true, 1), Entry("a", "z"));
        Assert.Equal((false, 0), Entry("a", "new"));
        Assert.Equal((true, 7), Entry("b", "x"));
        Assert.Equal((false, 0), Entry("c", "x"));
        Cut();
        Assert.Equal((true, 2), Entry("a", "x"));
        Assert.Equal((false, 0), Entry("a", "y"));
        Assert.Equal((true, 2), Entry("a", "new"));
    }

    [Fact]
    public void What_has_expired_at_the_cut_s_time_is_absent_and_what_expires_since_is_not()
    {
        Begin();
        _lane.Handle(new StateRecord("a", 1000), context => _recent.Of(context).Set(1));
        _lane.Handle(new StateRecord("b", 1050), context => _recent.Of(context).Set(2));
        Cut();
        Assert.Equal(1, Value(Recent, "a"));
        // time goes on, and sweeps remove both
        for (int i = 0; i < 50; i++)
        {
            _lane.Handle(new StateRecord("other", 1200), context => _recent.Of(context).Set(3));
        }

        Assert.Equal(1, Value(Recent, "a"));
        Assert.Equal(2, Value(Recent, "b"));
        Cut();
        Assert.Null(Value(Recent, "a"));
        Assert.Equal(3, Value(Recent, "other"));

        // not swept, and expired all the same
        _lane.Handle(new StateRecord("late", 1201), context => _recent.Of(context).Set(4));
        _lane.Handle(new StateRecord("b", 1300), context => _totals.Of(context).Set(4));
        Cut();
        Assert.Equal(4, Value(Recent, "late"));
        _lane.Handle(new StateRecord("b", 1301), context => _totals.Of(context).Set(5));
        Cut();
        Assert.Null(Value(Recent, "late"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(24)]
    public void What_was_restored_is_the_first_cut_in_all_stripes_and_stays_as_it_was_stored(int stripes)
    {
        Begin();
        for (int i = 0; i < 200; i++)
        {
            Change($"key-{i}", i);
        }

        TestSnapshot snapshot = TestSnapshot.Of(_lane);
        var next = new KeptCutTests();
        next._state.KeepCuts("shard", 8, next._time);
        next._state.Divide(stripes);
        TestSnapshot.Restore(next._state, null, snapshot);
        next._state.KeepRestored(CheckpointPosition.At(SequenceNumber.Parse("200")), 77);
        long before = next._state.Bytes;
        for (int i = 0; i < 200; i++)
        {
            next.AssertValues($"key-{i}", i, number: 0);
        }

        next.AssertAbsent("key-200", number: 0);
        Assert.Equal(before, next._state.Bytes);
        Assert.True(next.Read<NoSubKey, long>(Totals, "key-1", default, out _, out StateAsOf? cut));
        Assert.Equal(
            new StateAsOf
            {
                ShardId = "shard",
                FencingToken = 8,
                Number = 0,
                Position = CheckpointPosition.At(SequenceNumber.Parse("200")),
                StreamTime = DateTimeOffset.FromUnixTimeMilliseconds(77),
            },
            cut);
    }

    [Fact]
    public void A_value_that_was_restored_is_seen_after_it_was_read_and_written()
    {
        Begin();
        Change("a", 1);
        Change("b", 1);
        TestSnapshot snapshot = TestSnapshot.Of(_lane);
        var next = new KeptCutTests();
        next._state.KeepCuts("shard", 8, next._time);
        next._state.Divide(1);
        TestSnapshot.Restore(next._state, null, snapshot);
        next._state.KeepRestored(CheckpointPosition.TrimHorizon, 0);
        next._lane.Handle("a", context => Assert.Equal(1, next._totals.Of(context).Value));
        next.AssertValues("a", 1, number: 0);
        next.Change("a", 2);
        next.Change("b", 2);
        next.AssertValues("a", 1, number: 0);
        next.AssertValues("b", 1, number: 0);
        next.Cut(isWritten: true);
        next.AssertValues("a", 2, number: 1);
        next.AssertValues("b", 2, number: 1);
    }

    [Fact]
    public void A_cut_is_written_in_full_whatever_readers_and_handlers_do_meanwhile()
    {
        Begin();
        for (int i = 0; i < 300; i++)
        {
            Change($"key-{i}", 1);
        }

        (StateCut Cut, CheckpointPosition, long) taken = _lane.Cut();
        for (int i = 0; i < 300; i += 3)
        {
            Change($"key-{i}", 2);
            Clear($"key-{i + 1}");
        }

        TestSnapshot snapshot = TestSnapshot.Of(_state, taken);
        for (int i = 0; i < 300; i++)
        {
            AssertValues($"key-{i}", 1, number: 1);
            Change($"key-{i}", 3);
            AssertValues($"key-{i}", 1, number: 1);
        }

        taken.Cut.Dispose();
        AssertValues("key-7", 1, number: 1);
        var other = new KeptCutTests();
        other.Begin();
        TestSnapshot.Restore(other._state, null, snapshot);
        other.Cut();
        for (int i = 0; i < 300; i++)
        {
            other.AssertValues($"key-{i}", 1, number: 1);
        }
    }

    [Fact]
    public void An_answer_says_of_which_cut_it_is()
    {
        Begin();
        _lane.Handle(new StateRecord("a", 5000), context => Change(context, 1));
        DateTimeOffset at = _time.Now;
        Cut();
        _time.Now += TimeSpan.FromSeconds(5);
        Read<NoSubKey, long>(Totals, "a", default, out _, out StateAsOf? cut);
        Read<string, long>(Map, "nothing", "at all", out _, out StateAsOf? other);
        Assert.Equal(
            new StateAsOf
            {
                ShardId = "shard",
                FencingToken = 7,
                Number = 1,
                Position = CheckpointPosition.At(SequenceNumber.Parse("1")),
                StreamTime = DateTimeOffset.FromUnixTimeMilliseconds(5000),
                TakenAt = at,
            },
            cut);
        Assert.Equal(cut, other);
    }

    [Fact]
    public void Without_a_reader_nothing_is_kept()
    {
        for (int i = 0; i < 500; i++)
        {
            Change($"key-{i}", 1);
        }

        Cut();
        long before = _state.Bytes;
        for (int i = 0; i < 500; i++)
        {
            Change($"key-{i}", 2);
        }

        Assert.Equal(before, _state.Bytes);
        Assert.False(Read<NoSubKey, long>(Totals, "key-1", default, out _, out StateAsOf? cut));
        Assert.Null(cut);
    }

    private void Begin()
    {
        _state.KeepCuts("shard", 7, _time);
        _state.Divide(1);
        _state.KeepRestored(CheckpointPosition.TrimHorizon, 0);
    }

    private void Cut(bool isWritten = false)
    {
        (StateCut Cut, CheckpointPosition, long) taken = _lane.Cut();
        using StateCut cut = taken.Cut;
        if (isWritten)
        {
            TestSnapshot.Of(_state, taken);
        }
    }

    private void Change(string key, long value) => _lane.Handle(key, context => Change(context, value));

    private void Change(RecordContext context, long value)
    {
        _totals.Of(context).Set(value);
        _map.Of(context).Set("x", value);
        _list.Of(context).Clear();
        for (int i = 0; i <= value % 5; i++)
        {
            _list.Of(context).Add($"{value}");
        }
    }

    private void Clear(string key) => _lane.Handle(key, context =>
    {
        _totals.Of(context).Clear();
        _map.Of(context).Clear();
        _list.Of(context).Clear();
    });

    private bool Read<TSub, T>(int state, string key, TSub sub, out T? value, out StateAsOf? cut)
        where TSub : notnull => _state.TryRead(state, Encoding.UTF8.GetBytes(key), sub, out value, out cut);

    private long? Value(int state, string key) => Read<NoSubKey, long>(state, key, default, out long value, out _) ? value : null;

    private (bool, long) Entry(string key, string sub) => (Read<string, long>(Map, key, sub, out long value, out _), value);

    private void AssertValues(string key, long value, long number)
    {
        Assert.True(Read<NoSubKey, long>(Totals, key, default, out long total, out StateAsOf? cut));
        Assert.Equal(value, total);
        Assert.Equal(number, cut!.Number);
        Assert.Equal((true, value), Entry(key, "x"));
        Assert.True(Read<NoSubKey, ListCells<string>>(List, key, default, out ListCells<string> list, out cut));
        Assert.Equal(Enumerable.Repeat($"{value}", (int)(value % 5) + 1), list.Items!.Take(list.Count));
        Assert.Equal(number, cut!.Number);
    }

    private void AssertAbsent(string key, long number)
    {
        Assert.False(Read<NoSubKey, long>(Totals, key, default, out _, out StateAsOf? cut));
        Assert.Equal(number, cut!.Number);
        Assert.Equal((false, 0), Entry(key, "x"));
        Assert.False(Read<NoSubKey, ListCells<string>>(List, key, default, out _, out _));
    }

    private sealed class ManualTime(DateTimeOffset now) : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = now;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
