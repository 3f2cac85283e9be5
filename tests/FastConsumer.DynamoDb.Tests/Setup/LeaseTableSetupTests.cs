using System.Net;
using System.Net.Sockets;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using FastConsumer.DynamoDb.Tests.Faults;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb.Tests.Setup;

public sealed class LeaseTableSetupTests(DynoxideServer server) : IClassFixture<DynoxideServer>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_missing_table_is_created_as_the_options_say()
    {
        await using var table = new TestTable(server.ServiceUrl);
        DynamoDbLeaseStore store = table.Open(static options => options.Tags["team"] = "billing");

        await store.PrepareAsync(Cancellation);

        TableDescription created = (await table.Client.DescribeTableAsync(table.Name, Cancellation)).Table;
        Assert.Equal(TableStatus.ACTIVE, created.TableStatus);
        Assert.Equal("leaseKey", Assert.Single(created.KeySchema).AttributeName);
        Assert.Equal(BillingMode.PAY_PER_REQUEST, created.BillingModeSummary.BillingMode);
        ListTagsOfResourceResponse tags = await table.Client.ListTagsOfResourceAsync(
            new ListTagsOfResourceRequest { ResourceArn = created.TableArn }, Cancellation);
        Assert.Equal("billing", Assert.Single(tags.Tags, static tag => tag.Key == "team").Value);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_created_table_is_protected_against_deletion_where_the_options_say_so(bool isProtected)
    {
        await using var table = new TestTable(server.ServiceUrl);
        await table.Open(options => options.DeletionProtection = isProtected).PrepareAsync(Cancellation);

        TableDescription created = (await table.Client.DescribeTableAsync(table.Name, Cancellation)).Table;
        Assert.Equal(isProtected, created.DeletionProtectionEnabled ?? false);

        // so that the test can clean up
        await table.Client.UpdateTableAsync(
            new UpdateTableRequest { TableName = table.Name, DeletionProtectionEnabled = false }, Cancellation);
    }

    [Theory]
    [InlineData("DISABLED", 1)]
    [InlineData("ENABLED", 0)]
    public async Task Point_in_time_recovery_is_switched_on_where_it_is_off(string status, int expectedUpdates)
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using var table = new TestTable(proxy.ServiceUrl);
        // dynoxide has no backups
        proxy.Answer("DescribeContinuousBackups", (200, Backups(status)));
        proxy.Answer("UpdateContinuousBackups", (200, Backups("ENABLED")));

        await table.Open(static options => options.PointInTimeRecovery = true).PrepareAsync(Cancellation);

        Assert.Equal(expectedUpdates, proxy.Requests("UpdateContinuousBackups"));

        await table.Open(static options =>
        {
            options.PointInTimeRecovery = true;
            options.TableMode = LeaseTableMode.Require;
        }).PrepareAsync(Cancellation);
        await table.Open().PrepareAsync(Cancellation);
        Assert.Equal(1, proxy.Requests("DescribeContinuousBackups"));
    }

    [Fact]
    public async Task Backups_that_are_not_available_yet_are_waited_for()
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using var table = new TestTable(proxy.ServiceUrl);
        proxy.Answer("DescribeContinuousBackups", (200, Backups("DISABLED")), (200, Backups("DISABLED")));
        proxy.Answer(
            "UpdateContinuousBackups",
            (400, """{"__type":"com.amazonaws.dynamodb.v20120810#ContinuousBackupsUnavailableException","message":"being enabled"}"""),
            (200, Backups("ENABLED")));

        await table.Open(static options => options.PointInTimeRecovery = true).PrepareAsync(Cancellation);

        Assert.Equal(2, proxy.Requests("UpdateContinuousBackups"));
    }

    [Fact]
    public async Task A_table_is_waited_for_until_it_is_active()
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using var table = new TestTable(proxy.ServiceUrl);
        await table.Open().PrepareAsync(Cancellation);
        int before = proxy.Requests("DescribeTable");
        proxy.Answer(
            "DescribeTable",
            (200, """{"Table":{"TableStatus":"CREATING"}}"""),
            (400, """{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"not yet"}"""));

        await table.Open().PrepareAsync(Cancellation);

        Assert.Equal(before + 3, proxy.Requests("DescribeTable"));
    }

    [Theory]
    [InlineData("DELETING", true)]
    [InlineData("INACCESSIBLE_ENCRYPTION_CREDENTIALS", false)]
    public async Task A_table_that_will_not_be_active_is_an_error(string status, bool transient)
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using var table = new TestTable(proxy.ServiceUrl);
        proxy.Answer("DescribeTable", (200, $$$"""{"Table":{"TableStatus":"{{{status}}}"}}"""));

        LeaseStoreException exception = await Assert.ThrowsAsync<LeaseStoreException>(() => table.Open().PrepareAsync(Cancellation));

        Assert.Equal(transient, exception.IsTransient);
        AssertSays(exception, table.Name, status);
    }

    [Theory]
    [InlineData("InvalidSignatureException", false, "signature")]
    [InlineData("UnrecognizedClientException", false, "access key")]
    [InlineData("ExpiredTokenException", true, "expired")]
    public async Task Credentials_that_do_not_do_are_explained(string code, bool transient, string expected)
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using var table = new TestTable(proxy.ServiceUrl);
        (int, string) answer = (400, $$"""{"__type":"com.amazon.coral.service#{{code}}","message":"x-amz-security-token:SECRET"}""");
        proxy.Answer("DescribeTable", answer, answer, answer, answer);

        LeaseStoreException exception = await Assert.ThrowsAsync<LeaseStoreException>(() => table.Open().PrepareAsync(Cancellation));

        Assert.Equal(transient, exception.IsTransient);
        AssertSays(exception, table.Name, expected, "DescribeTable");
        Assert.DoesNotContain("SECRET", exception.Message, StringComparison.Ordinal);
        if (code == "InvalidSignatureException")
        {
            Assert.Null(exception.InnerException);
        }
    }

    [Fact]
    public async Task Several_workers_may_create_it_at_once()
    {
        await using var table = new TestTable(server.ServiceUrl);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => table.Open().PrepareAsync(Cancellation)));

        Assert.Empty(await table.Open().ListAsync(Cancellation));
    }

    [Fact]
    public async Task A_lost_answer_of_the_creation_does_no_harm()
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using var table = new TestTable(proxy.ServiceUrl);
        proxy.Break("CreateTable", Fault.CutAnswer);

        await table.Open().PrepareAsync(Cancellation);

        Assert.Empty(await table.Open().ListAsync(Cancellation));
    }

    [Fact]
    public async Task A_required_table_that_is_missing_is_named()
    {
        await using var table = new TestTable(server.ServiceUrl);
        DynamoDbLeaseStore store = table.Open(static options => options.TableMode = LeaseTableMode.Require);

        LeaseStoreException exception = await Assert.ThrowsAsync<LeaseStoreException>(() => store.PrepareAsync(Cancellation));

        Assert.False(exception.IsTransient);
        AssertSays(exception, table.Name, "does not exist", "TableMode", "leaseKey (S)", server.ServiceUrl);
    }

    [Fact]
    public async Task A_required_table_that_is_there_will_do()
    {
        await using var table = new TestTable(server.ServiceUrl);
        await table.Open().PrepareAsync(Cancellation);

        await table.Open(static options => options.TableMode = LeaseTableMode.Require).PrepareAsync(Cancellation);
    }

    [Theory]
    [InlineData("id", "S", null, "id (HASH, S)")]
    [InlineData("leaseKey", "N", null, "leaseKey (HASH, N)")]
    [InlineData("leaseKey", "S", "range", "leaseKey (HASH, S), range (RANGE, S)")]
    public async Task A_table_of_another_shape_is_refused(string hash, string type, string? range, string found)
    {
        await using var table = new TestTable(server.ServiceUrl);
        var request = new CreateTableRequest
        {
            TableName = table.Name,
            BillingMode = BillingMode.PAY_PER_REQUEST,
            KeySchema = [new(hash, KeyType.HASH)],
            AttributeDefinitions = [new(hash, type)],
        };
        if (range is not null)
        {
            request.KeySchema.Add(new(range, KeyType.RANGE));
            request.AttributeDefinitions.Add(new(range, ScalarAttributeType.S));
        }

        await table.Client.CreateTableAsync(request, Cancellation);

        LeaseStoreException exception = await Assert.ThrowsAsync<LeaseStoreException>(() => table.Open().PrepareAsync(Cancellation));

        Assert.False(exception.IsTransient);
        AssertSays(
            exception, table.Name, $"its key is {found}", "leaseKey (HASH, S) alone is expected", "another application name", "TableName");
    }

    [Fact]
    public async Task An_endpoint_that_is_not_there_is_named()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        await using var table = new TestTable(server.ServiceUrl);
        DynamoDbLeaseStore store = table.Open(options => options.ServiceUrl = $"http://127.0.0.1:{port}");

        LeaseStoreException exception = await Assert.ThrowsAsync<LeaseStoreException>(() => store.PrepareAsync(Cancellation));

        Assert.True(exception.IsTransient);
        AssertSays(exception, table.Name, $"http://127.0.0.1:{port}", "cannot be reached", "AWS_ENDPOINT_URL_DYNAMODB");
    }

    [Fact]
    public async Task A_table_that_was_deleted_is_named()
    {
        await using var table = new TestTable(server.ServiceUrl);
        DynamoDbLeaseStore store = table.Open();

        LeaseStoreException exception = await Assert.ThrowsAsync<LeaseStoreException>(() => store.ListAsync(Cancellation));

        Assert.False(exception.IsTransient);
        AssertSays(exception, table.Name, "does not exist", "Scan");
    }

    [Theory]
    [InlineData("DescribeTable")]
    [InlineData("CreateTable")]
    [InlineData("Scan")]
    [InlineData("GetItem")]
    [InlineData("PutItem")]
    [InlineData("UpdateItem")]
    [InlineData("DeleteItem")]
    [InlineData("DescribeContinuousBackups")]
    public async Task What_is_denied_is_named(string action)
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using var table = new TestTable(proxy.ServiceUrl);
        DynamoDbLeaseStore store = table.Open(options => options.PointInTimeRecovery = action == "DescribeContinuousBackups");
        proxy.Break(action, Fault.Denied);
        Lease lease = new() { LeaseKey = "shard", LeaseOwner = "me" };

        LeaseStoreException exception = await Assert.ThrowsAsync<LeaseStoreException>(async () =>
        {
            await store.PrepareAsync(Cancellation);
            await store.ListAsync(Cancellation);
            await store.GetAsync("shard", Cancellation);
            await store.TryCreateAsync(lease, Cancellation);
            await store.TakeAsync(lease, "other", Cancellation);
            await store.TryDeleteAsync(lease, Cancellation);
        });

        Assert.False(exception.IsTransient);
        AssertSays(exception, $"dynamodb:{action} ", table.Name, "user/test");
    }

    [Fact]
    public async Task Throttling_is_said_and_passes()
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using var table = new TestTable(proxy.ServiceUrl);
        DynamoDbLeaseStore store = table.Open();
        await store.PrepareAsync(Cancellation);
        proxy.Break("PutItem", Fault.Throttled);

        LeaseStoreException exception = await Assert.ThrowsAsync<LeaseStoreException>(
            () => store.TryCreateAsync(new Lease { LeaseKey = "shard" }, Cancellation));

        Assert.True(exception.IsTransient);
        AssertSays(exception, "throttled PutItem", table.Name, "capacity");
    }

    [Fact]
    public void Without_a_region_there_is_no_connection()
    {
        LeaseStoreException exception = Assert.Throws<LeaseStoreException>(
            () => new DynamoDbConnection(new DynamoDbLeaseOptions { Region = "no region" }));

        Assert.False(exception.IsTransient);
        AssertSays(exception, "Set the region", "AWS_REGION", "AWS_ENDPOINT_URL_DYNAMODB");
    }

    [Fact]
    public async Task A_profile_that_is_not_there_is_named()
    {
        await using var table = new TestTable(server.ServiceUrl);
        DynamoDbLeaseStore store = table.Open(static options =>
        {
            options.Credentials = null;
            options.Profile = "no-such-profile";
        });

        LeaseStoreException exception = await Assert.ThrowsAsync<LeaseStoreException>(() => store.PrepareAsync(Cancellation));

        Assert.False(exception.IsTransient);
        AssertSays(exception, table.Name, "no-such-profile", "credentials");
    }

    private static string Backups(string status) =>
        """{"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED","PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"?"}}}"""
            .Replace("?", status, StringComparison.Ordinal);

    private static void AssertSays(LeaseStoreException exception, params string[] parts) =>
        Assert.All(parts, part => Assert.Contains(part, exception.Message, StringComparison.Ordinal));
}
