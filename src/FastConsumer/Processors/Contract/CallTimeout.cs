using System.ComponentModel;
using System.Globalization;

namespace FastConsumer.Processors;

/// <summary>The time-out of one call of a handler: a token that ends with the time, or with the call's own token.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class CallTimeout : IDisposable
{
    private readonly TimeSpan _time;
    private readonly CancellationToken _outer;
    private readonly CancellationTokenSource _source;
    private readonly CancellationTokenRegistration _registration;

    internal CallTimeout(TimeSpan time, TimeProvider provider, CancellationToken outer)
    {
        _time = time;
        _outer = outer;
        _source = new CancellationTokenSource(time, provider);
        _registration = outer.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _source);
    }

    /// <summary>The token for the handler.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>True where the time is over, and not the shard's.</summary>
    public bool IsOver => _source.IsCancellationRequested && !_outer.IsCancellationRequested;

    /// <summary>What a call that ended by its time-out has failed with.</summary>
    public TimeoutException Exceeded(Exception cause) =>
        new(string.Create(CultureInfo.InvariantCulture, $"The handler's call took longer than the {_time:c} that [OnError(Timeout = ...)] allows."), cause);

    /// <summary>Ends the timer.</summary>
    public void Dispose()
    {
        _registration.Dispose();
        _source.Dispose();
    }
}
