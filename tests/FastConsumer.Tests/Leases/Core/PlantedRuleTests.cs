using FastConsumer.Leases.Core;

namespace FastConsumer.Tests.Leases.Core;

/// <summary>Rules are switched off one by one: what checks the machine must notice that each is missing.</summary>
public sealed class PlantedRuleTests
{
    /// <summary>What two workers in a small world seldom come to: the rule's own transition shows it.</summary>
    private static readonly Dictionary<LeaseMachine.Rules, Action<LeaseMachine.Rules>> s_transitions = new()
    {
        [LeaseMachine.Rules.ExactAdoption] = Of(static tests => tests.A_row_that_only_looks_like_our_next_write_is_not_adopted()),
        [LeaseMachine.Rules.ThrottleIsNoDoubt] = Of(static tests => tests.A_throttled_write_leaves_no_doubt_and_is_tried_again()),
        [LeaseMachine.Rules.OneWrite] = Of(static tests => tests.One_write_is_in_flight_at_a_time()),
        [LeaseMachine.Rules.TakeInDoubt] = Of(static tests => tests.A_take_that_is_answered_too_late_is_found_by_its_row_or_taken_anew()),
        [LeaseMachine.Rules.StillnessByReads] = Of(static tests =>
            tests.A_counter_stands_still_from_when_it_was_taken_in_until_its_latest_read_began()),
        [LeaseMachine.Rules.FreshListing] = Of(static tests => tests.An_old_listing_creates_nothing()),
        [LeaseMachine.Rules.MaxLeases] = Of(static tests => tests.A_worker_takes_no_more_than_it_may()),
        [LeaseMachine.Rules.Share] = Of(static tests => tests.A_worker_takes_no_more_than_its_share()),
        [LeaseMachine.Rules.FlushFirst] = Of(static tests => tests.What_is_asked_for_drains_is_checkpointed_and_goes_to_who_asked()),
        [LeaseMachine.Rules.WithdrawnGoesToNobody] = Of(static tests => tests.A_request_that_is_withdrawn_goes_to_nobody()),
        [LeaseMachine.Rules.RunEndsFirst] = Of(static tests => tests.What_is_asked_for_drains_is_checkpointed_and_goes_to_who_asked()),
        [LeaseMachine.Rules.SettlesByPosition] =
            OfState(static tests => tests.A_row_with_our_snapshot_at_another_position_is_not_ours()),
        [LeaseMachine.Rules.SettlesBySnapshot] =
            OfState(static tests => tests.A_row_at_our_position_with_another_snapshot_is_not_ours()),
    };

    public static TheoryData<string> ByTransition => [.. s_transitions.Keys.Select(static rule => rule.ToString())];

    public static TheoryData<string> ByWorld =>
        [.. Enum.GetValues<LeaseMachine.Rules>().Where(static rule => rule != LeaseMachine.Rules.None && !s_transitions.ContainsKey(rule))
            .Select(static rule => rule.ToString())];

    private const int Walks = 120;

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
    [MemberData(nameof(ByWorld))]
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

    [Theory]
    [MemberData(nameof(ByTransition))]
    public void A_rule_that_is_missing_fails_its_transition(string rule)
    {
        LeaseMachine.Rules without = Enum.Parse<LeaseMachine.Rules>(rule);
        s_transitions[without](LeaseMachine.Rules.None);
        Exception? failure = Record.Exception(() => s_transitions[without](without));
        Assert.True(failure is Xunit.Sdk.XunitException or LeaseMachine.InvariantViolation,
            $"Without {rule} the transition is the same. {failure}");
    }

    private static Action<LeaseMachine.Rules> Of(Action<LeaseTransitionTests> test) =>
        without => test(new LeaseTransitionTests { Without = without });

    private static Action<LeaseMachine.Rules> OfState(Action<LeaseStateTransitionTests> test) =>
        without => test(new LeaseStateTransitionTests { Without = without });
}
