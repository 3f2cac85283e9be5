using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using FastConsumer.DynamoDb.Tests.Faults;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Processors;

namespace FastConsumer.DynamoDb.Tests.Positions;

/// <summary>What can become of a transaction between its begin and its end.</summary>
public sealed class TransactionTests(DynoxideServer server) : IClassFixture<DynoxideServer>
{
    private static readonly CheckpointPosition s_position = CheckpointPosition.Parse("100");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ninety_nine_items_are_written_and_the_hundredth_is_refused()
    {
        await using PositionPlace place = await PositionPlace.CreateAsync(server.ServiceUrl);
        (DynamoDbPositionStore store, StoredPosition row) = await place.TakeAsync();
        DynamoDbTransaction transaction = await store.BeginAsync(Cancellation);
        for (int i = 0; i < 99; i++)
        {
            transaction.Add(place.Effect($"{i:D2}"));
        }

        InvalidOperationException refused = Assert.Throws<InvalidOperationException>(() => transaction.Add(place.Effect("99")));
        Assert.True(await store.CommitAsync(transaction, PositionPlace.Key, row, s_position, Cancellation));
        await store.EndAsync(transaction);

        Assert.StartsWith("This is item 100 of the transaction, which takes 99", refused.Message, StringComparison.Ordinal);
        Assert.Equal(99, store.MaxOutputs);
        Assert.Equal(99, transaction.Count);
        Assert.Equal(99, (await place.EffectsAsync()).Length);
    }

    [Fact]
    public async Task A_row_that_is_too_large_is_not_told_of_the_values()
    {
        await using PositionPlace place = await PositionPlace.CreateAsync(server.ServiceUrl);
        (DynamoDbPositionStore store, StoredPosition row) = await place.TakeAsync();
        DynamoDbTransaction transaction = await store.BeginAsync(Cancellation);
        transaction.Add(place.Effect("one"));
        StoredPosition large = row with { Number = row.Number + 1, Position = s_position, Runs = new string('1', 400 * 1024) };

        DynamoDbPositionException refused = await Assert.ThrowsAsync<DynamoDbPositionException>(
            () => store.CommitAsync(transaction, PositionPlace.Key, row, large, Cancellation));
        await store.EndAsync(transaction);

        Assert.False(refused.IsTransient);
        Assert.True(((IUnrepeatable)refused).IsUnrepeatable);
        Assert.Contains("409600 bytes of runs", refused.Message, StringComparison.Ordinal);
        Assert.Empty(await place.EffectsAsync());
        Assert.Equal(row, await store.ReadAsync(PositionPlace.Key, Cancellation));
    }

