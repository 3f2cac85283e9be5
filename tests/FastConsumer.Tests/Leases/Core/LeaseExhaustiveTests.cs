using System.Globalization;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Leases.Core;
using LeasePlan = FastConsumer.Leases.Core.LeasePlan;
using static FastConsumer.Tests.Leases.Core.LeaseWorld;

namespace FastConsumer.Tests.Leases.Core;

/// <summary>
/// All that can become of a small world within some lease durations, where any two things go wrong: any request lost, unanswered, delayed,
/// throttled or answered with an old table; any worker killed, paused, stopped; a lease asked for or stolen from outside. The invariants
/// hold on the way, and from where it ends up eight quiet lease durations lead to one owner for each shard.
/// </summary>
/// <remarks>
/// Time goes in quarters of the lease duration. Within one, what workers do is carried out in the order in which they asked, or in the
/// reverse one; what goes wrong is chosen per quarter. FASTCONSUMER_LEASE_STATES sets how many states are looked at in each world.
/// </remarks>
public sealed class LeaseExhaustiveTests
{
    private const int Faults = 2;

    private static readonly int s_states =
        int.TryParse(Environment.GetEnvironmentVariable("FASTCONSUMER_LEASE_STATES"), CultureInfo.InvariantCulture, out int states) ? states
            : 480;

    public static TheoryData<string> Worlds => [.. SmallWorlds.Names];

    [Theory]
    [MemberData(nameof(Worlds))]
    public void Nothing_breaks(string world)
    {
        LeaseSearch.Figures figures = new();
        string? broken = LeaseSearch.Run(() => SmallWorlds.Create(world, LeaseMachine.Rules.None), s_states, Faults, figures)
            ?? LeaseSearch.Walk(() => SmallWorlds.Create(world, LeaseMachine.Rules.None), s_states / 8, Faults, figures);
        TestContext.Current.TestOutputHelper?.WriteLine(figures.ToString());
        Assert.True(broken is null, broken);
        Assert.True(figures.States >= Math.Min(s_states, 500), figures.ToString());
    }
}

/// <summary>The worlds that are searched.</summary>
internal static class SmallWorlds
{
    public static readonly TimeSpan Duration = TimeSpan.FromSeconds(10);

    public static readonly string[] Names = ["two workers", "one id twice", "parent and child", "a fresh table", "two durations",
        "four shards", "a fresh table with state", "state in an old table", "state of a parent and its child", "two versions of state"];

    public static LeaseWorld Create(string name, LeaseMachine.Rules without)
    {
        LeaseWorld world = name.Contains("parent", StringComparison.Ordinal) ? new LeaseWorld { Lengths = { ["0"] = 18 } }
            : new LeaseWorld();
        LeaseTableState.Settings a = Settings("A", "A", Duration, without);
        switch (name)
        {
            case "parent and child":
                world.SetShards(Shard("0", 0, 2, closed: true), Shard("1", 1, 2), Shard("2", 0, 2, "0"));
                Put(world, "0", 0, 2);
                Put(world, "1", 1, 2);
                Put(world, "2", 0, 2, "0");
                world.Add(a);
                world.Add(Settings("B", "B", Duration, without), seed: 2);
                break;
            case "four shards":
                world.SetShards([.. Enumerable.Range(0, 4).Select(static i => Shard($"{i}", i, 4))]);
                for (int i = 0; i < 4; i++)
                {
                    Put(world, $"{i}", i, 4);
                }

                world.Add(a);
                world.Add(Settings("B", "B", Duration, without), seed: 2);
                break;
            case "a fresh table":
                world.SetShards(Shard("0", 0, 2), Shard("1", 1, 2));
                world.Add(a);
                world.Add(Settings("B", "B", Duration, without), seed: 2);
                return world;
            case "a fresh table with state":
                world.SetShards(Shard("0", 0, 2), Shard("1", 1, 2));
                world.Add(a with { StateVersion = 1 });
                world.Add(Settings("B", "B", Duration, without) with { StateVersion = 1 }, seed: 2);
                return world;
            case "state in an old table":
                // a worker that knows no state has both, and two come that do
                world.SetShards(Shard("0", 0, 2), Shard("1", 1, 2));
                Put(world, "0", 0, 2);
                Put(world, "1", 1, 2);
                world.Add(Settings("C", "C", Duration, without), seed: 3);
                world.RunFor(0.6 * Duration);
                world.Add(a with { StateVersion = 1 });
                world.Add(Settings("B", "B", Duration, without) with { StateVersion = 1 }, seed: 2);
                return world;
            case "state of a parent and its child":
                // the child's row is created when its parent has ended
                world.SetShards(Shard("0", 0, 2, closed: true), Shard("1", 1, 2), Shard("2", 0, 2, "0"));
                Put(world, "0", 0, 2);
                Put(world, "1", 1, 2);
                world.Add(a with { StateVersion = 1, ShardSyncInterval = Duration });
                world.Add(Settings("B", "B", Duration, without) with { StateVersion = 1, ShardSyncInterval = Duration }, seed: 2);
                break;
            case "two versions of state":
                world.SetShards(Shard("0", 0, 2), Shard("1", 1, 2));
                Put(world, "0", 0, 2);
                Put(world, "1", 1, 2);
                world.Add(a with { StateVersion = 1 });
                world.Add(Settings("B", "B", Duration, without) with { StateVersion = 2 }, seed: 2);
                break;
            default:
                world.SetShards(Shard("0", 0, 2), Shard("1", 1, 2));
                Put(world, "0", 0, 2);
                Put(world, "1", 1, 2);
                world.Add(a);
                if (name == "one id twice")
                {
                    world.Add(Settings("B", "B", Duration, without), seed: 3);
                    world.RunFor(1.2 * Duration);
                    world.Add(Settings("A", "A2", Duration, without), seed: 2);
                    return world;
                }

                world.Add(Settings("B", "B", name == "two durations" ? 0.3 * Duration : Duration, without), seed: 2);
                break;
        }

        world.RunFor(1.2 * Duration);
        return world;
    }

