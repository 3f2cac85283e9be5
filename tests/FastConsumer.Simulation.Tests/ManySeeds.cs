using System.Collections.Concurrent;
using System.Globalization;

namespace FastConsumer.Simulation.Tests;

/// <summary>Runs seeds: as many as the environment says, and as many at a time as there are processors.</summary>
internal static class ManySeeds
{
    /// <summary>As many as a slow machine is through with before its run is taken for one that hangs.</summary>
    private const int SeedsOfATest = 200;

    /// <summary>Ranges of seeds: first, count.</summary>
    /// <param name="usually">How many in all, where the environment does not say.</param>
    public static TheoryData<int, int> Ranges(int usually)
    {
        TheoryData<int, int> ranges = [];
        if (Environment.GetEnvironmentVariable("FASTCONSUMER_SIM_SEED") is { Length: > 0 } one)
        {
            ranges.Add(int.Parse(one, CultureInfo.InvariantCulture), 1);
            return ranges;
        }

        int first = int.Parse(Environment.GetEnvironmentVariable("FASTCONSUMER_SIM_FIRST") ?? "1", CultureInfo.InvariantCulture);
        int all = int.Parse(Environment.GetEnvironmentVariable("FASTCONSUMER_SIM_SEEDS") ?? $"{usually}", CultureInfo.InvariantCulture);
        for (int done = 0; done < all; done += SeedsOfATest)
        {
            ranges.Add(first + done, Math.Min(SeedsOfATest, all - done));
        }

        return ranges;
    }

    /// <summary>Runs one.</summary>
    public static void Holds(Scenario scenario)
    {
        RunResult result = SimulatedRun.Execute(scenario);
        Assert.True(result.Failure is null, result.Failure is null ? null : SimulatedRun.Describe(scenario, result));
    }

    /// <summary>Runs a range, and says what came of it. Returns the results.</summary>
    public static IReadOnlyCollection<RunResult> AllHold(int first, int count, Func<int, Scenario> scenarioOf)
    {
        int[] seeds = [.. Enumerable.Range(first, count)];
        ConcurrentBag<(int Seed, string Reason, string Text)> failures = [];
        ConcurrentBag<RunResult> results = [];
        ulong hash = 0;
        int next = -1;
        // threads of their own: those of the pool are left to the tests beside this one
        Thread[] threads = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(() =>
        {
            for (int i = Interlocked.Increment(ref next); i < seeds.Length; i = Interlocked.Increment(ref next))
            {
                int seed = seeds[i];
                Scenario scenario = scenarioOf(seed);
                RunResult result = SimulatedRun.Execute(scenario);
                Interlocked.Add(ref hash, result.Trace.Hash);
                if (result.Failure is not null)
                {
                    failures.Add((seed, $"{seed}: {result.Failure.Message.Split('\n')[0]}", SimulatedRun.Describe(scenario, result)));
                }

                // all that happened would be too much to keep of so many
                results.Add(result with { Trace = null! });
            }
        }))];
        Array.ForEach(threads, static thread => thread.Start());
        Array.ForEach(threads, static thread => thread.Join());
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{seeds.Length} seeds, {TimeSpan.FromTicks(results.Sum(static run => run.VirtualTime.Ticks)).TotalHours:0.0} virtual hours, "
                + $"{results.Sum(static run => run.Records)} records, {results.Sum(static run => run.Duplicates)} duplicates, "
                + $"{results.Sum(static run => run.Tasks)} tasks, {failures.Count} failures, hash {hash:x16}.");
        Assert.True(
            failures.IsEmpty,
            $"{failures.Count} of {seeds.Length} seeds fail:\n"
                + $"{string.Join('\n', failures.OrderBy(static failure => failure.Seed).Select(static failure => failure.Reason))}\n\n"
                + failures.OrderBy(static failure => failure.Seed).FirstOrDefault().Text);
        return results;
    }
}
