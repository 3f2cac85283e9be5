using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Cli.Tests.Fleets;

/// <summary>The tool where something is wrong: it names the thing and the remedy, and changes nothing.</summary>
public sealed class TroubleTests(DynoxideServer dynamo) : FleetTest(dynamo)
{
    [Fact]
    public async Task The_doctor_tells_what_works_and_writes_nothing()
    {
        Kinesis.CreateStream(Stream, 2);
        await StartWorkerAsync("worker-1");
        await HandledAsync(Put(5));
        ToolRun healthy = await RunAsync("doctor", "--json");
        Assert.True(healthy.ExitCode == 0, $"{healthy.Output}\n{healthy.Errors}");
        Dictionary<string, string> results = healthy.Items.ToDictionary(
            static item => item.GetProperty("check").GetString()!, static item => item.GetProperty("result").GetString()!);
        Assert.All(
            [
                "stream", "retention", "clock", "shards", "hash keys", "iterator", "read", "encryption", "other readers", "table",
                "list leases",
                "read rows", "write a row", "write many rows", "delete a row", "create a row", "KCL 3.x fleet",
            ],
            check => Assert.Equal("ok", results[check]));
        Assert.Equal("not tried", results["register consumer"]);
        Assert.Equal(2, (await LeasesAsync()).Count);
        await HandledAsync(Put(5));

        ToolRun missing = await RunAsync("doctor", "--stream", "no-such-stream", "--json");
        Assert.Equal(3, missing.ExitCode);
        Assert.Contains(
            "no-such-stream",
            missing.Items.Single(static item => item.GetProperty("check").GetString() == "stream").GetProperty("detail").GetString(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_doctor_tries_what_state_needs_where_the_table_bears_it()
    {
        Kinesis.CreateStream(Stream, 1);
        await StartWorkerAsync("worker-1");
        await HandledAsync(Put(5));
        ToolRun without = await RunAsync("doctor", "--json");
        Assert.DoesNotContain(
            without.Items, static item => item.GetProperty("check").GetString()!.Contains("child", StringComparison.Ordinal));

        using AmazonDynamoDBClient client = Tables();
        await client.PutItemAsync(
            Application,
            new Dictionary<string, AttributeValue>
            {
                ["leaseKey"] = new("shardId-000000000099"),
                ["leaseCounter"] = new() { N = "0" },
                ["checkpoint"] = new("SHARD_END"),
                ["checkpointSubSequenceNumber"] = new() { N = "0" },
                ["fcL"] = new("0123456789abcdef.01234567"),
            },
            Cancellation);
        ToolRun with = await RunAsync("doctor", "--json");
        JsonElement check = with.Items.Single(static item => item.GetProperty("check").GetString() == "create a child's row");
        Assert.Equal("ok", check.GetProperty("result").GetString());
        Assert.Equal(2, (await LeasesAsync()).Count);
    }

    [Fact]
    public async Task Ctrl_C_in_the_midst_of_a_reset_leaves_everything_as_it_was_and_says_so()
    {
        Kinesis.CreateStream(Stream);
        await StartWorkerAsync("worker-1", static options => options.LeaseDuration = TimeSpan.FromSeconds(30));
        await HandledAsync(Put(3));
        Orders.Hanging = "order-4";
        Put(3);
        await Eventually.ThatAsync("a checkpoint is written", async () =>
            (await LeasesAsync()).Single().GetProperty("checkpoint").GetString() is { Length: > 20 });
        JsonElement before = (await LeasesAsync()).Single();
        await using Tool tool = Tool.Start(Environment, ["checkpoint", "reset", "--all", "--to", "TRIM_HORIZON", "--yes"]);
        await Eventually.ThatAsync(
            "the owner is asked",
            async () => (await LeasesAsync()).Single().TryGetProperty("requestedBy", out _),
            () => $"{tool.Output}\n{tool.Errors}");

        tool.Send(Signal.Interrupt);

        Assert.Equal(130, await tool.ExitCodeAsync());
        Assert.Contains("0 of 1 checkpoints were reset", tool.Errors, StringComparison.Ordinal);
        JsonElement after = (await LeasesAsync()).Single();
        Assert.False(after.TryGetProperty("requestedBy", out _));
        Assert.Equal(before.GetProperty("checkpoint").GetString(), after.GetProperty("checkpoint").GetString());
    }

    [Fact]
    public async Task A_table_of_another_shape_is_named_and_not_written()
    {
        using AmazonDynamoDBClient client = Tables();
        await client.CreateTableAsync(
            new CreateTableRequest
            {
                TableName = Application,
                KeySchema = [new KeySchemaElement("id", KeyType.HASH)],
                AttributeDefinitions = [new AttributeDefinition("id", ScalarAttributeType.S)],
                BillingMode = BillingMode.PAY_PER_REQUEST,
            },
            Cancellation);
        await client.PutItemAsync(Application, new Dictionary<string, AttributeValue> { ["id"] = new("1") }, Cancellation);

        (await RunAsync("pause", "--all", "--yes")).AssertFails(1, Application, "leaseKey");
        (await RunAsync("checkpoint", "reset", "--all", "--to", "LATEST", "--yes")).AssertFails(1, Application, "leaseKey");
        ToolRun doctor = await RunAsync("doctor", "--stream", Stream, "--json");
        Assert.Equal(3, doctor.ExitCode);
        Assert.Contains("it is no lease table", doctor.Output, StringComparison.Ordinal);
        ScanResponse rows = await client.ScanAsync(new ScanRequest(Application), Cancellation);
        Assert.Equal("1", rows.Items.Single()["id"].S);
    }

    [Fact]
    public async Task A_row_of_KCL_is_shown_as_such_and_left_alone()
    {
        Kinesis.CreateStream(Stream);
        using AmazonDynamoDBClient client = Tables();
        await client.CreateTableAsync(
            new CreateTableRequest
            {
                TableName = Application,
                KeySchema = [new KeySchemaElement("leaseKey", KeyType.HASH)],
                AttributeDefinitions = [new AttributeDefinition("leaseKey", ScalarAttributeType.S)],
                BillingMode = BillingMode.PAY_PER_REQUEST,
            },
            Cancellation);
        string shard = Kinesis.ListShards(Stream).Single().ShardId;
        var row = new Dictionary<string, AttributeValue>
        {
            ["leaseKey"] = new(shard),
            ["leaseOwner"] = new("kcl-worker"),
            ["leaseCounter"] = new() { N = "12" },
            ["checkpoint"] = new("TRIM_HORIZON"),
            ["checkpointSubSequenceNumber"] = new() { N = "0" },
            ["ownerSwitchesSinceCheckpoint"] = new() { N = "0" },
        };
        await client.PutItemAsync(Application, row, Cancellation);
        Assert.True((await LeasesAsync()).Single().GetProperty("ownerIsKcl").GetBoolean());

        foreach (string[] change in (string[][])
        [
            ["checkpoint", "reset", "--all", "--to", "LATEST", "--stream", Stream], ["lease", "release", "--shard", shard],
            ["lease", "evict", "--shard", shard],
        ])
        {
            (await RunAsync([.. change, "--yes"])).AssertRefused("KCL");
        }

        Assert.Equal("12", (await client.ScanAsync(new ScanRequest(Application), Cancellation)).Items.Single()["leaseCounter"].N);
    }

    [Fact]
    public async Task A_permission_that_is_missing_is_told_with_the_statement()
    {
        Kinesis.CreateStream(Stream);
        using var denying = new DenyingDynamoDb();
        IReadOnlyDictionary<string, string?> environment = new Dictionary<string, string?>(Environment)
        {
            ["AWS_ENDPOINT_URL_DYNAMODB"] = denying.Url,
        };
        ToolRun leases = await RunAsync(environment, "leases");
        leases.AssertFails(1, Application, "not authorized");
        ToolRun doctor = await RunAsync(environment, "doctor", "--stream", Stream, "--json");
        Assert.Equal(3, doctor.ExitCode);
        Assert.Contains("dynamodb:DescribeTable", doctor.Items.Single(
            static item => item.GetProperty("check").GetString() == "table").GetProperty("remedy").GetString(), StringComparison.Ordinal);
    }

    /// <summary>A DynamoDB that refuses every request as IAM does: no real server here has policies.</summary>
    private sealed class DenyingDynamoDb : IDisposable
    {
        private const string Body = """
            {"__type":"com.amazon.coral.service#AccessDeniedException","Message":"arn:aws:iam::000000000000:user/ann is not authorized"}
            """;

        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        public DenyingDynamoDb()
        {
            _listener.Start();
            Url = $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";
            _ = ServeAsync();
        }

        public string Url { get; }

        public void Dispose() => _listener.Dispose();

        private async Task ServeAsync()
        {
            while (true)
            {
                try
                {
                    using TcpClient client = await _listener.AcceptTcpClientAsync();
                    NetworkStream stream = client.GetStream();
                    byte[] request = new byte[64 * 1024];
                    // all of a small request comes at once, and nothing of it matters
                    _ = await stream.ReadAtLeastAsync(request, 1, throwOnEndOfStream: false);
                    await stream.WriteAsync(Encoding.ASCII.GetBytes(
                        $"HTTP/1.1 400 Bad Request\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {Body.Length}\r\n"
                            + $"Connection: close\r\n\r\n{Body}"));
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    return;
                }
                catch (IOException)
                {
                    // the client has gone
                }
            }
        }
    }
}
