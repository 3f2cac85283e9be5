using System.Runtime.InteropServices;

namespace FastConsumer.Model.Tests;

/// <summary>What a search says of itself.</summary>
public sealed class SearchTests
{
    [Fact]
    public void A_search_that_its_bound_cuts_off_is_not_complete()
    {
        BreadthFirst all = new(Layouts.Split, int.MaxValue);
        all.Run();
        BreadthFirst some = new(Layouts.Split, all.States / 2);
        some.Run();

        Assert.True(all.IsComplete);
        Assert.False(some.IsComplete);
        Assert.InRange(some.States, all.States / 2, all.States - 1);
    }

    /// <summary>A wider bound must not change what is found, nor how short the way to it is.</summary>
    [Fact]
    public void A_violation_is_found_by_the_same_trace_every_time()
    {
        Config config = Planted.All.Single(static pair => pair.Config.Mistake == Mistake.SweepsByAge).Config;
        BreadthFirst first = new(config, 100_000);
        first.Run();
        BreadthFirst second = new(config, int.MaxValue);
        second.Run();

        Assert.Equal(first.Found, second.Found);
        Assert.Equal(first.Trace, second.Trace);
        Assert.Equal(first.Depth + 1, first.Trace.Count);
    }

    [Fact]
    public void A_random_walk_finds_a_planted_mistake()
    {
        Config config = Planted.All.Single(static pair => pair.Config.Mistake == Mistake.StartsChildEmpty).Config;
        RandomWalk walk = new(config, seed: 1, maxSteps: 400);

        walk.Run(walks: 1000);

        Assert.StartsWith("I7:", walk.Found ?? "nothing was found", StringComparison.Ordinal);
        Assert.NotEmpty(walk.Trace);
    }

    /// <summary>A queue must give back what was put in, in its order, over the ends of its chunks.</summary>
    [Fact]
    public void A_packed_state_is_the_same_when_it_is_unpacked()
    {
        StateCollector collector = new(Layouts.Merge);
        List<World> states = collector.Collect(100_000);
        World first = collector.Initial();
        StatePacking packing = new(ref first);
        StateQueue queue = new(packing);
        for (int i = 0; i < states.Count; i++)
        {
            World state = states[i];
            queue.Enqueue(packing.Pack(ref state));
        }

        Assert.True(queue.Bytes > 8 * 1024 * 1024, "more than one chunk");
        foreach (World expected in states)
        {
            queue.Dequeue(out World actual);
            Assert.True(Bytes(expected).AsSpan().SequenceEqual(Bytes(actual)), "another state than was put in");
        }
    }

    private static byte[] Bytes(World state) =>
        MemoryMarshal.AsBytes(new ReadOnlySpan<World>(ref state)).ToArray();

    /// <summary>States as a walk comes across them, the ones beside its way too.</summary>
    private sealed class StateCollector(Config config) : Model(config)
    {
        private readonly List<World> _states = [];
        private readonly Random _random = new(1);
        private int _start;

        public List<World> Collect(int count)
        {
            World state = Initial();
            while (_states.Count < count)
            {
                _start = _states.Count;
                Successors(ref state);
                state = _states.Count > _start ? _states[_random.Next(_start, _states.Count)] : Initial();
            }

            return _states;
        }

        protected override void Emit(ref World next, int step, bool isProgress) => _states.Add(next);
    }
}
