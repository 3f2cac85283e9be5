using System.Globalization;
using System.Text;
using System.Text.Json;
using FastConsumer.Dashboard.Tests.Hosting;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Testing;
using FastConsumer.Testing.Leases;
using Microsoft.Playwright;

namespace FastConsumer.Dashboard.BrowserTests;

/// <summary>Rows of workers that are elsewhere, and an hour of samples that no test waits for.</summary>
internal static class Fleet
{
    private const int Samples = 361;

    /// <summary>A lease that another worker holds for an hour without a sign, with a report.</summary>
    public static Lease LeaseOf(string owner, string shardId, double lag, double rate, HashKeyRange? keys = null) => new()
    {
        LeaseKey = shardId,
        LeaseOwner = owner,
        TakenBy = owner,
        LeaseCounter = 7,
        Session = "another-process/7",
        Duration = TimeSpan.FromHours(1),
        Checkpoint = CheckpointPosition.TrimHorizon,
        StreamName = DashboardHost.Stream,
        HashKeyRange = keys,
        Report = string.Create(
            CultureInfo.InvariantCulture,
            $"1|{TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()}|{lag}|-|{rate}|{rate * 700}|35|Handling|"),
    };

    /// <summary>
    /// Leaves the first shards of the stream to this process, and gives the others to workers elsewhere, who have done those that are
    /// closed.
    /// </summary>
    public static void GiveToOthers(InMemoryLeaseDatabase leases, EmbeddedKinesis kinesis, int own, int workers)
    {
        int number = 0;
        foreach (Shard shard in kinesis.ListShards(DashboardHost.Stream).Skip(own))
        {
            Lease lease = LeaseOf(
                $"worker-{2 + (number % workers)}", shard.ShardId, 3 + (number * 7 % 40), 120 + (number * 13 % 90), shard.HashKeyRange) with
            {
                ParentShardIds = [.. new[] { shard.ParentShardId, shard.AdjacentParentShardId }.OfType<string>()],
            };
            leases.Put(DashboardHost.Application, shard.EndingSequenceNumber is null ? lease : lease with
            {
                Checkpoint = CheckpointPosition.ShardEnd,
                LeaseOwner = null,
                TakenBy = null,
                Session = null,
                Duration = null,
                Report = null,
            });
            // as many for each: who has fewer would ask the others, and they never answer
            number += shard.EndingSequenceNumber is null ? 1 : 0;
        }
    }

    /// <summary>Answers requests for charts with an hour of samples, in which two minutes are missing.</summary>
    public static Task ShowAnHourAsync(IPage page, int shards) => page.RouteAsync("**/api/history*", route =>
    {
        double?[] lag = [.. Enumerable.Range(0, Samples).Select(static i => IsGap(i) ? (double?)null
            : Math.Round(4 + (3 * Math.Sin(i / 9.0)) + (i is > 250 and < 300 ? 40.0 * (i - 250) : 0), 1))];
        double?[] records = [.. Enumerable.Range(0, Samples).Select(static i => IsGap(i) ? (double?)null
            : Math.Round(900 + (250 * Math.Sin(i / 25.0)), 1))];
        var rows = Enumerable.Range(0, shards).Select(static shard => new { shard = $"shardId-{shard:d12}", cells = CellsOf(shard) });
        string json = JsonSerializer.Serialize(new
        {
            at = TimeProvider.System.GetUtcNow(),
            step = 10,
            lag,
            records,
            heat = new { max = 200, rows },
        });
        return route.FulfillAsync(new RouteFulfillOptions { ContentType = "application/json", Body = json });
    });

    private static bool IsGap(int sample) => sample is >= 120 and < 132;

    private static string CellsOf(int shard)
    {
        var cells = new StringBuilder();
        for (int minute = 0; minute < 60; minute++)
        {
            double wave = 5 + (4 * Math.Sin((minute + (shard * 5)) / 7.0));
            cells.Append(minute is 20 or 21 ? '.' : (char)('0' + Math.Clamp((int)wave, 0, 9)));
        }

        return cells.ToString();
    }
}
