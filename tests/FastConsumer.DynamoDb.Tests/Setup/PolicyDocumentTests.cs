using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FastConsumer.DynamoDb.Tests.Faults;
using FastConsumer.DynamoDb.Tests.Positions;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb.Tests.Setup;

/// <summary>docs/iam.md: policies that can be pasted, and that allow what is asked.</summary>
public sealed partial class PolicyDocumentTests(DynoxideServer server) : IClassFixture<DynoxideServer>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void Every_policy_is_one()
    {
        Assert.Equal(8, Policies().Count);
        foreach (JsonNode policy in Policies())
        {
            Assert.Equal("2012-10-17", policy["Version"]!.GetValue<string>());
            foreach (JsonNode? statement in policy["Statement"]!.AsArray())
            {
                Assert.Equal("Allow", statement!["Effect"]!.GetValue<string>());
                Assert.All(Actions(statement), static action => Assert.Matches("^(kinesis|kms|dynamodb):[A-Z][A-Za-z]+$", action));
                Assert.NotNull(statement["Resource"]);
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_the_store_asks_for_is_allowed(bool batches)
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using var table = new TestTable(proxy.ServiceUrl);
        DynamoDbLeaseStore store = table.Open(options => options.BatchWrites = batches);
        await store.PrepareAsync(Cancellation);
        Lease[] leases = [new() { LeaseKey = "a", LeaseOwner = "me" }, new() { LeaseKey = "b", LeaseOwner = "me" }];
        foreach (Lease lease in leases)
        {
            await store.TryCreateAsync(lease, Cancellation);
        }

        await store.UpdateAsync([.. leases.Select(static lease => new LeaseUpdate(lease))], Cancellation);
        // refused, and so read back
        await store.UpdateAsync([.. leases.Select(static lease => new LeaseUpdate(lease with { LeaseOwner = "other" }))], Cancellation);
        await store.UpdateChildrenAsync("a", ["c"], Cancellation);
        Lease mine = (await store.GetAsync("a", Cancellation))!;
        mine = (await store.TakeAsync(mine, "you", Cancellation)).Lease!;
        Assert.Equal(2, (await store.GetManyAsync(["a", "b"], ReadConsistency.Eventual, Cancellation)).Count);
        mine = (await store.RequestAsync(mine, "next", Cancellation)).Lease!;
        Assert.True(await store.RingAsync("a", "you", "next/1", Cancellation));
        mine = (await store.ReleaseAsync(mine, Cancellation)).Lease!;
        await store.TryDeleteAsync(mine, Cancellation);
        await store.ListAsync(Cancellation);
        await store.DescribeThroughputAsync(Cancellation);

        string sid = batches ? "KeepLeases" : "KeepLeasesOneByOne";
        HashSet<string> allowed = [.. Policies()
            .SelectMany(static policy => policy["Statement"]!.AsArray())
            .Where(statement => statement!["Sid"]!.GetValue<string>() == sid)
            .SelectMany(static statement => Actions(statement!))];
        HashSet<string> asked = [.. proxy.Operations
            .Except(["CreateTable"])
            .Select(static operation => $"dynamodb:{(operation == "BatchExecuteStatement" ? "PartiQLUpdate" : operation)}")];
        Assert.Equal(allowed.Order(), asked.Order());
    }

    [Fact]
    public async Task What_state_asks_for_is_allowed_besides()
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using var table = new TestTable(proxy.ServiceUrl);
        DynamoDbLeaseStore store = table.Open();
        await store.PrepareAsync(Cancellation);
        IReadOnlyCollection<string> before = proxy.Operations;
        await store.CreateWhileThereAsync(new Lease { LeaseKey = "c" }, ["p"], Cancellation);
        // a transaction is allowed by the actions of its parts: a Put and a ConditionCheck
        Assert.Equal(["TransactWriteItems"], proxy.Operations.Except(before));
        HashSet<string> allowed = [.. Policies()
            .SelectMany(static policy => policy["Statement"]!.AsArray())
            .Where(static statement => statement!["Sid"]!.GetValue<string>() == "KeepState")
            .SelectMany(static statement => Actions(statement!))];
        Assert.Equal(["dynamodb:ConditionCheckItem"], allowed);
    }

    [Fact]
    public async Task What_positions_ask_for_is_allowed()
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using PositionPlace place = await PositionPlace.CreateAsync(proxy.ServiceUrl);
        IReadOnlyCollection<string> before = [.. proxy.Operations.Except(["CreateTable"])];
        DynamoDbPositionStore store = await place.PrepareAsync();
        StoredPosition row = await store.SetEpochAsync(PositionPlace.Key, 1, Cancellation);
        await store.ReadAsync(PositionPlace.Key, Cancellation);
        await store.ListAsync("a", "b", Cancellation);
        DynamoDbTransaction transaction = await store.BeginAsync(Cancellation);
        transaction.Add(place.Effect("a"));
        Assert.True(await store.CommitAsync(transaction, PositionPlace.Key, row, CheckpointPosition.Parse("1"), Cancellation));

        // a transaction is allowed by the actions of its parts
        string[] asked = [.. proxy.Operations.Except(before).Except(["TransactWriteItems"]).Select(static name => $"dynamodb:{name}")];
        string[] allowed = [.. Policies()
            .SelectMany(static policy => policy["Statement"]!.AsArray())
            .Where(static statement => statement!["Sid"]!.GetValue<string>() is "KeepPositions" or "CreatePositionTable")
            .SelectMany(static statement => Actions(statement!))];
        Assert.Equal(allowed.Order(), asked.Order());
    }

    private static IReadOnlyList<JsonNode> Policies()
    {
        string tests = typeof(PolicyDocumentTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(static metadata => metadata.Key == "ProjectDirectory").Value!;
        string text = File.ReadAllText(Path.Combine(tests, "..", "..", "docs", "iam.md"));
        return [.. JsonBlock().Matches(text).Select(static match => JsonNode.Parse(match.Groups["json"].Value)!)];
    }

    private static IEnumerable<string> Actions(JsonNode statement) =>
        statement["Action"] is JsonArray several
            ? several.Select(static action => action!.GetValue<string>())
            : [statement["Action"]!.GetValue<string>()];

    [GeneratedRegex("```json\n(?<json>.*?)```", RegexOptions.Singleline)]
    private static partial Regex JsonBlock();
}
