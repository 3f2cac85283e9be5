using FastConsumer.Leases.Core;

namespace FastConsumer.Tests.Leases.Core;

/// <summary>Rules are switched off one by one: what checks the machine must notice that each is missing.</summary>
public sealed class PlantedRuleTests
{
    public static TheoryData<string> Rules => [.. Enum.GetNames<LeaseMachine.Rules>().Where(static name => name != nameof(LeaseMachine.Rules.None))];

    private const int Walks = 250;

    /// <summary>What the other test finds is the missing rule's, and not there without it.</summary>
    [Fact]
    public void Where_no_rule_is_missing_nothing_is()
    {
        LeaseSearch.Figures figures = new();
        foreach (string world in SmallWorlds.Names)
        {
            string? broken = LeaseSearch.Walk(() => SmallWorlds.Create(world, LeaseMachine.Rules.None), Walks, faults: 3, figures);
            Assert.True(broken is null, $"{world}: {broken}");
        }
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void A_rule_that_is_missing_is_missed(string rule)
    {
        LeaseSearch.Figures figures = new();
        LeaseMachine.Rules without = Enum.Parse<LeaseMachine.Rules>(rule);
        foreach (string world in SmallWorlds.Names)
        {
            string? broken = LeaseSearch.Walk(() => SmallWorlds.Create(world, without), Walks, faults: 3, figures);
            if (broken is not null)
            {
                TestContext.Current.TestOutputHelper?.WriteLine($"{world}, {figures} {broken}");
                return;
            }
        }

        Assert.Fail($"Without {rule} all is well in each world: {figures}");
    }
}