    public static LeaseTableState.Settings Settings(string id, string session, TimeSpan duration, LeaseMachine.Rules without) => new()
    {
        WorkerId = id,
        Session = session,
        StreamName = "orders",
        LeaseDuration = duration,
        CheckpointInterval = 0.4 * duration,
        ShardSyncInterval = TimeSpan.FromHours(1),
        Without = without,
    };

    private static void Put(LeaseWorld world, string key, int part, int parts, params string[] parents) => world.Put(new Lease
    {
        LeaseKey = key,
        HashKeyRange = LeaseLifeTests.Part(part, parts),
        StartedAt = world.StreamCreatedAt,
        ParentShardIds = parents,
    });

    private static Shard Shard(string id, int part, int parts, string? parent = null, bool closed = false) =>
        LeaseLifeTests.Shard(id, part, parts, parent, closed);
}

/// <summary>Breadth-first through the futures of a world.</summary>
internal static class LeaseSearch
{
    private static readonly TimeSpan s_step = SmallWorlds.Duration / 4;

    /// <summary>So long nothing goes wrong any more, until each shard has its owner.</summary>
    private static readonly TimeSpan s_quiet = 8 * SmallWorlds.Duration;

    /// <summary>One of so many states is followed until all is quiet.</summary>
    private const int QuietEach = 12;

    /// <summary>All futures, the nearest first; what is wrong and how it came to that, or null.</summary>
    public static string? Run(Func<LeaseWorld> create, int states, int faults, Figures figures) => Guard("", () =>
    {
        LeaseWorld start = create();
        HashSet<string> seen = new(StringComparer.Ordinal) { start.Fingerprint() };
        Queue<(LeaseWorld World, int Faults, string Path)> open = new();
        open.Enqueue((start, faults, ""));
        while (open.TryDequeue(out (LeaseWorld World, int Faults, string Path) node) && figures.States < states)
        {
            foreach ((string name, int cost, Action<LeaseWorld> choose) in Choices(node.World, node.Faults))
            {
                LeaseWorld next = node.World.Copy();
                string path = $"{node.Path} / {name}";
                string? broken = Guard(path, () =>
                {
                    choose(next);
                    Step(next);
                    figures.Steps++;
                    if (seen.Add($"{node.Faults - cost} {next.Fingerprint()}"))
                    {
                        figures.States++;
                        open.Enqueue((next, node.Faults - cost, path));
                        if (figures.States % QuietEach == 0)
                        {
                            figures.Quiet++;
                            CheckQuiet(next.Copy());
                        }
                    }

                    return null;
                });
                if (broken is not null)
                {
                    return broken;
                }
            }
        }

        return null;
    });

    /// <summary>Single long futures, chosen by seeds, each until all is quiet.</summary>
    public static string? Walk(Func<LeaseWorld> create, int walks, int faults, Figures figures) => Guard("", () =>
    {
        LeaseWorld start = create();
        for (int seed = 1; seed <= walks; seed++)
        {
            var chance = new LeasePlan.Chance((ulong)seed);
            HashSet<int> wrong = [];
            while (wrong.Count < faults)
            {
                wrong.Add(chance.Next(WalkLength));
            }

            LeaseWorld world = start.Copy();
            string path = $"seed {seed}";
            for (int step = 0; step < WalkLength; step++)
            {
                (string Name, int Cost, Action<LeaseWorld> Choose)[] choices =
                    [.. Choices(world, wrong.Contains(step) ? 1 : 0).Where(choice => (choice.Cost > 0) == wrong.Contains(step))];
                (string name, _, Action<LeaseWorld> choose) = choices.Length == 0 ? ("", 0, static _ => { }
                )
                    : choices[chance.Next(choices.Length)];
                path += $" / {name}";
                figures.Steps++;
                string? broken = Guard(path, () =>
                {
                    choose(world);
                    Step(world);
                    return null;
                });
                if (broken is not null)
                {
                    return broken;
                }
            }

            figures.Quiet++;
            if (Guard(path, () =>
            {
                CheckQuiet(world);
                return null;
            }) is { } unquiet)
            {
                return unquiet;
            }
        }

        return null;
    });

