using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using FastConsumer.Diagnostics;
using FastConsumer.Timing;

namespace FastConsumer.Processors;

/// <summary>The time-out of one call of a handler: a token that ends with the time, or with the call's own token.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[SuppressMessage(
    "Reliability",
    "CA2213",
    Justification = "The source has neither a timer nor a handle, and may be cancelled until the call's own token is unregistered.")]
public sealed class CallTimeout : IDisposable
{
    private readonly TimeSpan _time;
    private readonly CancellationToken _outer;
    private readonly CancellationTokenSource _source = new();
    private readonly CallbackGuard _guard;
    private readonly TaskScheduler _scheduler;
    private readonly ITimer _timer;
    private readonly CancellationTokenRegistration _registration;

    internal CallTimeout(TimeSpan time, TimeProvider provider, CancellationToken outer, CallbackGuard? guard = null)
    {
        _time = time;
        _outer = outer;
        _guard = guard ?? CallbackGuard.Silent;
        _scheduler = TaskScheduler.Current;
        // what the handler has registered for its token runs apart from the timers: it may block, and what it throws must not end the
        // process
        _timer = provider.CreateTimer(
            static state =>
            {
                var timeout = (CallTimeout)state!;
                _ = ApartTask.StartOn(timeout._scheduler, timeout.Cancel);
            },
            this,
            TimeSpan.FromMilliseconds(Math.Ceiling(time.TotalMilliseconds)),
            Timeout.InfiniteTimeSpan);
        _registration = outer.UnsafeRegister(static timeout => ((CallTimeout)timeout!).Cancel(), this);
    }

    /// <summary>The token for the handler.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>True where the time is over, and not the shard's.</summary>
    public bool IsOver => _source.IsCancellationRequested && !_outer.IsCancellationRequested;

    /// <summary>What a call that ended by its time-out has failed with.</summary>
    public TimeoutException Exceeded(Exception cause) =>
        new(
            string.Create(
                CultureInfo.InvariantCulture, $"The handler's call took longer than the {_time:c} that [OnError(Timeout = ...)] allows."),
            cause);

    /// <summary>Ends the timer.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        // a callback that blocks is not waited for
        _registration.Unregister();
    }

    private void Cancel() => _guard.Cancel(_source);
}