    [Fact]
    public async Task A_transaction_that_is_over_takes_nothing()
    {
        await using PositionPlace place = await PositionPlace.CreateAsync(server.ServiceUrl);
        (DynamoDbPositionStore store, StoredPosition row) = await place.TakeAsync();
        DynamoDbTransaction committed = await store.BeginAsync(Cancellation);
        Assert.True(await store.CommitAsync(committed, PositionPlace.Key, row, s_position, Cancellation));
        DynamoDbTransaction ended = await store.BeginAsync(Cancellation);
        await store.EndAsync(ended);

        foreach (DynamoDbTransaction transaction in new[] { committed, ended })
        {
            Assert.Throws<InvalidOperationException>(() => transaction.Add(place.Effect("late")));
            await Assert.ThrowsAsync<InvalidOperationException>(
                () => store.CommitAsync(transaction, PositionPlace.Key, row, s_position, Cancellation));
        }

        Assert.Throws<ArgumentException>(() => ended.Add(new TransactWriteItem()));
        await Assert.ThrowsAsync<ArgumentException>(async () => await place.Make().EndAsync(ended));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task A_refused_item_is_told_by_its_index(int index)
    {
        await using PositionPlace place = await PositionPlace.CreateAsync(server.ServiceUrl);
        (DynamoDbPositionStore store, StoredPosition row) = await place.TakeAsync();
        Assert.True(await CommitAsync(store, row, place.Effect("there")));
        row = (await store.ReadAsync(PositionPlace.Key, Cancellation))!;
        TransactWriteItem[] items = [.. Enumerable.Range(0, 4).Select(i => place.Effect(i == index ? "there" : $"{i}"))];

        RejectedOutputException refused = await Assert.ThrowsAsync<RejectedOutputException>(() => CommitAsync(store, row, items));

        Assert.Equal(index, refused.Index);
        Assert.Contains($"item {index + 1} of 4", refused.Message, StringComparison.Ordinal);
        Assert.Contains($"Put on table '{place.Effects}': ConditionalCheckFailed: ", refused.Message, StringComparison.Ordinal);
        Assert.Equal(["there"], await place.EffectsAsync());
        Assert.Equal(row, await store.ReadAsync(PositionPlace.Key, Cancellation));
    }

    [Fact]
    public async Task The_position_wins_over_a_refused_item()
    {
        await using PositionPlace place = await PositionPlace.CreateAsync(server.ServiceUrl);
        (DynamoDbPositionStore store, StoredPosition row) = await place.TakeAsync();
        Assert.True(await CommitAsync(store, row, place.Effect("there")));

        Assert.False(await CommitAsync(store, row, place.Effect("there")));
    }

    /// <summary>DynamoDB need not tell all reasons.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_item_is_refused_only_where_the_row_is_as_it_was(bool isMine)
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using PositionPlace place = await PositionPlace.CreateAsync(proxy.ServiceUrl);
        (DynamoDbPositionStore store, StoredPosition row) = await place.TakeAsync();
        if (!isMine)
        {
            await store.SetEpochAsync(PositionPlace.Key, 4, Cancellation);
        }

        proxy.Answer("TransactWriteItems", Cancelled("ConditionalCheckFailed", "None"));
        if (isMine)
        {
            Assert.Equal(0, (await Assert.ThrowsAsync<RejectedOutputException>(() => CommitAsync(store, row, place.Effect("a")))).Index);
        }
        else
        {
            Assert.False(await CommitAsync(store, row, place.Effect("a")));
        }
    }

    [Theory]
    [InlineData("TransactionConflict", "None")]
    [InlineData("None", "TransactionConflict")]
    [InlineData("ThrottlingError", "None")]
    [InlineData("ProvisionedThroughputExceeded", "None")]
    [InlineData("ConditionalCheckFailed", "TransactionConflict")]
    public async Task What_passes_is_transient(string item, string position)
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using PositionPlace place = await PositionPlace.CreateAsync(proxy.ServiceUrl);
        (DynamoDbPositionStore store, StoredPosition row) = await place.TakeAsync();
        proxy.Answer("TransactWriteItems", Cancelled(item, position));

        DynamoDbPositionException failure =
            await Assert.ThrowsAsync<DynamoDbPositionException>(() => CommitAsync(store, row, place.Effect("a")));

