using System.Collections.Concurrent;
using FastConsumer.Kinesis;
using Microsoft.Extensions.Hosting;

namespace Lanes;

/// <summary>Stands for a slow service: booking takes 5 ms. Ends the host when all transfers are booked.</summary>
public sealed class Ledger(IHostApplicationLifetime lifetime)
{
    private static readonly TimeSpan s_bookingTime = TimeSpan.FromMilliseconds(5);

    private readonly ConcurrentDictionary<string, SequenceNumber> _newest = new(StringComparer.Ordinal);
    private long _started;
    private long _ended;
    private int _booked;
    private int _running;
    private int _outOfOrder;
    private int _mostAtATime;

    public int Booked => _booked;

    /// <summary>Transfers that were booked after a later one of the same account.</summary>
    public int OutOfOrder => _outOfOrder;

    public int MostAtATime => _mostAtATime;

    /// <summary>From the first booking to the last.</summary>
    public TimeSpan Elapsed => TimeProvider.System.GetElapsedTime(_started, _ended);

    public async Task BookAsync(string account, SequenceNumber transfer, CancellationToken cancellationToken)
    {
        Interlocked.CompareExchange(ref _started, TimeProvider.System.GetTimestamp(), 0);
        int running = Interlocked.Increment(ref _running);
        InterlockedMax(ref _mostAtATime, running);
        try
        {
            await Task.Delay(s_bookingTime, TimeProvider.System, cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }

        if (transfer.CompareTo(_newest.GetValueOrDefault(account)) <= 0)
        {
            Interlocked.Increment(ref _outOfOrder);
        }

        _newest[account] = transfer;
        if (Interlocked.Increment(ref _booked) == Program.Transfers)
        {
            Interlocked.Exchange(ref _ended, TimeProvider.System.GetTimestamp());
            lifetime.StopApplication();
        }
    }

    private static void InterlockedMax(ref int most, int value)
    {
        int known = most;
        while (value > known)
        {
            known = Interlocked.CompareExchange(ref most, value, known);
        }
    }
}
