using System.Text.Json.Serialization;
using FastConsumer.Processors;
using FastConsumer.State.Format;

namespace FastConsumer.Tests.State;

public sealed class ProcessorStateTests
{
    private readonly ProcessorState _state = new(1);
    private readonly StateLane _lane;
    private readonly KeyedState<long> _totals;
    private readonly KeyedMap<string, long> _map;
    private readonly KeyedList<string> _list;

    public ProcessorStateTests()
    {
        _lane = new StateLane(_state);
        _totals = _state.AddState("totals", null, new NumberSerializer());
        _map = _state.AddMap<string, long>("map", null, new NumberSerializer());
        _list = _state.AddList("list", null, new TextSerializer());
    }

    private enum Colour : byte
    {
        Red = 1,
        Green = 200,
    }

    [Fact]
    public void A_call_sees_its_own_writes_and_later_calls_of_the_key_see_them_too()
    {
        _lane.Handle("a", context =>
        {
            StateValue<long> total = _totals.Of(context);
            Assert.False(total.Exists);
            Assert.Equal(0, total.Value);
            total.Edit() += 5;
            Assert.Equal(5, total.Value);
            _totals.Of(context).Edit() += 2;
            total.Set(total.Value * 10);
            Assert.True(total.Exists);
        });
        _lane.Handle("a", context =>
        {
            Assert.Equal(70, _totals.Of(context).Value);
            _totals.Of(context).Clear();
            Assert.False(_totals.Of(context).Exists);
            Assert.Equal(0, _totals.Of(context).Edit());
            _totals.Of(context).Clear();
        });
        _lane.Handle("a", context => Assert.False(_totals.Of(context).Exists));
        _lane.Handle("b", context => Assert.False(_totals.Of(context).Exists));
    }

    [Fact]
    public void A_failed_attempt_leaves_nothing()
    {
        _lane.Handle("a", context =>
        {
            _totals.Of(context).Set(1);
            _map.Of(context).Set("x", 1);
            _list.Of(context).Add("one");
        });
        _lane.Open(new StateRecord("a"), new StateRecord("new"));
        _lane.Fail(context =>
        {
            _totals.Of(context).Edit() += 100;
            _map.Of(context).Remove("x");
            _map.Of(context).Set("y", 2);
            _list.Of(context).Add("two");
            _list.Of(context).Clear();
            _list.Of(context).Add("three");
        });
        _lane.Handle(context =>
        {
            Assert.Equal(1, _totals.Of(context).Value);
            Assert.Equal(1, _map.Of(context).Count);
            Assert.Equal(1, _map.Of(context)["x"]);
            Assert.Equal(["one"], Read(_list.Of(context)));
        });
        _lane.Fail(context => _totals.Of(context).Set(1));
        _lane.Handle(context => Assert.False(_totals.Of(context).Exists));
        Assert.Single(Entries(TestSnapshot.Of(_lane), "totals"));
    }

    [Fact]
    public void A_reference_stays_valid_while_a_thousand_others_are_taken()
    {
        _lane.Handle("a", context =>
        {
            StateMap<string, long> map = _map.Of(context);
            ref long first = ref map.Edit("first");
            for (int i = 0; i < 1000; i++)
            {
                map.Edit($"{i}") = i;
            }

            first = 42;
            Assert.Equal(1001, map.Count);
        });
        _lane.Handle("a", context =>
        {
            Assert.Equal(42, _map.Of(context)["first"]);
            Assert.Equal(999, _map.Of(context)["999"]);
        });
    }

