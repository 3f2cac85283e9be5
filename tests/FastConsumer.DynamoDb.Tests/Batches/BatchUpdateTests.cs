using System.Text.Json;
using Amazon.DynamoDBv2.Model;
using FastConsumer.DynamoDb.Tests.Faults;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Leases;
using FastConsumer.Testing;

namespace FastConsumer.DynamoDb.Tests.Batches;

/// <summary>25 updates to a request; whatever becomes of the request or of its parts, the store knows each write's fate.</summary>
public sealed class BatchUpdateTests(DynoxideServer server) : IClassFixture<DynoxideServer>, IAsyncLifetime
{
    private static readonly CheckpointPosition s_checkpoint = CheckpointPosition.Parse("77", 3);

    private readonly CollectedLog _log = new();
    private readonly ManualClock _clock = new();
    private FaultyDynamoDb _proxy = null!;
    private TestTable _table = null!;
    private DynamoDbLeaseStore _store = null!;
    private DynamoDbLeaseStore _hasty = null!;

    public static TheoryData<Fault> FaultsAfter => [Fault.CutAnswer, Fault.ErrorAfter, Fault.NoAnswer, Fault.SentTwice];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        _table = new TestTable(_proxy.ServiceUrl);
        _store = _table.Open(timeProvider: _clock, logger: _log);
        _hasty = _table.Open(static options => options.RequestTimeout = TimeSpan.FromSeconds(1));
        await _store.PrepareAsync(Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _table.DisposeAsync();
        await _proxy.DisposeAsync();
    }

    [Theory]
    [InlineData(1, 0, 1)]
    [InlineData(2, 1, 0)]
    [InlineData(25, 1, 0)]
    [InlineData(26, 1, 1)]
    [InlineData(60, 3, 0)]
    [InlineData(1000, 40, 0)]
    public async Task There_are_25_to_a_request(int leases, int batches, int singles)
    {
        Lease[] mine = await CreateAsync(leases);
        LeaseTableUse before = _store.Use;

        AssertWritten(mine, await UpdateAsync(_store, mine, s_checkpoint), s_checkpoint);

        Assert.Equal(batches, _proxy.Requests("BatchExecuteStatement"));
        Assert.Equal(singles, _proxy.Requests("UpdateItem"));
        Assert.Equal(0, _proxy.Requests("GetItem") + _proxy.Requests("BatchGetItem"));
        Assert.Equal(batches + singles, _store.Use.Requests - before.Requests);
        Assert.Equal(leases, _store.Use.WriteUnits - before.WriteUnits);
    }

    [Theory]
    [MemberData(nameof(FaultsAfter))]
    public async Task Writes_that_took_effect_are_written(Fault fault)
    {
        Lease[] mine = await CreateAsync(60);
        _proxy.Break("BatchExecuteStatement", fault, fault, fault);

        AssertWritten(mine, await UpdateAsync(fault == Fault.NoAnswer ? _hasty : _store, mine, s_checkpoint), s_checkpoint);

        Assert.Equal(3, _proxy.Requests("BatchExecuteStatement"));
        Assert.Equal(1, _proxy.Requests("BatchGetItem"));
        Assert.Equal(0, _proxy.Requests("UpdateItem"));
        await AssertRowsAsync(mine, 1, s_checkpoint);
    }

    [Theory]
    [InlineData(Fault.CutRequest)]
    [InlineData(Fault.ErrorInstead)]
    [InlineData(Fault.Throttled)]
    public async Task Writes_that_did_not_take_effect_failed_for_now(Fault fault)
    {
        Lease[] mine = await CreateAsync(26 + 24);
        _proxy.Break("BatchExecuteStatement", fault);

        IReadOnlyList<LeaseWriteResult> results = await UpdateAsync(_store, mine, s_checkpoint);

        // of two batches, one
        LeaseWriteResult[] failed = [.. results.Where(static result => result.Outcome == LeaseWriteOutcome.Failed)];
        Assert.Equal(25, failed.Length);
        Assert.Equal(25, results.Count(static result => result.Outcome == LeaseWriteOutcome.Written));
        Assert.All(failed, result =>
        {
            LeaseStoreException error = Assert.IsType<LeaseStoreException>(result.Error);
            Assert.True(error.IsTransient);
            Assert.Equal(fault == Fault.Throttled, error.IsThrottled);
        });
        Assert.Equal(2, _proxy.Requests("BatchExecuteStatement"));

        Lease[] again = [.. mine.Where((_, i) => results[i].Outcome == LeaseWriteOutcome.Failed)];
        AssertWritten(again, await UpdateAsync(_store, again, s_checkpoint), s_checkpoint);
        await AssertRowsAsync(mine, 1, s_checkpoint);
    }

