using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using FastConsumer.Checkpoints;
using FastConsumer.Dispatch;
using FastConsumer.Processors;
using FastConsumer.State;
using FastConsumer.Tests.Dispatch;

namespace FastConsumer.Tests.State;

/// <summary>
/// Readers on threads of their own, beside lanes that write and cuts that are taken, written or given up: each answer must be the fold of
/// exactly the records of the cut that it names.
/// </summary>
public sealed class KeptCutStressTests
{
    private const int Keys = 50;
    private const int Records = 400_000;
    private const int Cuts = 200;
    private const int RecordsBetweenCuts = 400;
    private const int Readers = 2;

    /// <summary>In milliseconds, with a record in each.</summary>
    private const int Ttl = 60;

    // the records of each key, and of each record how many of its key there are up to it
    private static readonly List<int>[] s_recordsOf = [.. Enumerable.Range(0, Keys).Select(static _ => new List<int>())];
    private static readonly int[] s_ordinals = new int[Records + 100];
    private static readonly string[] s_keys = Deal();

    [Fact]
    public void Beside_a_lane_each_answer_is_the_fold_of_the_records_of_its_cut()
    {
        var states = new States();
        states.All.KeepCuts("shard", 7, TimeProvider.System);
        states.All.Divide(1);
        states.All.KeepRestored(CheckpointPosition.TrimHorizon, 0);
        var lane = new StateLane(states.All);
        int changedSince = 0;
        RunBeside(
            stop =>
            {
                while (lane.Done < Records && !stop.IsCancellationRequested)
                {
                    int first = (int)lane.Done;
                    lane.Open([.. Enumerable.Range(first, 20).Select(static record => new StateRecord(KeyOf(record), record + 1))]);
                    for (int record = first; record < first + 20; record++)
                    {
                        if (record % 9 == 0)
                        {
                            lane.Fail(context => states.Change(context, record + 3));
                        }

                        lane.Handle(context => states.Change(context, s_ordinals[record]));
                    }
                }
            },
            reader => (stop =>
            {
                var random = new Random(reader);
                while (!stop.IsCancellationRequested)
                {
                    int key = random.Next(Keys);
                    Answer answer = states.Read(key);
                    int done = (int)Number(answer.Cut.Position);
                    int count = Count(key, done);
                    answer.Compare(count, IsRecent(key, count, done));
                    if (Count(key, (int)lane.Done) > count)
                    {
                        Interlocked.Increment(ref changedSince);
                    }
                }
            }),
            () =>
            {
                long at = 0;
                for (int i = 1; i <= Cuts && at + RecordsBetweenCuts < Records; i++)
                {
                    at += RecordsBetweenCuts;
                    Assert.True(SpinWait.SpinUntil(() => lane.Done >= at, TimeSpan.FromSeconds(60)), "The lane stands still.");
                    (StateCut Cut, CheckpointPosition Position, long) taken = lane.Cut();
                    using StateCut cut = taken.Cut;
                    if (i % 3 > 0)
                    {
                        CompareWritten(TestSnapshot.Of(states.All, taken, number: i), (int)Number(taken.Position));
                    }
                }
            });
        Assert.True(changedSince > 0, "No key was read that had been changed since the cut.");
    }

