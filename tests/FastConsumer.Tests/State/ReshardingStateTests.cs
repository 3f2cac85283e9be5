using System.Globalization;
using FastConsumer.Kinesis;
using FastConsumer.Processors;
using FastConsumer.State;

namespace FastConsumer.Tests.State;

/// <summary>What becomes of state at splits and merges, against a model in which a value is the set of the records that made it.</summary>
public sealed class ReshardingStateTests
{
    private const int Seeds = 150;
    private const int Steps = 120;
    private static readonly HashKeyRange s_whole = new(UInt128.MinValue, UInt128.MaxValue);
    private static readonly HashKeyRange s_lower = new(UInt128.MinValue, UInt128.MaxValue / 2);
    private static readonly UInt128 s_quarter = UInt128.MaxValue / 4;

    // its hash key lies in the upper half
    private static readonly string s_stray =
        Enumerable.Range(0, 100).Select(static i => $"stray-{i}").First(static key => !s_lower.Contains(HashKeys.Of(Utf8(key))));

    [Fact]
    public void No_record_is_lost_or_counted_twice_by_random_splits_and_merges()
    {
        int compared = 0, copies = 0;
        for (int seed = 0; seed < Seeds; seed++)
        {
            var random = new Random(seed);
            int record = 0, shards = 1;
            List<Shard> live = [new Shard("shard-0", s_whole)];
            for (int step = 0; step < Steps; step++)
            {
                int at = random.Next(live.Count);
                switch (random.Next(12))
                {
                    case 0 when live.Count < 6:
                        UInt128 size = live[at].Range.EndingHashKey - live[at].Range.StartingHashKey;
                        UInt128 middle = live[at].Range.StartingHashKey + (size / 8 * (UInt128)random.Next(1, 8));
                        Replace(live, at, 1,
                            Shard.Child($"shard-{shards++}", new(live[at].Range.StartingHashKey, middle), live[at]),
                            Shard.Child($"shard-{shards++}", new(middle + 1, live[at].Range.EndingHashKey), live[at]));
                        break;
                    case 1 when at + 1 < live.Count:
                        HashKeyRange both = new(live[at].Range.StartingHashKey, live[at + 1].Range.EndingHashKey);
                        Replace(live, at, 2, Shard.Child($"shard-{shards++}", both, live[at + 1], live[at]));
                        break;
                    case 2:
                        live[at] = live[at].Restarted();
                        break;
                    default:
                        int key = random.Next(16);
                        Shard shard = Shard.IsStray(key) ? live[at] : live.Single(one => one.Range.Contains(Shard.HashKeyOf(key)));
                        shard.Handle(key, ++record, random.Next(2), !Shard.IsStray(key) && random.Next(10) == 0);
                        break;
                }
            }

            foreach (Shard shard in live)
            {
                compared += shard.Compare(seed);
                copies += shard.State.Copies;
            }
        }

        Assert.True(compared > 10_000 && copies > 100, $"{compared} compared, {copies} copies");
    }

