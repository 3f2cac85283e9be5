using System.Text.Json;
using Amazon.DynamoDBv2.Model;
using FastConsumer.DynamoDb.Tests.Faults;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb.Tests.State;

/// <summary>The row of a child is created while its parents' rows are there: one transaction.</summary>
public sealed class CreateWhileThereTests(DynoxideServer server) : IClassFixture<DynoxideServer>, IAsyncLifetime
{
    private static readonly Lease s_child = new()
    {
        LeaseKey = "child",
        ParentShardIds = ["one", "two"],
        Inherits = ["1>s/1:0:9>x>y", "2>s/2:0:9>x>y"],
        StateVersion = 3,
        Lineage = "0123456789abcdef.01234567",
    };

    private FaultyDynamoDb _proxy = null!;
    private TestTable _table = null!;
    private DynamoDbLeaseStore _store = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        _table = new TestTable(_proxy.ServiceUrl);
        _store = _table.Open();
        await _store.PrepareAsync(Cancellation);
        await _table.PutAsync(Rows.Of(new Lease { LeaseKey = "one" }));
        await _table.PutAsync(Rows.Of(new Lease { LeaseKey = "two" }));
    }

    public async ValueTask DisposeAsync()
    {
        await _table.DisposeAsync();
        await _proxy.DisposeAsync();
    }

    [Fact]
    public async Task It_is_created_with_all_that_it_is_given()
    {
        LeaseWrite.Result result = await CreateAsync();
        Assert.Equal((LeaseWrite.Outcome.Written, null), (result.Outcome, result.Error));
        Assert.Equal(s_child.Inherits, result.Row!.Inherits);
        Dictionary<string, AttributeValue> row = await _table.RowAsync("child");
        Assert.Equal(s_child.Inherits, row["fcI"].SS.Order(StringComparer.Ordinal));
        Assert.Equal(("3", "0123456789abcdef.01234567"), (row["fcV"].N, row["fcL"].S));
        Assert.DoesNotContain("fcS", row.Keys);
        Assert.Equal(1, _proxy.Requests("TransactWriteItems"));
        Assert.True(_store.Use.WriteUnits >= 1);
    }

    [Theory]
    [InlineData("one")]
    [InlineData("two")]
    public async Task It_is_refused_where_a_parent_is_gone(string gone)
    {
        await DeleteAsync(gone);
        LeaseWrite.Result result = await CreateAsync();
        Assert.Equal((LeaseWrite.Outcome.Refused, null, null), (result.Outcome, result.Row, result.Error));
        Assert.Empty(await _table.RowAsync("child"));
    }

    [Fact]
    public async Task It_is_refused_where_the_row_is_there()
    {
        await _table.PutAsync(Rows.Of(s_child with { LeaseOwner = "other", LeaseCounter = 7 }));
        LeaseWrite.Result result = await CreateAsync();
        Assert.Equal((LeaseWrite.Outcome.Refused, null), (result.Outcome, result.Error));
        Assert.True(result.Row is null or { LeaseOwner: "other", LeaseCounter: 7 });
        Assert.Equal("other", (await _table.RowAsync("child"))["leaseOwner"].S);
    }

    [Fact]
    public async Task A_creation_that_is_held_up_does_not_bring_a_row_back()
    {
        _proxy.Break("TransactWriteItems", Fault.LateRequest);
        DynamoDbLeaseStore hasty = _table.Open(static options => options.RequestTimeout = TimeSpan.FromSeconds(1));
        LeaseWrite.Result result = await hasty.CreateWhileThereAsync(s_child, ["one", "two"], Cancellation);
        Assert.Equal(LeaseWrite.Outcome.Unknown, result.Outcome);
        await DeleteAsync("one");
        await _proxy.DeliverLateRequestsAsync();
        Assert.Empty(await _table.RowAsync("child"));
    }

    [Theory]
    [InlineData(Fault.CutAnswer, true)]
    [InlineData(Fault.ErrorAfter, true)]
    [InlineData(Fault.ErrorInstead, true)]
    [InlineData(Fault.Throttled, false)]
    public async Task What_becomes_of_it_is_told_as_of_any_write(Fault fault, bool isInDoubt)
    {
        _proxy.Break("TransactWriteItems", fault);
        LeaseWrite.Result result = await CreateAsync();
        Assert.Equal(isInDoubt ? LeaseWrite.Outcome.Unknown : LeaseWrite.Outcome.NotWritten, result.Outcome);
        LeaseStoreException error = Assert.IsType<LeaseStoreException>(result.Error);
        Assert.Equal((true, fault == Fault.Throttled), (error.IsTransient, error.IsThrottled));
        Assert.Equal(1, _proxy.Requests("TransactWriteItems"));
    }

    [Theory]
    [InlineData("TransactionConflict", false)]
    [InlineData("ProvisionedThroughputExceeded", true)]
    [InlineData("ThrottlingError", true)]
    public async Task A_transaction_that_was_cancelled_for_now_is_tried_again_later(string reason, bool isThrottled)
    {
        _proxy.Answer("TransactWriteItems", (400, Cancelled("None", reason)));
        LeaseWrite.Result result = await CreateAsync();
        Assert.Equal(LeaseWrite.Outcome.NotWritten, result.Outcome);
        LeaseStoreException error = Assert.IsType<LeaseStoreException>(result.Error);
        Assert.Equal((true, isThrottled), (error.IsTransient, error.IsThrottled));
        Assert.Contains(_table.Name, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_parent_that_is_gone_refuses_as_DynamoDB_says_it()
    {
        _proxy.Answer("TransactWriteItems", (400, Cancelled("None", "ConditionalCheckFailed")));
        LeaseWrite.Result result = await CreateAsync();
        Assert.Equal((LeaseWrite.Outcome.Refused, null, null), (result.Outcome, result.Row, result.Error));
    }

    [Fact]
    public async Task A_denial_names_the_actions_of_the_policy()
    {
        _proxy.Answer("TransactWriteItems", (400,
            """{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"User: x is not authorized to perform: dynamodb:ConditionCheckItem"}"""));
        LeaseWrite.Result result = await CreateAsync();
        Assert.Equal(LeaseWrite.Outcome.NotWritten, result.Outcome);
        LeaseStoreException error = Assert.IsType<LeaseStoreException>(result.Error);
        Assert.False(error.IsTransient);
        Assert.Contains("allow dynamodb:ConditionCheckItem and dynamodb:PutItem", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("dynamodb:TransactWriteItems", error.Message, StringComparison.Ordinal);
        Assert.Contains("It says: User: x is not authorized", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_that_is_not_understood_is_no_lack_of_transactions()
    {
        _proxy.Answer("TransactWriteItems", (400, """{"__type":"com.amazon.coral.validate#ValidationException","message":"too long"}"""));
        LeaseWrite.Result result = await CreateAsync();
        Assert.Equal(LeaseWrite.Outcome.NotWritten, result.Outcome);
        Assert.Contains("too long", result.Error!.Message, StringComparison.Ordinal);
    }

    private static string Cancelled(params string[] reasons) => JsonSerializer.Serialize(new Dictionary<string, object>
    {
        ["__type"] = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        ["Message"] = $"Transaction cancelled, please refer cancellation reasons for specific reasons [{string.Join(", ", reasons)}]",
        ["CancellationReasons"] = reasons.Select(static reason => new { Code = reason }),
    });

    private Task<LeaseWrite.Result> CreateAsync() => _store.CreateWhileThereAsync(s_child, ["one", "two"], Cancellation);

    private Task<DeleteItemResponse> DeleteAsync(string key) =>
        _table.Client.DeleteItemAsync(new DeleteItemRequest { TableName = _table.Name, Key = AttributeValues.Key(key) }, Cancellation);
}

/// <summary>A server that knows no transactions.</summary>
public sealed class CreateWhileThereWithoutTransactionsTests(DynaliteServer server) : IClassFixture<DynaliteServer>
{
    [Fact]
    public async Task It_is_said_that_the_server_can_keep_no_state()
    {
        await using var table = new TestTable(server.ServiceUrl);
        DynamoDbLeaseStore store = table.Open();
        await store.PrepareAsync(TestContext.Current.CancellationToken);
        await table.PutAsync(Rows.Of(new Lease { LeaseKey = "one" }));
        NotSupportedException error = await Assert.ThrowsAsync<NotSupportedException>(() =>
            store.CreateWhileThereAsync(new Lease { LeaseKey = "child" }, ["one"], TestContext.Current.CancellationToken));
        Assert.Contains(table.Name, error.Message, StringComparison.Ordinal);
        Assert.Contains("TransactWriteItems", error.Message, StringComparison.Ordinal);
        Assert.Contains("[State]", error.Message, StringComparison.Ordinal);
        Assert.Empty(await table.RowAsync("child"));
    }
}
