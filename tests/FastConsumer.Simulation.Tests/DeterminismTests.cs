using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests;

/// <summary>One seed, one run: without that no failure could be looked at.</summary>
public sealed class DeterminismTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(51)]
    [InlineData(93)]
    public void The_same_seed_gives_the_same_run(int seed)
    {
        SimulationTrace first = SimulatedRun.Execute(Scenario.Of(seed)).Trace;
        SimulationTrace second = SimulatedRun.Execute(Scenario.Of(seed)).Trace;
        int common = first.Events.Zip(second.Events).TakeWhile(static pair => pair.First == pair.Second).Count();
        Assert.True(
            first.Hash == second.Hash,
            $"Seed {seed} ran twice and differently, from event {common} of {first.Events.Count} and {second.Events.Count} on:\n"
                + $"{first.Events.ElementAtOrDefault(common)}\n{second.Events.ElementAtOrDefault(common)}");
    }

    [Theory]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(35)]
    public void The_same_seed_gives_the_same_outputs(int seed) => Assert.Equal(
        SimulatedRun.Execute(Scenario.Of(seed).WithOutputs()).Trace.Hash,
        SimulatedRun.Execute(Scenario.Of(seed).WithOutputs()).Trace.Hash);

    [Fact]
    public void Seeds_differ() => Assert.NotEqual(
        SimulatedRun.Execute(Scenario.Of(1)).Trace.Hash, SimulatedRun.Execute(Scenario.Of(2)).Trace.Hash);
}