        Assert.True(failure.IsTransient);
        Assert.Contains(item == "None" ? position : item, failure.Message, StringComparison.Ordinal);
        Assert.True(await CommitAsync(store, row, place.Effect("a")));
    }

    [Fact]
    public async Task A_transaction_that_is_refused_as_a_whole_names_no_item()
    {
        await using PositionPlace place = await PositionPlace.CreateAsync(server.ServiceUrl);
        (DynamoDbPositionStore store, StoredPosition row) = await place.TakeAsync();

        RejectedOutputException refused = await Assert.ThrowsAsync<RejectedOutputException>(
            () => CommitAsync(store, row, place.Effect("twice"), place.Effect("twice")));

        Assert.Null(refused.Index);
        Assert.Contains($"'{place.Effects}'", refused.Message, StringComparison.Ordinal);
        Assert.Empty(await place.EffectsAsync());
        Assert.Equal(row, await store.ReadAsync(PositionPlace.Key, Cancellation));
    }

    [Fact]
    public async Task An_item_that_is_too_large_is_refused()
    {
        await using PositionPlace place = await PositionPlace.CreateAsync(server.ServiceUrl);
        (DynamoDbPositionStore store, StoredPosition row) = await place.TakeAsync();
        TransactWriteItem large = place.Effect("large");
        large.Put.Item["content"] = new AttributeValue(new string('x', 410_000));

        RejectedOutputException refused =
            await Assert.ThrowsAsync<RejectedOutputException>(() => CommitAsync(store, row, place.Effect("small"), large));

        Assert.True(refused.Index is null or 1, refused.Message);
        Assert.Empty(await place.EffectsAsync());
    }

    /// <summary>The SDK repeats it with the token of the first try.</summary>
    [Theory]
    [InlineData(Fault.CutAnswer)]
    [InlineData(Fault.ErrorAfter)]
    [InlineData(Fault.SentTwice)]
    public async Task A_lost_answer_is_given_again_to_the_client(Fault fault)
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using PositionPlace place = await PositionPlace.CreateAsync(proxy.ServiceUrl);
        (DynamoDbPositionStore store, StoredPosition row) = await place.TakeAsync();
        proxy.Break("TransactWriteItems", fault);

        Assert.True(await CommitAsync(store, row, place.Effect("a")));

        Assert.Contains("\"ClientRequestToken\":\"", proxy.LastRequest("TransactWriteItems"), StringComparison.Ordinal);
        Assert.Equal(["a"], await place.EffectsAsync());
        Assert.Equal(row with { Number = 1, Position = s_position }, await store.ReadAsync(PositionPlace.Key, Cancellation));
    }

    [Fact]
    public async Task A_commit_that_lands_without_an_answer_shows_in_the_row()
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using PositionPlace place = await PositionPlace.CreateAsync(proxy.ServiceUrl);
        DynamoDbPositionStore store = await place.PrepareAsync();
        using var once = new AmazonDynamoDBClient(
            new Amazon.Runtime.BasicAWSCredentials("test", "test"),
            new AmazonDynamoDBConfig
            {
                ServiceURL = proxy.ServiceUrl,
                AuthenticationRegion = "us-east-1",
                MaxErrorRetry = 0,
                MaxStaleConnectionRetries = 0,
            });
        DynamoDbPositionStore hasty = place.Make(client: once);
        StoredPosition row = await hasty.SetEpochAsync(PositionPlace.Key, 3, Cancellation);
        proxy.Break("TransactWriteItems", Fault.CutAnswer);

        DynamoDbPositionException failure =
            await Assert.ThrowsAsync<DynamoDbPositionException>(() => CommitAsync(hasty, row, place.Effect("a")));

        Assert.True(failure.IsTransient);
        Assert.Equal(row with { Number = 1, Position = s_position }, await hasty.ReadAsync(PositionPlace.Key, Cancellation));
        Assert.False(await CommitAsync(hasty, row, place.Effect("a")));
        Assert.Equal(["a"], await place.EffectsAsync());
    }

    [Fact]
    public async Task An_operators_write_whose_answer_is_lost_is_one()
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using PositionPlace place = await PositionPlace.CreateAsync(proxy.ServiceUrl);
        DynamoDbPositionStore store = await place.PrepareAsync();
        proxy.Break("UpdateItem", Fault.CutAnswer);

        Assert.True(await store.SetAsync(PositionPlace.Key, null, new StoredPosition(3, 1, s_position), Cancellation));
    }

    [Fact]
    public async Task An_update_waits_for_a_transaction_on_the_row()
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using PositionPlace place = await PositionPlace.CreateAsync(proxy.ServiceUrl);
        DynamoDbPositionStore store = await place.PrepareAsync();
        (int, string) busy = (400, """{"__type":"com.amazonaws.dynamodb.v20120810#TransactionConflictException","message":"busy"}""");
        proxy.Answer("UpdateItem", busy, busy);

        Assert.Equal(new StoredPosition(3, 0, null), await store.SetEpochAsync(PositionPlace.Key, 3, Cancellation));
    }

    [Fact]
    public async Task Of_two_owners_each_value_is_written_by_one()
    {
        await using PositionPlace place = await PositionPlace.CreateAsync(server.ServiceUrl);
        DynamoDbPositionStore store = await place.PrepareAsync();
        for (int round = 0; round < 10; round++)
        {
            StoredPosition former = await store.SetEpochAsync(PositionPlace.Key, (round * 2) + 1, Cancellation);
            Task<bool> first = CommitAsync(store, former, place.Effect($"{round}"));
            StoredPosition row = await store.SetEpochAsync(PositionPlace.Key, (round * 2) + 2, Cancellation);
            bool isWritten = row.Number > former.Number;

            // what the row has is left out
            bool second = !isWritten && await CommitAsync(store, row, place.Effect($"{round}"));
            Assert.Equal(isWritten, await first);
            Assert.Equal(!isWritten, second);
        }

        Assert.Equal(10, (await place.EffectsAsync()).Length);
    }

    [Theory]
    [InlineData("epoch", "N", "1.5", "its epoch is 1.5, which is no whole number")]
    [InlineData("number", "S", "five", "its number is five, which is no whole number")]
    [InlineData("sequence_number", "S", "abc", "its sequence_number is 'abc' and its sub_sequence_number is 0: ")]
    [InlineData("runs", "N", "7", "its runs is 7, which is no string")]
    public async Task A_row_that_nobody_can_parse_is_told(string attribute, string type, string value, string expected)
    {
        await using PositionPlace place = await PositionPlace.CreateAsync(server.ServiceUrl);
        DynamoDbPositionStore store = await place.PrepareAsync();
        await store.SetEpochAsync(PositionPlace.Key, 3, Cancellation);
        await place.SpoilAsync(attribute, type == "N" ? new AttributeValue { N = value } : new AttributeValue { S = value });

        foreach (Func<Task> read in new Func<Task>[]
        {
            () => store.ReadAsync(PositionPlace.Key, Cancellation),
            () => store.ListAsync(PositionPlace.Key.Application, PositionPlace.Key.StreamArn, Cancellation),
        })
        {
            DynamoDbPositionException failure = await Assert.ThrowsAsync<DynamoDbPositionException>(read);
            Assert.False(failure.IsTransient);
            Assert.Contains(
                $"the row of {PositionPlace.Key.ShardId} cannot be read: {expected}", failure.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>A page has at most 1 MB.</summary>
    [Fact]
    public async Task All_pages_are_listed()
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using PositionPlace place = await PositionPlace.CreateAsync(proxy.ServiceUrl);
        DynamoDbPositionStore store = await place.PrepareAsync();
        for (int i = 0; i < 8; i++)
        {
            await store.SetAsync(
                PositionPlace.Key with { ShardId = $"shard-{i}" },
                null,
                new StoredPosition(1, 1, s_position) { Runs = new string('7', 300_000) },
                Cancellation);
        }

        Assert.Equal(8, (await store.ListAsync(PositionPlace.Key.Application, PositionPlace.Key.StreamArn, Cancellation)).Count);
        Assert.True(proxy.Requests("Query") > 1);
    }

    private static async Task<bool> CommitAsync(DynamoDbPositionStore store, StoredPosition former, params TransactWriteItem[] items)
    {
        DynamoDbTransaction transaction = await store.BeginAsync(Cancellation);
        try
        {
            foreach (TransactWriteItem item in items)
            {
                transaction.Add(item);
            }

            return await store.CommitAsync(transaction, PositionPlace.Key, former, s_position, Cancellation);
        }
        finally
        {
            await store.EndAsync(transaction);
        }
    }

    private static (int, string) Cancelled(params string[] codes)
    {
        string reasons = string.Join(',', codes.Select(static code => $$"""{"Code":"{{code}}","Message":"said so"}"""));
        return (
            400,
            """{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"cancelled","CancellationReasons":["""
                + reasons + "]}");
    }
}
