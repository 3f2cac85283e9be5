using FastConsumer.Checkpoints;
using FastConsumer.Kinesis;
using FastConsumer.Processors;
using FastConsumer.Testing.Positions;

namespace FastConsumer.Tests.Checkpoints;

/// <summary>
/// What keeps a value from being there twice, as fixed schedules: each holds with the store's condition, and fails where it is left out.
/// </summary>
public sealed class OutputTransactionsTests
{
    private static readonly PositionKey s_key = new("tests", "arn", DateTimeOffset.UnixEpoch, "shardId-000000000000");

    private readonly InMemoryPositionDatabase _database = new();
    private readonly List<string> _visible = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_former_owner_commits_nothing(bool looksAtEpoch)
    {
        var store = new Store(_database) { IgnoresEpoch = !looksAtEpoch };
        OutputTransactions<InMemoryTransaction> former = await TakeAsync(store, epoch: 3);
        await former.WriteAsync(Cut("a", 1), Token);
        OutputTransactions<InMemoryTransaction> owner = await TakeAsync(store, epoch: 4);

        if (looksAtEpoch)
        {
            await Assert.ThrowsAsync<SinkPositionException>(() => former.WriteAsync(Cut("b", 2), Token));
            await owner.WriteAsync(Cut("b", 2), Token);
            Assert.Equal(["a", "b"], _visible);
        }
        else
        {
            await former.WriteAsync(Cut("b", 2), Token);
            Assert.Equal(["a", "b"], _visible);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_a_commit_that_was_held_up_and_its_repetition_one_succeeds(bool looksAtNumber)
    {
        var store = new Store(_database) { IgnoresNumber = !looksAtNumber, HoldsNext = true };
        OutputTransactions<InMemoryTransaction> owner = await TakeAsync(store, epoch: 3);
        OutputCut cut = Cut("a", 1);
        await Assert.ThrowsAsync<IOException>(() => owner.WriteAsync(cut, Token));
        // it lands when the row has been read for the last time, and the repetition has begun
        store.LandsAtBegin = true;

        if (looksAtNumber)
        {
            await owner.WriteAsync(cut, Token);
            Assert.Equal(["a"], _visible);
            Assert.Equal(1, _database.Snapshot()[s_key].Number);
        }
        else
        {
            await owner.WriteAsync(cut, Token);
            Assert.Equal(["a", "a"], _visible);
        }
    }

    private static OutputCut Cut(string value, int position)
    {
        var values = new OutputValues<string>();
        CheckpointPosition at = CheckpointPosition.At(SequenceNumber.Parse($"{position}"));
        values.Add([new Positioned<string>(new ShardContext("P", "tests", "stream", s_key.ShardId, 1), "rows", at, 0, value, null)]);
        return new OutputCut([values], at, DoneRuns.None);
    }

    private async Task<OutputTransactions<InMemoryTransaction>> TakeAsync(Store store, long epoch)
    {
        var route = new TransactionRoute<string, InMemoryTransaction>("rows", store, new Writer(_visible));
        var target = (OutputTransactions<InMemoryTransaction>)route.CreateTarget([route]);
        await target.TakeAsync(new OutputOwner(s_key, epoch, "lineage.life", null), Token);
        return target;
    }

    private sealed class Writer(List<string> visible) : IOutputWriter<string, InMemoryTransaction>
    {
        public Task WriteAsync(
            InMemoryTransaction transaction, ReadOnlyMemory<Positioned<string>> outputs, CancellationToken cancellationToken)
        {
            foreach (Positioned<string> output in outputs.ToArray())
            {
                transaction.Add(() => visible.Add(output.Value));
            }

            return Task.CompletedTask;
        }
    }

    private sealed class Store(InMemoryPositionDatabase database) : InMemoryPositionStore(database)
    {
        private Func<Task>? _held;
        private InMemoryTransaction? _heldTransaction;

        public bool IgnoresEpoch { get; init; }

        public bool IgnoresNumber { get; init; }

        /// <summary>The next commit has no answer, and is on its way.</summary>
        public bool HoldsNext { get; set; }

        public bool LandsAtBegin { get; set; }

        public override async Task<InMemoryTransaction> BeginAsync(CancellationToken cancellationToken)
        {
            if (LandsAtBegin && _held is { } land)
            {
                _held = null;
                await land();
            }

            return await base.BeginAsync(cancellationToken);
        }

        public override async Task<bool> CommitAsync(
            InMemoryTransaction transaction,
            PositionKey key,
            StoredPosition former,
            StoredPosition next,
            CancellationToken cancellationToken)
        {
            if (HoldsNext)
            {
                HoldsNext = false;
                _heldTransaction = transaction;
                _held = async () =>
                {
                    await base.CommitAsync(transaction, key, former, next, CancellationToken.None);
                    await base.EndAsync(transaction);
                };
                throw new IOException("The commit was not answered.");
            }

            StoredPosition row = (await base.ReadAsync(key, cancellationToken))!;
            former = former with
            {
                Epoch = IgnoresEpoch ? row.Epoch : former.Epoch,
                Number = IgnoresNumber ? row.Number : former.Number,
            };
            return await base.CommitAsync(transaction, key, former, next, cancellationToken);
        }

        // the server has the transaction until its commit has landed
        public override ValueTask EndAsync(InMemoryTransaction transaction) =>
            transaction == _heldTransaction ? ValueTask.CompletedTask : base.EndAsync(transaction);
    }
}
