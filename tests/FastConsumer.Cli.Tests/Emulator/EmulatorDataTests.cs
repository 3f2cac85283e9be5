using System.Collections.Concurrent;
using System.Text.Json;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Cli.Tests.Emulator;

/// <summary>The emulator with a folder, over the end of its process.</summary>
public sealed class EmulatorDataTests : IDisposable
{
    private const int Writers = 4;
    private const int AcknowledgedBeforeTheEnd = 400;

    private readonly string _folder = Directory.CreateTempSubdirectory("emulator-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Every_acknowledged_record_outlives_SIGKILL_with_its_shard_and_sequence_number()
    {
        ConcurrentDictionary<string, (string Shard, string Number)> acknowledged = new();
        await using (Tool tool = await StartAsync())
        {
            using var report = JsonDocument.Parse(tool.Output);
            string endpoint = report.RootElement.GetProperty("endpoint").GetString()!;
            Task[] writers = [.. Enumerable.Range(0, Writers).Select(writer => PutUntilItEndsAsync(endpoint, writer, acknowledged))];
            await Eventually.ThatAsync("records are acknowledged", () => acknowledged.Count >= AcknowledgedBeforeTheEnd);
            Signals.Send(report.RootElement.GetProperty("processId").GetInt32(), Signal.Kill);
            await Task.WhenAll(writers);
            await tool.ExitCodeAsync();
        }

        for (int start = 1; start <= 2; start++)
        {
            await using Tool tool = await StartAsync();
            using var report = JsonDocument.Parse(tool.Output);
            JsonElement data = report.RootElement.GetProperty("data");
            Assert.True(data.GetProperty("records").GetInt64() >= acknowledged.Count);
            using var http = new EmulatorHttp(report.RootElement.GetProperty("endpoint").GetString()!);

            Dictionary<string, (string Shard, string Number)> found = await ReadAsync(http);

            Assert.All(acknowledged, record => Assert.Equal(record.Value, found[record.Key]));
            tool.Send(Signal.Terminate);
            Assert.Equal(0, await tool.ExitCodeAsync());
        }
    }

    [Fact]
    public async Task A_folder_in_use_is_named_and_a_torn_end_is_said()
    {
        await using (Tool first = await StartAsync())
        {
            await using Tool second = Tool.Start("emulator", "--port", "0", "--data", _folder);
            Assert.Equal(1, await second.ExitCodeAsync());
            Assert.Contains($"{_folder} is in use by another process", second.Errors, StringComparison.Ordinal);
            first.Send(Signal.Terminate);
            Assert.Equal(0, await first.ExitCodeAsync());
        }

        await using (FileStream log = File.Open(Path.Combine(_folder, "emulator.log"), FileMode.Append))
        {
            log.Write([1, 0, 0]);
        }

        await using Tool third = await Tool.StartEmulatorAsync("--data", _folder);
        Assert.Contains($"Data is kept in {_folder}", third.Output, StringComparison.Ordinal);
        Assert.Contains("the last entry was torn, and its 3 bytes, not acknowledged, were cut off", third.Output, StringComparison.Ordinal);
    }

    private Task<Tool> StartAsync() => Tool.StartEmulatorAsync("--data", _folder, "--stream", "orders:3", "--json");

    /// <summary>Puts one record after the other until the emulator is gone, and remembers what was acknowledged.</summary>
    private static async Task PutUntilItEndsAsync(
        string endpoint, int writer, ConcurrentDictionary<string, (string Shard, string Number)> acknowledged)
    {
        using var http = new EmulatorHttp(endpoint);
        try
        {
            for (int i = 0; ; i++)
            {
                string key = $"{writer}-{i}";
                JsonElement answer = await http.CallAsync(
                    "PutRecord", $$"""{"StreamName":"orders","PartitionKey":"{{key}}","Data":"aGVsbG8="}""");
                acknowledged[key] = (answer.GetProperty("ShardId").GetString()!, answer.GetProperty("SequenceNumber").GetString()!);
            }
        }
        catch (HttpRequestException)
        {
            // it is gone
        }
    }

    private static async Task<Dictionary<string, (string Shard, string Number)>> ReadAsync(EmulatorHttp http)
    {
        Dictionary<string, (string, string)> found = [];
        JsonElement shards = (await http.CallAsync("ListShards", """{"StreamName":"orders"}""")).GetProperty("Shards");
        foreach (string shard in shards.EnumerateArray().Select(static shard => shard.GetProperty("ShardId").GetString()!))
        {
            JsonElement iterator = await http.CallAsync(
                "GetShardIterator", $$"""{"StreamName":"orders","ShardId":"{{shard}}","ShardIteratorType":"TRIM_HORIZON"}""");
            JsonElement answer = await http.CallAsync(
                "GetRecords", $$"""{"ShardIterator":"{{iterator.GetProperty("ShardIterator").GetString()}}"}""");
            foreach (JsonElement record in answer.GetProperty("Records").EnumerateArray())
            {
                found.Add(
                    record.GetProperty("PartitionKey").GetString()!,
                    (shard, record.GetProperty("SequenceNumber").GetString()!));
            }
        }

        return found;
    }
}
