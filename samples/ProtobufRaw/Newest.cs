using Microsoft.Extensions.Hosting;

namespace ProtobufRaw;

/// <summary>
/// Keeps the newest heartbeat, and how many bytes the handler's thread has put on the heap since the record before: between two
/// records of one answer there is nothing but the pipeline, the parser and the handler. Ends the host when all have been seen.
/// </summary>
public sealed class Newest(IHostApplicationLifetime lifetime)
{
    private readonly long[] _bytes = new long[Program.Heartbeats];
    private int _thread;
    private long _allocated;

    public long Seconds { get; private set; }

    public int Records { get; private set; }

    /// <summary>Of half of the records no more, of half no less.</summary>
    public long MedianBytes => _bytes.Order().ElementAt(_bytes.Length / 2);

    public int WithoutAny => _bytes.Count(static bytes => bytes == 0);

    public void Saw(long seconds)
    {
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        if (_thread == Environment.CurrentManagedThreadId)
        {
            _bytes[Records] = allocated - _allocated;
        }

        Seconds = Math.Max(Seconds, seconds);
        if (++Records == Program.Heartbeats)
        {
            lifetime.StopApplication();
        }

        _thread = Environment.CurrentManagedThreadId;
        _allocated = GC.GetAllocatedBytesForCurrentThread();
    }
}
