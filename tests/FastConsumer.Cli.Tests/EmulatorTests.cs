using System.Text.Json;
using System.Text.RegularExpressions;
using Amazon.Runtime;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Kinesis;

namespace FastConsumer.Cli.Tests;

public sealed partial class EmulatorTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Signal.Terminate)]
    [InlineData(Signal.Interrupt)]
    internal async Task What_is_put_is_read_until_a_signal_ends_it_gracefully(Signal signal)
    {
        await using var tool = await Tool.StartEmulatorAsync("--stream", "orders:4", "--stream", "clicks", "--json");
        using var report = JsonDocument.Parse(tool.Output);
        JsonElement environment = report.RootElement.GetProperty("environment");
        Assert.Equal(
            report.RootElement.GetProperty("endpoint").GetString(), environment.GetProperty("AWS_ENDPOINT_URL_KINESIS").GetString());
        Assert.Equal(
            [("orders", 4, "arn:aws:kinesis:us-east-1:000000000000:stream/orders"),
                ("clicks", 1, "arn:aws:kinesis:us-east-1:000000000000:stream/clicks")],
            report.RootElement.GetProperty("streams").EnumerateArray().Select(static stream =>
                (stream.GetProperty("name").GetString()!, stream.GetProperty("shards").GetInt32(),
                    stream.GetProperty("arn").GetString()!)));

        using var client = new KinesisClient(new KinesisClientOptions
        {
            ServiceUrl = environment.GetProperty("AWS_ENDPOINT_URL_KINESIS").GetString(),
            Region = environment.GetProperty("AWS_REGION").GetString(),
            Credentials = new BasicAWSCredentials(
                environment.GetProperty("AWS_ACCESS_KEY_ID").GetString(), environment.GetProperty("AWS_SECRET_ACCESS_KEY").GetString()),
        });
        StreamIdentifier stream = StreamIdentifier.Parse("orders");
        Assert.Equal(4, (await client.ListShardsAsync(stream, cancellationToken: Cancellation)).Shards.Count);
        PutRecordResponse put = await client.PutRecordAsync(stream, new PutRecordsRequestEntry("hello"u8.ToArray(), "key"), Cancellation);
        string iterator = await client.GetShardIteratorAsync(stream, put.ShardId, StartingPosition.TrimHorizon, Cancellation);
        using (GetRecordsResponse answer = await client.GetRecordsAsync(stream, iterator, cancellationToken: Cancellation))
        {
            Assert.Equal(1, answer.Count);
        }

        tool.Send(signal);
        Assert.Equal(0, await tool.ExitCodeAsync());
        Assert.Equal("", tool.Errors);
    }

    [Theory]
    [InlineData(Signal.Terminate)]
    [InlineData(Signal.Interrupt)]
    internal async Task A_signal_that_comes_as_soon_as_it_listens_ends_it_gracefully_too(Signal signal)
    {
        for (int i = 0; i < 15; i++)
        {
            await using var tool = Tool.StartAndSignal(signal, "emulator", "--port", "0", "--json");
            Assert.Equal(0, await tool.ExitCodeAsync());
            Assert.Equal("", tool.Errors);
        }
    }

    [Fact]
    public async Task It_says_that_leases_need_a_place_of_their_own()
    {
        await using var tool = await Tool.StartEmulatorAsync();
        await Eventually.ThatAsync(
            "all is said", () => tool.Output.Contains("DynamoDB on AWS", StringComparison.Ordinal), () => tool.Output);

        Assert.Contains("export AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:8000\n", tool.Output, StringComparison.Ordinal);
        Assert.Contains("UseInMemoryLeases()", tool.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_says_what_to_set()
    {
        await using var tool = await Tool.StartEmulatorAsync(
            "--stream", "orders:2", "--account-id", "123456789012", "--region", "eu-west-1");

        string endpoint = Endpoint().Match(tool.Output).Value;
        Assert.StartsWith("http://127.0.0.1:", endpoint, StringComparison.Ordinal);
        Assert.Contains($"export AWS_ENDPOINT_URL_KINESIS={endpoint}\n", tool.Output, StringComparison.Ordinal);
        Assert.Contains("export AWS_REGION=eu-west-1\n", tool.Output, StringComparison.Ordinal);
        Assert.Contains("arn:aws:kinesis:eu-west-1:123456789012:stream/orders  2 shards\n", tool.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Quotas_are_kept_unless_they_are_switched_off(bool noQuotas)
    {
        await using var tool = await Tool.StartEmulatorAsync(noQuotas ? ["--stream", "orders", "--no-quotas"] : ["--stream", "orders"]);
        using var client = new KinesisClient(new KinesisClientOptions
        {
            ServiceUrl = Endpoint().Match(tool.Output).Value,
            Region = "us-east-1",
            Credentials = new BasicAWSCredentials("any", "any"),
        });
        // four times what a shard takes in a second, in one request
        List<PutRecordsRequestEntry> records = [
            .. Enumerable.Range(0, 8).Select(static i => new PutRecordsRequestEntry(new byte[512 * 1024], $"{i}"))];

        PutRecordsResponse answer = await client.PutRecordsAsync(StreamIdentifier.Parse("orders"), records, Cancellation);

        Assert.Equal(noQuotas, answer.FailedRecordCount == 0);
    }

    [Fact]
    public async Task Bound_to_every_address_it_says_so_and_is_reached_by_another()
    {
        await using var tool = await Tool.StartEmulatorAsync("--bind", "0.0.0.0");
        var endpoint = new Uri(Endpoint().Match(tool.Output).Value);

        Assert.Contains("It is bound to 0.0.0.0", tool.Output, StringComparison.Ordinal);
        using var http = new HttpClient();
        Assert.Equal("ok", await http.GetStringAsync($"http://127.0.0.2:{endpoint.Port}/health", Cancellation));
    }

    [Fact]
    public async Task A_port_that_is_taken_is_named_with_the_remedy()
    {
        await using var first = await Tool.StartEmulatorAsync();
        string port = new Uri(Endpoint().Match(first.Output).Value).Port.ToString(System.Globalization.CultureInfo.InvariantCulture);

        await using var second = Tool.Start("emulator", "--port", port);

        Assert.NotEqual(0, await second.ExitCodeAsync());
        Assert.Contains($"cannot listen on port {port} of 127.0.0.1", second.Errors, StringComparison.Ordinal);
        Assert.Contains("--port 0", second.Errors, StringComparison.Ordinal);
        Assert.Equal("", second.Output);
    }

    [Theory]
    [InlineData("--stream", "orders:many", "'many' is not a number of shards", "orders:4")]
    [InlineData("--stream", "orders:0", "'0' is not a number of shards", "orders:4")]
    [InlineData("--stream", "or ders", "--stream 'or ders'", "orders:4")]
    [InlineData("--stream", "big:20001", "--stream big:20001", "Limit: 20000")]
    [InlineData("--port", "70000", "--port '70000'", "0 to 65535")]
    [InlineData("--port", "abc", "--port 'abc'", "0 to 65535")]
    [InlineData("--account-id", "12", "--account-id '12'", "12 digits")]
    [InlineData("--region", "Mars", "--region 'Mars'", "us-east-1")]
    [InlineData("--strean", "orders", "'--strean'", "")]
    [InlineData("--bind", "203.0.113.1", "cannot listen on 203.0.113.1: it is no address of this machine", "--bind", 1)]
    [InlineData("--bind", "localhost", "--bind 'localhost' is no IP address", "127.0.0.1", 2)]
    [InlineData("--bind", "1", "--bind '1' is no IP address", "127.0.0.1", 2)]
    public async Task Bad_input_is_named_with_the_remedy(
        string option, string value, string complaint, string remedy, int? exitCode = null)
    {
        string[] port = option == "--port" ? [] : ["--port", "0"];
        await using var tool = Tool.Start(["emulator", .. port, option, value]);

        int ended = await tool.ExitCodeAsync();
        Assert.NotEqual(0, ended);
        Assert.Equal(exitCode ?? ended, ended);
        Assert.Contains(complaint, tool.Errors, StringComparison.Ordinal);
        Assert.Contains(remedy, tool.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", tool.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_is_named_once()
    {
        await using var tool = Tool.Start("emulator", "--port", "0", "--stream", "orders", "--stream", "orders:2");

        Assert.NotEqual(0, await tool.ExitCodeAsync());
        Assert.Contains("'orders:2' names a stream that was named before", tool.Errors, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+")]
    private static partial Regex Endpoint();
}
