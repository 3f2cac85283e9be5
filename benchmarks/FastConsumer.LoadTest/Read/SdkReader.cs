using System.Text;
using FastConsumer.LoadTest.Replay;
using FastConsumer.SdkBaseline;

namespace FastConsumer.LoadTest.Read;

/// <summary>A GetRecords loop of one's own for each shard, on the AWS SDK.</summary>
internal static class SdkReader
{
    public static async Task RunAsync(string url, ReadSettings settings, Meter meter, CancellationToken cancellationToken)
    {
        using var client = new SdkKinesis(url, "us-east-1");
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] shards = [.. Enumerable.Range(0, settings.Shards).Select(_ => ReadShardAsync(client, settings, meter, ended.Token))];
        await await Task.WhenAny([meter.Ended, .. shards]);
        await ended.CancelAsync();
        await Task.WhenAll(shards).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task ReadShardAsync(SdkKinesis client, ReadSettings settings, Meter meter, CancellationToken cancellationToken)
    {
        var count = new ShardCount(meter);
        byte[] first = new byte[ReplayToken.Length];
        ReplayToken.Write(first, 0);
        string? iterator = Encoding.ASCII.GetString(first);
        while (iterator is not null && !meter.Ended.IsCompleted)
        {
            iterator = await client.ReadAsync(iterator, settings.PerAnswer, data => count.Add((int)data.Length), cancellationToken);
        }
    }
}
