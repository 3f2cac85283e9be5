using System.Text.Json;
using FastConsumer.Checkpoints;
using FastConsumer.Leases;

namespace StateSample;

/// <summary>What the state is to say: the last event of each region, and how many events of each magnitude there were.</summary>
internal sealed class Totals
{
    private readonly SortedDictionary<int, int> _magnitudes = [];
    private readonly SortedDictionary<string, string> _last = new(StringComparer.Ordinal);

    /// <summary>All events that were counted.</summary>
    public int Records => _magnitudes.Values.Sum();

    /// <summary>As many events of each magnitude.</summary>
    public IReadOnlyDictionary<int, int> Magnitudes => _magnitudes;

    /// <summary>A plain loop over the file.</summary>
    public static Totals Of(IEnumerable<SeismicEvent> events)
    {
        var totals = new Totals();
        foreach (SeismicEvent quake in events)
        {
            totals._last[quake.Region] = quake.Id;
            int magnitude = QuakeProcessor.Magnitude(quake);
            totals._magnitudes[magnitude] = totals._magnitudes.GetValueOrDefault(magnitude) + 1;
        }

        return totals;
    }

    /// <summary>What the workers have checkpointed, summed over the regions and shards.</summary>
    public static async Task<Totals> ReadAsync(
        ICheckpointStore store, IReadOnlyList<Lease> leases, CancellationToken cancellationToken)
    {
        var totals = new Totals();
        var reader = new SnapshotReader(store, Servers.Application);
        await foreach (StoredState entry in reader.ReadAsync(leases, cancellationToken))
        {
            if (entry.State == "last")
            {
                SeismicEvent quake = JsonSerializer.Deserialize(entry.Values[0].Span, SeismicJson.Default.SeismicEvent)!;
                totals._last[entry.PartitionKey] = quake.Id;
            }
            else
            {
                int magnitude = entry.SubKey<int>();
                int count = JsonSerializer.Deserialize(entry.Values[0].Span, SeismicJson.Default.Int32);
                totals._magnitudes[magnitude] = totals._magnitudes.GetValueOrDefault(magnitude) + count;
            }
        }

        return totals;
    }

    /// <summary>True where both say the same.</summary>
    public bool Matches(Totals other) => _magnitudes.SequenceEqual(other._magnitudes) && _last.SequenceEqual(other._last);
}
