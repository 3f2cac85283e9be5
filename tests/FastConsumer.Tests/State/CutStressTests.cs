using System.Globalization;
using FastConsumer.Processors;
using FastConsumer.State.Format;

namespace FastConsumer.Tests.State;

/// <summary>
/// A lane on a thread of its own, and cuts beside it that are written while it runs: each snapshot must be the fold of exactly the records
/// up to its position.
/// </summary>
public sealed class CutStressTests
{
    private const int MostRanges = 20;

    internal const int Keys = 200;
    private const int RecordsPerPage = 20;
    private const int Rounds = 8;
    private const int CutsPerRound = 60;
    private const long ValueTtl = 400;
    private const long SeenTtl = 150;

    [Fact]
    public void Each_snapshot_is_the_fold_of_exactly_the_records_up_to_its_position() => CutBeside(_ => HashKeyGroups.All, _ => true);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void So_is_each_that_writes_what_has_changed_behind_those_that_were_stored(int seed)
    {
        var random = new Random(seed);
        CutBeside(Groups, _ => random.Next(4) > 0);

        ulong Groups(TestSnapshot last) => last.Manifest.Ranges.Count > MostRanges ? HashKeyGroups.All : random.Next(4) switch
        {
            0 => 0,
            1 => 1UL << random.Next(HashKeyGroups.Count),
            2 => (ulong)random.NextInt64(),
            _ => 0xffUL << (8 * random.Next(8)),
        };
    }

    /// <summary>Takes cuts beside a lane. A store has not taken some of them; then the next one stands behind the one before.</summary>
    private static void CutBeside(Func<TestSnapshot, ulong> groups, Func<int, bool> isStored)
    {
        int segments = 0;
        var expected = new Model();
        TestSnapshot? last = null;
        long position = 0;
        for (int round = 0; round < Rounds; round++)
        {
            // as after a crash: the lane goes on from the snapshot, whose values are cold
            var states = new States();
            if (last is not null)
            {
                TestSnapshot.Restore(states.All, null, last);
            }

            var lane = new StateLane(states.All, position, last?.Manifest.StreamTime ?? 0);
            using var stop = new CancellationTokenSource();
            Exception? failure = null;
            var thread = new Thread(() =>
            {
                try
                {
                    Run(lane, states, stop.Token);
                }
                catch (Exception e)
                {
                    failure = e;
                }
            });
            thread.Start();
            long at = position;
            try
            {
                for (int i = 0; i < CutsPerRound; i++)
                {
                    // the first one of a round may come before the first record
                    SpinWait.SpinUntil(() => i == 0 || lane.Done > at || !thread.IsAlive);
                    ulong whole = last is null ? HashKeyGroups.All : groups(last);
                    (StateCut Cut, CheckpointPosition, long) taken = lane.Cut(whole);
                    using StateCut cut = taken.Cut;
                    TestSnapshot next = TestSnapshot.Of(
                        states.All,
                        taken,
                        number: i + 1,
                        behind: whole == HashKeyGroups.All ? null : last,
                        name: $"session/{++segments}");
                    at = long.Parse(next.Manifest.Position, CultureInfo.InvariantCulture);
                    expected.Advance(at);
                    expected.Compare(next);
                    if (isStored(i) || i == CutsPerRound - 1)
                    {
                        cut.Stored();
                        last = next;
                        position = at;
                    }
                }
            }
            finally
            {
                stop.Cancel();
                thread.Join();
            }

            Assert.Null(failure);
            Assert.True(position > 0);
        }
    }

    private static void Run(StateLane lane, States states, CancellationToken stop)
    {
        var records = new StateRecord[RecordsPerPage];
        while (!stop.IsCancellationRequested)
        {
            long first = lane.Done;
            for (int i = 0; i < records.Length; i++)
            {
                records[i] = RecordAt(first + i);
            }

            lane.Open(records);
            for (long record = first; record < first + records.Length; record++)
            {
                // attempts that fail have changed something else
                for (int failures = new Random((int)record).Next(8) - 5; failures > 0; failures--)
                {
                    lane.Fail(context => states.Change(context, record + 1_000_000 + failures));
                }

                lane.Handle(context => states.Change(context, record));
            }
        }
    }

    internal static StateRecord RecordAt(long record)
    {
        var random = new Random((int)record ^ 0x5555);
        return new StateRecord($"key-{random.Next(Keys)}", record + random.Next(-30, 30));
    }

    /// <summary>What the record with a number does; the same for the lane and for the model.</summary>
    private static IEnumerable<(int What, int SubKey)> ChangesOf(long record)
    {
        var random = new Random((int)record);
        for (int changes = random.Next(1, 5); changes > 0; changes--)
        {
            yield return (random.Next(12), random.Next(6));
        }
    }

    internal sealed class States
    {
        public States()
        {
            Totals = All.AddState("totals", null, new NumberSerializer());
            Recent = All.AddState("recent", TimeSpan.FromMilliseconds(ValueTtl), new TextSerializer());
            Seen = All.AddMap<int, long>("seen", TimeSpan.FromMilliseconds(SeenTtl), new NumberSerializer());
            Log = All.AddList("log", null, new NumberSerializer());
        }