    [Fact]
    public async Task A_lost_answer_does_not_hide_new_owners()
    {
        Lease[] mine = await CreateAsync(25);
        for (int i = 0; i < 25; i += 2)
        {
            await _table.PutAsync(Rows.Of(mine[i] with { LeaseOwner = "other", LeaseCounter = 1 }));
        }

        _proxy.Break("BatchExecuteStatement", Fault.CutAnswer);
        IReadOnlyList<LeaseWriteResult> results = await UpdateAsync(_store, mine, s_checkpoint);

        for (int i = 0; i < 25; i++)
        {
            Assert.Equal(i % 2 == 0 ? LeaseWriteOutcome.Refused : LeaseWriteOutcome.Written, results[i].Outcome);
            Assert.Equal(i % 2 == 0 ? "other" : "me", results[i].Lease!.LeaseOwner);
        }
    }

    [Fact]
    public async Task A_batch_that_arrives_late_is_our_own()
    {
        Lease[] mine = await CreateAsync(30);
        _proxy.Break("BatchExecuteStatement", Fault.LateRequest, Fault.LateRequest);
        IReadOnlyList<LeaseWriteResult> failed = await UpdateAsync(_hasty, mine, CheckpointPosition.Parse("50"));
        Assert.All(failed, static result =>
        {
            Assert.Equal(LeaseWriteOutcome.Failed, result.Outcome);
            Assert.Contains("did not answer BatchExecuteStatement within 1 s", result.Error!.Message, StringComparison.Ordinal);
        });

        await _proxy.DeliverLateRequestsAsync();
        IReadOnlyList<LeaseWriteResult> results = await UpdateAsync(_store, mine, s_checkpoint);

        // the late ones hold an older position: the newer go on top of them
        Assert.All(results, static result => Assert.Equal((LeaseWriteOutcome.Written, 2), (result.Outcome, result.Lease!.LeaseCounter)));
        await AssertRowsAsync(mine, 2, s_checkpoint);
    }

