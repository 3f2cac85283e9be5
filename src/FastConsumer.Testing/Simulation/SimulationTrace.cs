using System.Globalization;
using System.Text;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Testing.Simulation;

/// <summary>One thing that happened.</summary>
/// <param name="Time">Ticks of the virtual time.</param>
/// <param name="Process">Whose doing it was; the world's where empty.</param>
/// <param name="Shard">The shard it is about, where it is about one.</param>
/// <param name="Text">What.</param>
internal readonly record struct TraceEvent(long Time, string Process, string? Shard, string Text)
{
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{TimeSpan.FromTicks(Time):hh\\:mm\\:ss\\.fffffff} {Process,-5} "
            + $"{Shard?.Replace("shardId-00000000", "", StringComparison.Ordinal),-4} {Text}");
}

/// <summary>Everything that happened in a run, and a hash over it and over every choice: runs with the same hash were the same.</summary>
internal sealed class SimulationTrace(SimulationLoop loop)
{
    private readonly List<TraceEvent> _events = [];
    private ulong _hash = Fnv1a.Start;

    public IReadOnlyList<TraceEvent> Events => _events;

    public ulong Hash => _hash;

    public void Add(string process, string? shard, string text)
    {
        loop.RequireInside($"\"{text}\" of {process}");
        _events.Add(new TraceEvent(loop.Now, process, shard, text));
        Mix((ulong)loop.Now);
        foreach (char c in text)
        {
            Mix(c);
        }
    }

    /// <summary>A task was chosen out of so many.</summary>
    public void Step(int ready, int pick)
    {
        Mix((ulong)ready);
        Mix((ulong)pick);
    }

    /// <summary>The last events that have to do with a shard, and what befell everybody.</summary>
    public string Last(int count, string? shard)
    {
        var text = new StringBuilder();
        foreach (TraceEvent one in _events.Where(one => shard is null || one.Shard is null || one.Shard == shard).TakeLast(count))
        {
            text.AppendLine(one.ToString());
        }

        return text.ToString();
    }

    private void Mix(ulong value) => _hash = Fnv1a.Add(_hash, value);
}
