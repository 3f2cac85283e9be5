using System.Text;
using FastConsumer.Testing.Engine;

namespace FastConsumer.Testing.Simulation;

/// <summary>A record as a producer puts it.</summary>
/// <param name="Key">The partition key of the record itself.</param>
/// <param name="Data">The payload, or the whole aggregate.</param>
internal sealed record SimulatedPut(string Key, byte[] Data)
{
    /// <summary>Decides on the shard instead of <see cref="Key"/>.</summary>
    public UInt128? ExplicitHashKey { get; init; }

    /// <summary>The user records of an aggregate; null where it is none.</summary>
    public IReadOnlyList<SimulatedUserRecord>? Aggregated { get; init; }

    /// <summary>True where the Kinesis Producer Library made the aggregate: it puts what belongs to another shard again.</summary>
    public bool IsOfKpl { get; init; }
}

/// <summary>A record as an application hands it to a producer.</summary>
internal sealed record SimulatedUserRecord(string Key, byte[] Data, UInt128? ExplicitHashKey = null)
{
    /// <summary>Decides on the shard.</summary>
    public UInt128 HashKey => ExplicitHashKey ?? HashKeys.Of(Encoding.UTF8.GetBytes(Key));
}
