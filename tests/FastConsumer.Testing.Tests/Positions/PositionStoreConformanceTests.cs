using FastConsumer.Testing.Positions;

namespace FastConsumer.Testing.Tests.Positions;

/// <summary>The suite on the store of this package, and on stores with a mistake, which it must find.</summary>
public sealed class PositionStoreConformanceTests
{
    public static TheoryData<string> Cases => [.. PositionStoreConformance.Cases.Select(static test => test.Name)];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Cases))]
    public Task The_store_in_memory_conforms(string name) => RunAsync(name, new MemoryPlace(static database => new(database)));

    [Fact]
    public void Names_are_unique() => Assert.Equal(
        PositionStoreConformance.Cases.Count, PositionStoreConformance.Cases.Select(static test => test.Name).Distinct().Count());

    [Theory]
    [InlineData(Mistake.CommitsBeforeItLooks, "A commit with a lower number is refused, and nothing of it is there")]
    [InlineData(Mistake.CommitsBeforeItLooks, "A former owner with an open transaction cannot commit once the epoch is higher")]
    [InlineData(Mistake.IgnoresNumber, "A commit with a lower number is refused, and nothing of it is there")]
    [InlineData(Mistake.IgnoresNumber, "Of two open transactions of one former row, the second is refused")]
    [InlineData(Mistake.IgnoresNumber, "Of 8 commits of one former row at the same time one wins")]
    [InlineData(Mistake.IgnoresEpoch, "A commit with a lower epoch is refused, and nothing of it is there")]
    [InlineData(Mistake.IgnoresEpoch, "A former owner with an open transaction cannot commit once the epoch is higher")]
    [InlineData(Mistake.EpochGoesBack, "A lower epoch changes nothing, and answers the row")]
    [InlineData(Mistake.EndCommits, "A transaction that ends without a commit is rolled back")]
    [InlineData(Mistake.SetIgnoresFormer, "A row is set as it was read only")]
    [InlineData(Mistake.ForgetsSubSequenceNumber, "A row comes back as it was written: a record of an aggregate")]
    [InlineData(Mistake.ConfusesLives, "Rows are apart: a stream made again a millisecond later")]
    [InlineData(Mistake.ConfusesLives, "A list has all shards and lives of one stream, and no others")]
    [InlineData(Mistake.EpochClearsPosition, "A higher epoch is set, and the rest of the row stays")]
    [InlineData(Mistake.CommitCreatesRow, "A commit without a row is refused, and creates none")]
    [InlineData(Mistake.CommitKeepsNumber, "A commit moves the position, and its effects are there")]
    [InlineData(Mistake.CommitForgetsRuns, "For outputs: a commit with a row writes position, runs and lineage, and its effects are there")]
    [InlineData(
        Mistake.CommitForgetsLineage, "For outputs: a commit with a row writes position, runs and lineage, and its effects are there")]
    [InlineData(Mistake.CommitOfRowIgnoresEpoch, "For outputs: a commit with a row on a lower epoch is refused, and changes nothing")]
    [InlineData(Mistake.CommitOfRowIgnoresNumber, "For outputs: a commit with a row on a lower number is refused, and changes nothing")]
    [InlineData(Mistake.CommitOfRowIgnoresNumber, "For outputs: of two transactions of one former row, the second is refused")]
    [InlineData(Mistake.CommitOfRowAppliesFirst, "For outputs: a commit with a row on a lower number is refused, and changes nothing")]
    [InlineData(Mistake.EpochClearsRuns, "For outputs: an epoch leaves runs and lineage")]
    [InlineData(Mistake.SetForgetsLineage, "For outputs: an operator's row is written with its runs and lineage")]
    public async Task A_mistake_is_found(Mistake mistake, string name)
    {
        PositionStoreConformanceException found = await Assert.ThrowsAsync<PositionStoreConformanceException>(
            () => RunAsync(name, new MemoryPlace(database => new MistakenPositionStore(database, mistake))));

        Assert.Contains(name, found.Message, StringComparison.Ordinal);
        Assert.Contains("in-memory positions", found.Message, StringComparison.Ordinal);
    }

    private static Task RunAsync(string name, PositionStoreUnderTest place) =>
        PositionStoreConformance.Cases.Single(test => test.Name == name).RunAsync(place, Cancellation);

    private sealed class MemoryPlace(Func<InMemoryPositionDatabase, InMemoryPositionStore> open)
        : PositionStoreUnderTest<InMemoryTransaction>
    {
        private readonly InMemoryPositionDatabase _database = new();
        private readonly List<string> _effects = [];

        public override IPositionStore<InMemoryTransaction> Open() => open(_database);

        public override Task WriteEffectAsync(InMemoryTransaction transaction, string effect, CancellationToken cancellationToken)
        {
            transaction.Add(() => _effects.Add(effect));
            return Task.CompletedTask;
        }

        public override Task<IReadOnlyCollection<string>> ReadEffectsAsync(CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyCollection<string>>([.. _effects]);
    }
}