    /// <summary>Steps of a walk: two and a half lease durations in which things go wrong.</summary>
    private const int WalkLength = 10;

    private static string? Guard(string path, Func<string?> action)
    {
        try
        {
            return action();
        }
        catch (Exception e) when (e is BrokenException or LeaseMachine.InvariantViolation)
        {
            return $"{e.Message}\n{path}\n{e.StackTrace}";
        }
    }

    /// <summary>What happens within the next quarter of the lease duration.</summary>
    private static IEnumerable<(string Name, int Cost, Action<LeaseWorld> Choose)> Choices(LeaseWorld world, int faults)
    {
        yield return ("", 0, static _ => { });
        yield return ("reverse", 0, static next => next.Reverse = true);
        if (faults == 0)
        {
            yield break;
        }

        LeaseWorld trial = world.Copy();
        Step(trial);
        for (int request = world.Requests; request < trial.Requests; request++)
        {
            foreach (Fault fault in new[] { Fault.LoseRequest, Fault.LoseAnswer, Fault.Delay, Fault.LateAnswer, Fault.ThrottleOrLag })
            {
                (int Request, Fault Fault) at = (request, fault);
                yield return ($"{fault} {request}", 1, next => next.FaultAt = at);
            }
        }

        foreach (Worker worker in world.Workers.Where(static worker => worker is { IsAlive: true, IsPaused: false, HasStopped: false }))
        {
            int index = worker.Index;
            yield return ($"crash {worker.Name}", 1, next => next.Crash(index));
            yield return ($"pause {worker.Name}", 1, next => next.Pause(index, 3 * s_step));
            yield return ($"long pause {worker.Name}", 1, next => next.Pause(index, 6 * s_step));
            if (worker.State.Stop is null)
            {
                yield return ($"stop {worker.Name}", 1, next =>
                    next.Post(index, new LeaseEvent.StopWanted(next.Now, 2 * SmallWorlds.Duration, 0.15 * SmallWorlds.Duration)));
            }
        }

        string? key = world.Rows.Values.FirstOrDefault(static row =>
            row is { IsFinished: false, IsHeldByFastConsumer: true, RequestedBy: null })?.LeaseKey;
        if (key is not null)
        {
            yield return ($"request {key}", 1, next =>
                next.Put(LeaseWorld.Changed(next.Rows[key], new() { [Lease.Names.RequestedBy] = "X" })));
            yield return ($"steal {key}", 1, next => next.Steal(key, "kcl"));
            yield return ($"set {key} back", 1, next => next.Reset(key));
            if (world.Rows[key].Lineage is not null)
            {
                yield return ($"kcl moves {key}", 1, next => next.Move(key, "kcl"));
            }

            yield return ($"{key} is stuck", 1, next => next.Stick(key, 1.5 * SmallWorlds.Duration));
        }
    }

    private static void Step(LeaseWorld world)
    {
        TimeSpan end = world.Now + s_step;
        foreach (Worker worker in world.Workers.Where(worker => worker.ResumeAt <= world.Now).ToList())
        {
            world.Resume(worker.Index);
        }

        world.RunUntil(end);
        world.Reverse = false;
        world.FaultAt = null;
    }

    /// <summary>Nothing goes wrong any more: each shard that may run has one owner, and nobody has much more than others.</summary>
    private static void CheckQuiet(LeaseWorld world)
    {
        foreach (Worker worker in world.Workers)
        {
            world.Resume(worker.Index);
        }

        world.RunFor(s_quiet);
        List<Worker> live = [.. world.Workers.Where(static worker => worker is { IsAlive: true, HasStopped: false })];
        if (live.Count == 0)
        {
            return;
        }

        List<string> ready = [.. LeasePlan.Runnable([.. world.Rows.Values])
            .Where(row => live.Exists(worker => LeaseWorld.MayRun(worker, row))).Select(static row => row.LeaseKey)];
        foreach (string key in ready)
        {
            int owners = world.BelieversOf(key).Count();
            if (owners != 1)
            {
                throw new BrokenException($"After {s_quiet} of quiet, {key} has {owners} owners; {world.Rows[key]}");
            }
        }

        // a worker that leaves some alone has fewer
        List<Worker> equal = [.. live.Where(worker => ready.TrueForAll(key => LeaseWorld.MayRun(worker, world.Rows[key])))];
        if (equal.Count > 0 && live.Select(static worker => worker.Id).Distinct().Count() == live.Count)
        {
            List<int> loads = [.. equal.Select(worker => ready.Count(key => worker.Believes(key, world.Now)))];
            if (loads.Max() - loads.Min() > 1)
            {
                throw new BrokenException($"After {s_quiet} of quiet, loads are {string.Join(", ", loads)}.");
            }
        }
    }

    /// <summary>How far a search came.</summary>
    internal sealed class Figures
    {
        public int States { get; set; }

        public int Steps { get; set; }

        public int Quiet { get; set; }

        public override string ToString() => $"{States} states after {Steps} steps, {Quiet} of them followed until all was quiet.";
    }
}