    private static byte[] Utf8(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private static void Replace(List<Shard> live, int at, int count, params Shard[] children)
    {
        live.RemoveRange(at, count);
        live.InsertRange(at, children);
    }

    [Fact]
    public void A_key_outside_of_the_range_is_told_of_when_it_first_comes_and_never_where_it_is_known()
    {
        ILookup<bool, string> keys = Enumerable.Range(0, 100).Select(static i => $"key-{i}")
            .ToLookup(static key => s_lower.Contains(HashKeys.Of(Utf8(key))));
        string inside = keys[true].First();
        string[] outside = [.. keys[false].Take(2)];
        TestSnapshot known = Watched(from: null, out List<UInt128> told, new(inside), new(s_stray), new(outside[0]), new(s_stray));
        Assert.Equal([HashKeys.Of(Utf8(s_stray))], told);

        // known since the restore: nothing is looked at any more
        Watched(known, out told, new(s_stray), new(inside));
        Assert.Empty(told);

        // a new one in the next run is told of again; where an explicit hash key can be seen, it says where the key belongs
        Watched(known, out told, new("another", HashKey: 1), new("one-more", HashKey: UInt128.MaxValue), new(outside[1]));
        Assert.Equal([HashKeys.Of(Utf8(outside[1]))], told);
    }

    private static TestSnapshot Watched(TestSnapshot? from, out List<UInt128> told, params ReadOnlySpan<StateRecord> records)
    {
        ProcessorState state = new(1);
        KeyedState<long> totals = state.AddState("totals", null, new NumberSerializer());
        if (from is not null)
        {
            TestSnapshot.Restore(state, s_lower, from);
        }

        List<UInt128> outside = [];
        state.WatchKeys(s_lower, outside.Add);
        StateLane lane = new(state);
        foreach (StateRecord record in records)
        {
            lane.Handle(record, context => totals.Of(context).Edit()++);
        }

        told = outside;
        return TestSnapshot.Of(lane, s_lower);
    }

    [Fact]
    public void A_copy_that_was_written_beats_the_one_that_was_not()
    {
        (Simple a, Simple b) = Split(10);
        Assert.Equal(1, a.State.Copies);
        Assert.Equal(1, b.State.Copies);
        b.Add(3);
        Assert.Equal(0, b.State.Copies);
        Assert.Equal(13, Simple.Of(s_whole, null, a, b).Value);
        Assert.Equal(13, Simple.Of(s_whole, null, b, a).Value);
    }

    [Fact]
    public void Two_copies_are_one()
    {
        (Simple a, Simple b) = Split(10);
        Assert.Equal(10, Simple.Of(s_whole, null, a, b).Value);
    }

    [Fact]
    public void Two_originals_are_united_with_what_they_have_in_common()
    {
        (Simple a, Simple b) = Split(10);
        a.Add(3);
        b.Add(4);
        (long A, long B, bool HasCommon, long Common)? asked = null;
        Simple merged = Simple.Of(
            s_whole,
            (a, b, hasCommon, common) =>
            {
                asked = (a, b, hasCommon, common);
                return a + b - common;
            },
            b,
            a);
        Assert.Equal((13, 14, true, 10), asked);
        Assert.Equal(17, merged.Value);
    }

    [Fact]
    public void Two_originals_stop_the_shard_where_nothing_says_how_to_unite_them()
    {
        (Simple a, Simple b) = Split(10);
        a.Add(3);
        b.Add(4);
        StateMergeException thrown = Assert.Throws<StateMergeException>(() => Simple.Of(s_whole, null, a, b));
        Assert.Equal("totals", thrown.State);
        Assert.Contains("[StateMerge(\"totals\")]", thrown.Message, StringComparison.Ordinal);
        Assert.Contains(
            HashKeys.Of(Utf8(s_stray)).ToString(CultureInfo.InvariantCulture), thrown.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("stray", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_removed_copy_does_not_come_back()
    {
        (Simple a, Simple b) = Split(10);
        a.Clear();
        Assert.Null(a.Restarted().Value);
        Assert.Null(Simple.Of(s_whole, null, a.Restarted(), b).Value);
        // written in one and removed in the other: what is written stays
        b.Add(1);
        Assert.Equal(11, Simple.Of(s_whole, null, a, b).Value);
        a.Add(5);
        Assert.Equal(16, Simple.Of(s_whole, static (a, b, _, common) => a + b, a, b).Value);
    }

    [Fact]
    public void What_expired_in_one_parent_is_gone_after_the_merge()
    {
        (Simple a, Simple b) = Split(10, TimeSpan.FromMilliseconds(100));
        // b's time is behind, so it has the copy still; a's has passed its end
        a.Handle(new StateRecord("other", 1000), static _ => { });
        Assert.Equal(10, b.Value);
        Assert.Null(Simple.Of(s_whole, null, TimeSpan.FromMilliseconds(100), a, b).Value);
    }

    [Fact]
    public void Later_splits_do_not_forget_what_earlier_ones_had_in_common()
    {
        (Simple a, Simple b) = Split(10);
        b.Add(4);
        a.Add(3);
        // both halves of a have a copy of 13, and no original is left of it
        Simple a1 = Simple.Of(new(0, s_quarter / 2), null, a);
        Simple a2 = Simple.Of(new((s_quarter / 2) + 1, s_quarter), null, a);
        StateMerger<long> merge = static (a, b, hasCommon, common) => a + b - common;
        Simple m = Simple.Of(new((s_quarter / 2) + 1, s_lower.EndingHashKey), merge, a2, b);
        Assert.Equal(17, m.Value);
        // a1 adds nothing to it
        Assert.Equal(17, Simple.Of(s_whole, null, a1, m).Value);
        a1.Add(1);
        Assert.Equal(18, Simple.Of(s_whole, merge, a1, m).Value);
    }

    /// <summary>A savepoint takes the state to shards whose ranges are no parts of those before.</summary>
    [Fact]
    public void A_key_that_comes_into_its_own_range_has_it_in_common_with_the_copies_all_the_same()
    {
        StateMerger<long> merge = static (a, b, hasCommon, common) => hasCommon ? a + b - common : throw new InvalidOperationException();
        var parent = new Simple(s_lower, null);
        parent.Add(10);
        Simple copy = Simple.Of(new(0, s_quarter), null, parent);
        Simple own = Simple.Of(new(s_quarter + 1, UInt128.MaxValue), null, parent);
        Assert.Equal((1, 0), (copy.State.Copies, own.State.Copies));
        Assert.Equal(10, Simple.Of(s_whole, null, copy, own).Value);
        own.Add(5);
        Assert.Equal(15, Simple.Of(s_whole, null, copy, own).Value);
        copy.Add(3);
        Assert.Equal(18, Simple.Of(s_whole, merge, copy, own).Value);
    }

    /// <summary>A key whose hash is in neither child, since it lies outside of the shard that is split.</summary>
    private static (Simple A, Simple B) Split(long value, TimeSpan? ttl = null)
    {
        var parent = new Simple(s_lower, null, ttl);
        parent.Add(value);
        return (
            Simple.Of(new(0, s_quarter), null, ttl, parent),
            Simple.Of(new(s_quarter + 1, s_lower.EndingHashKey), null, ttl, parent));
    }

    /// <summary>A shard with one number for the key that lies outside.</summary>
    private sealed class Simple
    {
        private readonly KeyedState<long> _totals;
        private readonly StateLane _lane;
        private readonly HashKeyRange _range;
        private readonly TimeSpan? _ttl;

        public Simple(HashKeyRange range, StateMerger<long>? merge, TimeSpan? ttl = null)
        {
            _range = range;
            _ttl = ttl;
            _totals = State.AddState("totals", ttl, new NumberSerializer(), merge);
            _lane = new StateLane(State);
        }

        public ProcessorState State { get; } = new(1);

        public long? Value
        {
            get
            {
                long? value = null;
                Handle(new StateRecord(s_stray), context => value = _totals.Of(context).Exists ? _totals.Of(context).Value : null);
                return value;
            }
        }

        public static Simple Of(HashKeyRange range, StateMerger<long>? merge, params Simple[] parents) =>
            Of(range, merge, null, parents);

        public static Simple Of(HashKeyRange range, StateMerger<long>? merge, TimeSpan? ttl, params Simple[] parents)
        {
            var child = new Simple(range, merge, ttl);
            TestSnapshot.Restore(child.State, range, [.. parents.Select(static parent => parent.Snapshot())]);
            return child;
        }

        public Simple Restarted() => Of(_range, null, _ttl, this);

        public void Add(long more) => Handle(new StateRecord(s_stray), context => _totals.Of(context).Edit() += more);

        public void Clear() => Handle(new StateRecord(s_stray), context => _totals.Of(context).Clear());

        public void Handle(StateRecord record, Action<RecordContext> handler) => _lane.Handle(record, handler);

        private TestSnapshot Snapshot() => TestSnapshot.Of(_lane, _range, _range.ToString(), _lane.Done);
    }

    /// <summary>A shard with its state and what the model says of it.</summary>
    private sealed class Shard
    {
        private const int Total = -1;
        private const int Log = -2;

        private readonly KeyedState<long> _totals;
        private readonly KeyedMap<int, long> _map;
        private readonly KeyedList<long> _log;
        private readonly StateLane _lane;
        private readonly string _id;
        private Dictionary<(int Key, int Sub), (HashSet<int> Records, bool IsCopy)> _model = [];

        public Shard(string id, HashKeyRange range)
        {
            _id = id;
            Range = range;
            StateMerger<long> merge = static (a, b, hasCommon, common) => a + b - (hasCommon ? common : 0);
            _totals = State.AddState("totals", null, new NumberSerializer(), merge);
            _map = State.AddMap<int, long>("map", null, new NumberSerializer(), merge);
            _log = State.AddList("log", null, new NumberSerializer());
            _lane = new StateLane(State);
        }

        public HashKeyRange Range { get; }

        public ProcessorState State { get; } = new(1);

        /// <summary>A key that comes to any shard; others come to the one that has their hash key.</summary>
        public static bool IsStray(int key) => key < 8;

        public static UInt128 HashKeyOf(int key) => ExplicitHashKeyOf(key) ?? HashKeys.Of(Utf8($"{key}"));

        public static Shard Child(string id, HashKeyRange range, params Shard[] parents)
        {
            var child = new Shard(id, range);
            TestSnapshot.Restore(child.State, range, [.. parents.Select(static parent => parent.Snapshot())]);
            Shard[] ordered = [.. parents.OrderBy(static parent => parent.Range.StartingHashKey)];
            bool isSplit = ordered.Length == 1 && ordered[0].Range != range;
            foreach (Shard parent in ordered)
            {
                foreach (((int Key, int Sub) entry, (HashSet<int> records, bool isCopy)) in parent._model)
                {
                    bool isInside = range.Contains(HashKeyOf(entry.Key));
                    if (isSplit && !isInside && parent.Range.Contains(HashKeyOf(entry.Key)))
                    {
                        continue;
                    }

                    child.Unite(entry, records, isCopy || (isSplit && !isInside));
                }
            }

            return child;
        }

        public Shard Restarted()
        {
            var same = new Shard(_id, Range);
            TestSnapshot.Restore(same.State, Range, Snapshot());
            same._model = _model;
            return same;
        }

        public void Handle(int key, int record, int sub, bool clears)
        {
            _lane.Handle(new StateRecord($"{key}", 1, ExplicitHashKeyOf(key)), context =>
            {
                if (clears)
                {
                    _totals.Of(context).Clear();
                    _log.Of(context).Clear();
                    _map.Of(context).Remove(sub);
                }

                _totals.Of(context).Edit() += record;
                _map.Of(context).Edit(sub) += record;
                _log.Of(context).Add(record);
            });
            foreach (int entry in (int[])[Total, sub, Log])
            {
                HashSet<int> before = clears ? [] : _model.GetValueOrDefault((key, entry), ([], false)).Records;
                _model[(key, entry)] = ([.. before, record], false);
            }
        }

        public int Compare(int seed)
        {
            for (int key = 0; key < 16; key++)
            {
                _lane.Handle($"{key}", context =>
                {
                    Same(Total, _totals.Of(context).Exists, _totals.Of(context).Value);
                    Same(0, _map.Of(context).TryGetValue(0, out long zero), zero);
                    Same(1, _map.Of(context).TryGetValue(1, out long one), one);
                    Assert.Equal(_map.Of(context).Count, _model.Keys.Count(entry => entry.Key == key && entry.Sub >= 0));
                    List<int> log = [];
                    foreach (long record in _log.Of(context))
                    {
                        log.Add((int)record);
                    }

                    Assert.Equal(
                        _model.TryGetValue((key, Log), out (HashSet<int> Records, bool) held) ? held.Records.Order() : [], log.Order());
                });

                void Same(int sub, bool exists, long value)
                {
                    bool isExpected = _model.TryGetValue((key, sub), out (HashSet<int> Records, bool) expected);
                    Assert.True(isExpected == exists, $"seed {seed}, key {key}, {sub}: {exists}");
                    long sum = isExpected ? expected.Records.Sum() : 0;
                    Assert.True(sum == value, $"seed {seed}, key {key}, {sub}: {value} and not {sum}");
                }
            }

            Assert.Equal(_model.Values.Count(static one => one.IsCopy), State.Copies);
            return _model.Count;
        }

        private static UInt128? ExplicitHashKeyOf(int key) => key % 3 == 1 ? UInt128.MaxValue / 16 * (UInt128)key : null;

        private TestSnapshot Snapshot() => TestSnapshot.Of(_lane, Range, _id, _lane.Done);

        private void Unite((int, int) entry, HashSet<int> records, bool isCopy)
        {
            if (!_model.TryGetValue(entry, out (HashSet<int> Records, bool IsCopy) held))
            {
                _model[entry] = (records, isCopy);
            }
            else if (!held.Records.Overlaps(records) && (held.IsCopy || isCopy))
            {
                _model[entry] = held.IsCopy && !isCopy ? (records, false) : held;
            }
            else
            {
                HashSet<int> both = [.. held.Records, .. records];
                bool isSame = both.Count == held.Records.Count || both.Count == records.Count;
                bool isLarger = both.Count == held.Records.Count ? held.IsCopy : isCopy;
                _model[entry] = (both, isSame && held.IsCopy && isCopy ? true : isSame && isLarger);
            }
        }
    }
}