    [Fact]
    public void A_map_is_read_and_changed_by_sub_key()
    {
        _lane.Handle("a", context =>
        {
            StateMap<string, long> map = _map.Of(context);
            Assert.True(map.TryAdd("x", 1));
            Assert.False(map.TryAdd("x", 2));
            map["y"] = 2;
            Assert.True(map.ContainsKey("y"));
            Assert.True(map.TryGetValue("x", out long x));
            Assert.Equal(1, x);
            Assert.Throws<KeyNotFoundException>(() => map["z"]);
            Assert.False(map.Remove("z"));
            Assert.Equal(2, map.Count);
        });
        _lane.Handle("b", context => Assert.Equal(0, _map.Of(context).Count));
        _lane.Handle("a", context =>
        {
            StateMap<string, long> map = _map.Of(context);
            Assert.True(map.Remove("x"));
            Assert.False(map.Remove("x"));
            map.Set("z", 3);
            map.Edit("y") += 40;
            Assert.Equal(2, map.Count);
            Assert.Equal([("y", 42), ("z", 3)], Read(map));
            // what changes meanwhile does not disturb
            foreach ((string key, long _) in map)
            {
                map.Remove(key);
                map.Set($"{key}{key}", 1);
            }

            Assert.Equal(["yy", "zz"], Read(map).Select(static one => one.Key));
            map.Clear();
            Assert.Equal(0, map.Count);
            Assert.Empty(Read(map));
        });
        _lane.Handle("a", context => Assert.Empty(Read(_map.Of(context))));
        Assert.Empty(Entries(TestSnapshot.Of(_lane), "map"));
    }

    [Fact]
    public void A_list_is_appended_to_and_cleared()
    {
        for (int i = 0; i < 10; i++)
        {
            _lane.Handle("a", context =>
            {
                _list.Of(context).Add($"{i}");
                Assert.Equal($"{i}", _list.Of(context)[i]);
                Assert.Equal(i + 1, _list.Of(context).Count);
            });
        }

        _lane.Handle("a", context =>
        {
            Assert.Equal("0123456789", string.Concat(Read(_list.Of(context))));
            Assert.Throws<ArgumentOutOfRangeException>(() => _list.Of(context)[10]);
            _list.Of(context).Clear();
            Assert.Equal(0, _list.Of(context).Count);
            _list.Of(context).Add("new");
        });
        _lane.Handle("a", context => Assert.Equal(["new"], Read(_list.Of(context))));
    }

    [Fact]
    public void State_of_a_call_that_is_over_throws()
    {
        StateValue<long> kept = default;
        StateMap<string, long> map = default;
        StateList<string> list = default;
        RecordContext old = default;
        Assert.Throws<InvalidOperationException>(() => kept.Value);
        _lane.Open(new StateRecord("a"), new StateRecord("a"));
        void Keep(RecordContext context)
        {
            old = context;
            kept = _totals.Of(context);
            map = _map.Of(context);
            list = _list.Of(context);
        }

        void AllThrow()
        {
            Assert.Contains("over", Assert.Throws<InvalidOperationException>(() => kept.Set(1)).Message, StringComparison.Ordinal);
            Assert.Throws<InvalidOperationException>(() => kept.Exists);
            Assert.Throws<InvalidOperationException>(() => kept.Edit());
            Assert.Throws<InvalidOperationException>(() => map.Count);
            Assert.Throws<InvalidOperationException>(() => map.Set("x", 1));
            Assert.Throws<InvalidOperationException>(() => list.Add("x"));
            Assert.Throws<InvalidOperationException>(() => _totals.Of(old));
        }

        _lane.Fail(Keep);
        AllThrow();
        _lane.Handle(_ => AllThrow());
        _lane.Handle(Keep);
        AllThrow();
        _lane.Handle("b", _ => AllThrow());
        Assert.Empty(Entries(TestSnapshot.Of(_lane), "totals"));
    }

    [Fact]
    public void An_abandoned_handler_changes_nothing_when_the_run_is_over()
    {
        _lane.Handle("a", context => _totals.Of(context).Set(1));
        _lane.Open(new StateRecord("a"));
        _lane.State.Begin(_lane.Cursor);
        StateValue<long> total = _totals.Of(_lane.Cursor.Context);
        total.Set(2);
        _state.Close();
        Assert.Throws<InvalidOperationException>(() => total.Set(3));
        Assert.Throws<InvalidOperationException>(() => _state.Complete(_lane.Cursor));
        Assert.Equal(1, _lane.Done);
        TestSnapshot last = TestSnapshot.Of(_lane);
        Assert.Equal("1", last.Manifest.Position);
        var next = new ProcessorStateTests();
        TestSnapshot.Restore(next._state, null, last);
        next._lane.Handle("a", context => Assert.Equal(1, next._totals.Of(context).Value));
    }

