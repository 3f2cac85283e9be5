using FastConsumer.Leases;

namespace FastConsumer.Testing.Simulation;

/// <summary>
/// The lease table as one worker reaches it, over a link. As a store must, it sends once and says what it knows. As DynamoDB does, it says
/// no rows
/// with the answer to a batch, which is all that removes nothing.
/// </summary>
internal class SimulatedLeaseStore(SimulatedProcess process, SimulatedLink link, SimulatedLeaseTable table) : ILeaseStore
{
    public string Description => "simulated lease table";

    protected SimulatedLeaseTable Table => table;

    protected string Worker => process.Name;

    public async Task PrepareAsync(CancellationToken cancellationToken) =>
        await ReadAsync("DescribeTable", static () => true, cancellationToken);

    public virtual async Task<IReadOnlyList<Lease>> ListAsync(ReadConsistency consistency, CancellationToken cancellationToken) =>
        await ReadAsync("Scan", () => table.Read(consistency), cancellationToken);

    public async Task<IReadOnlyList<Lease>> GetManyAsync(
        IReadOnlyList<string> leaseKeys, ReadConsistency consistency, CancellationToken cancellationToken) =>
            await ReadAsync<IReadOnlyList<Lease>>(
            leaseKeys.Count == 1 ? "GetItem" : "BatchGetItem",
            () => [.. table.Read(consistency).Where(row => leaseKeys.Contains(row.LeaseKey))],
            cancellationToken);

    public virtual async Task<LeaseWrite.Result> CreateAsync(Lease lease, CancellationToken cancellationToken) =>
        (await WriteAsync("PutItem", 1, () => [table.Create(Worker, lease)], cancellationToken))[0];

    public virtual async Task<LeaseWrite.Result> CreateWhileThereAsync(
        Lease lease, IReadOnlyList<string> whileThere, CancellationToken cancellationToken) =>
        (await WriteAsync("TransactWriteItems", 1, () => [table.Create(Worker, lease, whileThere)], cancellationToken))[0];

    public virtual async Task<IReadOnlyList<LeaseWrite.Result>> WriteAsync(
        IReadOnlyList<LeaseWrite> writes, CancellationToken cancellationToken)
    {
        LeaseWrite.ThrowIfInvalid(writes);
        if (writes.Count == 1 && writes[0].Remove.Count > 0)
        {
            return await WriteAsync("UpdateItem", 1, () => table.Write(Worker, writes), cancellationToken);
        }

        IReadOnlyList<LeaseWrite.Result> results =
            await WriteAsync("BatchExecuteStatement", writes.Count, () => table.Write(Worker, writes), cancellationToken);
        return [.. results.Select(static result => result with { Row = null })];
    }

    public async Task<LeaseWrite.Result> DeleteAsync(Lease observed, CancellationToken cancellationToken) =>
        (await WriteAsync("DeleteItem", 1, () => [table.Delete(Worker, observed)], cancellationToken))[0];

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task<IReadOnlyList<LeaseWrite.Result>> WriteAsync(
        string what, int count, Func<IReadOnlyList<LeaseWrite.Result>> serve, CancellationToken cancellationToken)
    {
        try
        {
            IReadOnlyList<LeaseWrite.Result> results = await link.CallAsync(what, serve, cancellationToken);
            if (results.Any(static result => result.Outcome == LeaseWrite.Outcome.NotWritten))
            {
                link.Troubled?.Invoke();
            }

            return results;
        }
        catch (NoAnswerException e)
        {
            var error = new LeaseStoreException(e.Message, isTransient: true, e);
            LeaseWrite.Outcome outcome = e.WasSent ? LeaseWrite.Outcome.Unknown : LeaseWrite.Outcome.NotWritten;
            return [.. Enumerable.Repeat(new LeaseWrite.Result(outcome, Error: error), count)];
        }
    }

    private async Task<T> ReadAsync<T>(string what, Func<T> serve, CancellationToken cancellationToken)
    {
        try
        {
            return await link.CallAsync(what, serve, cancellationToken);
        }
        catch (NoAnswerException e)
        {
            throw new LeaseStoreException(e.Message, isTransient: true, e);
        }
    }
}