    [Fact]
    public async Task Beside_several_lanes_each_answer_is_the_fold_of_the_records_of_its_cut()
    {
        const int Pages = 400;
        const int PerPage = 50;
        var states = new States();
        states.All.KeepCuts("shard", 7, TimeProvider.System);
        states.All.Divide(4 * ParallelLanes.BucketsPerLaneWithState);
        states.All.KeepRestored(CheckpointPosition.TrimHorizon, 0);
        await using var harness = new LaneHarness(4, new Pipeline(states));
        harness.Start();
        for (int first = 0; first < Pages * PerPage; first += PerPage)
        {
            harness.Put([.. Enumerable.Range(first, PerPage).Select(KeyOf)], static record => record + 1);
        }

        // of each cut: up to where all is done, and what is behind that
        ConcurrentDictionary<long, (int Done, DoneRuns Runs)> cuts = new() { [0] = (0, DoneRuns.None) };
        ConcurrentQueue<Answer> answers = [];
        RunBeside(
            static _ => { },
            reader => (stop =>
            {
                var random = new Random(reader);
                while (!stop.IsCancellationRequested)
                {
                    answers.Enqueue(states.Read(random.Next(Keys)));
                    // so that their number is bounded
                    Thread.Yield();
                }
            }),
            () =>
            {
                for (int i = 1; i <= 40; i++)
                {
                    long goal = (long)Pages * PerPage * i / 41;
                    Assert.True(
                        SpinWait.SpinUntil(() => harness.Completed >= goal, TimeSpan.FromSeconds(60)), "The lanes stand still.");
                    using StateCut cut = states.All.Cut(harness.Progress.Cut, out DoneAtCut at);
                    using DoneAtCut until = at;
                    cuts[i] = (at.Position.Kind == CheckpointKind.Record ? (int)Number(at.Position) - 999 : 0, at.ReadRuns());
                    if (i % 2 == 0)
                    {
                        TestSnapshot.Of(states.All, (cut, at.Position, at.StreamTime), number: i);
                    }
                }
            });
        Assert.True(cuts.Values.Any(static cut => cut.Runs.Count > 0), "No cut had a record that was done behind one that was not.");
        Assert.True(answers.Select(static answer => answer.Cut.Number).Distinct().Count() > 10, "Too few cuts were read.");
        Dictionary<(long, int), int> counts = [];
        foreach (Answer answer in answers)
        {
            (int done, DoneRuns runs) = cuts[answer.Cut.Number];
            if (!counts.TryGetValue((answer.Cut.Number, answer.Key), out int count))
            {
                counts[(answer.Cut.Number, answer.Key)] = count = s_recordsOf[answer.Key]
                    .TakeWhile(static record => record < Pages * PerPage)
                    .Count(record => record < done || runs.Contains(LaneHarness.Position(record)));
            }

            answer.Compare(count, null);
        }
    }

    [Fact]
    public void An_answer_beside_the_next_cut_is_of_the_one_or_of_the_other()
    {
        var all = new ProcessorState(1);
        KeyedState<long> count = all.AddState("count", null, new NumberSerializer());
        all.KeepCuts("shard", 7, TimeProvider.System);
        all.Divide(1);
        all.KeepRestored(CheckpointPosition.TrimHorizon, 0);
        var lane = new StateLane(all);
        long reads = 0;
        RunBeside(
            stop =>
            {
                while (!stop.IsCancellationRequested)
                {
                    lane.Handle("key", context => count.Of(context).Edit()++);
                }
            },
            _ => (stop =>
            {
                while (!stop.IsCancellationRequested)
                {
                    bool isFound = all.TryRead(0, "key"u8.ToArray(), default(NoSubKey), out long value, out StateAsOf? cut);
                    long expected = Number(cut!.Position);
                    Assert.True(value == expected && isFound == (expected > 0), $"{value} instead of {expected} in cut {cut.Number}.");
                    Interlocked.Increment(ref reads);
                }
            }),
            () =>
            {
                // a machine with few cores must not let the cuts go by while nobody reads
                for (int i = 0; i < 2000; i++)
                {
                    (long done, long read) = (lane.Done, Interlocked.Read(ref reads));
                    lane.Cut().Cut.Dispose();
                    for (int turns = 0; turns < 20 && (lane.Done == done || Interlocked.Read(ref reads) < read + 3); turns++)
                    {
                        Thread.Yield();
                    }
                }
            });
        Assert.True(reads > 0);
    }

