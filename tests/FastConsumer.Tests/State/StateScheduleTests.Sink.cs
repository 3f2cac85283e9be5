using FastConsumer.Processors;
using FastConsumer.Testing.Positions;

namespace FastConsumer.Tests.State;

/// <content>The position in the sink's own transaction.</content>
public sealed partial class StateScheduleTests
{
    private static readonly PositionKey s_key = new("tests", "arn", DateTimeOffset.UnixEpoch, "shardId-000000000000");

    /// <summary>
    /// I4. A COMMIT is held up; its owner reads the row, which is as before, and handles the record again. Then both COMMITs land, in one
    /// order or the other.
    /// </summary>
    [Theory]
    [InlineData(Mistake.None, true)]
    [InlineData(Mistake.None, false)]
    [InlineData(Mistake.IgnoresFormerNumber, true)]
    [InlineData(Mistake.IgnoresFormerNumber, false)]
    public Task V1_of_a_commit_that_was_held_up_and_its_repetition_one_takes_effect(Mistake mistake, bool isFirstInTime) => RunAsync(
        mistake,
        "I4: the effects of record 1 are try 1, try 2",
        async () =>
        {
            List<string> effects = [];
            var sink = new HoldingSink { IgnoresFormerNumber = mistake == Mistake.IgnoresFormerNumber };
            var transactions = new SinkTransactions<InMemoryTransaction>(sink);
            await transactions.TakeAsync(s_key, 3, CheckpointPosition.TrimHorizon, isLedBySink: false, Token);
            StateLane lane = new(new ProcessorState(1));
            lane.Open(new StateRecord("c7"));

            Assert.True(await transactions.BeginAsync(lane.Cursor, Token));
            transactions.Current.Add(() => effects.Add("try 1"));
            await Assert.ThrowsAsync<TimeoutException>(async () => await transactions.CommitAsync(Token));
            await transactions.EndAsync();
            Assert.Equal(new StoredPosition(3, 0, null), await sink.ReadAsync(s_key, Token));

            Assert.True(await transactions.BeginAsync(lane.Cursor, Token));
            transactions.Current.Add(() => effects.Add("try 2"));
            if (isFirstInTime)
            {
                await sink.LandAsync(Token);
            }

            await transactions.CommitAsync(Token);
            await transactions.EndAsync();
            if (!isFirstInTime)
            {
                await sink.LandAsync(Token);
            }

            Require("I4", effects.Count == 1, $"the effects of record 1 are {string.Join(", ", effects.Order(StringComparer.Ordinal))}");
            Assert.Equal(isFirstInTime ? "try 1" : "try 2", effects[0]);
            // whichever it was, the owner knows where the sink stands, and goes on behind it
            Assert.Equal(new StoredPosition(3, 1, ScheduledShard.At(1)), await sink.ReadAsync(s_key, Token));
            Assert.Equal(ScheduledShard.At(1), transactions.Position);
        });

    /// <summary>A sink that does not answer the first COMMIT, which lands when it is told to.</summary>
    private sealed class HoldingSink : InMemoryPositionStore
    {
        private Func<CancellationToken, Task<bool>>? _heldUp;
        private InMemoryTransaction? _first;

        /// <summary>The mistake: the update is conditional on the epoch alone.</summary>
        public bool IgnoresFormerNumber { get; init; }

        public Task<bool> LandAsync(CancellationToken cancellationToken) => _heldUp!(cancellationToken);

        public override async Task<bool> CommitAsync(
            InMemoryTransaction transaction,
            PositionKey key,
            StoredPosition former,
            CheckpointPosition position,
            CancellationToken cancellationToken)
        {
            if (_first is null)
            {
                _first = transaction;
                _heldUp = token => ServeAsync(transaction, key, former, position, token);
                throw new TimeoutException("The sink does not answer.");
            }

            return await ServeAsync(transaction, key, former, position, cancellationToken);
        }

        /// <summary>Of the first transaction the COMMIT is on its way, and the end of its session comes behind it.</summary>
        public override ValueTask EndAsync(InMemoryTransaction transaction) =>
            transaction == _first ? ValueTask.CompletedTask : base.EndAsync(transaction);

        private async Task<bool> ServeAsync(
            InMemoryTransaction transaction,
            PositionKey key,
            StoredPosition former,
            CheckpointPosition position,
            CancellationToken cancellationToken)
        {
            StoredPosition row = (await ReadAsync(key, cancellationToken))!;
            return await base.CommitAsync(
                transaction, key, IgnoresFormerNumber && row.Epoch == former.Epoch ? row : former, position, cancellationToken);
        }
    }
}
