using FastConsumer.Leases;

namespace FastConsumer.Testing.Simulation;

/// <summary>
/// The lease table as one worker reaches it, over a link. As a store must, it settles doubt itself: neither a refusal nor a lost
/// answer is believed before the row is read back.
/// </summary>
internal class SimulatedLeaseStore(SimulatedProcess process, SimulatedLink link, SimulatedLeaseTable table) : ILeaseStore
{
    public string Description => "simulated lease table";

    protected SimulatedLeaseTable Table => table;

    protected string Worker => process.Name;

    public async Task PrepareAsync(CancellationToken cancellationToken) => await SendAsync("DescribeTable", static () => true, cancellationToken);

    public virtual async Task<IReadOnlyList<Lease>> ListAsync(ReadConsistency consistency, CancellationToken cancellationToken) =>
        await SendAsync("Scan", () => table.Read(consistency), cancellationToken);

    public async Task<IReadOnlyList<Lease>> GetManyAsync(IReadOnlyList<string> leaseKeys, ReadConsistency consistency, CancellationToken cancellationToken) => await SendAsync<IReadOnlyList<Lease>>(
        "BatchGetItem", () => [.. table.Read(consistency).Where(row => leaseKeys.Contains(row.LeaseKey))], cancellationToken);

    public async Task<Lease?> GetAsync(string leaseKey, CancellationToken cancellationToken) => await SendAsync("GetItem", () => table.Get(leaseKey), cancellationToken);

    public virtual async Task<bool> CreateAsync(Lease lease, CancellationToken cancellationToken)
    {
        LeaseStoreException doubt;
        try
        {
            return await SendAsync("PutItem", () => table.Create(Worker, lease), cancellationToken);
        }
        catch (LeaseStoreException e) when (LeavesDoubt(e))
        {
            doubt = e;
        }

        Lease? row = await ReadBackAsync(lease.LeaseKey, doubt, cancellationToken);
        return row is null ? throw doubt : row.Owner is null && row.LeaseCounter == lease.LeaseCounter && row.Checkpoint == lease.Checkpoint;
    }

    public virtual Task<LeaseWriteResult> TakeAsync(Lease observed, string owner, CancellationToken cancellationToken) => WriteAsync(
        "UpdateItem (take)",
        () => table.Take(Worker, observed, owner),
        observed,
        row => row.LeaseOwner == owner && row.CheckpointOwner is null && row.TakenBy == owner && observed.TakenBy != owner,
        cancellationToken);

    public virtual async Task<IReadOnlyList<LeaseWriteResult>> UpdateAsync(IReadOnlyList<LeaseUpdate> updates, CancellationToken cancellationToken)
    {
        LeaseWriteResult?[] results = new LeaseWriteResult?[updates.Count];
        LeaseStoreException? doubt = null;
        try
        {
            IReadOnlyList<LeaseWriteResult> answers = await SendAsync("BatchExecuteStatement", () => table.Update(Worker, updates), cancellationToken);
            for (int i = 0; i < results.Length; i++)
            {
                results[i] = answers[i].Outcome == LeaseWriteOutcome.Refused ? null : answers[i];
                Trouble(answers[i].Error);
            }
        }
        catch (LeaseStoreException e)
        {
            doubt = e;
            if (!LeavesDoubt(e))
            {
                return [.. updates.Select(_ => new LeaseWriteResult(LeaseWriteOutcome.Failed, null, e))];
            }
        }

        if (results.Any(static result => result is null))
        {
            await SettleAsync(updates, results, doubt, cancellationToken);
        }

        return [.. results.Select(static result => result!.Value)];
    }

    public virtual Task<LeaseWriteResult> ReleaseAsync(Lease held, string? successor, CancellationToken cancellationToken) => WriteAsync(
        "UpdateItem (release)",
        () => table.Release(Worker, held, successor),
        held,
        row => row.LeaseOwner == successor && row.CheckpointOwner is null,
        cancellationToken);

    public async Task<LeaseWriteResult> RequestAsync(Lease observed, string? requester, CancellationToken cancellationToken) =>
        await SendAsync("UpdateItem (request)", () => table.Request(Worker, observed, requester), cancellationToken);

    public async Task<bool> RingAsync(string leaseKey, string owner, string ring, CancellationToken cancellationToken) =>
        await SendAsync("UpdateItem (ring)", () => table.Ring(Worker, leaseKey, owner, ring), cancellationToken);

