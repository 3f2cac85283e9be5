using System.Globalization;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Processors.Tests.Records;

public sealed class TransactionTests
{
    private static readonly PositionKey s_key = new("tests", "arn", DateTimeOffset.UnixEpoch, "shardId-000000000000");

    private readonly ScriptedStore _store = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_record_has_a_transaction_that_is_committed_with_its_position()
    {
        using PipelineDriver<TransactionProcessor> driver = await DriverAsync();

        await driver.RunAsync("a", "b");

        Assert.Equal(["begin", "a", "commit 1000 behind 0", "end", "begin", "b", "commit 1001 behind 1", "end"], _store.Log);
        Assert.Equal(At(1001), driver.Pipeline.Transactions!.Position);
    }

    [Fact]
    public async Task A_handler_that_throws_commits_nothing_and_runs_again_in_another_transaction()
    {
        using PipelineDriver<TransactionProcessor> driver = await DriverAsync();
        driver.Processor.Throws = 1;

        await Assert.ThrowsAsync<IOException>(async () => await driver.RunAsync("a"));
        Assert.Equal((0, true), (driver.Cursor.Index, driver.Cursor.HandlerStarted));
        await driver.ResumeAsync();

        Assert.Equal(["begin", "a", "end", "begin", "a", "commit 1000 behind 0", "end"], _store.Log);
    }

    [Fact]
    public async Task A_commit_whose_answer_is_lost_is_read_back_and_not_made_again()
    {
        using PipelineDriver<TransactionProcessor> driver = await DriverAsync();
        _store.LosesAnswer = true;

        await driver.RunAsync("a", "b");

        Assert.Equal(
            ["begin", "a", "commit 1000 behind 0", "no answer", "read", "end", "begin", "b", "commit 1001 behind 1", "end"], _store.Log);
    }

    [Fact]
    public async Task Where_the_row_cannot_be_read_either_the_record_fails_and_is_settled_before_its_next_transaction()
    {
        using PipelineDriver<TransactionProcessor> driver = await DriverAsync();
        _store.LosesAnswer = true;
        _store.FailsReads = 1;

        await Assert.ThrowsAsync<TimeoutException>(async () => await driver.RunAsync("a"));
        await driver.ResumeAsync();

        // the effect is in: the handler is not called again
        Assert.Equal(["begin", "a", "commit 1000 behind 0", "no answer", "read fails", "end", "read"], _store.Log);
        Assert.True(driver.Cursor.AtEnd);
    }

    [Fact]
    public async Task A_commit_that_was_not_made_is_made_anew()
    {
        using PipelineDriver<TransactionProcessor> driver = await DriverAsync();
        _store.LosesRequest = true;

        await Assert.ThrowsAsync<TimeoutException>(async () => await driver.RunAsync("a"));
        await driver.ResumeAsync();

        Assert.Equal(
            ["begin", "a", "commit 1000 behind 0", "no answer", "read", "end", "begin", "a", "commit 1000 behind 0", "end"], _store.Log);
    }

    [Fact]
    public async Task A_commit_that_lands_after_its_row_was_read_makes_its_repetition_refused_and_counts()
    {
        using PipelineDriver<TransactionProcessor> driver = await DriverAsync();
        _store.LosesRequest = true;
        await Assert.ThrowsAsync<TimeoutException>(async () => await driver.RunAsync("a"));
        // what was held up arrives now
        _store.Row = _store.Row! with { Number = 1, Position = At(1000) };

        await driver.ResumeAsync();

        Assert.Equal(["begin", "a", "commit 1000 behind 0", "refused", "read", "end"], _store.Log[^6..]);
        Assert.Equal(1, _store.Row.Number);
        Assert.True(driver.Cursor.AtEnd);
    }

