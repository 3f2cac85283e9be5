namespace FastConsumer.Model.Tests;

/// <summary>A model that finds no mistake proves nothing: each rule that is left out must break the invariant that it stands for.</summary>
public sealed class PlantedMistakeTests(ITestOutputHelper output)
{
    /// <summary>The largest of these searches needs 700,000 states.</summary>
    private const int MaxStates = 2_000_000;

    public static TheoryData<string> Mistakes { get; } = [.. Enum.GetNames<Mistake>().Where(static name => name != nameof(Mistake.None))];

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_planted_mistake_breaks_its_invariant(string mistake)
    {
        (Config config, string invariant) = Planted.All.Single(pair => pair.Config.Mistake.ToString() == mistake);
        BreadthFirst search = new(config, MaxStates);

        search.Run();

        output.WriteLine($"{config.Name}: {search.Found ?? "nothing"} ({search.States:n0} states)");
        Assert.StartsWith(invariant + ":", search.Found ?? "nothing was found", StringComparison.Ordinal);
        Assert.NotEmpty(search.Trace);
    }

    /// <summary>What the mistake breaks is broken by the mistake: without it the same scenario finds nothing up to there.</summary>
    [Theory]
    [MemberData(nameof(Mistakes))]
    public void The_same_scenario_without_the_mistake_finds_nothing(string mistake)
    {
        Config config = Planted.All.Single(pair => pair.Config.Mistake.ToString() == mistake).Config;
        BreadthFirst planted = new(config, MaxStates);
        planted.Run();
        BreadthFirst search = new(config.With(Mistake.None), planted.States);

        search.Run();

        Assert.True(search.Found is null, $"{search.Found}\n{string.Join('\n', search.Trace)}");
    }
}