    public async Task UpdateChildrenAsync(string leaseKey, IReadOnlyList<string> childShardIds, CancellationToken cancellationToken) => await SendAsync(
        "UpdateItem (children)",
        () =>
        {
            table.UpdateChildren(Worker, leaseKey, childShardIds);
            return true;
        },
        cancellationToken);

    public async Task<bool> DeleteAsync(Lease observed, CancellationToken cancellationToken)
    {
        LeaseStoreException doubt;
        try
        {
            return await SendAsync("DeleteItem", () => table.Delete(Worker, observed), cancellationToken);
        }
        catch (LeaseStoreException e) when (LeavesDoubt(e))
        {
            doubt = e;
        }

        Lease? row = await ReadBackAsync(observed.LeaseKey, doubt, cancellationToken);
        return row is null || (row.LeaseCounter == observed.LeaseCounter && row.Owner == observed.Owner ? throw doubt : false);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task<LeaseWriteResult> WriteAsync(string what, Func<LeaseWriteResult> write, Lease before, Func<Lease, bool> tookEffect, CancellationToken cancellationToken)
    {
        LeaseStoreException? doubt = null;
        Lease? row;
        try
        {
            LeaseWriteResult result = await SendAsync(what, write, cancellationToken);
            if (result.Outcome == LeaseWriteOutcome.Written)
            {
                return result;
            }

            row = result.Lease;
        }
        catch (LeaseStoreException e) when (LeavesDoubt(e))
        {
            doubt = e;
            row = await ReadBackAsync(before.LeaseKey, e, cancellationToken);
        }

        LeaseWriteResult settled = Settle(before, row, tookEffect, doubt);
        return settled is { Outcome: LeaseWriteOutcome.Failed, Error: { } error } ? throw error : settled;
    }

    private async Task SettleAsync(IReadOnlyList<LeaseUpdate> updates, LeaseWriteResult?[] results, LeaseStoreException? doubt, CancellationToken cancellationToken)
    {
        IReadOnlyList<Lease>? rows = null;
        try
        {
            rows = await SendAsync("BatchGetItem", () => table.Rows, cancellationToken);
        }
        catch (LeaseStoreException e)
        {
            doubt ??= e;
        }

        for (int i = 0; i < results.Length; i++)
        {
            LeaseUpdate update = updates[i];
            results[i] ??= rows is null
                ? new LeaseWriteResult(LeaseWriteOutcome.Failed, null, doubt)
                : Settle(
                    update.Held,
                    rows.FirstOrDefault(row => row.LeaseKey == update.Held.LeaseKey),
                    row => row.LeaseOwner == update.Held.LeaseOwner && row.CheckpointOwner is null && (update.Checkpoint is not { } checkpoint || row.Checkpoint == checkpoint),
                    doubt);
        }
    }

    private static LeaseWriteResult Settle(Lease before, Lease? row, Func<Lease, bool> tookEffect, LeaseStoreException? doubt)
    {
        if (row is not null && row.LeaseCounter == before.LeaseCounter + 1 && tookEffect(row))
        {
            return new LeaseWriteResult(LeaseWriteOutcome.Written, row);
        }

        return doubt is not null && row is not null && row.LeaseCounter == before.LeaseCounter && row.LeaseOwner == before.LeaseOwner
            ? new LeaseWriteResult(LeaseWriteOutcome.Failed, row, doubt)
            : new LeaseWriteResult(LeaseWriteOutcome.Refused, row);
    }

    private async Task<Lease?> ReadBackAsync(string leaseKey, LeaseStoreException doubt, CancellationToken cancellationToken)
    {
        try
        {
            return await GetAsync(leaseKey, cancellationToken);
        }
        catch (LeaseStoreException)
        {
            throw doubt;
        }
    }

    private async Task<T> SendAsync<T>(string what, Func<T> serve, CancellationToken cancellationToken)
    {
        try
        {
            return await link.CallAsync(what, serve, cancellationToken);
        }
        catch (NoAnswerException e)
        {
            throw new LeaseStoreException(e.Message, isTransient: true, e);
        }
        catch (LeaseStoreException e)
        {
            Trouble(e);
            throw;
        }
    }

    private void Trouble(Exception? error)
    {
        if (error is LeaseStoreException { IsThrottled: true })
        {
            link.Troubled?.Invoke();
        }
    }

    private static bool LeavesDoubt(LeaseStoreException error) => error.InnerException is NoAnswerException { WasSent: true };
}
