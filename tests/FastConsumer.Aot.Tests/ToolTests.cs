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
        string figures = string.Create(CultureInfo.InvariantCulture, $"tool: {size:F1} MiB, emulator resident {residentMiB:F1} MiB\n");
        string folder = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "aot-tool-figures.txt"), figures, Cancellation);
        TestContext.Current.TestOutputHelper!.WriteLine(figures);
    }

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
