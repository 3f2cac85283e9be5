using System.Globalization;
using FastConsumer.Kinesis;
using FastConsumer.Testing.Simulation;
using FastConsumer.Tests.Kinesis.Wire;

namespace FastConsumer.Simulation.Tests;

/// <summary>
/// What puts records: one by one, as the Kinesis Producer Library does, and as libraries that aggregate without regard to shards.
/// </summary>
internal sealed class SimulatedProducer(SimulatedCluster cluster, Scenario scenario, Random random)
{
    /// <summary>The shards as the KPL knows them: it learns of a reshard when a record goes to another shard than it meant.</summary>
    private IReadOnlyList<Shard> _known = Open(cluster);
    private int _next;

    /// <summary>Puts a few records.</summary>
    public void Put()
    {
        switch (scenario.Aggregates ? random.Next(4) : 0)
        {
            case 0:
                cluster.Put([.. Records(random.Next(1, 10)).Select(static record => new SimulatedPut(record.Key, record.Data)
                {
                    ExplicitHashKey = record.ExplicitHashKey,
                })]);
                break;
            case 1:
                List<SimulatedUserRecord> together = Records(random.Next(1, 20));
                // an aggregate goes where its first record goes, whosesoever the others are
                cluster.Put([Aggregate(together[0].Key, together[0].ExplicitHashKey, together)]);
                break;
            default:
                PutAsKpl(Records(random.Next(1, random.Next(8) == 0 ? 60 : 20)));
                break;
        }
    }

    private static IReadOnlyList<Shard> Open(SimulatedCluster cluster) =>
        [.. cluster.Shards().Where(static shard => shard.EndingSequenceNumber is null)];

    private static SimulatedPut Aggregate(string key, UInt128? hashKey, IReadOnlyList<SimulatedUserRecord> records) =>
        new(key, AggregateWriter.Write([.. records.Select(static record =>
            new UserRecord(record.Key, record.Data, record.ExplicitHashKey?.ToString(CultureInfo.InvariantCulture)))]))
        {
            ExplicitHashKey = hashKey,
            Aggregated = records,
        };

    /// <summary>By the shard that each record is taken to belong to; what went elsewhere and does not belong there is put again.</summary>
    private void PutAsKpl(IReadOnlyList<SimulatedUserRecord> records)
    {
        (Shard Meant, List<SimulatedUserRecord> Records)[] groups =
            [.. records.GroupBy(record => _known.First(shard => shard.HashKeyRange.Contains(record.HashKey)))
                .Select(static group => (group.Key, group.ToList()))];
        IReadOnlyList<Shard?> went = cluster.Put([.. groups.Select(static group => group.Records.Count == 1
            ? new SimulatedPut(group.Records[0].Key, group.Records[0].Data) { ExplicitHashKey = group.Records[0].HashKey }
            : Aggregate("a", group.Records[0].HashKey, group.Records) with { IsOfKpl = true })]);
        List<SimulatedUserRecord> again = [];
        for (int i = 0; i < groups.Length; i++)
        {
            if (went[i] is { } shard && shard.ShardId != groups[i].Meant.ShardId)
            {
                again.AddRange(groups[i].Records.Where(record => !shard.HashKeyRange.Contains(record.HashKey)));
                _known = Open(cluster);
            }
        }

        if (again.Count > 0)
        {
            PutAsKpl(again);
        }
    }

    private List<SimulatedUserRecord> Records(int count) => [.. Enumerable.Range(0, count).Select(_ =>
        scenario.State is { Strays: > 0 and var strays } && random.NextDouble() < strays ? Stray() : Record())];

    /// <summary>One of two keys that may be in each shard.</summary>
    private SimulatedUserRecord Stray() =>
        new($"stray{random.Next(2)}", BitConverter.GetBytes(_next++), new UInt128((ulong)random.NextInt64() << 1, 0));

    private SimulatedUserRecord Record() => new(
        $"key{random.Next(scenario.Keys)}",
        BitConverter.GetBytes(_next++),
        scenario.Aggregates && random.Next(10) == 0 ? new UInt128((ulong)random.NextInt64() << 1, 0) : null);
}
