using FastConsumer.Leases;
using FastConsumer.Testing.Leases;

namespace FastConsumer.Testing.Tests.Leases;

/// <summary>The suite on the stores of this package, and on stores with a mistake, which it must find.</summary>
public sealed class LeaseStoreConformanceTests
{
    public static TheoryData<string> Cases => [.. LeaseStoreConformance.Cases.Select(static test => test.Name)];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Cases))]
    public Task The_store_in_memory_conforms(string name) =>
        LeaseStoreConformance.Cases.Single(test => test.Name == name).RunAsync(new Table(static store => store), Cancellation);

    [Theory]
    [MemberData(nameof(Cases))]
    public Task The_store_in_memory_conforms_where_its_writes_are_limited(string name) =>
        LeaseStoreConformance.Cases.Single(test => test.Name == name).RunAsync(
            new Table(static store => store, writeUnitsPerSecond: 10_000), Cancellation);

    [Fact]
    public void Names_are_unique() =>
        Assert.Equal(LeaseStoreConformance.Cases.Count, LeaseStoreConformance.Cases.Select(static test => test.Name).Distinct().Count());

    [Theory]
    [InlineData("writes without the condition", "Of 16 takers of one counter one wins")]
    [InlineData("forgets removes", "A write only removes")]
    [InlineData("drops what it does not know", "Values of all types survive a write")]
    [InlineData("results in another order", "Each of 25 writes has its own outcome, in their order")]
    [InlineData("creates rows", "No write creates a row")]
    [InlineData("stops at the first refusal", "Each of 2 writes has its own outcome, in their order")]
    [InlineData("creates whatever is gone", "Creating while other rows are there is refused once one is gone")]
    [InlineData("looks at one parent only", "Creating while other rows are there is refused once one is gone")]
    [InlineData("creates over others", "Creating while other rows are there is refused once one is gone")]
    [InlineData("leaves damaged rows out", "Rows that cannot be read are listed with their problem")]
    public async Task A_mistake_is_found(string mistake, string name)
    {
        LeaseStoreConformance.Case test = LeaseStoreConformance.Cases.Single(test => test.Name == name);
        var table = new Table(inner => new Mistaken(inner, mistake));

        LeaseStoreConformanceException found = await Assert.ThrowsAsync<LeaseStoreConformanceException>(
            () => test.RunAsync(table, Cancellation));

        Assert.Contains(name, found.Message, StringComparison.Ordinal);
        Assert.Contains("in-memory lease table", found.Message, StringComparison.Ordinal);
    }

    private sealed class Table(Func<ILeaseStore, ILeaseStore> wrap, int? writeUnitsPerSecond = null) : LeaseStoreUnderTest
    {
        private readonly InMemoryLeaseDatabase _database = new() { WriteUnitsPerSecond = writeUnitsPerSecond };

        public override ILeaseStore Open() => wrap(new InMemoryLeaseStore(_database, "tests"));

        public override Task PutAsync(
            string leaseKey, IReadOnlyDictionary<string, Lease.Value> attributes, CancellationToken cancellationToken)
        {
            _database.Put("tests", leaseKey, attributes);
            return Task.CompletedTask;
        }
    }

    private sealed class Mistaken(ILeaseStore inner, string mistake) : ILeaseStore
    {
        public string Description => inner.Description;

        public Task PrepareAsync(CancellationToken cancellationToken) => inner.PrepareAsync(cancellationToken);

        public async Task<IReadOnlyList<Lease>> ListAsync(ReadConsistency consistency, CancellationToken cancellationToken) =>
            [.. (await inner.ListAsync(consistency, cancellationToken)).Where(
                row => mistake != "leaves damaged rows out" || row.Problem is null)];

        public async Task<IReadOnlyList<Lease>> GetManyAsync(
            IReadOnlyList<string> leaseKeys, ReadConsistency consistency, CancellationToken cancellationToken)
        {
            IReadOnlyList<Lease> rows = await inner.GetManyAsync(leaseKeys, consistency, cancellationToken);
            return mistake == "drops what it does not know"
                ? [.. rows.Select(
                    static row =>
                        Lease.Read(row.LeaseKey, (row with { Attributes = new Dictionary<string, Lease.Value>() }).ToAttributes()))]
                : rows;
        }

        public Task<LeaseWrite.Result> CreateAsync(Lease lease, CancellationToken cancellationToken) =>
            inner.CreateAsync(lease, cancellationToken);

        public async Task<LeaseWrite.Result> CreateWhileThereAsync(
            Lease lease, IReadOnlyList<string> whileThere, CancellationToken cancellationToken)
        {
            switch (mistake)
            {
                case "creates whatever is gone":
                    return await inner.CreateAsync(lease, cancellationToken);
                case "looks at one parent only":
                    return await inner.CreateWhileThereAsync(lease, [whileThere[0]], cancellationToken);
                case "creates over others":
                    LeaseWrite.Result result = await inner.CreateWhileThereAsync(lease, whileThere, cancellationToken);
                    if (result is not { Outcome: LeaseWrite.Outcome.Refused, Row: { } row })
                    {
                        return result;
                    }

                    await inner.DeleteAsync(row, cancellationToken);
                    return await inner.CreateWhileThereAsync(lease, whileThere, cancellationToken);
                default:
                    return await inner.CreateWhileThereAsync(lease, whileThere, cancellationToken);
            }
        }

        public async Task<IReadOnlyList<LeaseWrite.Result>> WriteAsync(
            IReadOnlyList<LeaseWrite> writes, CancellationToken cancellationToken)
        {
            if (mistake == "creates rows")
            {
                foreach (LeaseWrite write in writes)
                {
                    await inner.CreateAsync(new Lease { LeaseKey = write.LeaseKey }, cancellationToken);
                }
            }

            IReadOnlyList<LeaseWrite.Result> results = await inner.WriteAsync([.. writes.Select(Mistake)], cancellationToken);
            int refused = results.Select(static (result, i) => (result, i)).FirstOrDefault(
                static pair => pair.result.Outcome == LeaseWrite.Outcome.Refused).i;
            return mistake switch
            {
                "results in another order" => [.. results.Reverse()],
                "stops at the first refusal" when refused > 0 => [.. results.Take(refused)],
                _ => results,
            };
        }

        public Task<LeaseWrite.Result> DeleteAsync(Lease observed, CancellationToken cancellationToken) =>
            inner.DeleteAsync(observed, cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();

        private LeaseWrite Mistake(LeaseWrite write) => mistake switch
        {
            "writes without the condition" => write with { If = new Dictionary<string, Lease.Value?>() },
            "forgets removes" when write.Remove.Count > 0 => write with
            {
                Set = write.Set.Count > 0 ? write.Set : new Dictionary<string, Lease.Value> { [Lease.Names.LeaseCounter] = 4 },
                Remove = [],
            },
            _ => write,
        };
    }
}
