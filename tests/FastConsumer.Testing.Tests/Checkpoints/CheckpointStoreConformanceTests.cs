using FastConsumer.Checkpoints;
using FastConsumer.Testing.Checkpoints;

namespace FastConsumer.Testing.Tests.Checkpoints;

/// <summary>The suite on the store of this package, and on stores with a mistake, which it must find.</summary>
public sealed class CheckpointStoreConformanceTests
{
    public static TheoryData<string> Cases => [.. CheckpointStoreConformance.Cases.Select(static test => test.Name)];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Cases))]
    public Task The_store_in_memory_conforms(string name) => RunAsync(name, static database => new(database));

    [Fact]
    public void Names_are_unique() => Assert.Equal(
        CheckpointStoreConformance.Cases.Count, CheckpointStoreConformance.Cases.Select(static test => test.Name).Distinct().Count());

    /// <summary>A disk that does not tell cases apart refuses the second name, which is allowed.</summary>
    [Fact]
    public Task A_store_that_ignores_case_conforms() => RunAsync(
        "Names that differ in case only are apart, or the second is refused",
        static database => new MistakenCheckpointStore(database, Mistake.IgnoresCase));

    [Theory]
    [InlineData(Mistake.Overwrites, "Other bytes under the same name are refused, and the object stays")]
    [InlineData(Mistake.Overwrites, "A large object is repeated with the same bytes, and refused with others")]
    [InlineData(Mistake.Overwrites, "An object without bytes is an object")]
    [InlineData(Mistake.IgnoresOtherBytes, "Other bytes under the same name are refused, and the object stays")]
    [InlineData(Mistake.IgnoresOtherBytes, "Of 8 creations of one name with different bytes exactly one succeeds")]
    [InlineData(Mistake.RefusesRepetition, "The same bytes again succeed, from another store too")]
    [InlineData(Mistake.RefusesRepetition, "8 creations of one name with the same bytes succeed")]
    [InlineData(Mistake.ComparesLengthOnly, "Other bytes under the same name are refused, and the object stays")]
    [InlineData(Mistake.ReadsShort, "A read beyond the end names both lengths")]
    [InlineData(Mistake.ReadsFromStart, "An object comes back as it was created, as a whole and in ranges")]
    [InlineData(Mistake.SaysNothingOfMissing, "An object that is not there is reported as missing")]
    [InlineData(Mistake.SaysNothingOfMissing, "An object that is deleted between the listing and the read is missing")]
    [InlineData(Mistake.DeletesByPrefix, "A deleted object is gone, and its name is free")]
    [InlineData(Mistake.DeletionNeedsObject, "Where there is no object, a deletion succeeds")]
    [InlineData(Mistake.ListsFirstPageOnly, "A listing of 1203 objects has each of them once")]
    [InlineData(Mistake.ListsFolders, "A listing has the objects whose names begin with the prefix, and their lengths")]
    [InlineData(Mistake.ListsProbe, "A place may be prepared again and again, and nothing is listed after that")]
    [InlineData(Mistake.LooksThenWrites, "Of 8 creations of one name with different bytes exactly one succeeds")]
    [InlineData(Mistake.TakesAnyName, "Names that break the rules are refused by every call")]
    [InlineData(Mistake.CreatesForWhoGaveUp, "A call whose caller has given up does nothing")]
    [InlineData(Mistake.WritesInTwoSteps, "Whoever reads while objects are created sees all of an object or none of it")]
    public async Task A_mistake_is_found(Mistake mistake, string name)
    {
        CheckpointStoreConformanceException found = await Assert.ThrowsAsync<CheckpointStoreConformanceException>(
            () => RunAsync(name, database => new MistakenCheckpointStore(database, mistake)));

        Assert.Contains(name, found.Message, StringComparison.Ordinal);
        Assert.Contains("in-memory checkpoints", found.Message, StringComparison.Ordinal);
    }

    private static Task RunAsync(string name, Func<InMemoryCheckpointDatabase, InMemoryCheckpointStore> open) =>
        CheckpointStoreConformance.Cases.Single(test => test.Name == name).RunAsync(new MemoryPlace(open), Cancellation);

    private sealed class MemoryPlace(Func<InMemoryCheckpointDatabase, InMemoryCheckpointStore> open) : CheckpointStoreUnderTest
    {
        private readonly InMemoryCheckpointDatabase _database = new();

        public override ICheckpointStore Open() => open(_database);
    }
}