    [Fact]
    public void Entries_expire_by_the_streams_time_from_their_last_write_on()
    {
        KeyedState<long> value = _state.AddState("short", TimeSpan.FromMilliseconds(100), new NumberSerializer());
        KeyedMap<string, long> map = _state.AddMap<string, long>("shorts", TimeSpan.FromMilliseconds(100), new NumberSerializer());
        _lane.Handle(new StateRecord("a", 1000), context =>
        {
            value.Of(context).Set(1);
            map.Of(context).Set("old", 1);
        });
        _lane.Handle(new StateRecord("a", 1050), context =>
        {
            // a read does not extend it
            Assert.Equal(1, value.Of(context).Value);
            map.Of(context).Set("new", 2);
        });
        // arrivals that go back do not take the time back
        _lane.Handle(new StateRecord("a", 900), context => Assert.Equal(1, value.Of(context).Value));
        _lane.Handle(new StateRecord("a", 1099), context =>
        {
            Assert.Equal(1, value.Of(context).Value);
            Assert.Equal(2, map.Of(context).Count);
        });
        TestSnapshot before = TestSnapshot.Of(_lane);
        Assert.Equal(1099, before.Manifest.StreamTime);
        _lane.Handle(new StateRecord("a", 1100), context =>
        {
            Assert.False(value.Of(context).Exists);
            Assert.Equal(0, value.Of(context).Edit());
            value.Of(context).Clear();
            Assert.Equal([("new", 2)], Read(map.Of(context)));
            Assert.Equal(1, map.Of(context).Count);
            Assert.False(map.Of(context).Remove("old"));
        });

        // a restore goes on with the same time
        var restored = new ProcessorState(1);
        KeyedState<long> same = restored.AddState("short", TimeSpan.FromMilliseconds(100), new NumberSerializer());
        SnapshotManifest manifest = before.Manifest with
        {
            States = [.. before.Manifest.States.Where(static one => one.Name == "short")],
            Ranges = [.. before.Manifest.Ranges.Where(static one => one.State == "short")],
        };
        TestSnapshot.Restore(restored, null, before with { Manifest = manifest });
        var lane = new StateLane(restored);
        lane.Handle(new StateRecord("a", 1), context => Assert.True(same.Of(context).Exists));
        lane.Handle(new StateRecord("a", 1100), context => Assert.False(same.Of(context).Exists));
    }

    [Fact]
    public void Expired_entries_are_removed_a_few_with_each_record()
    {
        KeyedMap<int, long> map = _state.AddMap<int, long>("short", TimeSpan.FromMilliseconds(10), new NumberSerializer());
        for (int i = 0; i < 3000; i++)
        {
            _lane.Handle(new StateRecord($"{i % 7}", i), context => map.Of(context).Set(i, i));
        }

        long before = _state.Bytes;
        for (int i = 3000; i < 30_000; i++)
        {
            _lane.Handle(new StateRecord($"{i % 7}", i), context => map.Of(context).Set(i, i));
        }

        // what has expired makes room for what comes
        Assert.Equal(before, _state.Bytes);
        Assert.Equal(10, Entries(TestSnapshot.Of(_lane), "short").Count);
    }