    [Fact]
    public async Task What_must_remove_something_goes_by_itself()
    {
        Lease[] mine = await CreateAsync(30);
        foreach (Lease lease in mine.Take(3))
        {
            Dictionary<string, AttributeValue> row = Rows.Of(lease);
            row["pendingCheckpoint"] = new("55");
            row["pendingCheckpointSubSequenceNumber"] = new() { N = "0" };
            row["pendingCheckpointState"] = new() { B = new MemoryStream([1]) };
            await _table.PutAsync(row);
        }

        Dictionary<string, Lease> rows = (await _store.ListAsync(Cancellation)).ToDictionary(static lease => lease.LeaseKey);
        mine = [.. mine.Select(lease => rows[lease.LeaseKey])];

        // a renewal removes nothing
        mine = [.. (await UpdateAsync(_store, mine, null)).Select(static result => result.Lease!)];
        Assert.Equal(0, _proxy.Requests("UpdateItem"));
        Assert.Equal("55", (await _table.RowAsync(mine[0].LeaseKey))["pendingCheckpoint"].S);

        IReadOnlyList<LeaseWriteResult> results = await UpdateAsync(_store, mine, s_checkpoint);

        Assert.All(results, static result => Assert.Equal(LeaseWriteOutcome.Written, result.Outcome));
        Assert.Equal(3, _proxy.Requests("UpdateItem"));
        await AssertRowsAsync(mine, 2, s_checkpoint);
        foreach (Lease lease in mine)
        {
            Assert.DoesNotContain(
                (await _table.RowAsync(lease.LeaseKey)).Keys, static name => name.StartsWith("pending", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_policy_without_batches_is_enough_and_said_once(bool perStatement)
    {
        Lease[] mine = await CreateAsync(60);
        Deny();

        mine = Next(mine, await UpdateAsync(_store, mine, s_checkpoint));
        int tried = _proxy.Requests("BatchExecuteStatement");
        Assert.Equal(60, _proxy.Requests("UpdateItem"));
        string message = Assert.Single(_log.Messages(4003));
        Assert.Contains("dynamodb:PartiQLUpdate", message, StringComparison.Ordinal);
        Assert.Contains(_table.Name, message, StringComparison.Ordinal);

        mine = Next(mine, await UpdateAsync(_store, mine, null));
        Assert.Equal(tried, _proxy.Requests("BatchExecuteStatement"));

        // policies change
        _clock.Advance(TimeSpan.FromMinutes(15));
        Deny();
        mine = Next(mine, await UpdateAsync(_store, mine, null));
        Assert.True(_proxy.Requests("BatchExecuteStatement") > tried);
        Assert.Single(_log.Messages(4003));

        _proxy.Answer("BatchExecuteStatement");
        _clock.Advance(TimeSpan.FromMinutes(15));
        int singles = _proxy.Requests("UpdateItem");
        Next(mine, await UpdateAsync(_store, mine, null));
        Assert.Equal(singles, _proxy.Requests("UpdateItem"));

        void Deny() => _proxy.Answer(
            "BatchExecuteStatement",
            [.. Enumerable.Repeat(
                perStatement
                    ? (200, Responses(Enumerable.Repeat("AccessDenied", 25)))
                    : (400, """{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"User: x is not authorized to perform: dynamodb:PartiQLUpdate"}"""),
                3)]);
    }

    [Theory]
    [InlineData("com.amazon.coral.service#UnknownOperationException", "")]
    [InlineData("com.amazon.coral.validate#ValidationException", "Statement wasn't well formed")]
    public async Task A_server_without_batches_is_written_to_one_by_one(string type, string text)
    {
        Lease[] mine = await CreateAsync(60);
        _proxy.Answer("BatchExecuteStatement", [.. Enumerable.Repeat((400, $$"""{"__type":"{{type}}","message":"{{text}}"}"""), 3)]);

        mine = Next(mine, await UpdateAsync(_store, mine, s_checkpoint));
        _clock.Advance(TimeSpan.FromHours(1));
        Next(mine, await UpdateAsync(_store, mine, null));

        Assert.Equal(3, _proxy.Requests("BatchExecuteStatement"));
        Assert.Equal(120, _proxy.Requests("UpdateItem"));
        Assert.Single(_log.Messages(4002));
    }

    [Fact]
    public async Task Batches_may_be_switched_off()
    {
        Lease[] mine = await CreateAsync(30);

        AssertWritten(
            mine, await UpdateAsync(_table.Open(static options => options.BatchWrites = false), mine, s_checkpoint), s_checkpoint);

        Assert.Equal(0, _proxy.Requests("BatchExecuteStatement"));
        Assert.Equal(30, _proxy.Requests("UpdateItem"));
    }

    [Theory]
    [InlineData("ThrottlingError", true, true)]
    [InlineData("ProvisionedThroughputExceeded", true, true)]
    [InlineData("RequestLimitExceeded", true, true)]
    [InlineData("TransactionConflict", true, false)]
    [InlineData("InternalServerError", true, false)]
    [InlineData("ValidationError", false, false)]
    [InlineData("ResourceNotFound", false, false)]
    [InlineData("ItemCollectionSizeLimitExceeded", false, false)]
    public async Task A_failed_statement_says_why(string code, bool transient, bool throttled)
    {
        Lease[] mine = await CreateAsync(4);
        // the first and the last as if they had been written
        _proxy.Answer("BatchExecuteStatement", (200, Responses([null, code, code, null])));

        IReadOnlyList<LeaseWriteResult> results = await UpdateAsync(_store, mine, s_checkpoint);

        Assert.Equal(
            [LeaseWriteOutcome.Written, LeaseWriteOutcome.Failed, LeaseWriteOutcome.Failed, LeaseWriteOutcome.Written],
            results.Select(static result => result.Outcome));
        LeaseStoreException error = Assert.IsType<LeaseStoreException>(results[1].Error);
        Assert.Equal((transient, throttled), (error.IsTransient, error.IsThrottled));
        Assert.Contains(_table.Name, error.Message, StringComparison.Ordinal);
        Assert.Equal(throttled ? 2 : 0, _store.Use.Throttled);
    }

    [Fact]
    public async Task An_answer_that_is_too_short_is_not_believed()
    {
        Lease[] mine = await CreateAsync(4);
        _proxy.Answer("BatchExecuteStatement", (200, Responses([null])));

        IReadOnlyList<LeaseWriteResult> results = await UpdateAsync(_store, mine, s_checkpoint);

        Assert.All(results.Skip(1), static result => Assert.Equal(LeaseWriteOutcome.Failed, result.Outcome));
    }

    [Theory]
    [InlineData(Fault.Denied)]
    [InlineData(Fault.Throttled)]
    public async Task Rows_are_read_back_one_by_one_where_the_policy_says_so(Fault fault)
    {
        Lease[] mine = await CreateAsync(25);
        _proxy.Break("BatchExecuteStatement", Fault.CutAnswer);
        // the SDK tries a throttled read again
        _proxy.Break("BatchGetItem", fault);

        AssertWritten(mine, await UpdateAsync(_store, mine, s_checkpoint), s_checkpoint);

        Assert.Equal(fault == Fault.Denied ? 25 : 0, _proxy.Requests("GetItem"));
        Assert.Equal(fault == Fault.Denied ? 1 : 2, _proxy.Requests("BatchGetItem"));
    }

    [Fact]
    public async Task Rows_that_were_not_read_are_asked_for_again()
    {
        Lease[] mine = await CreateAsync(2);
        DynamoDbLeaseStore store = _table.Open();
        string unprocessed = JsonSerializer.Serialize(new
        {
            Responses = new Dictionary<string, object[]> { [_table.Name] = [] },
            UnprocessedKeys = new Dictionary<string, object>
            {
                [_table.Name] =
                    new { Keys = mine.Select(static lease => new { leaseKey = new { S = lease.LeaseKey } }), ConsistentRead = true },
            },
        });
        _proxy.Break("BatchExecuteStatement", Fault.CutAnswer, Fault.CutAnswer);
        _proxy.Answer("BatchGetItem", (200, unprocessed), (200, unprocessed));

        mine = Next(mine, await UpdateAsync(store, mine, s_checkpoint));

        Assert.Equal(3, _proxy.Requests("BatchGetItem"));
        _proxy.Answer("BatchGetItem", [.. Enumerable.Repeat((200, unprocessed), 4)]);
        Assert.All(await UpdateAsync(store, mine, s_checkpoint), static result => Assert.Equal(LeaseWriteOutcome.Failed, result.Outcome));
    }

    [Fact]
    public async Task What_cannot_be_read_back_failed()
    {
        Lease[] mine = await CreateAsync(25);
        _proxy.Break("BatchExecuteStatement", Fault.CutAnswer);
        _proxy.Break("BatchGetItem", Fault.ErrorInstead, Fault.ErrorInstead, Fault.ErrorInstead, Fault.ErrorInstead);

        IReadOnlyList<LeaseWriteResult> results = await UpdateAsync(_table.Open(), mine, s_checkpoint);

        Assert.All(results, static result => Assert.True(Assert.IsType<LeaseStoreException>(result.Error).IsTransient));
        // the next renewal finds out
        AssertWritten(mine, await UpdateAsync(_store, mine, s_checkpoint), s_checkpoint);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(25)]
    public async Task A_throttled_read_back_is_no_throttle_of_writes(int leases)
    {
        Lease[] mine = await CreateAsync(leases);
        foreach (Lease lease in mine)
        {
            await _table.PutAsync(Rows.Of(lease with { LeaseOwner = "other", LeaseCounter = 9 }));
        }

        Fault[] faults = [.. Enumerable.Repeat(Fault.Throttled, 8)];
        _proxy.Break("BatchGetItem", faults);
        _proxy.Break("GetItem", faults);
        // as a server that does not send the row with its refusal
        const string Refusal =
            """{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"The conditional request failed"}""";
        _proxy.Answer("UpdateItem", (400, Refusal));

        IReadOnlyList<LeaseWriteResult> results = await UpdateAsync(_table.Open(), mine, s_checkpoint);

        Assert.All(results, static result =>
        {
            Assert.Equal(LeaseWriteOutcome.Failed, result.Outcome);
            var error = Assert.IsType<LeaseStoreException>(result.Error);
            Assert.True(error is { IsTransient: true, IsThrottled: false }, error.Message);
            Assert.Contains("throttled", error.Message, StringComparison.OrdinalIgnoreCase);
        });
    }

    [Fact]
    public async Task A_row_that_makes_no_sense_does_not_hold_up_the_others()
    {
        Lease[] mine = await CreateAsync(25);
        Dictionary<string, AttributeValue> senseless = Rows.Of(mine[7] with { LeaseCounter = 5 });
        senseless["checkpoint"] = new("12x");
        await _table.PutAsync(senseless);

        IReadOnlyList<LeaseWriteResult> results = await UpdateAsync(_store, mine, s_checkpoint);

        Assert.Equal(24, results.Count(static result => result.Outcome == LeaseWriteOutcome.Written));
        Assert.Equal(LeaseWriteOutcome.Failed, results[7].Outcome);
        Assert.Contains("'12x'", results[7].Error!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_batch_says_so()
    {
        Lease[] mine = await CreateAsync(25);
        _proxy.Break("BatchExecuteStatement", Fault.NoAnswer);
        using var cancelled = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);

        Task update = _store.UpdateAsync([.. mine.Select(static lease => new LeaseUpdate(lease))], cancelled.Token);
        while (_proxy.Requests("BatchExecuteStatement") == 0)
        {
            await Task.Delay(10, Cancellation);
        }

        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => update);
    }

    private static string Responses(IEnumerable<string?> codes) => JsonSerializer.Serialize(new
    {
        Responses = codes.Select(
            static code => code is null ? (object)new { } : new { Error = new { Code = code, Message = "for the test" } }),
    });

    private static async Task<IReadOnlyList<LeaseWriteResult>> UpdateAsync(
        DynamoDbLeaseStore store, IEnumerable<Lease> held, CheckpointPosition? checkpoint) =>
        await store.UpdateAsync([.. held.Select(lease => new LeaseUpdate(lease, checkpoint))], Cancellation);

    /// <summary>All were written; what to go on from.</summary>
    private static Lease[] Next(Lease[] held, IReadOnlyList<LeaseWriteResult> results)
    {
        Assert.Equal(held.Length, results.Count);
        Assert.All(results, static result => Assert.Equal(LeaseWriteOutcome.Written, result.Outcome));
        return [.. results.Select(static result => result.Lease!)];
    }

    private static void AssertWritten(Lease[] held, IReadOnlyList<LeaseWriteResult> results, CheckpointPosition checkpoint)
    {
        Lease[] next = Next(held, results);
        for (int i = 0; i < held.Length; i++)
        {
            Assert.Equal(
                (held[i].LeaseKey, held[i].LeaseCounter + 1, checkpoint), (next[i].LeaseKey, next[i].LeaseCounter, next[i].Checkpoint));
        }
    }

    private async Task AssertRowsAsync(Lease[] held, long counter, CheckpointPosition checkpoint)
    {
        IReadOnlyList<Lease> rows = await _store.ListAsync(Cancellation);
        Assert.Equal(held.Length, rows.Count);
        Assert.All(rows, row => Assert.Equal(("me", counter, checkpoint), (row.LeaseOwner, row.LeaseCounter, row.Checkpoint)));
    }

    private async Task<Lease[]> CreateAsync(int count)
    {
        Lease[] leases = [.. Enumerable.Range(0, count).Select(static i => new Lease { LeaseKey = $"shard-{i:D4}", LeaseOwner = "me" })];
        foreach (Lease[] some in leases.Chunk(25))
        {
            await Task.WhenAll(some.Select(async lease => Assert.True(await _store.TryCreateAsync(lease, Cancellation))));
        }

        return leases;
    }
}
