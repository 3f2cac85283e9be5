using FastConsumer.Leases;
using FastConsumer.Operators;
using FastConsumer.Tests.Monitoring;

namespace FastConsumer.Tests.Supervision;

/// <summary>
/// A worker crashes at each step of an operator's decision, in virtual time. Invariant: a record is left out only with a decision that
/// stands in the row beside the checkpoint that passes it; else it is met again, and can be decided about again.
/// </summary>
public sealed class DecisionCrashTests
{
    [Theory]
    [InlineData(RecordDecision.Skip, false)]
    [InlineData(RecordDecision.Skip, true)]
    [InlineData(RecordDecision.DeadLetter, false)]
    [InlineData(RecordDecision.DeadLetter, true)]
    [InlineData(RecordDecision.Retry, true)]
    public void Nothing_is_left_out_without_a_decision_wherever_a_crash_comes(RecordDecision decision, bool isWritten)
    {
        int passed = 0;
        int again = 0;
        for (int step = 0; ; step++)
        {
            if (!Crashes(step, decision, isWritten, ref passed, ref again))
            {
                // the decision was through before so many writes
                Assert.InRange(step, 2, 100);
                break;
            }
        }

        // crashes of both kinds: before it took effect, and after
        Assert.True(again > 0, $"{passed} passed");
        Assert.True(passed > 0 || decision == RecordDecision.Retry || !isWritten, $"{again} came again");
    }

    [Theory]
    [InlineData(RecordDecision.Skip)]
    [InlineData(RecordDecision.DeadLetter)]
    public void Nor_wherever_it_comes_between_two_writes(RecordDecision decision)
    {
        int passed = 0;
        int again = 0;
        int milliseconds = 0;
        while (Crashes(null, decision, isWritten: false, ref passed, ref again, TimeSpan.FromMilliseconds(milliseconds)))
        {
            milliseconds += 3;
        }

        Assert.True(again > 8 && passed > 0, $"{again} came again, {passed} passed");
    }

    private static bool Crashes(
        int? step, RecordDecision decision, bool isWritten, ref int passed, ref int again, TimeSpan? after = null)
    {
        const int Records = 6;
        var letters = new CountingSink();
        using var fleet = new WatchedFleet(shards: 1, seed: (step ?? 0) + 1) { DeadLetters = letters };
        CheckpointPosition? poison = null;
        HashSet<CheckpointPosition> done = [];
        int running = 0;
        fleet.Handler = async (context, stop) =>
        {
            var position = CheckpointPosition.At(context.SequenceNumber);
            if (poison is null && done.Count == 2)
            {
                poison = position;
            }

            bool isPoison = position == poison;
            // no two calls with one record at a time
            Assert.True(!isPoison || ++running == 1, "Two calls with one record run at a time.");
            try
            {
                await fleet.WaitAsync(TimeSpan.FromMilliseconds(20), stop);
                if (isPoison)
                {
                    throw new NotSupportedException("never");
                }

                done.Add(position);
            }
            finally
            {
                running -= isPoison ? 1 : 0;
            }
        };
        fleet.Settle(1);
        fleet.Put(fleet.OpenShards[0], records: Records);
        fleet.RunUntil(() => Row(fleet).Standing is not null, 60);
        OperatorTable table = fleet.Operator();
        FailingRecord failing = Failing(fleet, table);
        Assert.Equal(poison.ToString(), failing.Position);

        int writes = 0;
        bool isCrashed = false;
        void Look()
        {
            if (writes++ == step)
            {
                isCrashed = true;
                fleet.Crash(fleet.Workers[0]);
            }
        }

        Task<DecidedRecord> deciding = fleet.On(() => table.DecideAsync(failing, decision, "ann", "a test", CancellationToken.None));
        if (isWritten)
        {
            fleet.Costs.Written = _ => Look();
        }
        else
        {
            fleet.Costs.Arrives = _ =>
            {
                Look();
                return !isCrashed;
            };
        }

        if (after is { } time)
        {
            fleet.Run(time.TotalSeconds, () => deciding.IsCompleted);
            if (!deciding.IsCompleted)
            {
                isCrashed = true;
                fleet.Crash(fleet.Workers[0]);
            }
        }

        fleet.Run(29, () => isCrashed || deciding.IsCompleted);
        if (!isCrashed)
        {
            Assert.Null(deciding.Result.Refusal);
            return false;
        }

        fleet.Costs.Written = static _ => { };
        fleet.Costs.Arrives = static _ => true;
        fleet.Start("another");
        fleet.RunUntil(() => Passes(fleet, poison!.Value) || Row(fleet).Standing is not null && Row(fleet).LeaseOwner == "another", 90);
        if (Passes(fleet, poison!.Value))
        {
            passed++;
            DecidedRecord decided = OperatorNotes.ReadDecision(Row(fleet).Decision)!;
            Assert.Equal((failing.Position, decision, null), (decided.Position, decided.Decision, decided.Refusal));
            Assert.NotEqual(RecordDecision.Retry, decision);
        }
        else
        {
            again++;
            FailingRecord now = Failing(fleet, table);
            Assert.Equal(failing.Position, now.Position);
            Assert.True(now.FencingToken > failing.FencingToken);
            RecordDecision then = decision == RecordDecision.Retry ? RecordDecision.Skip : decision;
            Task<DecidedRecord> once = fleet.On(() => table.DecideAsync(now, then, "ben", null, CancellationToken.None));
            fleet.RunUntil(() => once.IsCompleted, 60);
            Assert.Null(once.Result.Refusal);
        }

        fleet.RunUntil(() => done.Count == Records - 1 && Passes(fleet, poison.Value), 60);
        Assert.DoesNotContain(poison.Value, done);
        Assert.True(decision != RecordDecision.DeadLetter || letters.Positions.Contains(poison.Value));
        Assert.True(decision == RecordDecision.DeadLetter || letters.Positions.Count == 0);
        return true;
    }

    private static FailingRecord Failing(WatchedFleet fleet, OperatorTable table)
    {
        Task<IReadOnlyList<FailingRecord>> listing = fleet.On(() => table.ListFailingAsync(CancellationToken.None));
        fleet.RunUntil(() => listing.IsCompleted, 5);
        return Assert.Single(listing.Result);
    }

    private static Lease Row(WatchedFleet fleet) => Assert.Single(fleet.Rows);

    private static bool Passes(WatchedFleet fleet, CheckpointPosition poison) => Row(fleet).Checkpoint >= poison;

    private sealed class CountingSink : IDeadLetterSink
    {
        public List<CheckpointPosition> Positions { get; } = [];

        public ValueTask WriteAsync(DeadLetter letter, CancellationToken cancellationToken)
        {
            Assert.Equal("ann", letter.DecidedBy == "ben" ? "ann" : letter.DecidedBy);
            Positions.Add(letter.Position);
            return default;
        }
    }
}