    [Fact]
    public void What_does_not_deserialize_throws_at_first_touch_and_cannot_be_passed_over()
    {
        _lane.Handle("c7", context => _list.Of(context).Add("not eight bytes"));
        _lane.Handle("c8", context => _totals.Of(context).Set(8));
        TestSnapshot snapshot = TestSnapshot.Of(_lane);
        var state = new ProcessorState(2);
        state.AddState("totals", null, new NumberSerializer());
        state.AddMap<string, long>("map", null, new NumberSerializer());
        KeyedList<long> list = state.AddList("list", null, new NumberSerializer());
        TestSnapshot.Restore(state, null, snapshot);
        var lane = new StateLane(state);
        lane.Handle("c8", static _ => { });
        lane.Open(new StateRecord("c7"));
        lane.State.Begin(lane.Cursor);
        StateUnreadableException thrown = Assert.Throws<StateUnreadableException>(() => list.Of(lane.Cursor.Context).Count);
        Assert.Equal("list", thrown.State);
        Assert.Equal("c7", thrown.Key);
        Assert.Contains("[StateMigration(\"list\", From = 1)]", thrown.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", thrown.Message, StringComparison.Ordinal);
        // a handler that catches everything
        Assert.Same(thrown, Assert.Throws<StateUnreadableException>(() => lane.State.Complete(lane.Cursor)));
        Assert.Equal(1, lane.Done);
        // what was not touched is kept as it was
        Assert.Single(Entries(TestSnapshot.Of(lane), "list"));
    }

    [Fact]
    public void Older_values_are_read_by_the_migration_with_the_smallest_from_that_is_not_below()
    {
        _lane.Handle("one", context => _totals.Of(context).Set(1));
        TestSnapshot first = Only(TestSnapshot.Of(_lane), "totals");
        var second = new ProcessorState(3);
        KeyedState<long> totals = second.AddState(
            "totals", null, new NumberSerializer(), null, new StateMigration<long>(2, static bytes => bytes[0] + 200));
        TestSnapshot.Restore(second, null, first);
        var lane = new StateLane(second);
        // written under version 3, beside an untouched value of version 1
        lane.Handle("three", context => totals.Of(context).Set(3));
        TestSnapshot mixed = TestSnapshot.Of(lane);
        var third = new ProcessorState(4);
        totals = third.AddState(
            "totals",
            null,
            new NumberSerializer(),
            null,
            new StateMigration<long>(3, static bytes => bytes[0] + 300),
            new StateMigration<long>(1, static bytes => bytes[0] + 100));
        TestSnapshot.Restore(third, null, mixed);
        lane = new StateLane(third);
        lane.Handle("one", context => Assert.Equal(101, totals.Of(context).Value));
        lane.Handle("three", context => Assert.Equal(303, totals.Of(context).Edit()));
        Assert.Throws<FastConsumer.State.StateRestoreException>(() => TestSnapshot.Restore(new ProcessorState(2), null, mixed));
    }

    [Fact]
    public void A_state_that_is_not_declared_or_of_another_kind_is_refused()
    {
        TestSnapshot snapshot = TestSnapshot.Of(_lane);
        var state = new ProcessorState(1);
        state.AddState("totals", null, new NumberSerializer());
        state.AddMap<string, long>("map", null, new NumberSerializer());
        Assert.Contains("'list'", Assert.Throws<FastConsumer.State.StateRestoreException>(
            () => state.Restore([snapshot.Manifest], snapshot.Manifest.HashKeys)).Message, StringComparison.Ordinal);
        state.Restore([snapshot.Manifest], snapshot.Manifest.HashKeys, allowUndeclared: true);
        var other = new ProcessorState(1);
        other.AddList("totals", null, new NumberSerializer());
        Assert.Throws<FastConsumer.State.StateRestoreException>(
            () => other.Restore([snapshot.Manifest], snapshot.Manifest.HashKeys, allowUndeclared: true));
    }

    [Fact]
    public void Sub_keys_of_every_kind_come_back()
    {
        Roundtrip("", "x", "ü€𝄞");
        Roundtrip(int.MinValue, 0, int.MaxValue);
        Roundtrip(long.MinValue, -1L);
        Roundtrip<byte>(0, 255);
        Roundtrip(UInt128.MaxValue, UInt128.Zero);
        Roundtrip(Guid.Empty, new Guid("00112233-4455-6677-8899-aabbccddeeff"));
        Roundtrip(Colour.Red, Colour.Green);
        Assert.Throws<NotSupportedException>(() => _state.AddMap<double, long>("double", null, new NumberSerializer()));
        _lane.Handle("a", context => Assert.ThrowsAny<ArgumentException>(() => _map.Of(context).Set("\uD800", 1)));
    }

    [Fact]
    public void Two_states_of_one_name_are_refused() =>
        Assert.Throws<InvalidOperationException>(() => _state.AddState("totals", null, new NumberSerializer()));

    [Fact]
    public void One_cut_is_open_at_a_time()
    {
        using (_lane.Cut().Cut)
        {
            Assert.Throws<InvalidOperationException>(() => _lane.Cut().Cut);
        }

        _lane.Cut().Cut.Dispose();
    }

    [Fact]
    public void Json_refuses_members_it_does_not_know()
    {
        var serializer = new JsonStateSerializer<Money>(MoneyJson.Default.Money);
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        serializer.Write(new Money(5, "EUR"), output);
        Assert.Equal(new Money(5, "EUR"), serializer.Read(output.WrittenSpan));
        output.ResetWrittenCount();
        serializer.Write(new Money(6, "CHF"), output);
        Assert.Equal("{\"Amount\":6,\"Currency\":\"CHF\"}"u8, output.WrittenSpan);
        Assert.Throws<System.Text.Json.JsonException>(() => serializer.Read("{\"Amount\":6,\"Currency\":\"CHF\",\"Later\":1}"u8));
    }

    [Fact]
    public void A_change_of_an_existing_key_of_a_struct_allocates_nothing()
    {
        KeyedState<Money> money = _state.AddState(
            "money", TimeSpan.FromDays(1), new JsonStateSerializer<Money>(MoneyJson.Default.Money));
        string[] keys = [.. Enumerable.Range(0, 100).Select(static i => $"customer-{i}")];
        StateRecord[] records = [.. keys.Select(static (key, i) => new StateRecord(key, i))];
        _lane.Open(records);
        Run();
        _lane.Open(records);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        _lane.Handle(keys[5], context => Assert.Equal(2, money.Of(context).Value.Amount));

        void Run()
        {
            while (_lane.Cursor.MoveNext())
            {
                _state.Begin(_lane.Cursor);
                ref Money total = ref money.Of(_lane.Cursor.Context).Edit();
                total = total with { Amount = total.Amount + 1 };
                _map.Of(_lane.Cursor.Context).TryGetValue("none", out _);
                _state.Complete(_lane.Cursor);
            }
        }
    }

    private static void Roundtrip<TSubKey>(params TSubKey[] keys)
        where TSubKey : notnull
    {
        (ProcessorState State, KeyedMap<TSubKey, long> Map) Make()
        {
            var state = new ProcessorState(1);
            return (state, state.AddMap<TSubKey, long>("map", null, new NumberSerializer()));
        }

        (ProcessorState first, KeyedMap<TSubKey, long> map) = Make();
        var lane = new StateLane(first);
        lane.Handle("a", context =>
        {
            for (int i = 0; i < keys.Length; i++)
            {
                map.Of(context).Set(keys[i], i);
            }
        });
        (ProcessorState second, KeyedMap<TSubKey, long> restored) = Make();
        TestSnapshot.Restore(second, null, TestSnapshot.Of(lane));
        new StateLane(second).Handle("a", context =>
        {
            Assert.Equal(keys.Length, restored.Of(context).Count);
            for (int i = 0; i < keys.Length; i++)
            {
                Assert.Equal(i, restored.Of(context)[keys[i]]);
            }
        });
    }

    private static TestSnapshot Only(TestSnapshot snapshot, string state) => snapshot with
    {
        Manifest = snapshot.Manifest with
        {
            States = [.. snapshot.Manifest.States.Where(one => one.Name == state)],
            Ranges = [.. snapshot.Manifest.Ranges.Where(one => one.State == state)],
        },
    };

    private static List<string> Entries(TestSnapshot snapshot, string state) => SegmentTests.KeysOf(snapshot, state);

    private static List<string> Read(StateList<string> list)
    {
        List<string> all = [];
        foreach (string one in list)
        {
            all.Add(one);
        }

        return all;
    }

    private static List<(string Key, long Value)> Read(StateMap<string, long> map)
    {
        List<(string, long)> all = [];
        foreach ((string key, long value) in map)
        {
            all.Add((key, value));
        }

        return [.. all.Order()];
    }
}

internal readonly record struct Money(long Amount, string Currency);

[JsonSerializable(typeof(Money))]
internal sealed partial class MoneyJson : JsonSerializerContext;