    [Fact]
    public async Task A_row_that_somebody_else_has_written_is_no_failure_of_the_record()
    {
        using PipelineDriver<TransactionProcessor> driver = await DriverAsync();
        _store.Row = _store.Row! with { Number = 7, Position = At(500) };

        SinkPositionException changed = await Assert.ThrowsAsync<SinkPositionException>(async () => await driver.RunAsync("a"));
        Assert.False(changed.NeedsOperator);

        _store.Row = _store.Row with { Epoch = 9 };
        SinkPositionException taken = await Assert.ThrowsAsync<SinkPositionException>(async () => await driver.ResumeAsync());
        Assert.True(taken.NeedsOperator);
        Assert.Contains("fencing token 9", taken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_keeps_its_row_and_commits_nothing_needs_somebody_to_look()
    {
        using PipelineDriver<TransactionProcessor> driver = await DriverAsync();
        _store.Refuses = true;

        // it would do so again after each new start
        SinkPositionException refused = await Assert.ThrowsAsync<SinkPositionException>(async () => await driver.RunAsync("a"));

        Assert.True(refused.NeedsOperator);
        Assert.Contains("row security", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    // the lease says that a sink leads, and the sink has nothing
    [InlineData(null, true, 5, "position adopt --shard shardId-000000000000 --from lease")]
    // the lease is ahead
    [InlineData(900L, true, 5, "ahead of 900")]
    // an owner with a higher token was here
    [InlineData(2000L, true, 8, "fencing token 8; this one has 5")]
    public async Task A_row_that_does_not_fit_the_lease_is_refused_with_the_remedy(
        long? position, bool isLedBySink, long epoch, string message)
    {
        _store.Row = new StoredPosition(epoch, 3, position is { } number ? At(number) : null);
        using PipelineDriver<TransactionProcessor> driver = Driver();

        SinkPositionException refused = await Assert.ThrowsAsync<SinkPositionException>(async () =>
            await driver.Pipeline.Transactions!.TakeAsync(s_key, 5, At(1000), isLedBySink, Token));

        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_has_no_effect_moves_the_position_in_a_transaction_of_its_own_and_only_forward()
    {
        using PipelineDriver<TransactionProcessor> driver = await DriverAsync();

        await driver.Pipeline.Transactions!.MoveAsync(At(1000), Token);
        await driver.Pipeline.Transactions!.MoveAsync(At(999), Token);

        Assert.Equal(["begin", "commit 1000 behind 0", "end"], _store.Log);
    }

    [Fact]
    public async Task A_transaction_cannot_be_used_after_its_call()
    {
        using PipelineDriver<TransactionProcessor> driver = await DriverAsync();
        await driver.RunAsync("a");
        var transactions = (SinkTransactions<List<string>>)driver.Pipeline.Transactions!;

        Assert.Throws<InvalidOperationException>(() => transactions.Current);
    }

    [Fact]
    public async Task A_batch_is_committed_with_the_position_behind_it_and_cannot_fail_in_part()
    {
        using var driver = new PipelineDriver<TransactionBatchProcessor>(
            new TransactionBatchProcessor(), services => services.AddSingleton<IPositionStore<List<string>>>(_store));
        await driver.Pipeline.Transactions!.TakeAsync(s_key, 5, CheckpointPosition.TrimHorizon, false, Token);
        driver.Cursor.Open(Page.Of("a", "-", "b", "-"));
        driver.Batches.Collect(driver.Cursor);
        BatchContext context = driver.Batch();

        await driver.Batches.InvokeAsync(context, Token);

        // what was filtered behind the last record is passed too
        Assert.Equal(["begin", "commit 1003 behind 0", "end"], _store.Log);
        Assert.Contains(
            "committed as a whole",
            Assert.Throws<InvalidOperationException>(() => context.Fail(0, new IOException())).Message,
            StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await context.CheckpointAsync(Token));
    }

    [Fact]
    public void The_definition_names_the_transaction_and_finds_the_store()
    {
        ProcessorDefinition<TransactionProcessor> definition = DefinitionOf<TransactionProcessor>();
        using ServiceProvider services = new ServiceCollection().AddSingleton<IPositionStore<List<string>>>(_store).BuildServiceProvider();

        Assert.Equal(typeof(List<string>), definition.TransactionType);
        Assert.Same(_store, definition.FindPositionStore!(services));
        using ServiceProvider empty = new ServiceCollection().BuildServiceProvider();
        Assert.Null(definition.FindPositionStore(empty));
        Assert.Contains(
            "no IPositionStore<List`1> is registered",
            Assert.Throws<InvalidOperationException>(() => new PipelineDriver<TransactionProcessor>(new TransactionProcessor(_store.Log)))
                .Message,
            StringComparison.Ordinal);
    }

    private static ProcessorDefinition<T> DefinitionOf<T>()
        where T : class, IKinesisProcessor<T> => T.Definition;

    private static CheckpointPosition At(long number) =>
        CheckpointPosition.Parse(number.ToString(CultureInfo.InvariantCulture));

    private PipelineDriver<TransactionProcessor> Driver() => new(
        new TransactionProcessor(_store.Log), services => services.AddSingleton<IPositionStore<List<string>>>(_store));

    private async Task<PipelineDriver<TransactionProcessor>> DriverAsync()
    {
        PipelineDriver<TransactionProcessor> driver = Driver();
        await driver.Pipeline.Transactions!.TakeAsync(s_key, 5, CheckpointPosition.TrimHorizon, false, Token);
        return driver;
    }

    /// <summary>A store with one row, which fails as it is told to, and notes what it is asked for.</summary>
    private sealed class ScriptedStore : IPositionStore<List<string>>
    {
        public List<string> Log { get; } = [];

        public StoredPosition? Row { get; set; }

        /// <summary>The next commit is made, and not answered.</summary>
        public bool LosesAnswer { get; set; }

        /// <summary>The next commit is neither made nor answered.</summary>
        public bool LosesRequest { get; set; }

        public int FailsReads { get; set; }

        /// <summary>Commits change no row.</summary>
        public bool Refuses { get; set; }

        public string Name => "scripted";

        public string Description => "the scripted sink";

        public Task PrepareAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task<StoredPosition?> ReadAsync(PositionKey key, CancellationToken cancellationToken)
        {
            if (FailsReads-- > 0)
            {
                Log.Add("read fails");
                throw new TimeoutException("The row cannot be read.");
            }

            Log.Add("read");
            return Task.FromResult(Row);
        }

        public Task<IReadOnlyDictionary<PositionKey, StoredPosition>> ListAsync(
            string application, string streamArn, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<StoredPosition> SetEpochAsync(PositionKey key, long epoch, CancellationToken cancellationToken)
        {
            Row ??= new StoredPosition(epoch, 0, null);
            return Task.FromResult(Row);
        }

        public Task<bool> SetAsync(
            PositionKey key, StoredPosition? former, StoredPosition next, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<List<string>> BeginAsync(CancellationToken cancellationToken)
        {
            Log.Add("begin");
            return Task.FromResult(new List<string>());
        }

        public Task<bool> CommitAsync(
            List<string> transaction,
            PositionKey key,
            StoredPosition former,
            CheckpointPosition position,
            CancellationToken cancellationToken)
        {
            Log.Add($"commit {position} behind {former.Number}");
            if (LosesRequest)
            {
                LosesRequest = false;
                return NoAnswer();
            }

            if (Refuses || Row != former)
            {
                Log.Add("refused");
                return Task.FromResult(false);
            }

            Row = former with { Number = former.Number + 1, Position = position };
            if (LosesAnswer)
            {
                LosesAnswer = false;
                return NoAnswer();
            }

            return Task.FromResult(true);
        }

        public ValueTask EndAsync(List<string> transaction)
        {
            Log.Add("end");
            return default;
        }

        private Task<bool> NoAnswer()
        {
            Log.Add("no answer");
            return Task.FromException<bool>(new TimeoutException("The commit was not answered."));
        }
    }
}

[KinesisProcessor("transactions")]
internal sealed partial class TransactionProcessor(List<string> log)
{
    /// <summary>So many calls throw.</summary>
    public int Throws { get; set; }

    [OnRecord]
    public async Task HandleAsync(string text, [SinkTransaction] List<string> transaction, CancellationToken cancellationToken)
    {
        await Task.Yield();
        log.Add(text);
        transaction.Add(text);
        if (Throws-- > 0)
        {
            throw new IOException("The handler fails.");
        }
    }
}

[KinesisProcessor("transactions")]
internal sealed partial class TransactionBatchProcessor
{
    [Filter]
    public static bool IsOfInterest(string text) => text != "-";

    [OnBatch]
    public void Handle(ReadOnlyMemory<string> texts, [SinkTransaction] List<string> transaction)
    {
        transaction.Add($"{texts.Length} records");
    }
}