    [Fact]
    public void Keys_are_found_while_others_make_the_table_grow()
    {
        for (int round = 0; round < 10; round++)
        {
            var states = new States();
            states.All.KeepCuts("shard", 7, TimeProvider.System);
            states.All.Divide(1);
            var lane = new StateLane(states.All);
            for (int key = 0; key < Keys; key++)
            {
                lane.Handle($"key-{key}", context => states.Change(context, 1));
            }

            states.All.KeepRestored(CheckpointPosition.TrimHorizon, 0);
            using var isOver = new ManualResetEventSlim();
            RunBeside(
                stop =>
                {
                    for (int i = 0; i < 30_000 && !stop.IsCancellationRequested; i++)
                    {
                        lane.Handle($"other-{i}", context => states.Change(context, 1));
                    }

                    isOver.Set();
                },
                reader => (stop =>
                {
                    for (int key = reader; !stop.IsCancellationRequested; key = (key + 1) % Keys)
                    {
                        states.Read(key).Compare(1, isRecent: null);
                    }
                }),
                () => Assert.True(isOver.Wait(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken)));
        }
    }

    /// <summary>Runs the lane and the readers, and cuts beside them.</summary>
    private static void RunBeside(Action<CancellationToken> lane, Func<int, Action<CancellationToken>> reader, Action cuts)
    {
        using var stop = new CancellationTokenSource();
        ConcurrentQueue<Exception> failures = [];
        Thread[] threads =
        [
            .. new[] { lane }.Concat(Enumerable.Range(0, Readers).Select(reader)).Select(run => new Thread(() =>
            {
                try
                {
                    run(stop.Token);
                }
                catch (Exception e)
                {
                    failures.Enqueue(e);
                }
            })),
        ];
        Array.ForEach(threads, static thread => thread.Start());
        try
        {
            cuts();
        }
        finally
        {
            stop.Cancel();
            Array.ForEach(threads, static thread => thread.Join());
        }

        Assert.Empty(failures);
    }

    private static void CompareWritten(TestSnapshot snapshot, int done)
    {
        var states = new States();
        states.All.KeepCuts("shard", 8, TimeProvider.System);
        states.All.Divide(1);
        TestSnapshot.Restore(states.All, null, snapshot);
        states.All.KeepRestored(CheckpointPosition.TrimHorizon, snapshot.Manifest.StreamTime);
        for (int key = 0; key < Keys; key++)
        {
            int count = Count(key, done);
            states.Read(key).Compare(count, IsRecent(key, count, done));
        }
    }

    private static string[] Deal()
    {
        string[] keys = new string[s_ordinals.Length];
        var random = new Random(11);
        for (int record = 0; record < keys.Length; record++)
        {
            int key = random.Next(Keys);
            s_recordsOf[key].Add(record);
            s_ordinals[record] = s_recordsOf[key].Count;
            keys[record] = $"key-{key}";
        }

        return keys;
    }

    private static string KeyOf(int record) => s_keys[record];

    /// <summary>How many records of a key are among the first ones.</summary>
    private static int Count(int key, int done)
    {
        int found = s_recordsOf[key].BinarySearch(done);
        return found >= 0 ? found : ~found;
    }

    private static bool IsRecent(int key, int count, int done) => count > 0 && s_recordsOf[key][count - 1] + 1 + Ttl > done;

    private static long Number(CheckpointPosition position) => position.Kind == CheckpointKind.Record
        ? long.Parse(position.ToCheckpointString(), CultureInfo.InvariantCulture)
        : 0;

    /// <summary>What was read of one key in one cut.</summary>
    private sealed record Answer(
        int Key, StateAsOf Cut, long? First, long? Second, long? Recent, IReadOnlyList<long?> Entries, IReadOnlyList<long> List)
    {
        /// <summary>All of it must be what the key's first records, so many, leave.</summary>
        public void Compare(int count, bool? isRecent)
        {
            long? value = States.ValueOf(count);
            Assert.Equal(value, First);
            Assert.Equal(value, Second);
            if (isRecent is { } recent)
            {
                Assert.Equal(recent ? count : null, Recent);
            }

            for (int sub = 0; sub < States.SubKeys; sub++)
            {
                Assert.Equal(States.EntryOf(count, sub), Entries[sub]);
            }

            Assert.Equal(States.ListOf(count), List);
        }
    }

    private sealed class States
    {
        public const int SubKeys = 3;

        private readonly KeyedState<long> _first;
        private readonly KeyedState<long> _second;
        private readonly KeyedState<long> _recent;
        private readonly KeyedMap<int, long> _map;
        private readonly KeyedList<long> _list;

