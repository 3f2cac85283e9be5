namespace FastConsumer.Model.Tests;

/// <summary>With all rules in place nothing may be found.</summary>
public sealed class CleanScenarioTests(ITestOutputHelper output)
{
    /// <summary>
    /// For each scenario, so that the result is the same on every machine. FASTCONSUMER_MODEL=all goes on to the end of most of them, which
    /// takes minutes and more memory.
    /// </summary>
    private static readonly int s_maxStates = Environment.GetEnvironmentVariable("FASTCONSUMER_MODEL") == "all" ? 30_000_000 : 500_000;

    public static TheoryData<string> Scenarios { get; } = [.. Clean.All.Select(static config => config.Name)];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void Nothing_is_found(string scenario)
    {
        BreadthFirst search = new(Clean.All.Single(config => config.Name == scenario), s_maxStates);

        search.Run();

        output.WriteLine(search.IsComplete
            ? $"{scenario}: all of {search.States:n0} states, depth {search.Depth}, {search.Bytes >> 20} MB"
            : $"{scenario}: NOT EXHAUSTED, cut off at {search.States:n0} states, depth {search.Depth}, {search.Bytes >> 20} MB");
        Assert.True(search.Found is null, $"{search.Found}\n{string.Join('\n', search.Trace)}");
        Assert.True(search.IsComplete || search.States >= s_maxStates, "The search ended before its bound.");
    }
}
