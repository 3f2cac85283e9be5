using System.Text;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Integration.Tests.EndToEnd;

/// <summary>Records to put: the same at each run.</summary>
internal static class TestRecords
{
    private static readonly string[] Prefixes = ["key-", "ключ-", "鍵", "clé ", "🔑"];
    private static readonly int[] EdgeSizes = [0, 1, 255, 256, 65_535, 65_536, 100 * 1024];

    /// <summary>Bytes of mixed sizes from 0 to 100 KB under keys of several scripts, among them the longest possible.</summary>
    public static RecordToPut[] Mixed(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            var size = i % 50 < EdgeSizes.Length && i % 200 < 50 ? EdgeSizes[i % 50] : random.Next(4_000);
            var data = new byte[size];
            random.NextBytes(data);
            return new RecordToPut(i % 100 == 99 ? new string('鍵', 256) : $"{Prefixes[i % Prefixes.Length]}{i % 83}", data);
        })];
    }

    /// <summary>Small texts: one record for each key, whose payload says the round.</summary>
    public static RecordToPut[] Round(int round, int keys) =>
        [.. Enumerable.Range(0, keys).Select(key => new RecordToPut($"key-{key}", Encoding.UTF8.GetBytes($"{key}:{round}")))];
}
