using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Package.Tests.Feed;

namespace FastConsumer.Aot.Tests;

/// <summary>The tool, published as one native program.</summary>
public sealed class ToolTests(PackageFeed feed)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_emulator_answers_as_native_code()
    {
        // outside the source tree: what was built there stays as it is
        string folder = Path.Combine(feed.Workspace, "native-tool");
        string published = Path.Combine(folder, "published");
        string program = Path.Combine(published, "FastConsumer.Cli");
        string[] arguments =
        [
            "publish", Repository.Project(PackageFeed.Cli), "-c", "Release", "-p:PublishNative=true", "-nodeReuse:false", "-maxcpucount:1",
            // what is known about others' packages today is not what is tested
            "-p:NuGetAudit=false", "--artifacts-path", Path.Combine(folder, "artifacts"), "--output", published,
        ];
        (await Dotnet.RunAsync(Repository.Root, arguments)).MustSucceed().MustNotWarn();

        var started = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var emulator = ChildProcess.Start(
            "node",
            [NodePackages.Script("guard.cjs"), program, "emulator", "--port", "0", "--stream", "orders:2", "--json"],
            folder,
            onOutputLine: line => started.TrySetResult(JsonDocument.Parse(line).RootElement));
        JsonElement report = await Eventually.EndsAsync("the emulator listens", started.Task, () => emulator.LastOutput);
        using var client = new HttpClient { BaseAddress = new Uri(report.GetProperty("endpoint").GetString()!) };

        string data = Convert.ToBase64String("an order"u8);
        JsonElement put = await CallAsync(client, "PutRecord", $$"""{"StreamName":"orders","PartitionKey":"1","Data":"{{data}}"}""");
        string shard = put.GetProperty("ShardId").GetString()!;
        JsonElement iterator = await CallAsync(
            client, "GetShardIterator", $$"""{"StreamName":"orders","ShardId":"{{shard}}","ShardIteratorType":"TRIM_HORIZON"}""");
        string next = iterator.GetProperty("ShardIterator").GetString()!;
        JsonElement page = await CallAsync(client, "GetRecords", $$"""{"ShardIterator":"{{next}}"}""");

        JsonElement record = Assert.Single(page.GetProperty("Records").EnumerateArray());
        Assert.Equal(data, record.GetProperty("Data").GetString());
        await WriteFiguresAsync(program, emulator.Id);
        Signals.Send(emulator.Id, Signal.Terminate);
        Assert.Equal(0, await Eventually.EndsAsync("the emulator ends", emulator.Exited, () => emulator.LastOutput));
        await LeasesAsync(program);
    }

    /// <summary>The SDK of DynamoDB, tables and JSON as native code: a table that nobody serves is named.</summary>
    private static async Task LeasesAsync(string program)
    {
        var environment = new Dictionary<string, string?>
        {
            ["AWS_ACCESS_KEY_ID"] = "local",
            ["AWS_SECRET_ACCESS_KEY"] = "local",
            ["AWS_REGION"] = "us-east-1",
        };
        await using var leases = ChildProcess.Start(
            program,
            ["leases", "--table", "billing", "--table-endpoint-url", "http://127.0.0.1:1", "--json"],
            Path.GetTempPath(),
            environment);
        Assert.Equal(1, await Eventually.EndsAsync("the tool ends", leases.Exited, () => leases.LastOutput));
        Assert.Contains("'billing' at http://127.0.0.1:1 cannot be reached", leases.LastOutput, StringComparison.Ordinal);
    }

    /// <summary>Its size and what is resident, beside the worker's figures; not judged.</summary>
    private static async Task WriteFiguresAsync(string program, int guardId)
    {
        const double MiB = 1024 * 1024;
        string child = (await File.ReadAllTextAsync($"/proc/{guardId}/task/{guardId}/children", Cancellation)).Trim();
        string resident = File.ReadLines($"/proc/{child}/status")
            .Single(static line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        string kibibytes = resident.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        double residentMiB = double.Parse(kibibytes, CultureInfo.InvariantCulture) / 1024;
        double size = new FileInfo(program).Length / MiB;
        double start = await StartAsync(program);
        double aws = IsInstalled("aws") ? await StartAsync("aws") : 0;
        string beside = aws > 0 ? string.Create(CultureInfo.InvariantCulture, $", aws --version: {aws:F0} ms") : "";
        string figures = string.Create(
            CultureInfo.InvariantCulture,
            $"tool: {size:F1} MiB, emulator resident {residentMiB:F1} MiB, 20 starts: {start:F0} ms in the median{beside}\n");
        string folder = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "aot-tool-figures.txt"), figures, Cancellation);
        TestContext.Current.TestOutputHelper!.WriteLine(figures);
    }

    /// <summary>The median of twenty times from the start to the end of <c>--version</c>, in milliseconds.</summary>
    private static async Task<double> StartAsync(string program)
    {
        List<double> milliseconds = [];
        for (int i = 0; i < 20; i++)
        {
            var watch = Stopwatch.StartNew();
            using var started = Process.Start(new ProcessStartInfo(program, "--version") { RedirectStandardOutput = true })!;
            await started.WaitForExitAsync(Cancellation);
            milliseconds.Add(watch.Elapsed.TotalMilliseconds);
        }

        milliseconds.Sort();
        return (milliseconds[9] + milliseconds[10]) / 2;
    }

    private static bool IsInstalled(string program) => Environment.GetEnvironmentVariable("PATH")!
        .Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program)));

    private static async Task<JsonElement> CallAsync(HttpClient client, string operation, string json)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/");
        request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(json));
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-amz-json-1.1");
        request.Headers.Add("X-Amz-Target", $"Kinesis_20131202.{operation}");
        request.Headers.TryAddWithoutValidation(
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host;x-amz-date, Signature=00");
        request.Headers.Add("X-Amz-Date", "20260101T000000Z");
        using HttpResponseMessage response = await client.SendAsync(request, Cancellation);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Cancellation));
        return await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
    }
}
