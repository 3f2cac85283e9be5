using System.Collections.Concurrent;

namespace FastConsumer.Kinesis;

/// <summary>Tokens that end one attempt, at its time-out or with the caller's token. Those that did not have to are used again.</summary>
internal sealed class AttemptTimeouts(TimeSpan timeout, TimeProvider time)
{
    private const int MostKept = 64;

    // another clock's timers cannot be set anew
    private readonly bool _mayReuse = time == TimeProvider.System;
    private readonly ConcurrentQueue<CancellationTokenSource> _kept = new();

    /// <summary>Starts the time of one attempt.</summary>
    public Attempt Start(CancellationToken caller)
    {
        CancellationTokenSource? source;
        if (!_mayReuse)
        {
            source = new CancellationTokenSource(timeout, time);
        }
        else
        {
            if (!_kept.TryDequeue(out source))
            {
                source = new CancellationTokenSource();
            }

            source.CancelAfter(timeout);
        }

        return new Attempt(this, source, caller.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), source));
    }

    private void End(CancellationTokenSource source, CancellationTokenRegistration caller)
    {
        // what the caller may still be cancelling is never given to another attempt
        bool isUntouched = caller.Unregister() || caller == default;
        if (isUntouched && _mayReuse && _kept.Count < MostKept && source.TryReset())
        {
            _kept.Enqueue(source);
        }
        else if (isUntouched)
        {
            source.Dispose();
        }
    }

    /// <summary>The time of one attempt; ended by disposing it, once.</summary>
    public readonly struct Attempt(AttemptTimeouts owner, CancellationTokenSource source, CancellationTokenRegistration caller)
        : IDisposable
    {
        /// <summary>Cancelled by either.</summary>
        public CancellationToken Token => source.Token;

        public void Dispose() => owner.End(source, caller);
    }
}
