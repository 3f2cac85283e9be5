using System.Text;

namespace FastConsumer.Testing.Simulation;

/// <summary>A record that a <see cref="ClusterSimulation"/> puts.</summary>
public sealed class SimulatedRecord
{
    /// <summary>A record with any payload.</summary>
    /// <param name="partitionKey">Its hash decides on the shard; 1 to 256 characters.</param>
    /// <param name="data">The payload, up to 1 MiB; not copied.</param>
    public SimulatedRecord(string partitionKey, byte[] data)
    {
        ArgumentException.ThrowIfNullOrEmpty(partitionKey);
        ArgumentNullException.ThrowIfNull(data);
        PartitionKey = partitionKey;
        Bytes = data;
    }

    /// <summary>A record with a text, such as JSON, in UTF-8.</summary>
    /// <param name="partitionKey">Its hash decides on the shard; 1 to 256 characters.</param>
    /// <param name="text">The payload, up to 1 MiB.</param>
    public SimulatedRecord(string partitionKey, string text)
        : this(partitionKey, Encoding.UTF8.GetBytes(text))
    {
    }

    /// <summary>The partition key.</summary>
    public string PartitionKey { get; }

    /// <summary>The payload.</summary>
    public ReadOnlyMemory<byte> Data => Bytes;

    /// <summary>The payload as a text in UTF-8.</summary>
    public string Text => Encoding.UTF8.GetString(Bytes);

    internal byte[] Bytes { get; }
}
