using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Leases;
using FastConsumer.Shared.ThrottlingDynamoDb;
using FastConsumer.Testing;

namespace FastConsumer.DynamoDb.Tests.Throttling;

/// <summary>A table that takes only so many writes a second: each write that was too much says so, and no other is touched.</summary>
public sealed class ThrottledTableTests(DynoxideServer server) : IClassFixture<DynoxideServer>, IAsyncLifetime
{
    private static readonly CheckpointPosition s_checkpoint = CheckpointPosition.Parse("77", 3);

    private readonly ManualClock _clock = new();
    private ThrottlingDynamoDbProxy _proxy = null!;
    private TestTable _table = null!;
    private DynamoDbLeaseStore _store = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _proxy = await ThrottlingDynamoDbProxy.StartAsync(server.ServiceUrl, _clock, Cancellation);
        _table = new TestTable(_proxy.ServiceUrl);
        _store = _table.Open();
        await _store.PrepareAsync(Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _table.DisposeAsync();
        await _proxy.DisposeAsync();
    }

    [Theory]
    [InlineData("ProvisionedThroughputExceeded")]
    [InlineData("ThrottlingError")]
    [InlineData("RequestLimitExceeded")]
    public async Task A_batch_throttled_in_the_middle_loses_nothing(string code)
    {
        LeaseUpdate[] updates = await CreateAsync(60);
        _proxy.StatementErrorCode = code;
        _proxy.Limit(30, burst: 40);

        IReadOnlyList<LeaseWriteResult> results = await _store.UpdateAsync(updates, Cancellation);

        Assert.Equal(40, results.Count(static result => result.Outcome == LeaseWriteOutcome.Written));
        LeaseWriteResult[] failed = [.. results.Where(static result => result.Outcome == LeaseWriteOutcome.Failed)];
        Assert.Equal(20, failed.Length);
        Assert.All(failed, static result => Assert.True(result.Error is LeaseStoreException { IsThrottled: true, IsTransient: true }));
        Assert.Equal(20, _store.Use.Throttled);
        Assert.Equal(20, _proxy.Counts.ThrottledWrites);

        _clock.Advance(TimeSpan.FromSeconds(1));
        updates = [.. updates.Where((_, i) => results[i].Outcome == LeaseWriteOutcome.Failed)];
        results = await _store.UpdateAsync(updates, Cancellation);

        Assert.All(results, static result => Assert.Equal(LeaseWriteOutcome.Written, result.Outcome));
        Assert.All(
            await _store.ListAsync(Cancellation),
            static row => Assert.Equal((1, s_checkpoint), (row.LeaseCounter, row.Checkpoint)));
    }

    [Theory]
    [InlineData("TableWriteProvisionedThroughputExceeded")]
    [InlineData("TableWriteKeyRangeThroughputExceeded")]
    public async Task A_single_write_says_which_limit_it_met(string reason)
    {
        LeaseUpdate[] updates = await CreateAsync(1);
        _proxy.ThrottlingReason = reason;
        _proxy.Limit(1, burst: 0);

        LeaseWriteResult result = Assert.Single(await _store.UpdateAsync(updates, Cancellation));

        LeaseStoreException error = Assert.IsType<LeaseStoreException>(result.Error);
        Assert.True(error.IsThrottled);
        Assert.Equal(reason, error.ThrottleReason);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.Equal(1, _proxy.Requests("UpdateItem"));
        error = await Assert.ThrowsAsync<LeaseStoreException>(() => _store.ReleaseAsync(updates[0].Held, Cancellation));
        Assert.True(error.IsThrottled);
        Assert.Equal(2, _store.Use.Throttled);
    }

    [Fact]
    public async Task The_limit_can_be_learnt()
    {
        Assert.Equal(new LeaseTableLimits(null, null), await _store.DescribeThroughputAsync(Cancellation));

        _proxy.Limit(70);
        Assert.Equal(70, (await _store.DescribeThroughputAsync(Cancellation)).WriteUnits);

        await using var missing = new TestTable(_proxy.ServiceUrl);
        Assert.False(
            (await Assert.ThrowsAsync<LeaseStoreException>(() => missing.Open().DescribeThroughputAsync(Cancellation))).IsTransient);
    }

    [Fact]
    public async Task Both_sides_count_the_same()
    {
        LeaseUpdate[] updates = await CreateAsync(60);
        ThrottlingCounts before = _proxy.Counts;
        LeaseTableUse used = _store.Use;

        await _store.UpdateAsync(updates, Cancellation);
        await _store.ListAsync(Cancellation);
        await _store.GetAsync("shard-0", Cancellation);

        Assert.Equal(_proxy.Counts.WriteUnits - before.WriteUnits, _store.Use.WriteUnits - used.WriteUnits);
        Assert.Equal(5, _store.Use.Requests - used.Requests);
        Assert.Equal(5, _proxy.Counts.Requests - before.Requests);
        Assert.InRange(_store.Use.ReadUnits - used.ReadUnits, 2, 10);
    }

    [Fact]
    public async Task A_cut_batch_is_settled()
    {
        LeaseUpdate[] updates = await CreateAsync(25);
        _proxy.CutNext(1, afterServer: true);
        IReadOnlyList<LeaseWriteResult> results = await _store.UpdateAsync(updates, Cancellation);
        Assert.All(results, static result => Assert.Equal(LeaseWriteOutcome.Written, result.Outcome));

        updates = [.. results.Select(static result => new LeaseUpdate(result.Lease!))];
        _proxy.CutNext(1, afterServer: false);
        results = await _store.UpdateAsync(updates, Cancellation);
        Assert.All(results, static result => Assert.Equal(LeaseWriteOutcome.Failed, result.Outcome));

        // the proxy's clock stands still, so this answer is under way until it is cut
        _proxy.Latency = TimeSpan.FromMinutes(1);
        Task<IReadOnlyList<LeaseWriteResult>> underWay = _store.UpdateAsync(updates, Cancellation);
        while (_proxy.Requests("BatchExecuteStatement") < 3)
        {
            await Task.Delay(10, Cancellation);
        }

        // a request that was counted may come to its wait a moment later
        while (_proxy.Counts.Cut < 3)
        {
            _proxy.CutOpen();
            await Task.Delay(10, Cancellation);
        }

        _proxy.Latency = TimeSpan.Zero;
        while (!underWay.IsCompleted)
        {
            _proxy.CutOpen();
            await Task.Delay(100, Cancellation);
        }

        LeaseWriteResult[] renewed = [.. await underWay];
        Assert.All(
            renewed, static result => Assert.Contains(result.Outcome, new[] { LeaseWriteOutcome.Written, LeaseWriteOutcome.Failed }));
        Assert.True(_proxy.Counts.Cut >= 3);
    }

    private async Task<LeaseUpdate[]> CreateAsync(int count)
    {
        Lease[] leases = [.. Enumerable.Range(0, count).Select(static i => new Lease { LeaseKey = $"shard-{i}", LeaseOwner = "me" })];
        await Task.WhenAll(leases.Select(async lease => Assert.True(await _store.TryCreateAsync(lease, Cancellation))));
        return [.. leases.Select(static lease => new LeaseUpdate(lease, s_checkpoint))];
    }
}
