using System.Buffers.Binary;

namespace FastConsumer.LoadTest.Quota;

/// <summary>What one application's handler has seen. Its records carry the timestamp of their put.</summary>
public sealed class Arrivals(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly List<double> _delaysMs = [];
    private long _bytes;

    /// <summary>Data and partition keys so far.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>The times from put to handler.</summary>
    public double[] DelaysMs()
    {
        lock (_lock)
        {
            return [.. _delaysMs.Order()];
        }
    }

    internal void Add(ReadOnlySpan<byte> payload)
    {
        Interlocked.Add(ref _bytes, payload.Length + QuotaCommand.PartitionKey.Length);
        long put = BinaryPrimitives.ReadInt64LittleEndian(payload);
        if (put != 0)
        {
            double delay = time.GetElapsedTime(put).TotalMilliseconds;
            lock (_lock)
            {
                _delaysMs.Add(delay);
            }
        }
    }
}