        public States()
        {
            _first = All.AddState("first", null, new NumberSerializer());
            _second = All.AddState("second", null, new NumberSerializer());
            _recent = All.AddState("recent", TimeSpan.FromMilliseconds(Ttl), new NumberSerializer());
            _map = All.AddMap<int, long>("map", null, new NumberSerializer());
            _list = All.AddList("list", null, new NumberSerializer());
        }

        public ProcessorState All { get; } = new(1);

        public static long? ValueOf(int count) => count == 0 || count % 7 == 0 ? null : count;

        public static long? EntryOf(int count, int sub)
        {
            // the last record of the key that has set the entry, unless a later one has removed it
            int set = count;
            while (set > 0 && set % SubKeys != sub)
            {
                set--;
            }

            return set == 0 || Enumerable.Range(set, count - set + 1).Any(static one => one % 11 == 0) ? null : set;
        }

        public static IEnumerable<long> ListOf(int count)
        {
            for (int one = count - (count % 5) + 1; one <= count; one++)
            {
                yield return one;
            }
        }

        /// <summary>What a record does, by its number among those of its key.</summary>
        public void Change(RecordContext context, int ordinal)
        {
            if (ordinal % 7 == 0)
            {
                _first.Of(context).Clear();
                _second.Of(context).Clear();
            }
            else
            {
                _first.Of(context).Set(ordinal);
                _second.Of(context).Set(ordinal);
            }

            _recent.Of(context).Set(ordinal);
            _map.Of(context).Set(ordinal % SubKeys, ordinal);
            if (ordinal % 11 == 0)
            {
                _map.Of(context).Clear();
            }

            if (ordinal % 5 == 0)
            {
                _list.Of(context).Clear();
            }
            else
            {
                _list.Of(context).Add(ordinal);
            }
        }

        /// <summary>Reads all of a key, until all of it was read in one cut.</summary>
        public Answer Read(int key)
        {
            byte[] name = Encoding.UTF8.GetBytes($"key-{key}");
            while (true)
            {
                long? first = Value(0, name, out StateAsOf cut);
                long? second = Value(1, name, out StateAsOf other);
                bool isOne = cut == other;
                long? recent = Value(2, name, out other);
                isOne &= cut == other;
                long?[] entries = new long?[SubKeys];
                for (int sub = 0; sub < SubKeys; sub++)
                {
                    entries[sub] = All.TryRead(3, name, sub, out long entry, out StateAsOf? of) ? entry : null;
                    isOne &= cut == of;
                }

                long[] list = All.TryRead(4, name, default(NoSubKey), out ListCells<long> cells, out StateAsOf? ofList)
                    ? cells.Items.AsSpan(0, cells.Count).ToArray()
                    : [];
                if (isOne && cut == ofList)
                {
                    return new Answer(key, cut, first, second, recent, entries, list);
                }
            }
        }

        private long? Value(int state, byte[] key, out StateAsOf cut)
        {
            bool isFound = All.TryRead(state, key, default(NoSubKey), out long value, out StateAsOf? of);
            cut = of!;
            return isFound ? value : null;
        }
    }

    private sealed class Pipeline(States states) : RecordPipeline
    {
        public override ProcessorState State => states.All;

        public override async ValueTask RunAsync(RecordCursor cursor, CancellationToken cancellationToken)
        {
            while (cursor.MoveNext())
            {
                cursor.EnterHandler();
                State.Begin(cursor);
                int record = int.Parse(cursor.Current.DataSpan, CultureInfo.InvariantCulture);
                RecordContext context = cursor.Context;
                var random = new Random(record + (31 * context.Attempt));
                if (context.Attempt < 4 && random.Next(40) == 0)
                {
                    states.Change(context, s_ordinals[record] + 3);
                    throw new InvalidOperationException("As the test wants it.");
                }

                if (random.Next(100) == 0)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(random.Next(2)), TimeProvider.System, cancellationToken);
                }

                states.Change(context, s_ordinals[record]);
                State.Complete(cursor);
            }
        }
    }
}
