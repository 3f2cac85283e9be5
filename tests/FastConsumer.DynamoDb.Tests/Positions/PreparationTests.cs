using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using FastConsumer.DynamoDb.Tests.Faults;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.DynamoDb.Tests.Positions;

/// <summary>What a start finds.</summary>
public sealed class PreparationTests(DynoxideServer server) : IClassFixture<DynoxideServer>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_missing_table_is_created_where_it_may_be()
    {
        await using PositionPlace place = await PositionPlace.CreateAsync(server.ServiceUrl);
        await RequireAsync(
            () => place.Make(createTable: false).PrepareAsync(Cancellation),
            $"DynamoDB table '{place.Table}' at {server.ServiceUrl}",
            "the table is not there",
            "DynamoDbPositionOptions.CreateTable",
            "the partition key stream (S) and the sort key shard (S)");

        await place.Make().PrepareAsync(Cancellation);
        await place.Make(createTable: false).PrepareAsync(Cancellation);

        TableDescription table = (await place.Client.DescribeTableAsync(place.Table, Cancellation)).Table;
        Assert.Equal(BillingMode.PAY_PER_REQUEST, table.BillingModeSummary.BillingMode);
    }

    [Fact]
    public async Task A_table_of_another_key_is_refused()
    {
        await using PositionPlace place = await PositionPlace.CreateAsync(server.ServiceUrl);
        var store = new DynamoDbPositionStore(place.Client, new DynamoDbPositionOptions { TableName = place.Effects });

        await RequireAsync(
            () => store.PrepareAsync(Cancellation),
            "its key is effect (HASH, S)",
            "DynamoDbPositionOptions.TableName");
    }

    [Fact]
    public async Task A_table_that_is_being_created_is_waited_for()
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using PositionPlace place = await PositionPlace.CreateAsync(proxy.ServiceUrl);
        await place.PrepareAsync();
        int before = proxy.Requests("DescribeTable");
        proxy.Answer("DescribeTable", (200, """{"Table":{"TableStatus":"CREATING"}}"""));

        await place.Make().PrepareAsync(Cancellation);

        Assert.Equal(before + 2, proxy.Requests("DescribeTable"));
    }

    [Fact]
    public async Task A_table_that_is_being_deleted_is_refused_for_now()
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using PositionPlace place = await PositionPlace.CreateAsync(proxy.ServiceUrl);
        proxy.Answer("DescribeTable", (200, """{"Table":{"TableStatus":"DELETING"}}"""));

        DynamoDbPositionException failure =
            await Assert.ThrowsAsync<DynamoDbPositionException>(() => place.Make().PrepareAsync(Cancellation));

        Assert.True(failure.IsTransient);
        Assert.Contains("the table is DELETING", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("DescribeTable")]
    [InlineData("CreateTable")]
    [InlineData("GetItem")]
    [InlineData("Query")]
    [InlineData("UpdateItem")]
    public async Task What_is_denied_is_named(string action)
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using PositionPlace place = await PositionPlace.CreateAsync(proxy.ServiceUrl);
        DynamoDbPositionStore store = place.Make();
        proxy.Break(action, Fault.Denied);

        await RequireAsync(
            async () =>
            {
                await store.PrepareAsync(Cancellation);
                await store.ReadAsync(PositionPlace.Key, Cancellation);
                await store.ListAsync("a", "b", Cancellation);
                await store.SetEpochAsync(PositionPlace.Key, 1, Cancellation);
            },
            $"DynamoDB denies dynamodb:{action}.",
            "user/test");
    }

    [Fact]
    public async Task A_transaction_that_is_denied_names_the_actions_of_its_parts()
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using PositionPlace place = await PositionPlace.CreateAsync(proxy.ServiceUrl);
        (DynamoDbPositionStore store, StoredPosition row) = await place.TakeAsync();
        proxy.Break("TransactWriteItems", Fault.Denied);
        DynamoDbTransaction transaction = await store.BeginAsync(Cancellation);
        transaction.Add(place.Effect("a"));

        await RequireAsync(
            () => store.CommitAsync(transaction, PositionPlace.Key, row, CheckpointPosition.Parse("1"), Cancellation),
            $"Allow dynamodb:UpdateItem on this table, and on its others dynamodb:PutItem on '{place.Effects}'");
    }

    [Fact]
    public void A_wrong_option_is_told()
    {
        using var client = new AmazonDynamoDBClient(
            new Amazon.Runtime.BasicAWSCredentials("test", "test"), new AmazonDynamoDBConfig { ServiceURL = server.ServiceUrl });
        ArgumentException failure = Assert.Throws<ArgumentException>(
            () => new DynamoDbPositionStore(client, new DynamoDbPositionOptions { TableName = "a b" }));

        Assert.StartsWith("TableName: 'a b' is not a table", failure.Message, StringComparison.Ordinal);
    }

    private static async Task RequireAsync(Func<Task> call, params string[] parts)
    {
        DynamoDbPositionException failure = await Assert.ThrowsAsync<DynamoDbPositionException>(call);

        Assert.False(failure.IsTransient);
        Assert.All(parts, part => Assert.Contains(part, failure.Message, StringComparison.Ordinal));
    }
}
