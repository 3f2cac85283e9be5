using System.Diagnostics.CodeAnalysis;
using FastConsumer.Tests.Leases.Core;

namespace FastConsumer.Tests.State;

/// <summary>
/// Interleavings of which each needs a rule, as fixed schedules: nothing in them is left to chance. Each runs with the rule, which holds,
/// and with the rule taken out, which breaks the invariant. docs/simulation.md has them as a table.
/// </summary>
public sealed partial class StateScheduleTests
{
    /// <summary>The rule that is taken out.</summary>
    public enum Mistake
    {
        None,
        IgnoresFormerNumber,
        StartsForeignRowEmpty,
        InheritsUnfinishedParent,
        InheritsWithoutStamp,
        IgnoresStamp,
        IgnoresSession,
        ExpiresByClock,
        GivesKeyToBoth,
        IgnoresStateVersion,
        ForgetsParentsVersion,
        CreatesUnconditionally,
        DeletesRowBeforeParents,
        DeletesListedRoot,
        ChildNamesParentsRanges,
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Runs a schedule: where a rule is missing it must end with what is seen of that.</summary>
    /// <param name="mistake">The rule that is missing.</param>
    /// <param name="seen">What the violation says.</param>
    /// <param name="schedule">The schedule.</param>
    private static async Task RunAsync(Mistake mistake, string seen, Func<Task> schedule)
    {
        if (mistake == Mistake.None)
        {
            await schedule();
            return;
        }

        Exception? violation = await Record.ExceptionAsync(schedule);
        Assert.True(
            violation is InvariantBrokenException or LeaseWorld.BrokenException
                && violation.Message.Contains(seen, StringComparison.Ordinal),
            $"{mistake}: {violation?.ToString() ?? "all is well"}");
    }

    private static void Require(string invariant, [DoesNotReturnIf(false)] bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new InvariantBrokenException($"{invariant}: {otherwise}");
        }
    }

    private sealed class InvariantBrokenException(string message) : Exception(message);
}