        public ProcessorState All { get; } = new(1);

        public KeyedState<long> Totals { get; }

        public KeyedState<string> Recent { get; }

        public KeyedMap<int, long> Seen { get; }

        public KeyedList<long> Log { get; }

        public void Change(RecordContext context, long record)
        {
            foreach ((int what, int subKey) in ChangesOf(record))
            {
                switch (what)
                {
                    case <= 3:
                        Totals.Of(context).Edit() += record;
                        break;
                    case 4:
                        Totals.Of(context).Clear();
                        break;
                    case 5:
                        Recent.Of(context).Set($"{Recent.Of(context).Value}{subKey}");
                        break;
                    case 6 or 7:
                        Seen.Of(context).Edit(subKey) += record;
                        break;
                    case 8:
                        Seen.Of(context).Remove(subKey);
                        break;
                    case 9 or 10:
                        Log.Of(context).Add(record);
                        break;
                    default:
                        Log.Of(context).Clear();
                        break;
                }
            }
        }
    }

    /// <summary>The same states, made of collections.</summary>
    internal sealed class Model
    {
        private readonly Dictionary<string, long> _totals = [];
        private readonly Dictionary<string, (string Value, long Expiry)> _recent = [];
        private readonly Dictionary<string, Dictionary<int, (long Value, long Expiry)>> _seen = [];
        private readonly Dictionary<string, List<long>> _log = [];
        private long _done;
        private long _now;

        public void Advance(long done) => Advance(done, static _ => true);

        /// <summary>Takes in the records up to one, but for some of them, of which only the time is taken.</summary>
        public void Advance(long done, Func<long, bool> isDone)
        {
            for (; _done < done; _done++)
            {
                StateRecord record = RecordAt(_done);
                _now = Math.Max(_now, record.Arrival);
                if (!isDone(_done))
                {
                    continue;
                }

                foreach ((int what, int subKey) in ChangesOf(_done))
                {
                    Change(record.Key, what, subKey, _done);
                }
            }
        }

        /// <summary>The stream's time with the last record.</summary>
        public long Now => _now;

        public void Compare(TestSnapshot snapshot)
        {
            Assert.Equal(_now, snapshot.Manifest.StreamTime);
            CompareValues(snapshot);
        }

        /// <summary>Compares what is alive at the model's time.</summary>
        public void CompareValues(TestSnapshot snapshot)
        {
            var states = new States();
            TestSnapshot.Restore(states.All, null, snapshot);
            var lane = new StateLane(states.All, 0, _now);
            for (int i = 0; i < Keys; i++)
            {
                string key = $"key-{i}";
                lane.Handle(new StateRecord(key, long.MinValue), context =>
                {
                    Assert.Equal(_totals.TryGetValue(key, out long total), states.Totals.Of(context).Exists);
                    Assert.Equal(total, states.Totals.Of(context).Value);
                    Assert.Equal(IsLive(_recent, key) ? _recent[key].Value : null, states.Recent.Of(context).Value);
                    Dictionary<int, long> seen = [];
                    foreach ((int subKey, long value) in states.Seen.Of(context))
                    {
                        seen.Add(subKey, value);
                    }

                    Assert.Equal(
                        SeenOf(key).Where(one => one.Value.Expiry > _now)
                            .ToDictionary(static one => one.Key, static one => one.Value.Value),
                        seen);
                    Assert.Equal(seen.Count, states.Seen.Of(context).Count);
                    List<long> log = [];
                    foreach (long one in states.Log.Of(context))
                    {
                        log.Add(one);
                    }

                    Assert.Equal(_log.GetValueOrDefault(key, []), log);
                });
            }
        }

        private void Change(string key, int what, int subKey, long record)
        {
            switch (what)
            {
                case <= 3:
                    _totals[key] = _totals.GetValueOrDefault(key) + record;
                    break;
                case 4:
                    _totals.Remove(key);
                    break;
                case 5:
                    _recent[key] = ((IsLive(_recent, key) ? _recent[key].Value : "") + subKey, _now + ValueTtl);
                    break;
                case 6 or 7:
                    Dictionary<int, (long Value, long Expiry)> seen = SeenOf(key);
                    seen[subKey] = ((IsLive(seen, subKey) ? seen[subKey].Value : 0) + record, _now + SeenTtl);
                    break;
                case 8:
                    SeenOf(key).Remove(subKey);
                    break;
                case 9 or 10:
                    (_log.TryGetValue(key, out List<long>? log) ? log : _log[key] = []).Add(record);
                    break;
                default:
                    _log.Remove(key);
                    break;
            }
        }

        private Dictionary<int, (long Value, long Expiry)> SeenOf(string key) =>
            _seen.TryGetValue(key, out Dictionary<int, (long, long)>? seen) ? seen : _seen[key] = [];

        private bool IsLive<TKey, T>(Dictionary<TKey, (T Value, long Expiry)> entries, TKey key)
            where TKey : notnull => entries.TryGetValue(key, out (T Value, long Expiry) entry) && entry.Expiry > _now;
    }
}
