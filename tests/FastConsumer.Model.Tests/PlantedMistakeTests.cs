namespace FastConsumer.Model.Tests;

/// <summary>A model that finds no mistake proves nothing: each rule that is left out must break the invariant that it stands for.</summary>
public sealed class PlantedMistakeTests(ITestOutputHelper output)
{
    /// <summary>The largest of these searches needs 700,000 states.</summary>
    private const int MaxStates = 2_000_000;

    public static TheoryData<string> Mistakes { get; } = [.. Enum.GetNames<Mistake>().Where(static name => name != nameof(Mistake.None))];

    /// <summary>What the mistake breaks is broken by the mistake: with all rules the same scenario finds nothing up to there.</summary>
    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_planted_mistake_breaks_its_invariant_and_the_rule_keeps_it(string mistake)
    {
        (Config config, string invariant) = Planted.All.Single(pair => pair.Config.Mistake.ToString() == mistake);
        BreadthFirst planted = new(config, MaxStates);
        planted.Run();
        output.WriteLine($"{config.Name}: {planted.Found ?? "nothing"} ({planted.States:n0} states)");
        Assert.StartsWith(invariant + ":", planted.Found ?? "nothing was found", StringComparison.Ordinal);
        Assert.NotEmpty(planted.Trace);

        BreadthFirst clean = new(config.With(Mistake.None), planted.States);
        clean.Run();
        Assert.True(clean.Found is null, $"{clean.Found}\n{string.Join('\n', clean.Trace)}");
    }
}
